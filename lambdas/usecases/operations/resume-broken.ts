import type { Cluster } from '../../contracts/cluster';
import type { WorkflowsPort } from '../../gateways/aws/workflows.port';
import { acceptCleaning, type CleanUpDeps } from './clean-up';
import { heldLease } from './in-the-way';
import { allJobs } from './owned';

export interface Resumed {
  /** The operation that makes good what was broken off. */
  readonly operationId: string;
  readonly reason: string;
}

/**
 * What a move had broken off before its cluster was given back is cleaned up after as if it had been interrupted: a version that was stopped for an upgrade is
 * started again, a job that was being submitted is withdrawn. @param giver the move, which may hold the jobs still
 */
export const resumeBroken = async (
  deps: CleanUpDeps & { readonly workflows: WorkflowsPort },
  { name: cluster }: Pick<Cluster, 'name'>,
  giver?: string,
): Promise<readonly Resumed[]> => {
  const resumed: Resumed[] = [];
  for (const { name, brokenOff, lease, status } of await allJobs(deps.store, cluster)) {
    const holder = heldLease(lease, deps.clock)?.operationId;
    if (brokenOff === undefined || (holder !== undefined && holder !== giver)) continue;
    const broken = await deps.store.operation(brokenOff);
    // Seen running meanwhile: it was submitted.
    if (!broken || (broken.kind === 'submit-job' && status !== 'SUBMITTING')) continue;
    const cleaning = await acceptCleaning(deps, broken, lease?.operationId);
    if (cleaning?.status !== 'PENDING') continue;
    await deps.workflows.start(cleaning.kind, cleaning.operationId);
    resumed.push({
      operationId: cleaning.operationId,
      reason: `${cleaning.operationId} makes good that ${brokenOff} on ${name} was broken off`,
    });
  }
  return resumed;
};
