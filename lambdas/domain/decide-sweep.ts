import type { Operation } from '../contracts/operation';
import { secondsBetween } from './clock';
import { leaseUntil } from './lease';

/** An accepted operation is started in the same request; after this time that start has failed. Seconds. */
export const START_PATIENCE_SECONDS = 30;

export type SweepDecision = { readonly action: 'leave' | 'start' | 'end'; readonly reason: string };

/** What to do about an operation that has not ended. @param now ISO 8601 */
export const decideSweep = (operation: Operation, execution: 'absent' | 'running' | 'ended', now: string): SweepDecision => {
  const age = secondsBetween(operation.requestedAt, now);
  if (now > leaseUntil(operation.deadline))
    return {
      action: 'end',
      reason: `the workflow did not end by its deadline (${operation.deadline}), nor in the time for cleaning up after it`,
    };
  if (execution === 'ended') return { action: 'end', reason: 'the workflow was interrupted and ended without a result' };
  if (execution === 'absent' && age >= START_PATIENCE_SECONDS) return { action: 'start', reason: 'It was accepted but not started' };
  return { action: 'leave', reason: execution === 'running' ? 'Its workflow runs' : 'It is being started' };
};
