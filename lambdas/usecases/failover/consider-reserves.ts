import { type Cluster, NO_RESOURCES, type Reserve } from '../../contracts/cluster';
import { Conflict } from '../../contracts/errors';
import type { OperationRequest } from '../../contracts/operation';
import { decideCapacity, hostLimits } from '../../domain/capacity';
import { chooseFailoverZone } from '../../domain/choose-failover-zone';
import { taskManagerZones } from '../../domain/cluster-zone';
import { decideReserve, type ReserveDecision, type ReserveFacts } from '../../domain/decide-reserve';
import { shorten } from '../../domain/describe-failure';
import { lastingProblem } from '../../domain/launch-failure';
import { operationIdOfKey, requestHashOf } from '../../domain/operation-id';
import { asReserve, isThere, latestEpoch } from '../../domain/reserve';
import type { FleetPort, ZoneSeen } from '../../gateways/aws/fleet.port';
import { tryOtherTypes } from '../clusters/other-types';
import { slotDemands } from '../clusters/slot-demands';
import { type AcceptDeps, accept, CONTROL_PLANE, newOperation } from '../operations/accept';
import { allClusters } from '../operations/owned';
import { considerEach } from './consider-each';
import { seeZones } from './zones-in-trouble';

export type ConsiderReservesDeps = AcceptDeps & { readonly fleet: Pick<FleetPort, 'observe' | 'launchAs' | 'zones'> };

export interface ReserveConsidered {
  readonly cluster: string;
  readonly action: ReserveDecision['action'] | 'failed';
  readonly reason: string;
  readonly operationId?: string;
}

/** As in `settle-fleets`: what is looked at behind it in the same minute needs its time too. */
const TIME_MS = 15_000;

/** Sees to it that clusters which are to move without waiting have hosts standing by, as many as their jobs need. Says what it does, and what it waits for. */
export const considerReserves = async (deps: ConsiderReservesDeps): Promise<readonly ReserveConsidered[]> => {
  const clusters = (await allClusters(deps.store)).filter(
    ({ spec, reserve, status }) => status === 'RUNNING' && (spec.placement.failover.capacity === 'warm' || isThere(reserve)),
  );
  const zones = clusters.length === 0 ? [] : await seeZones(deps);
  const consider = async (cluster: Cluster): Promise<readonly ReserveConsidered[]> => {
    const facts = await factsOf(deps, cluster, zones);
    const decision = decideReserve(cluster, facts, deps.clock().toISOString());
    return [await carryOut(deps, cluster, decision, Object.keys(facts.troubled))];
  };
  const considered = await considerEach(clusters, consider, { clock: deps.clock, ms: TIME_MS });
  return considered.filter(({ action }) => action !== 'none');
};

/** AWS shifts traffic away from a zone: what stands by there is made elsewhere. */
export const leaveReserveZone = async (
  deps: AcceptDeps,
  cluster: Cluster,
  zone: string,
  says: string,
): Promise<readonly ReserveConsidered[]> => {
  const { reserve } = cluster;
  // The event is sent once: what is still being made there would be kept.
  if (!(reserve?.status === 'ready' || reserve?.status === 'making') || !zonesOf(cluster, reserve).includes(zone)) return [];
  return [await carryOut(deps, cluster, { action: 'take-away', zone: reserve.zone, hosts: 0, reason: says })];
};

const zonesOf = (cluster: Cluster, reserve: Reserve): readonly string[] => taskManagerZones(asReserve(cluster, reserve));

