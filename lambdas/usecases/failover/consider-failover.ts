import type { Cluster } from '../../contracts/cluster';
import { Conflict } from '../../contracts/errors';
import type { LaunchFailed, ShiftedZone, ZoneShift } from '../../contracts/events';
import type { Operation, OperationRequest } from '../../contracts/operation';
import { isSilent } from '../../domain/cluster-fault';
import { taskManagerZones } from '../../domain/cluster-zone';
import { homeShunned } from '../../domain/decide-fail-back';
import { decideFailover, type FailoverDecision, REMEMBERED_SECONDS, silentHosts, type ZoneEvidence } from '../../domain/decide-failover';
import { shorten } from '../../domain/describe-failure';
import { jobManagerGroups } from '../../domain/job-managers';
import { isInterfaceInUse, isProfileUnknown, lastingProblem } from '../../domain/launch-failure';
import { moveOf } from '../../domain/move';
import { operationIdOfKey, requestHashOf } from '../../domain/operation-id';
import { hostsEpoch } from '../../domain/reserve';
import type { FleetPort, FleetSeen } from '../../gateways/aws/fleet.port';
import { tryOtherTypes } from '../clusters/other-types';
import { type AcceptDeps, accept, CONTROL_PLANE, newOperation } from '../operations/accept';
import { recentOperations } from '../operations/list-operations';
import { allClusters } from '../operations/owned';
import { beginMove, type Considered, ownMoveId } from './begin-move';
import { considerEach } from './consider-each';
import { leaveReserveZone } from './consider-reserves';
import { shiftedAway, type ZonesDeps, zonesInTrouble } from './zones-in-trouble';

export type ConsiderFailoverDeps = AcceptDeps & { readonly fleet: Pick<FleetPort, 'observe' | 'launchAs' | 'zoneName' | 'zones'> };
export type ConsiderFaultDeps = AcceptDeps & { readonly fleet: Pick<FleetPort, 'observe' | 'launchAs' | 'zones'> };
type ZoneDeps = AcceptDeps & { readonly fleet: Pick<FleetPort, 'observe' | 'zones'> };
type Replacement = Extract<FailoverDecision, { action: 'replace' }>;

/**
 * AWS shifts traffic away from a zone, or does so no more: it is kept, so that nothing goes there meanwhile, and every cluster that has hosts in it is
 * considered. Those that are on their way there are when they have arrived (`considerShifts`).
 */
export const handleZoneShift = async (deps: ConsiderFailoverDeps, shift: ZoneShift): Promise<readonly Considered[]> => {
  const zone = await deps.fleet.zoneName(shift.zoneId);
  if (zone === undefined || !deps.stage.zones.some(({ name }) => name === zone)) return [];
  const says = `AWS says of ${zone} (${shift.zoneId}): ${shift.says}`;
  // Before clusters are read: one that is sent there after that knows of it.
  await deps.store.recordShift({ zone, says, saidAt: shift.saidAt, heardAt: deps.clock().toISOString(), over: shift.over });
  const shifted = (await shiftedAway(deps)).find((one) => one.zone === zone);
  if (!shifted) return [];
  const clusters = await allClusters(deps.store);
  const there = clusters.filter((one) => hasHostsIn(one, zone) && one.status === 'RUNNING');
  // Whoever is still there comes first: going home, and what stands by, wait in any case.
  const moved = await considerEach(there, async (cluster) => [await considerZone(deps, cluster, shifted)]);
  const left = await considerEach(clusters, async (cluster) => {
    await shunHome(deps, cluster, zone);
    const reserves = await leaveReserveZone(deps, cluster, zone, says);
    return reserves.map(({ action, ...rest }): Considered => ({ ...rest, action: action === 'take-away' ? 'leave' : 'hold' }));
  });
  return [...moved, ...left];
};

export const hasHostsIn = (cluster: Cluster, zone: string): boolean => taskManagerZones(cluster).includes(zone);

/** A cluster with hosts in a zone that AWS shifts traffic away from. */
export const considerZone = async (deps: ZoneDeps, cluster: Cluster, { zone, says }: ShiftedZone): Promise<Considered> =>
  consider(deps, cluster, { kind: 'zone-event', zone, says, ...(await jobManagersOf(deps, cluster)) });

/** Where a second JobManager may lead on, it is looked which of them run. */
const jobManagersOf = async ({ fleet }: ZoneDeps, { zone, resources }: Cluster): Promise<{ readonly jobManagers?: readonly string[] }> => {
  if (resources.standby === undefined || resources.standby.zone === zone) return {};
  const { hosts } = await fleet.observe(resources);
  return { jobManagers: hosts.filter(runsJobManager).map((host) => host.zone) };
};

const runsJobManager = ({ role, state }: FleetSeen['hosts'][number]): boolean => role === 'jobmanager' && state === 'running';

/** What is to go back to this zone stays away from it for a while. */
const shunHome = async ({ store, clock }: ConsiderFailoverDeps, cluster: Cluster, zone: string): Promise<void> => {
  const { name, spec, epoch, zone: present } = cluster;
  const reason = `AWS shifts traffic away from ${zone}`;
  if (spec.placement.failBack?.policy === 'quiet-time' && spec.zone === zone && present !== zone)
    await store.recordHome(name, epoch, { ...homeShunned(clock().toISOString()), reason });
};

