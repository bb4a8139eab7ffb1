import type { Cluster } from '../../contracts/cluster';
import type { ShiftedZone } from '../../contracts/events';
import { SHUNNED_SECONDS } from '../../domain/decide-fail-back';
import { shorten } from '../../domain/describe-failure';
import { isArrival, wasOnItsWay } from '../../domain/shifted-zone';
import { recentOperations } from '../operations/list-operations';
import { allClusters } from '../operations/owned';
import type { Considered } from './begin-move';
import { considerEach } from './consider-each';
import { type ConsiderFailoverDeps, considerZone, hasHostsIn } from './consider-failover';
import { shiftedAway } from './zones-in-trouble';

/** As far back as the operation was asked for that has brought a cluster to a zone during a shift: longer than both together last. Seconds. */
const ARRIVED_SECONDS = 2 * SHUNNED_SECONDS;

type ConsiderShiftsDeps = Pick<ConsiderFailoverDeps, 'store' | 'workflows' | 'clock' | 'stage'> & {
  readonly fleet: Pick<ConsiderFailoverDeps['fleet'], 'observe' | 'zones'>;
};

/**
 * AWS has shifted traffic away from a zone while clusters were on their way into it, by a launch or a move. Its event comes once, and what is on its way
 * cannot be moved: they are considered when they have arrived. Why one stays is among the answers when it is found for the first time and when it has changed.
 */
export const considerShifts = async (deps: ConsiderShiftsDeps): Promise<readonly Considered[]> => {
  const shifted = await shiftedAway(deps);
  const there = shifted.length === 0 ? [] : (await allClusters(deps.store)).filter(({ status }) => status === 'RUNNING');
  return considerEach(there, async (cluster) => {
    const missed = await missedBy(deps, cluster, shifted);
    if (!missed) return [];
    const considered = await considerZone(deps, cluster, missed);
    return considered.action === 'hold' && !(await isNews(deps, cluster, missed, considered.reason)) ? [] : [considered];
  });
};

const isNews = async ({ store }: ConsiderShiftsDeps, cluster: Cluster, { zone, saidAt }: ShiftedZone, reason: string): Promise<boolean> => {
  const { name, epoch, heldShift: known } = cluster;
  const held = { epoch, zone, saidAt, reason: shorten(reason, 500) };
  if (known?.epoch === epoch && known.zone === zone && known.saidAt === saidAt && known.reason === held.reason) return false;
  await store.recordHeldShift(name, held);
  return true;
};

const missedBy = async (
  { store, clock }: ConsiderShiftsDeps,
  cluster: Cluster,
  shifted: readonly ShiftedZone[],
): Promise<ShiftedZone | undefined> => {
  const here = shifted.filter(({ zone }) => hasHostsIn(cluster, zone));
  if (here.length === 0) return undefined;
  const arrival = (await recentOperations(store, cluster.name, clock().toISOString(), ARRIVED_SECONDS)).find(isArrival);
  return arrival && here.find((one) => wasOnItsWay(arrival, one));
};
