import { Conflict } from '../../contracts/errors';
import type { OperationRequest } from '../../contracts/operation';
import { goneAtOf, type Notice } from '../../domain/interruption';
import { operationIdOfKey, requestHashOf } from '../../domain/operation-id';
import { hostsEpoch } from '../../domain/reserve';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { type AcceptDeps, accept, newOperation } from '../operations/accept';

export interface Interruption {
  readonly instanceId: string;
  readonly notice: Notice;
  /** When EC2 gave it, ISO 8601. */
  readonly noticedAt: string;
}
export type Interrupted =
  | { readonly action: 'replace'; readonly operationId: string; readonly reason: string }
  | { readonly action: 'ignore'; readonly reason: string };

/**
 * A notice of EC2 becomes an operation that replaces the host: one for a host and kind of notice, however often the notice comes. Instances that are not a
 * TaskManager host of a cluster as it runs now are nobody's business here.
 */
export const acceptInterruption = async (
  deps: AcceptDeps & { readonly fleet: FleetPort },
  { instanceId, notice, noticedAt }: Interruption,
): Promise<Interrupted> => {
  const goneAt = goneAtOf(notice, noticedAt);
  const ignore = (why: string): Interrupted => ({ action: 'ignore', reason: `${notice} of ${instanceId}: ${why}` });
  const owner = await deps.fleet.ownerOf(instanceId);
  if (!owner) return ignore('it is no host of this stage');
  if (owner.role === 'jobmanager') return ignore(`it is the JobManager of ${owner.cluster}, which its group replaces at its address`);
  const cluster = await deps.store.cluster(owner.cluster);
  if (cluster?.reserve?.epoch === owner.epoch) return ignore(`it stands by in the reserve of ${owner.cluster}, whose group replaces it`);
  const isRunning = cluster?.status === 'RUNNING' && cluster.desired === 'RUNNING';
  if (!isRunning || hostsEpoch(cluster) !== owner.epoch) return ignore(`cluster ${owner.cluster} does not run at epoch ${owner.epoch}`);
  const { cluster: name, epoch } = owner;
  const request: OperationRequest = { kind: 'replace-host', instanceId, epoch, notice, ...(goneAt === undefined ? {} : { goneAt }) };
  const change = {
    requestedBy: REQUESTER,
    operationId: operationIdOfKey({ caller: REQUESTER, method: 'REPLACE', path: `${name}/${epoch}`, key: `${instanceId}/${notice}` }),
    requestHash: requestHashOf({ instanceId, notice }),
  };
  try {
    const { operationId } = await accept(deps, change, async () => {
      const operation = newOperation(deps, change, name, undefined, request);
      return { operation, write: () => deps.store.acceptReplacement(operation, epoch) };
    });
    return { action: 'replace', operationId, reason: `${notice} of ${instanceId}: ${operationId} replaces it` };
  } catch (error) {
    // Between the look and the write the cluster was taken over or is to be terminated.
    if (error instanceof Conflict) return ignore(error.message);
    throw error;
  }
};

const REQUESTER = 'ec2';
