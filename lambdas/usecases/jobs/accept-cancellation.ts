import { Conflict } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import { isJobOver } from '../../domain/job-lifecycle';
import { type AcceptDeps, accept, type ChangeRequest, newOperation } from '../operations/accept';
import { heldLease, requireJob, requireRunningCluster } from '../operations/in-the-way';

/** Cancels a job whatever else is under way on it: other operations see that it is no longer wanted, and end. @throws NotFound, Conflict */
export const acceptCancellation = (
  deps: AcceptDeps,
  change: ChangeRequest,
  at: { readonly cluster: string; readonly job: string },
): Promise<Operation> =>
  accept(deps, change, async () => {
    await requireRunningCluster(deps, at.cluster);
    const job = await requireJob(deps.store, at.cluster, at.job);
    if (isJobOver(job.status) && !heldLease(job.lease, deps.clock)) throw new Conflict(`Job ${job.name} does not run: it is ${job.status}`);
    const operation = newOperation(deps, change, at.cluster, at.job, { kind: 'stop-job', mode: 'cancel', drain: false });
    return { operation, write: () => deps.store.acceptCancellation(operation) };
  });