/** Auto Scaling could not launch a host: its cluster is considered. */
export const handleLaunchFailure = async (deps: ConsiderFailoverDeps, failed: LaunchFailed): Promise<readonly Considered[]> => {
  const match = new RegExp(`^sluice-${deps.stage.name}-(.+)-e(\\d+)-(?:jobmanager(?:-standby)?|taskmanager-.+)$`).exec(
    failed.AutoScalingGroupName,
  );
  const cluster = match?.[1] === undefined ? undefined : await deps.store.cluster(match[1]);
  const failure = failed.StatusMessage ?? failed.Cause ?? 'a launch failed';
  if (cluster?.status !== 'RUNNING' || isInterfaceInUse(failure) || isProfileUnknown(failure)) return [];
  const epoch = Number(match?.[2]);
  const resources = cluster.reserve?.epoch === epoch ? cluster.reserve.resources : cluster.resources;
  const seen = await deps.fleet.observe(resources);
  const tried = await tryOtherTypes(deps, seen);
  if (tried !== undefined && seen.otherTypes?.some(({ group }) => group === failed.AutoScalingGroupName))
    return [{ cluster: cluster.name, action: 'hold', reason: tried }];
  // Where a JobManager finds no host, TaskManagers in other zones are none to stay for.
  const lacksJobManager = jobManagerGroups(resources).includes(failed.AutoScalingGroupName);
  const leadsIn = lacksJobManager ? seen.hosts.find(runsJobManager)?.zone : undefined;
  const running = seen.hosts.filter(({ state, zone }) => state === 'running' && (zone === cluster.zone || !lacksJobManager)).length;
  const says = shorten(failure, 300);
  return [await consider(deps, cluster, { kind: 'launch-failures', epoch, says, running, leadsIn })];
};

/** Passes of observation have found a cluster without JobManager or TaskManagers for a while: its hosts are looked at, and it is considered. */
export const considerFault = async (deps: ConsiderFaultDeps, name: string): Promise<Considered> => {
  const cluster = await deps.store.cluster(name);
  if (!cluster?.fault || cluster.status !== 'RUNNING')
    return { cluster: name, action: 'hold', reason: `nothing is known to be wrong with ${name}` };
  const { fault, resources } = cluster;
  const now = deps.clock().toISOString();
  const [seen, clusters] = await Promise.all([deps.fleet.observe(resources), allClusters(deps.store)]);
  await tryOtherTypes(deps, seen);
  const role = fault.kind === 'members-lost' ? 'taskmanager' : 'jobmanager';
  const hosts = seen.hosts.filter((host) => host.role === role && host.state !== 'leaving');
  const evidence: ZoneEvidence = {
    kind: 'fault',
    fault,
    silent: fault.silentSince === undefined ? [] : silentHosts(seen, fault.silentSince),
    alsoSilent: clusters.filter((other) => other.name !== name && isSilent(other, now)).map((other) => other.name),
    says:
      fault.kind === 'members-lost'
        ? 'the JobManager has had no TaskManager'
        : resources.standby
          ? 'neither JobManager has answered'
          : 'the JobManager has not answered',
    running: hosts.filter(({ state }) => state === 'running').length,
    launchedAt: seen.hosts
      .filter((host) => hosts.includes(host) || runsJobManager(host))
      .map(({ launchedAt = '' }) => launchedAt)
      .toSorted()
      .at(-1),
    problem: lastingProblem(seen),
  };
  return consider(deps, cluster, evidence);
};

const consider = async (deps: AcceptDeps & ZonesDeps, cluster: Cluster, evidence: ZoneEvidence): Promise<Considered> => {
  const now = deps.clock().toISOString();
  const operations = await recentOperations(deps.store, cluster.name, now, REMEMBERED_SECONDS);
  const moves = operations.flatMap((operation) => moveOf(operation) ?? []);
  const replacedAt = operations.find((operation) => isOfSilence(operation, hostsEpoch(cluster)))?.requestedAt;
  const decision = decideFailover({ ...cluster, automatic: cluster.spec.placement.failover.automatic, moves, replacedAt }, evidence, now);
  if (decision.action === 'hold') return { cluster: cluster.name, action: 'hold', reason: decision.reason };
  if (decision.action === 'replace') return replaceSilent(deps, cluster, decision);
  const trigger = {
    kind: decision.trigger,
    evidence: shorten(decision.reason, 500),
    detectedAt: evidence.kind === 'fault' ? evidence.fault.since : now,
  };
  const impaired = await zonesInTrouble(deps);
  // However many events there are of it: one failover an epoch.
  return beginMove(deps, cluster, ownMoveId(cluster, 'MOVE'), { mode: decision.mode, trigger, impaired }, decision.reason);
};

const isOfSilence = ({ request }: Operation, epoch: number): boolean =>
  request.kind === 'replace-host' && request.notice === 'silence' && request.epoch === epoch;

/** However often it is considered: once a silence. */
const replaceSilent = async (deps: AcceptDeps, cluster: Cluster, decision: Replacement): Promise<Considered> => {
  const { name } = cluster;
  const { instanceId, silentSince, reason } = decision;
  const epoch = hostsEpoch(cluster);
  const operationId = operationIdOfKey({ caller: CONTROL_PLANE, method: 'REPLACE', path: `${name}/${epoch}`, key: silentSince });
  const change = { requestedBy: CONTROL_PLANE, operationId, requestHash: requestHashOf(operationId) };
  const request: OperationRequest = {
    kind: 'replace-host',
    instanceId,
    epoch,
    notice: 'silence',
    silentSince,
    evidence: shorten(reason, 500),
  };
  try {
    await accept(deps, change, async () => {
      const operation = newOperation(deps, change, name, undefined, request);
      return { operation, write: () => deps.store.acceptReplacement(operation, epoch) };
    });
    return { cluster: name, action: 'replace', reason, operationId };
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    return { cluster: name, action: 'hold', reason: `${reason}; but ${error.message}` };
  }
};
