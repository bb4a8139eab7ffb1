import { InsufficientCapacity } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { TaskAnswer } from '../../contracts/workflow';
import { chooseFailoverZone } from '../../domain/choose-failover-zone';
import { ownCluster, type StoreDeps } from '../operations/owned';
import { nextEpoch } from './accept-failover';

/**
 * After a zone without capacity: the next one, as a further epoch, so that nothing made for this one can be mistaken for it.
 * @throws InsufficientCapacity when no zone is left
 */
export const nextZone = async (deps: StoreDeps & { readonly stage: Stage }, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownCluster(deps, operation);
  const { request } = operation;
  // Going home is no emergency: the cluster stays where it is well.
  if (request.kind === 'fail-over-cluster' && request.trigger.kind === 'failback')
    throw new InsufficientCapacity(`EC2 has no capacity in ${cluster.zone}, the home zone`);
  const { from, avoid = [], again = 0 } = request.kind === 'fail-over-cluster' ? request : { from: cluster.zone };
  const tried = (cluster.former ?? []).filter(({ unused, epoch }) => !unused && epoch >= again);
  const used = [from, ...tried.map(({ zone }) => zone), cluster.zone];
  const chosen = chooseFailoverZone(cluster.zone, {
    stage: deps.stage.zones.map(({ name }) => name),
    allowed: cluster.spec.placement.failover.zones,
    used,
    impaired: [],
  });
  if (!chosen.ok) throw new InsufficientCapacity(`EC2 has no capacity in ${cluster.zone}, and ${chosen.reason}`);
  const { epoch, zone, resources, former, avoidedZones } = nextEpoch(cluster, chosen.zone, avoid);
  await deps.store.updateCluster(cluster.name, operation.operationId, { epoch, zone, resources, former, avoidedZones });
  return { reason: `${cluster.zone} has no capacity; ${chosen.reason}` };
};