const factsOf = async (deps: ConsiderReservesDeps, cluster: Cluster, zones: readonly ZoneSeen[]): Promise<ReserveFacts> => {
  const { store, stage, fleet } = deps;
  const { reserve, size, former = [] } = cluster;
  const by = reserve?.by === undefined ? undefined : await store.operation(reserve.by);
  const troubled = Object.fromEntries(zones.flatMap(({ name, trouble }) => (trouble === undefined ? [] : [[name, trouble] as const])));
  const capacity = decideCapacity(await slotDemands(store, { cluster: cluster.name }, 'grow'), size);
  const seen = reserve?.status === 'ready' ? await fleet.observe(reserve.resources) : undefined;
  if (seen) await tryOtherTypes(deps, seen);
  // Where the last one came to nothing, or this one cannot be complete; and what is left of former epochs may be a lost zone's.
  const problem = seen && lastingProblem(seen);
  const unlucky = reserve && (problem !== undefined || (reserve.status === 'gone' && reserve.failures > 0)) ? [reserve.zone] : [];
  const chosen = chooseFailoverZone(cluster.zone, {
    stage: stage.zones.map(({ name }) => name),
    allowed: cluster.spec.placement.failover.zones,
    used: [],
    impaired: [...Object.keys(troubled), ...unlucky, ...former.filter(({ unused }) => !unused).map(({ zone }) => zone)],
  });
  return {
    hosts: capacity.action === 'provide' ? capacity.hosts : hostLimits(size).max,
    zone: chosen.ok ? chosen.zone : undefined,
    troubled,
    ...(isThere(reserve) ? { spreadOver: zonesOf(cluster, reserve).filter((one) => one !== reserve.zone) } : {}),
    underWay: by?.status === 'PENDING' || by?.status === 'RUNNING' ? by.operationId : undefined,
    seen: seen && {
      running: seen.hosts.filter(({ role, state }) => role === 'taskmanager' && state === 'running').length,
      wanted: seen.wanted.taskmanager,
      problem,
    },
  };
};

const carryOut = async (
  deps: AcceptDeps,
  cluster: Cluster,
  decision: ReserveDecision,
  troubled: readonly string[] = [],
): Promise<ReserveConsidered> => {
  const { name } = cluster;
  const { action, reason } = decision;
  if (!('zone' in decision)) return { cluster: name, action, reason };
  const at = deps.clock().toISOString();
  const next = reserveAfter(cluster, decision, at, troubled);
  const request: OperationRequest = {
    kind: 'prepare-reserve',
    action: decision.action,
    epoch: next.epoch,
    zone: next.zone,
    hosts: next.hosts,
    reason: shorten(reason, 500),
  };
  const key = JSON.stringify([name, next.epoch, action, at]);
  const operationId = operationIdOfKey({ caller: CONTROL_PLANE, method: 'RESERVE', path: request.kind, key });
  const change = { requestedBy: CONTROL_PLANE, operationId, requestHash: requestHashOf(key) };
  try {
    await accept(deps, change, async () => {
      const operation = newOperation(deps, change, name, undefined, request);
      return { operation, write: () => deps.store.acceptReserve(operation, { ...next, by: operationId }, cluster) };
    });
    return { cluster: name, action, reason, operationId };
  } catch (error) {
    // Between the look and the write it was changed, or the cluster moved.
    if (!(error instanceof Conflict)) throw error;
    return { cluster: name, action: 'hold', reason: `${reason}; but ${error.message}` };
  }
};

type Change = Extract<ReserveDecision, { readonly zone: string }>;

/** The reserve as it is stored before anything is done about it. */
const reserveAfter = (
  cluster: Cluster,
  { action, zone, hosts, reason, unwanted = false }: Change,
  at: string,
  troubled: readonly string[],
): Reserve => {
  const { reserve, zones = [] } = cluster;
  // It is for the day on which the cluster's zone is lost.
  const avoidedZones = zones.filter((one) => one === cluster.zone || (one !== zone && troubled.includes(one)));
  if (action === 'make' || !reserve)
    return {
      epoch: latestEpoch(cluster) + 1,
      zone,
      ...(zones.length > 1 ? { avoidedZones } : {}),
      status: 'making',
      since: at,
      hosts,
      failures: reserve?.failures ?? 0,
      reason: shorten(reason, 500),
      resources: NO_RESOURCES,
    };
  const changed = { ...reserve, reason: shorten(reason, 500) };
  if (action === 'take-away') {
    const failures = unwanted ? 0 : reserve.failures + (reserve.status === 'leaving' ? 0 : 1);
    return { ...changed, status: 'leaving', since: at, failures };
  }
  // Hosts are asked back by their number alone: a move that came in between must not have its jobs on them.
  return { ...changed, hosts, ...(hosts < reserve.hosts ? { status: 'making' as const, since: at } : {}) };
};
