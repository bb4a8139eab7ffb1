import type { Cluster } from '../../contracts/cluster';
import { decideDrill } from '../../domain/decide-drill';
import { allClusters } from '../operations/owned';
import type { CopyDrillDeps } from './accept-copy-drill';
import { acceptDrill } from './accept-drill';
import { begin, type Considered, ownMoveId } from './begin-move';
import { considerEach } from './consider-each';
import { inTheWayOf } from './consider-fail-back';
import { type ZonesDeps, zonesInTrouble } from './zones-in-trouble';

type DrillDeps = CopyDrillDeps & ZonesDeps;

/** Begins the drills that are due by the schedules of clusters, one for each due time, and none while anything else is under way. */
export const considerDrills = async (deps: DrillDeps): Promise<readonly Considered[]> =>
  considerEach(await allClusters(deps.store), (cluster) => considerDrill(deps, cluster));

const considerDrill = async (deps: DrillDeps, cluster: Cluster): Promise<readonly Considered[]> => {
  const { name, spec, epoch } = cluster;
  const now = deps.clock().toISOString();
  const planned = decideDrill(cluster, undefined, now);
  if (planned.action === 'none') return [];
  // The epoch is not part of it: the drill itself raises it.
  const key = `${name}/${cluster.createdAt}/${planned.due}`;
  const operationId = ownMoveId(cluster, 'DRILL', key);
  if (await deps.store.operation(operationId)) return [];
  const decision = decideDrill(cluster, await inTheWayOf(deps, cluster), now);
  if (decision.action !== 'start') return decision.action === 'hold' ? [{ cluster: name, action: 'hold', reason: decision.reason }] : [];
  const trigger = { kind: 'drill' as const, evidence: decision.reason };
  const { schedule: _, ...drill } = spec.drill ?? {};
  const wish = { ...drill, trigger, onlyWhenFree: true, leavesOut: true, impaired: await zonesInTrouble(deps) };
  const begun = {
    cluster: name,
    action: spec.drill?.on === 'copy' ? ('drill' as const) : ('move' as const),
    reason: `Epoch ${epoch} of ${name}: ${decision.reason}`,
    operationId,
  };
  return [await begin(begun, (change) => acceptDrill(deps, change, name, wish))];
};
