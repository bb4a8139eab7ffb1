import type { JobStatus } from '../contracts/job';
import type { FlinkJobSeen } from '../gateways/flink/flink.port';

const OVER: readonly JobStatus[] = ['FINISHED', 'STOPPED', 'CANCELED', 'FAILED'];

/** A job that does not run and will not run again by itself. */
export const isJobOver = (status: JobStatus): boolean => OVER.includes(status);

/** The stored status that what Flink shows amounts to. */
export const statusSeen = (seen: FlinkJobSeen | undefined): { readonly status: JobStatus; readonly statusReason: string } => {
  if (!seen) return { status: 'FAILED', statusReason: 'Flink does not know the job: its JobManager was restarted' };
  switch (seen.state) {
    case 'FINISHED':
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
