import type { Job, JobStatus } from '../contracts/job';
import type { FlinkJobSeen } from '../gateways/flink/flink.port';
import { secondsBetween } from './clock';
import { mayStillAppear } from './start-asked';

const OVER: readonly JobStatus[] = ['FINISHED', 'STOPPED', 'CANCELED', 'FAILED'];

/** A job that does not run and will not run again by itself. */
export const isJobOver = (status: JobStatus): boolean => OVER.includes(status);

type StatusSeen = { readonly status: JobStatus; readonly statusReason: string };

/** The stored status that what Flink shows amounts to. @param stopAskedBy as of the job that it shows */
export const statusSeen = (seen: FlinkJobSeen | undefined, stopAskedBy?: string): StatusSeen => {
  if (!seen) return { status: 'FAILED', statusReason: 'Flink does not know the job: its JobManager was restarted' };
  switch (seen.state) {
    case 'FINISHED':
      if (stopAskedBy !== undefined) return { status: 'STOPPED', statusReason: `Stopped with the savepoint that ${stopAskedBy} asked for` };
      return { status: 'FINISHED', statusReason: 'The job has done all its work' };
    case 'CANCELED':
    case 'CANCELLING':
      return { status: 'CANCELED', statusReason: 'The job was canceled' };
    case 'FAILED':
      return { status: 'FAILED', statusReason: seen.failure ?? 'The job failed and Flink gives no cause' };
    default:
      return {
        status: 'RUNNING',
        statusReason:
          seen.state === 'RUNNING'
            ? `${seen.tasks.running + seen.tasks.finished} of ${seen.tasks.total} tasks run`
            : `${seen.state}${seen.failure ? `: ${seen.failure}` : ''}`,
      };
  }
};

/** How long Flink can tell how a job ended (`jobstore.expiration-time`). Seconds. */
export const ENDED_JOBS_KEPT_SECONDS = 86_400;

/**
 * The end of a job that nobody changes and that is stored as running, as far as Flink shows it. undefined: it has not ended, or how is not known.
 * A job that Flink does not know has lost its JobManager, unless it may have ended so long ago that Flink has forgotten it.
 * @param now ISO 8601
 */
export const endSeen = (job: Job, seen: FlinkJobSeen | undefined, now: string): StatusSeen | undefined => {
  if (isJobOver(job.status)) return undefined;
  if (!seen && (mayStillAppear(job, now) || secondsBetween(job.updatedAt, now) >= ENDED_JOBS_KEPT_SECONDS)) return undefined;
  const end = statusSeen(seen, job.stopAskedBy);
  return isJobOver(end.status) ? end : undefined;
};
