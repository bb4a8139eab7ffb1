import type { Cluster, ClusterFault } from '../contracts/cluster';
import type { FailoverMode } from '../contracts/drill';
import type { FailoverTrigger } from '../contracts/operation';
import type { FleetSeen } from '../gateways/aws/fleet.port';
import { growingPause, later } from './clock';
import { taskManagerZones } from './cluster-zone';
import type { Move } from './move';
import { hostsEpoch } from './reserve';

/** What was seen of a zone or of a cluster's hosts in it. */
export type ZoneEvidence =
  /** AWS says that a zone is impaired. */
  | {
      readonly kind: 'zone-event';
      readonly zone: string;
      readonly says: string;
      /** Zones of the cluster's JobManager hosts that run by what EC2 says; undefined: not looked at, as nobody stands by in another zone. */
      readonly jobManagers?: readonly string[];
    }
  /** Auto Scaling could not launch a host of a cluster. */
  | {
      readonly kind: 'launch-failures';
      /** Epoch whose group it was. */
      readonly epoch: number;
      readonly says: string;
      /** Hosts of the cluster that run by what EC2 says. */
      readonly running: number;
      /** Zone of a JobManager host that runs, where it is a JobManager's host that could not be launched. */
      readonly leadsIn?: string | undefined;
    }
  /** Passes of observation find the cluster without JobManager or without TaskManagers. */
  | {
      readonly kind: 'fault';
      readonly fault: ClusterFault;
      readonly says: string;
      /** Hosts of the role that is missing which run by what EC2 says. */
      readonly running: number;
      /** Of them those that can have fallen silent: where the JobManager does not answer (`silentHosts`). */
      readonly silent: readonly { readonly instanceId: string }[];
      /** Other clusters whose JobManager does not answer now. */
      readonly alsoSilent: readonly string[];
      /** When the newest of them was launched, or of the JobManager's, without which nobody registers. ISO 8601 */
      readonly launchedAt?: string | undefined;
      /** EC2's message of the newest launch that failed, where none has succeeded since. */
      readonly problem?: string | undefined;
    };

type FaultEvidence = Extract<ZoneEvidence, { kind: 'fault' }>;

export type FailoverDecision =
  | { readonly action: 'move'; readonly mode?: FailoverMode; readonly trigger: FailoverTrigger['kind']; readonly reason: string }
  /** The hosts of the JobManager, by others in its zone. `instanceId`: the first of them. */
  | { readonly action: 'replace'; readonly instanceId: string; readonly silentSince: string; readonly reason: string }
  | { readonly action: 'hold'; readonly reason: string };

/** Any move has so long to settle before hosts that EC2 cannot launch are a reason for another. AWS's word about a zone waits for nothing. Seconds. */
export const SETTLE_SECONDS = 60;
/** The same where nobody says that anything is wrong: the move may not have helped. Seconds. */
export const SETTLE_IN_SILENCE_SECONDS = 300;
/** Each earlier move for want of answers or hosts after which the jobs did not all run doubles the time to settle: another will hardly help. Never longer, seconds. */
export const SETTLE_AT_MOST_SECONDS = 3_600;
/** Moves that are older tell nothing about the next. Seconds. */
export const REMEMBERED_SECONDS = 6 * 3_600;
const DOUBTFUL: readonly FailoverTrigger['kind'][] = ['launch-failures', 'members-lost', 'jobmanager-unreachable'];

/**
 * What is lost is replaced in its zone: EC2's status checks take up to five minutes to give a host up, and one that is new boots meanwhile. A
 * JobManager that restarts recovers its jobs by itself within seconds. Only what has lasted longer is the zone's. Seconds.
 */
export const REPLACEMENT_SECONDS = 300;

/**
 * The same of a host that the control plane has replaced because it was silent: nobody has to wait for status checks, and a boot takes 75 to 150 s. Most
 * often it is over within the time above, so that a zone that is lost in silence is left as soon as without it. Seconds.
 */
export const BOOT_SECONDS = 180;
/** A JobManager's process that restarts is silent for some seconds, whatever was wrong before. Seconds. */
const HUNG_SECONDS = 60;
/** A silence that comes back so soon is not the host's: the next one is for a move. Seconds. */
export const REPLACED_ONCE_IN_SECONDS = 3_600;
/** Passes are a minute apart at most: one between the launch of a host and a silence that began so long after it has found it well. Seconds. */
const SEEN_WELL_SECONDS = 90;

