import type { Cluster } from '../../contracts/cluster';
import { Conflict, InvalidRequest } from '../../contracts/errors';
import { decideDrill } from '../../domain/decide-drill';
import { operationIdOfKey, requestHashOf } from '../../domain/operation-id';
import type { AcceptDeps } from '../operations/accept';
import { allClusters } from '../operations/owned';
import { CONTROL_PLANE } from '../operations/sweep-operations';
import { acceptFailover } from './accept-failover';
import { inTheWayOf } from './consider-fail-back';
import type { Considered } from './consider-failover';

/** Begins the drills that are due by the schedules of clusters, one for each due time, and none while anything else is under way. */
export const considerDrills = async (deps: AcceptDeps): Promise<readonly Considered[]> => {
  const considered: Considered[] = [];
  for (const cluster of await allClusters(deps.store)) considered.push(...(await considerDrill(deps, cluster)));
  return considered;
};

const considerDrill = async (deps: AcceptDeps, cluster: Cluster): Promise<readonly Considered[]> => {
  const { name, spec, epoch } = cluster;
  const now = deps.clock().toISOString();
  const planned = decideDrill(cluster, undefined, now);
  if (planned.action === 'none') return [];
  // The epoch is not part of it: the drill itself raises it.
  const key = `${name}/${cluster.createdAt}/${planned.due}`;
  const operationId = operationIdOfKey({ caller: CONTROL_PLANE, method: 'DRILL', path: 'fail-over-cluster', key });
  if (await deps.store.operation(operationId)) return [];
  const decision = decideDrill(cluster, await inTheWayOf(deps, cluster), now);
  if (decision.action !== 'start') return decision.action === 'hold' ? [{ cluster: name, action: 'hold', reason: decision.reason }] : [];
  const trigger = { kind: 'drill' as const, evidence: decision.reason };
  const wish = { zone: spec.drill?.zone, mode: spec.drill?.mode, trigger, drill: true, onlyWhenFree: true };
  try {
    await acceptFailover(deps, { requestedBy: CONTROL_PLANE, operationId, requestHash: requestHashOf(key) }, name, wish);
    return [{ cluster: name, action: 'move', reason: `Epoch ${epoch} of ${name}: ${decision.reason}`, operationId }];
  } catch (error) {
    if (!(error instanceof Conflict || error instanceof InvalidRequest)) throw error;
    return [{ cluster: name, action: 'hold', reason: `${decision.reason}; but ${error.message}` }];
  }
};
