import type { Cluster, FormerEpoch } from '../contracts/cluster';
import type { Job } from '../contracts/job';
import { growingPause, later } from './clock';
import { isJobOver } from './job-lifecycle';
import type { Move } from './move';

/** Nobody watches over the jobs of a cluster whose move has failed, so it is tried again soon; what fails again and again does not need every minute. Seconds. */
export const RETRY_SECONDS = 60;
export const RETRY_AT_MOST_SECONDS = 3_600;
/** A zone that was lost or impaired is kept away from for so long: an autoshift takes hours. Seconds. */
export const AVOIDED_SECONDS = 6 * 3_600;

export type RetryDecision =
  | { readonly action: 'hold'; readonly reason: string }
  /** `avoid`: zones that are not to have hosts, because they were lost or impaired. */
  | { readonly action: 'move'; readonly zone: string; readonly avoid: readonly string[]; readonly reason: string };

/** A cluster whose move has failed after its former hosts were cut off: its jobs wait for the next one. */
export const isStranded = ({ status, desired, former = [] }: Pick<Cluster, 'status' | 'desired' | 'former'>): boolean =>
  status === 'FAILED' && desired === 'RUNNING' && former.length > 0;

/** Whether a failed move has left hosts on which nothing can run, since no job was asked to start there: they are paid for and used by nobody. */
export const leavesIdleHosts = (cluster: Cluster, jobs: readonly Pick<Job, 'status'>[]): boolean => {
  const madeInVain = [cluster, ...(cluster.former ?? []).filter(neverHadJobs)].some(({ resources }) => isMade(resources));
  return isStranded(cluster) && madeInVain && jobs.every(({ status }) => isJobOver(status));
};

/** An epoch of a zone that turned out to have no capacity: those that had the jobs were marked before they were touched. */
export const neverHadJobs = ({ leftAt }: Pick<FormerEpoch, 'leftAt'>): boolean => leftAt === undefined;

/** What comes first is recorded first: groups may be there without having been. */
const isMade = ({ securityGroupId, roleName, jobManagerGroup, taskManagerGroups }: Cluster['resources']): boolean =>
  [securityGroupId, roleName, jobManagerGroup].some((one) => one !== undefined) || taskManagerGroups.length > 0;

export interface Stranded {
  readonly name: string;
  readonly zone: string;
  /** Whether the control plane may move it by itself. */
  readonly automatic: boolean;
  /** Zones that it may be in, in the order of its wish. */
  readonly zones: readonly string[];
  /** Zone of a reserve that is ready. */
  readonly standsBy?: string | undefined;
  /** Zones that are not well now. */
  readonly impaired: readonly string[];
}

/** Whether the move of a stranded cluster is tried again now, and where. @param moves the newest first. @param now ISO 8601 */
export const decideRetry = (cluster: Stranded, moves: readonly Move[], now: string): RetryDecision => {
  const { name, automatic } = cluster;
  const row = failuresOf(moves);
  const [last] = row;
  const times =
    row.length > 1 ? `${row.length} moves in a row have failed, the last ${last?.operationId}` : `${last?.operationId ?? 'a move'} failed`;
  if (!automatic) return { action: 'hold', reason: `${times}, and ${name} is moved by a person only (placement.failover.automatic)` };
  const pause = growingPause(RETRY_SECONDS, Math.max(0, row.length - 1), RETRY_AT_MOST_SECONDS);
  const due = last ? later(last.endedAt ?? last.at, pause) : now;
  if (due > now) return { action: 'hold', reason: `${times}: it is tried again at ${due}` };
  const recent = row.filter(({ trigger, at }) => trigger !== 'recovery' && later(at, AVOIDED_SECONDS) > now);
  const lost = [...recent.flatMap(({ avoid }) => avoid), ...cluster.impaired];
  const zone = nextOf(cluster, moves, lost);
  const avoid = [...new Set(lost)].filter((one) => one !== zone);
  return { action: 'move', zone, avoid, reason: `${times}: it is tried again in ${zone}, after ${pause} s` };
};

/** Moves that have failed since one was made, or came to nothing and left the cluster well. The newest first. */
const failuresOf = (moves: readonly Move[]): readonly Move[] => {
  const lasting = moves.findIndex(({ status, givenBack }) => status === 'SUCCEEDED' || givenBack);
  return moves.slice(0, lasting === -1 ? undefined : lasting).filter(({ status }) => status === 'FAILED');
};

/** Where hosts stand by, else the zone that was tried longest ago; one that is lost only when there is no other, the same again where it is the only one. */
const nextOf = ({ zone: present, zones, standsBy }: Stranded, moves: readonly Move[], lost: readonly string[]): string => {
  if (standsBy !== undefined && !lost.includes(standsBy)) return standsBy;
  const start = zones.indexOf(present) + 1;
  const others = [...zones.slice(start), ...zones.slice(0, start)].filter((zone) => zone !== present);
  const longAgo = (zone: string): number => {
    const tried = moves.findIndex(({ to }) => to === zone);
    return tried === -1 ? moves.length : tried;
  };
  const rank = (zone: string): number => (lost.includes(zone) ? 0 : moves.length + 1) + longAgo(zone);
  return others.toSorted((a, b) => rank(b) - rank(a))[0] ?? present;
};