/** JobManager hosts that run by what EC2 says and were there before a silence began. One that is newer may still boot. @param since ISO 8601 */
export const silentHosts = ({ hosts }: Pick<FleetSeen, 'hosts'>, since: string): FleetSeen['hosts'] =>
  hosts.filter(
    ({ role, state, launchedAt }) =>
      role === 'jobmanager' && state === 'running' && launchedAt !== undefined && secondsSince(launchedAt, since) >= SEEN_WELL_SECONDS,
  );

type Subject = Pick<Cluster, 'name' | 'zone' | 'zones' | 'avoidedZones' | 'status' | 'epoch' | 'desired' | 'resources'> & {
  readonly automatic: boolean;
  /** The newest first, as far back as `REMEMBERED_SECONDS`. */
  readonly moves: readonly Pick<Move, 'at' | 'trigger' | 'helped'>[];
  /** When hosts of its JobManager were replaced last because they were silent. ISO 8601 */
  readonly replacedAt?: string | undefined;
};

/**
 * Whether evidence is enough to move a cluster by itself, or to give its JobManager another host in its zone. A launch that failed is not, as long as a host is there
 * to go on with: the group tries again, and a JobManager or TaskManager that restarts comes back by itself. @param now ISO 8601
 */
export const decideFailover = (cluster: Subject, evidence: ZoneEvidence, now: string): FailoverDecision => {
  const hold = (reason: string): FailoverDecision => ({ action: 'hold', reason });
  if (cluster.desired !== 'RUNNING' || cluster.status !== 'RUNNING') return hold(`${cluster.name} is ${cluster.status}`);
  const stays = evidence.kind === 'zone-event' ? staysInSpiteOf(cluster, evidence) : undefined;
  if (stays !== undefined) return hold(stays);
  const hung = evidence.kind === 'fault' ? decideHung(cluster, evidence, now) : undefined;
  if (hung !== undefined) return hung;
  if (!cluster.automatic) return hold(`${cluster.name} is moved by a person only (placement.failover.automatic): ${evidence.says}`);
  if (evidence.kind === 'zone-event')
    // How far the zone still works is seen by asking the JobManager.
    return { action: 'move', trigger: 'zone-event', reason: evidence.says };
  if (evidence.kind === 'fault') return decideFault(cluster, evidence, now);
  if (evidence.epoch !== hostsEpoch(cluster)) return hold(`epoch ${evidence.epoch} of ${cluster.name} is not its present one`);
  if (evidence.leadsIn !== undefined)
    return hold(
      `the JobManager of ${cluster.name} in ${evidence.leadsIn} leads on, its other JobManager host cannot be launched: ${evidence.says}; ${SPREAD_AGAIN}`,
    );
  if (evidence.running > 0) return hold(`${evidence.running} hosts of ${cluster.name} still run in ${cluster.zone}: ${evidence.says}`);
  const unsettled = settling(cluster, SETTLE_SECONDS, now);
  if (unsettled !== undefined) return hold(`${unsettled}: ${evidence.says}`);
  return {
    action: 'move',
    mode: 'lost',
    trigger: 'launch-failures',
    reason: `no host is left in ${cluster.zone} and none can be launched: ${evidence.says}`,
  };
};

/** What a person on call can do about a cluster that lives on with one of its two JobManagers. */
const SPREAD_AGAIN = 'should it not come back, a planned move puts both into zones that are well';

/** Why a zone's event is no reason to move the cluster; undefined: it is one. */
const staysInSpiteOf = (
  { name, zone: home, zones, avoidedZones, resources: { standby } }: Subject,
  { zone, jobManagers = [] }: Extract<ZoneEvidence, { kind: 'zone-event' }>,
): string | undefined => {
  const goesOn = `its jobs go on in the slots of the other zones, and hosts lost in ${zone} are replaced there`;
  if (![home, standby?.zone].includes(zone))
    return taskManagerZones({ zone: home, zones, avoidedZones }).includes(zone)
      ? `the JobManager of ${name} is in ${home}: ${goesOn}`
      : `${name} is in ${home}, not in ${zone}`;
  const elsewhere = jobManagers.find((one) => one !== zone);
  if (elsewhere === undefined) return undefined;
  const who =
    elsewhere === standby?.zone
      ? `its stand-by JobManager in ${elsewhere} leads on`
      : `its JobManager in ${elsewhere} leads on, without a stand-by`;
  return `${name} stays: ${who}; ${goesOn}. Nobody stands by until ${zone} is well: ${SPREAD_AGAIN}`;
};

