import type { Lease } from '../../contracts/cluster';
import { Conflict } from '../../contracts/errors';
import type { Operation, OperationRequest } from '../../contracts/operation';
import { later } from '../../domain/clock';
import { goneAtOf, type Notice } from '../../domain/interruption';
import { operationIdOfKey, requestHashOf } from '../../domain/operation-id';
import { hostsEpoch } from '../../domain/reserve';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { type AcceptDeps, accept, newOperation } from '../operations/accept';

export interface Interruption {
  readonly instanceId: string;
  readonly notice: Notice;
  /** What AWS says of it. @default - the notice is all */
  readonly evidence?: string | undefined;
  /** When EC2 gave it, ISO 8601. */
  readonly noticedAt: string;
}
export type Interrupted =
  | { readonly action: 'replace'; readonly operationId: string; readonly reason: string }
  | { readonly action: 'ignore'; readonly reason: string };

/**
 * A notice of EC2 becomes an operation that replaces the host: one for a host and kind of notice, however often the notice comes. Instances that are not a
 * host of a cluster as it runs now, or is moving to, are nobody's business here. A replacement waits for the end of a move. Hosts of JobManagers are bought on
 * demand, so of them EC2 only says that they are retired.
 */
export const acceptInterruption = async (
  deps: AcceptDeps & { readonly fleet: FleetPort },
  { instanceId, notice, evidence, noticedAt }: Interruption,
): Promise<Interrupted> => {
  const goneAt = goneAtOf(notice, noticedAt);
  const ignore = (why: string): Interrupted => ({ action: 'ignore', reason: `${notice} of ${instanceId}: ${why}` });
  const owner = await deps.fleet.ownerOf(instanceId);
  if (!owner) return ignore('it is no host of this stage');
  if (owner.role === 'jobmanager' && notice !== 'retirement')
    return ignore(`it is the JobManager of ${owner.cluster}, which is no Spot instance`);
  const cluster = await deps.store.cluster(owner.cluster);
  if (cluster?.reserve?.epoch === owner.epoch) return ignore(`it stands by in the reserve of ${owner.cluster}, whose group replaces it`);
  const isRunning = cluster?.status === 'RUNNING' && hostsEpoch(cluster) === owner.epoch;
  const isMoving = cluster?.status === 'FAILING_OVER' && cluster.epoch === owner.epoch;
  if (cluster?.desired !== 'RUNNING' || !(isRunning || isMoving))
    return ignore(`cluster ${owner.cluster} does not run at epoch ${owner.epoch}`);
  const { cluster: name, epoch } = owner;
  const request: OperationRequest = {
    kind: 'replace-host',
    instanceId,
    epoch,
    notice,
    ...(owner.role === 'jobmanager' ? { role: owner.role } : {}),
    ...(goneAt === undefined ? {} : { goneAt }),
    ...(evidence === undefined ? {} : { evidence }),
  };
  const change = {
    requestedBy: REQUESTER,
    operationId: operationIdOfKey({ caller: REQUESTER, method: 'REPLACE', path: `${name}/${epoch}`, key: `${instanceId}/${notice}` }),
    requestHash: requestHashOf({ instanceId, notice }),
  };
  try {
    const { operationId } = await accept(deps, change, async () => {
      const operation = afterMove(newOperation(deps, change, name, undefined, request), cluster.lease);
      return { operation, write: () => deps.store.acceptReplacement(operation, epoch) };
    });
    return { action: 'replace', operationId, reason: `${notice} of ${instanceId}: ${operationId} replaces it` };
  } catch (error) {
    // Between the look and the write the cluster was taken over or is to be terminated.
    if (error instanceof Conflict) return ignore(error.message);
    throw error;
  }
};

/** Its time begins when whatever holds the cluster has let go of it. */
const afterMove = (operation: Operation, lease: Lease | undefined): Operation => {
  const waits = lease && lease.until > operation.requestedAt ? Date.parse(lease.until) - Date.parse(operation.requestedAt) : 0;
  return { ...operation, deadline: later(operation.deadline, waits / 1_000) };
};

const REQUESTER = 'ec2';
