import type { Cluster, ClusterFault } from '../contracts/cluster';
import type { FailoverMode, FailoverTrigger } from '../contracts/operation';

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

/** After a move that was not asked for by a person, nothing but AWS's word about the new zone moves the cluster again. Seconds. */
export const QUIET_SECONDS = 600;

/**
 * What is lost is replaced in its zone: EC2's status checks take up to five minutes to give a host up, and one that is new boots meanwhile. A
 * JobManager that restarts recovers its jobs by itself within seconds. Only what has lasted longer is the zone's. Seconds.
 */
export const REPLACEMENT_SECONDS = 300;
/** A move that was made because nobody answered, without a word of EC2 that anything is wrong, is not made again so soon: it may not have helped. Seconds. */
export const SILENT_MOVES_SECONDS = 3_600;

type Subject = Pick<Cluster, 'name' | 'zone' | 'zones' | 'status' | 'epoch' | 'desired' | 'resources'> & {
  readonly automatic: boolean;
  /** When the newest failover of the cluster was asked for. ISO 8601 */
  readonly lastMoveAt?: string | undefined;
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
  if (evidence.epoch !== (cluster.resources.epoch ?? cluster.epoch))
    return hold(`epoch ${evidence.epoch} of ${cluster.name} is not its present one`);
  if (evidence.leadsIn !== undefined)
    return hold(
      `the JobManager of ${cluster.name} in ${evidence.leadsIn} leads on, its other JobManager host cannot be launched: ${evidence.says}; ${SPREAD_AGAIN}`,
    );
  if (evidence.running > 0) return hold(`${evidence.running} hosts of ${cluster.name} still run in ${cluster.zone}: ${evidence.says}`);
  const unsettled = settling(cluster, QUIET_SECONDS, now);
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
  const unsettled = settling(cluster, failing ? QUIET_SECONDS : SILENT_MOVES_SECONDS, now);
  if (unsettled !== undefined) return hold(`${unsettled}: ${lasts}`);
  if (failing) return move(`${lasts}, no such host is left in ${cluster.zone} and none can be launched: ${problem}`);
  const begun = launchedAt !== undefined && launchedAt > fault.since ? launchedAt : fault.since;
  const left = REPLACEMENT_SECONDS - secondsSince(begun, now);
  if (left > 0) return hold(`${lasts}; what is lost has ${left} s more to be replaced in ${cluster.zone}`);
  return move(`${lasts}, and was not replaced in ${cluster.zone} (${running} such hosts run by what EC2 says)`);
};

/** Why a cluster is not to be moved yet because it was moved a moment ago. */
const settling = ({ name, lastMoveAt }: Subject, quietSeconds: number, now: string): string | undefined => {
  if (lastMoveAt === undefined) return undefined;
  const since = secondsSince(lastMoveAt, now);
  return since < quietSeconds ? `${name} was moved ${since} s ago, which has ${quietSeconds} s to settle` : undefined;
};

const secondsSince = (from: string, now: string): number => Math.round((Date.parse(now) - Date.parse(from)) / 1_000);
