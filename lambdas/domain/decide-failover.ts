import type { Cluster, ClusterFault } from '../contracts/cluster';
import type { FailoverMode, FailoverTrigger } from '../contracts/operation';
import { growingPause } from './clock';
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
      /** When the newest of them was launched. ISO 8601 */
      readonly launchedAt?: string | undefined;
      /** EC2's message of the newest launch that failed, where none has succeeded since. */
      readonly problem?: string | undefined;
    };

export type FailoverDecision =
  | { readonly action: 'move'; readonly mode?: FailoverMode; readonly trigger: FailoverTrigger['kind']; readonly reason: string }
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

type Subject = Pick<Cluster, 'name' | 'zone' | 'zones' | 'status' | 'epoch' | 'desired' | 'resources'> & {
  readonly automatic: boolean;
  /** The newest first, as far back as `REMEMBERED_SECONDS`. */
  readonly moves: readonly Pick<Move, 'at' | 'trigger' | 'helped'>[];
};

/**
 * Whether evidence is enough to move a cluster by itself. A launch that failed is not, as long as a host is there to go on with: the group tries again, and a
 * JobManager or TaskManager that restarts comes back by itself. @param now ISO 8601
 */
export const decideFailover = (cluster: Subject, evidence: ZoneEvidence, now: string): FailoverDecision => {
  const hold = (reason: string): FailoverDecision => ({ action: 'hold', reason });
  if (cluster.desired !== 'RUNNING' || cluster.status !== 'RUNNING') return hold(`${cluster.name} is ${cluster.status}`);
  const stays = evidence.kind === 'zone-event' ? staysInSpiteOf(cluster, evidence) : undefined;
  if (stays !== undefined) return hold(stays);
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
  { name, zone: home, zones = [], resources: { standby } }: Subject,
  { zone, jobManagers = [] }: Extract<ZoneEvidence, { kind: 'zone-event' }>,
): string | undefined => {
  const goesOn = `its jobs go on in the slots of the other zones, and hosts lost in ${zone} are replaced there`;
  if (![home, standby?.zone].includes(zone))
    return zones.includes(zone) ? `the JobManager of ${name} is in ${home}: ${goesOn}` : `${name} is in ${home}, not in ${zone}`;
  const elsewhere = jobManagers.find((one) => one !== zone);
  if (elsewhere === undefined) return undefined;
  const who =
    elsewhere === standby?.zone
      ? `its stand-by JobManager in ${elsewhere} leads on`
      : `its JobManager in ${elsewhere} leads on, without a stand-by`;
  return `${name} stays: ${who}; ${goesOn}. Nobody stands by until ${zone} is well: ${SPREAD_AGAIN}`;
};

const decideFault = (cluster: Subject, evidence: Extract<ZoneEvidence, { kind: 'fault' }>, now: string): FailoverDecision => {
  const { fault, says, running, launchedAt, problem } = evidence;
  const hold = (reason: string): FailoverDecision => ({ action: 'hold', reason });
  if (fault.epoch !== cluster.epoch) return hold(`epoch ${fault.epoch} of ${cluster.name} is not its present one`);
  const move = (reason: string): FailoverDecision => ({ action: 'move', mode: 'lost', trigger: fault.kind, reason });
  const lasts = `${says} for ${secondsSince(fault.since, now)} s`;
  const failing = running === 0 && problem !== undefined;
  const unsettled = settling(cluster, failing ? SETTLE_SECONDS : SETTLE_IN_SILENCE_SECONDS, now);
  if (unsettled !== undefined) return hold(`${unsettled}: ${lasts}`);
  if (failing) return move(`${lasts}, no such host is left in ${cluster.zone} and none can be launched: ${problem}`);
  const begun = launchedAt !== undefined && launchedAt > fault.since ? launchedAt : fault.since;
  const left = REPLACEMENT_SECONDS - secondsSince(begun, now);
  if (left > 0) return hold(`${lasts}; what is lost has ${left} s more to be replaced in ${cluster.zone}`);
  return move(`${lasts}, and was not replaced in ${cluster.zone} (${running} such hosts run by what EC2 says)`);
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