/**
 * A JobManager that hangs while its host is well: another host is much cheaper than a move. Which of two leads nobody says when both are silent, so both go. Where
 * those of several clusters are silent, it is their zone or the way there, and hosts would be ended for nothing.
 */
const decideHung = (cluster: Subject, evidence: FaultEvidence, now: string): FailoverDecision | undefined => {
  const { fault, silent, alsoSilent } = evidence;
  const [first] = silent;
  const { silentSince } = fault;
  if (!first || fault.epoch !== cluster.epoch || alsoSilent.length > 0) return undefined;
  if (silentSince === undefined || secondsSince(silentSince, now) < HUNG_SECONDS) return undefined;
  if (cluster.replacedAt !== undefined && secondsSince(cluster.replacedAt, now) < REPLACED_ONCE_IN_SECONDS) return undefined;
  const hosts = silent.map(({ instanceId }) => instanceId).join(' and ');
  const reason = `${lasting(evidence, silentSince, now)} though ${hosts} ${silent.length === 1 ? 'runs' : 'run'} by what EC2 says`;
  return { action: 'replace', instanceId: first.instanceId, silentSince, reason };
};

const lasting = ({ says }: FaultEvidence, since: string, now: string): string => `${says} for ${secondsSince(since, now)} s`;

const decideFault = (cluster: Subject, evidence: FaultEvidence, now: string): FailoverDecision => {
  const { fault, running, problem } = evidence;
  const hold = (reason: string): FailoverDecision => ({ action: 'hold', reason });
  if (fault.epoch !== cluster.epoch) return hold(`epoch ${fault.epoch} of ${cluster.name} is not its present one`);
  const move = (reason: string): FailoverDecision => ({ action: 'move', mode: 'lost', trigger: fault.kind, reason });
  const lasts = lasting(evidence, fault.since, now);
  const failing = running === 0 && problem !== undefined;
  const unsettled = settling(cluster, failing ? SETTLE_SECONDS : SETTLE_IN_SILENCE_SECONDS, now);
  if (unsettled !== undefined) return hold(`${unsettled}: ${lasts}`);
  if (failing) return move(`${lasts}, no such host is left in ${cluster.zone} and none can be launched: ${problem}`);
  const left = secondsSince(now, replacedBy(cluster, evidence));
  const others = evidence.alsoSilent.length > 0 ? `, nor that of ${evidence.alsoSilent.join(', ')}` : '';
  if (left > 0) return hold(`${lasts}${others}; what is lost has ${left} s more to be replaced in ${cluster.zone}`);
  return move(`${lasts}, and was not replaced in ${cluster.zone} (${running} such hosts run by what EC2 says)`);
};

/** By when what is lost has been replaced in its zone, if it ever is. ISO 8601 */
const replacedBy = ({ replacedAt = '' }: Subject, { fault: { since }, launchedAt = '' }: FaultEvidence): string => {
  const first = later(since, REPLACEMENT_SECONDS);
  const latest = (a: string, b: string): string => (a > b ? a : b);
  if (replacedAt >= since) return latest(first, later(latest(replacedAt, launchedAt), BOOT_SECONDS));
  return launchedAt > since ? later(launchedAt, REPLACEMENT_SECONDS) : first;
};

/** Why a cluster is not to be moved yet because it was moved a moment ago. @param first time to settle after a move that was not for want of answers or hosts, seconds */
const settling = ({ name, moves }: Subject, first: number, now: string): string | undefined => {
  const [last] = moves;
  if (!last) return undefined;
  const vain = moves.filter(
    ({ trigger, at, helped }) => DOUBTFUL.includes(trigger) && !helped && secondsSince(at, now) <= REMEMBERED_SECONDS,
  ).length;
  const settles = growingPause(first, vain, SETTLE_AT_MOST_SECONDS);
  const since = secondsSince(last.at, now);
  if (since >= settles) return undefined;
  const grown =
    vain > 0 ? ` (${vain} moves for want of answers or hosts did not bring its jobs back in ${REMEMBERED_SECONDS / 3_600} h)` : '';
  return `${name} was moved ${since} s ago, which has ${settles} s to settle${grown}`;
};

const secondsSince = (from: string, now: string): number => Math.round((Date.parse(now) - Date.parse(from)) / 1_000);
