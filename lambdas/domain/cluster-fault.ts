import type { Cluster, ClusterFault } from '../contracts/cluster';
import { secondsBetween } from './clock';

/** A fault that was not looked at for so long is not known to have lasted. Passes are a minute apart at most. Seconds. */
const UNSEEN_SECONDS = 180;
/** A JobManager's process is back within seconds; so long, and its hosts are looked at. Seconds. */
const LOOK_AFTER_SECONDS = 60;

/** What a pass finds wrong. */
export type FaultSeen = Pick<ClusterFault, 'kind'> & {
  /** It was not answered at all. */
  readonly silent?: true;
};

/**
 * What is wrong with a cluster after a pass that saw `seen` (undefined: nothing). One fault may become the other, as a JobManager that comes back finds no
 * TaskManager: it has lasted since the first. @param now ISO 8601
 */
export const faultAfter = (
  known: ClusterFault | undefined,
  seen: FaultSeen | undefined,
  epoch: number,
  now: string,
): ClusterFault | undefined => {
  if (seen === undefined) return undefined;
  const lasts = known?.epoch === epoch && secondsBetween(known.seenAt, now) <= UNSEEN_SECONDS;
  const [since, silentSince = now] = lasts ? [known.since, known.silentSince] : [now];
  return { kind: seen.kind, epoch, since, ...(seen.silent ? { silentSince } : {}), seenAt: now };
};

/** Whether a cluster's JobManager was not well when it was looked at last. */
export const isUnreachable = ({ epoch, fault }: Pick<Cluster, 'epoch' | 'fault'>, now: string): boolean =>
  fault?.kind === 'jobmanager-unreachable' && fault.epoch === epoch && secondsBetween(fault.seenAt, now) <= UNSEEN_SECONDS;

/** Whether a cluster's JobManager does not answer now. */
export const isSilent = ({ epoch, fault, status }: Pick<Cluster, 'epoch' | 'fault' | 'status'>, now: string): boolean =>
  status === 'RUNNING' && fault?.silentSince !== undefined && fault.epoch === epoch && secondsBetween(fault.seenAt, now) <= UNSEEN_SECONDS;

/** Whether a fault has lasted so long that its cluster's hosts have to be looked at. */
export const isFaultLasting = (fault: ClusterFault | undefined, now: string): boolean =>
  fault !== undefined && secondsBetween(fault.since, now) >= LOOK_AFTER_SECONDS;
