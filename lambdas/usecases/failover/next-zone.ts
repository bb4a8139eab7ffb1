import type { Cluster } from '../../contracts/cluster';
import { InsufficientCapacity } from '../../contracts/errors';
import type { Operation, OperationRequest } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { TaskAnswer } from '../../contracts/workflow';
import { chooseFailoverZone, type FailoverZone } from '../../domain/choose-failover-zone';
import type { Clock } from '../../domain/clock';
import { ownCluster, type StoreDeps } from '../operations/owned';
import { nextEpoch } from './accept-failover';
import { shiftedAway } from './zones-in-trouble';

type MoveRequest = Extract<OperationRequest, { kind: 'fail-over-cluster' }>;

/** The zone that a move goes to when the present one has no hosts for it. @param shifted zones that AWS shifts traffic away from since the move began */
export const zoneLeft = (
  { zones }: Pick<Stage, 'zones'>,
  cluster: Cluster,
  { from, avoid = [], again = 0, trigger }: MoveRequest,
  shifted: readonly string[] = [],
): FailoverZone => {
  // Going home is no emergency: the cluster stays where it is well.
  if (trigger.kind === 'failback') return { ok: false, reason: 'it is the home zone' };
  const tried = (cluster.former ?? []).filter(({ unused, epoch }) => !unused && epoch >= again);
  return chooseFailoverZone(cluster.zone, {
    stage: zones.map(({ name }) => name),
    allowed: cluster.spec.placement.failover.zones,
    used: [from, ...tried.map(({ zone }) => zone), cluster.zone],
    impaired: [...avoid, ...shifted],
  });
};

/**
 * After a zone that had no hosts: the next one, as a further epoch, so that nothing made for this one can be mistaken for it.
 * @throws InsufficientCapacity when no zone is left
 */
export const nextZone = async (
  deps: StoreDeps & { readonly stage: Stage; readonly clock: Clock },
  operation: Operation,
): Promise<TaskAnswer> => {
  const cluster = await ownCluster(deps, operation);
  const { request } = operation;
  if (request.kind !== 'fail-over-cluster') throw new Error(`operation ${operation.operationId} is no failover`);
  const shifted = (await shiftedAway(deps)).map(({ zone }) => zone);
  const chosen = zoneLeft(deps.stage, cluster, request, shifted);
  if (!chosen.ok) throw new InsufficientCapacity(`${cluster.zone} has no hosts for it, and ${chosen.reason}`);
  const { epoch, zone, resources, former, avoidedZones } = nextEpoch(cluster, chosen.zone, [...(request.avoid ?? []), ...shifted]);
  await deps.store.updateCluster(cluster.name, operation.operationId, { epoch, zone, resources, former, avoidedZones });
  return { reason: `${cluster.zone} has no hosts for it; ${chosen.reason}` };
};
