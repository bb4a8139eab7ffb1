import type { Cluster } from '../../contracts/cluster';
import { Conflict } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import type { TaskAnswer } from '../../contracts/workflow';
import { letJobsGo } from '../failover/hand-over';
import { ownCluster, type StoreDeps } from '../operations/owned';

/**
 * A move that came to nothing before any job was asked to stop: the cluster has its former hosts again, whose jobs never noticed. What was made for the
 * move is taken away afterwards. @throws Conflict when an earlier operation has gone further than that
 */
export const giveBack = async (deps: StoreDeps, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownCluster(deps, operation);
  const { request } = operation;
  const from = request.kind === 'fail-over-cluster' ? request.from : '';
  const kept = keptEpoch(cluster, from);
  if (!kept) return { reason: 'There is nothing to give back' };
  // By an operation that this one goes on with.
  if (kept.leftAt !== undefined)
    throw new Conflict(
      `Epoch ${kept.epoch} of ${cluster.name} was left at ${kept.leftAt}: its jobs were asked to stop, or its hosts cut off`,
    );
  await letJobsGo(deps, operation, 'RUNNING', `Last seen before its cluster ${cluster.name} was to be moved, which came to nothing`);
  const tried = { epoch: cluster.epoch, zone: cluster.zone, resources: cluster.resources };
  await deps.store.updateCluster(cluster.name, operation.operationId, {
    status: 'RUNNING',
    statusReason: `Stays in ${kept.zone}: its move to ${cluster.zone} came to nothing`,
    zone: kept.zone,
    avoidedZones: undefined,
    resources: { ...kept.resources, epoch: kept.epoch },
    former: [...(cluster.former ?? []).filter((one) => one !== kept), tried],
  });
  return { reason: `${cluster.name} stays in ${kept.zone}, its jobs were not touched` };
};

/** The epoch that had the jobs: the one that the operation came from. */
const keptEpoch = ({ former = [], resources, epoch }: Cluster, from: string) =>
  // Given back already when this is tried again.
  resources.epoch !== undefined && resources.epoch !== epoch ? undefined : former.findLast(({ zone, unused }) => zone === from && !unused);
