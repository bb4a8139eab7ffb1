import type { Cluster, HomeSeen } from '../../contracts/cluster';
import { BACK_OFF_DAYS, decideFailBack, homeAfter } from '../../domain/decide-fail-back';
import { shorten } from '../../domain/describe-failure';
import { onCopy } from '../../domain/drill-copy';
import type { FleetPort, ZoneSeen } from '../../gateways/aws/fleet.port';
import type { AcceptDeps } from '../operations/accept';
import { heldByAnybody } from '../operations/in-the-way';
import { allClusters, allJobs } from '../operations/owned';
import { beginMove, type Considered, ownMoveId } from './begin-move';
import { considerEach } from './consider-each';
import { movesOf } from './list-moves';

export type FailBackDeps = AcceptDeps & { readonly fleet: Pick<FleetPort, 'zones'> };

/** Looks at the home zone of every cluster that is to go back by itself, keeps what it found and why nothing is done yet, and begins the move when it is time. */
export const considerFailBacks = async (deps: FailBackDeps): Promise<readonly Considered[]> => {
  const away = (await allClusters(deps.store)).filter(isAway);
  const zones = away.length === 0 ? [] : await deps.fleet.zones();
  return considerEach(away, async (cluster) => [await considerFailBack(deps, cluster, zones)]);
};

const isAway = ({ spec, zone, status, desired }: Cluster): boolean =>
  spec.placement.failBack?.policy === 'quiet-time' &&
  spec.zone !== undefined &&
  spec.zone !== zone &&
  status === 'RUNNING' &&
  desired === 'RUNNING';

const considerFailBack = async (deps: FailBackDeps, cluster: Cluster, zones: readonly ZoneSeen[]): Promise<Considered> => {
  const { store, clock } = deps;
  const { name, spec, epoch } = cluster;
  const now = clock().toISOString();
  const home = spec.zone ?? cluster.zone;
  const zone = zones.find((one) => one.name === home);
  const trouble = zone ? zone.trouble : `EC2 does not know ${home}`;
  const seen = homeAfter(cluster.home, trouble, now);
  const away = {
    ...{ ...cluster, home, policy: spec.placement.failBack ?? { policy: 'manual' as const, healthyMinutes: 0 } },
    seen: { ...seen, reason: '' },
    inTheWay: await inTheWayOf(deps, cluster),
    moves: await movesOf(store, name, now, BACK_OFF_DAYS * 86_400),
  };
  const { action, reason } = decideFailBack(away, trouble, now);
  const kept: HomeSeen = { ...seen, reason: shorten(reason, 500) };
  // Another has moved it meanwhile.
  if (!(await store.recordHome(name, epoch, kept))) return { cluster: name, action: 'hold', reason: `${name} was moved meanwhile` };
  if (action === 'hold') return { cluster: name, action, reason };
  const trigger = { kind: 'failback' as const, evidence: shorten(reason, 500) };
  const wish = { zone: home, mode: 'planned' as const, trigger, onlyWhenFree: true };
  return beginMove(deps, cluster, ownMoveId(cluster, 'RETURN'), wish, reason);
};

const underWay = async ({ store, clock }: Pick<AcceptDeps, 'store' | 'clock'>, cluster: Cluster): Promise<string | undefined> => {
  const all = (await store.openOperations()).map(onCopy);
  const open = all.find(({ cluster: of, kind }) => of === cluster.name && kind !== 'prepare-reserve');
  const operationId = open?.operationId ?? heldByAnybody(cluster, await allJobs(store, cluster.name), clock)?.operationId;
  return operationId && `${operationId} is under way`;
};

/** Why a move that can wait does wait: it breaks nothing off, and moves nothing that is not well. */
export const inTheWayOf = async ({ store, clock }: Pick<AcceptDeps, 'store' | 'clock'>, cluster: Cluster): Promise<string | undefined> => {
  if (cluster.fault) return `it has had a fault since ${cluster.fault.since} (${cluster.fault.kind})`;
  if (cluster.former) return `epoch ${cluster.former.map(({ epoch }) => epoch).join(', ')} is still there`;
  return underWay({ store, clock }, cluster);
};
