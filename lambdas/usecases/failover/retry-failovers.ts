import type { Cluster } from '../../contracts/cluster';
import { failoverZones } from '../../domain/choose-failover-zone';
import { AVOIDED_SECONDS, decideRetry, isStranded, RETRY_AT_MOST_SECONDS } from '../../domain/decide-retry';
import { shorten } from '../../domain/describe-failure';
import type { AcceptDeps } from '../operations/accept';
import { heldLease } from '../operations/in-the-way';
import { allClusters } from '../operations/owned';
import { beginMove, type Considered, ownMoveId } from './begin-move';
import { considerEach } from './consider-each';
import { movesOf } from './list-moves';
import { type ZonesDeps, zonesInTrouble } from './zones-in-trouble';

type RetryDeps = AcceptDeps & ZonesDeps;

/** As far back as moves matter: longer than zones are avoided, and than it takes until the pauses are longest. Seconds. */
const REMEMBERED_SECONDS = AVOIDED_SECONDS + 6 * RETRY_AT_MOST_SECONDS;

/** Tries the moves again that have failed and left their clusters without hosts, after pauses that grow. */
export const retryFailovers = async (deps: RetryDeps): Promise<readonly Considered[]> =>
  considerEach((await allClusters(deps.store)).filter(isStranded), async (cluster) => [await retry(deps, cluster)]);

const retry = async (deps: RetryDeps, cluster: Cluster): Promise<Considered> => {
  const busy = await heldByOther(deps, cluster);
  if (busy !== undefined) return { cluster: cluster.name, action: 'hold', reason: `${busy} is under way` };
  const { name, zone: present, spec, reserve } = cluster;
  const { automatic, zones: wished } = spec.placement.failover;
  const zones = failoverZones(
    wished,
    deps.stage.zones.map((one) => one.name),
  );
  const now = deps.clock().toISOString();
  const moves = await movesOf(deps.store, name, now, REMEMBERED_SECONDS);
  const standsBy = reserve?.status === 'ready' ? reserve.zone : undefined;
  const decision = decideRetry({ name, zone: present, automatic, zones, standsBy, impaired: await zonesInTrouble(deps) }, moves, now);
  const { action, reason } = decision;
  if (action === 'hold') return { cluster: name, action, reason };
  const trigger = { kind: 'recovery' as const, evidence: shorten(reason, 500) };
  const wish = { zone: decision.zone, impaired: decision.avoid, trigger, again: true };
  return beginMove(deps, cluster, ownMoveId(cluster, 'RETRY'), wish, reason);
};

/** Who holds the cluster; who only tidies up waits for hosts that may stay for long, and gives way. */
const heldByOther = async ({ store, clock }: AcceptDeps, { lease }: Cluster): Promise<string | undefined> => {
  const holder = heldLease(lease, clock)?.operationId;
  const request = holder === undefined ? undefined : (await store.operation(holder))?.request;
  return request?.kind === 'fail-over-cluster' && request.cleansOnly ? undefined : holder;
};
