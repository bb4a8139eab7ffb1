import type { Cluster } from '../contracts/cluster';
import type { FailoverMode, FailoverTrigger } from '../contracts/operation';

/** What was seen of a zone or of a cluster's hosts in it. */
export type ZoneEvidence =
  /** AWS says that a zone is impaired. */
  | { readonly kind: 'zone-event'; readonly zone: string; readonly says: string }
  /** Auto Scaling could not launch a host of a cluster. */
  | {
      readonly kind: 'launch-failures';
      /** Epoch whose group it was. */
      readonly epoch: number;
      readonly says: string;
      /** Hosts of the cluster that run by what EC2 says. */
      readonly running: number;
    };

export type FailoverDecision =
  | { readonly action: 'move'; readonly mode?: FailoverMode; readonly trigger: FailoverTrigger['kind']; readonly reason: string }
  | { readonly action: 'hold'; readonly reason: string };

/** After a move that was not asked for by a person, nothing but AWS's word about the new zone moves the cluster again. Seconds. */
export const QUIET_SECONDS = 600;

type Subject = Pick<Cluster, 'name' | 'zone' | 'status' | 'epoch' | 'desired' | 'resources'> & {
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
  if (evidence.kind === 'zone-event' && evidence.zone !== cluster.zone)
    return hold(`${cluster.name} is in ${cluster.zone}, not in ${evidence.zone}`);
  if (!cluster.automatic) return hold(`${cluster.name} is moved by a person only (placement.failover.automatic): ${evidence.says}`);
  if (evidence.kind === 'zone-event')
    // How far the zone still works is seen by asking the JobManager.
    return { action: 'move', trigger: 'zone-event', reason: evidence.says };
  if (evidence.epoch !== (cluster.resources.epoch ?? cluster.epoch))
    return hold(`epoch ${evidence.epoch} of ${cluster.name} is not its present one`);
  if (evidence.running > 0) return hold(`${evidence.running} hosts of ${cluster.name} still run in ${cluster.zone}: ${evidence.says}`);
  const since = cluster.lastMoveAt === undefined ? Number.POSITIVE_INFINITY : (Date.parse(now) - Date.parse(cluster.lastMoveAt)) / 1_000;
  if (since < QUIET_SECONDS)
    return hold(`${cluster.name} was moved ${Math.round(since)} s ago, which has ${QUIET_SECONDS} s to settle: ${evidence.says}`);
  return {
    action: 'move',
    mode: 'lost',
    trigger: 'launch-failures',
    reason: `no host is left in ${cluster.zone} and none can be launched: ${evidence.says}`,
  };
};
