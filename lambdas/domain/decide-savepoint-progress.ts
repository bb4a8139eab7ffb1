import type { FlinkJobSeen, SavepointState } from '../gateways/flink/flink.port';
import { isFinal } from './decide-job-progress';

export type SavepointProgress =
  | { readonly action: 'wait'; readonly reason: string }
  /** Flink forgot the request while the job goes on: it restarted. Asking again under the same trigger is harmless. */
  | { readonly action: 'ask-again'; readonly reason: string }
  | { readonly action: 'completed'; readonly location: string; readonly reason: string }
  /** `location` is there when the savepoint is complete and only the stop failed. */
  | { readonly action: 'failed'; readonly location?: string; readonly reason: string };

export const decideSavepointProgress = (savepoint: SavepointState, job: FlinkJobSeen | undefined): SavepointProgress => {
  switch (savepoint.state) {
    case 'in-progress':
      return { action: 'wait', reason: 'The savepoint is being written' };
    case 'completed':
      return { action: 'completed', location: savepoint.location, reason: `Savepoint complete: ${savepoint.location}` };
    case 'failed':
      if (savepoint.location === undefined) return { action: 'failed', reason: `The savepoint failed: ${savepoint.reason}` };
      return {
        action: 'failed',
        location: savepoint.location,
        reason: `The savepoint is complete and kept (${savepoint.location}), but the job did not stop: ${savepoint.reason}`,
      };
    case 'unknown':
      if (job && !isFinal(job.state))
        return { action: 'ask-again', reason: 'Flink has forgotten the request: the JobManager was restarted' };
      return {
        action: 'failed',
        reason: `The savepoint failed: Flink knows neither the request nor a running job${job?.failure ? ` (${job.failure})` : ''}`,
      };
  }
};
