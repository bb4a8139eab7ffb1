import type { Cluster } from '../contracts/cluster';
import { growingPause, type Move } from './move';

/** Nothing runs of a cluster whose move has failed, so it is tried again soon; what fails again and again does not need every minute. Seconds. */
export const RETRY_SECONDS = 60;
export const RETRY_AT_MOST_SECONDS = 3_600;

export type RetryDecision = { readonly action: 'move' | 'hold'; readonly reason: string };

/** A cluster whose move has failed after its former hosts were cut off: its jobs wait for the next one. */
export const isStranded = ({ status, desired, former = [] }: Pick<Cluster, 'status' | 'desired' | 'former'>): boolean =>
  status === 'FAILED' && desired === 'RUNNING' && former.length > 0;

/**
 * Whether the move of a stranded cluster is tried again now. @param automatic whether the control plane may move it by itself
 * @param moves the newest first. @param now ISO 8601
 */
export const decideRetry = (
  { name, automatic }: { readonly name: string; readonly automatic: boolean },
  moves: readonly Move[],
  now: string,
): RetryDecision => {
  const [last] = moves;
  if (!last) return { action: 'hold', reason: `no move of ${name} is known that could be tried again` };
  if (!automatic)
    return { action: 'hold', reason: `${last.operationId} failed, and ${name} is moved by a person only (placement.failover.automatic)` };
  const lasting = moves.findIndex(({ status }) => status === 'SUCCEEDED');
  const failed = moves.slice(0, lasting === -1 ? undefined : lasting).filter(({ status }) => status === 'FAILED').length;
  const pause = growingPause(RETRY_SECONDS, Math.max(0, failed - 1), RETRY_AT_MOST_SECONDS);
  const due = new Date(Date.parse(last.endedAt ?? last.at) + pause * 1_000).toISOString();
  const times = failed > 1 ? `${failed} moves in a row have failed, the last ${last.operationId}` : `${last.operationId} failed`;
  if (due > now) return { action: 'hold', reason: `${times}: it is tried again at ${due}` };
  return { action: 'move', reason: `${times}: it is tried again after ${pause} s` };
};
