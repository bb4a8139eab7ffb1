import type { Cluster } from '../../contracts/cluster';
import { decideDrill } from '../../domain/decide-drill';
import type { AcceptDeps } from '../operations/accept';
import { allClusters } from '../operations/owned';
import { acceptCopyDrill } from './accept-copy-drill';
import { begin, beginMove, type Considered, ownMoveId } from './begin-move';
import { considerEach } from './consider-each';
import { inTheWayOf } from './consider-fail-back';
import { type ZonesDeps, zonesInTrouble } from './zones-in-trouble';

type DrillDeps = AcceptDeps & ZonesDeps;

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
  const { on, zone, mode = 'planned', jobs = {} } = spec.drill ?? {};
  const common = { zone, trigger, impaired: await zonesInTrouble(deps) };
  const begun = { cluster: name, reason: `Epoch ${epoch} of ${name}: ${decision.reason}`, operationId };
  // A job that does not run now is left out.
  const rehearsals = async (running: ReadonlyMap<string, unknown>) =>
    Object.fromEntries(Object.entries(jobs).filter(([job]) => running.has(job)));
  return [
    on === 'copy'
      ? await begin({ ...begun, action: 'drill' }, (change) => acceptCopyDrill(deps, change, name, { ...common, rehearsals }))
      : await beginMove(deps, cluster, operationId, { ...common, mode, drill: true, onlyWhenFree: true }, begun.reason),
  ];
};
