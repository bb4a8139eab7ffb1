import type { Operation } from '../contracts/operation';
import type { SlotDemand } from '../domain/capacity';
import { isJobOver } from '../domain/job-lifecycle';
import type { StorePort } from '../gateways/aws/store.port';
import { allJobs } from './owned';

/**
 * Slots that the jobs of the operation's cluster need: those that run or should, and the operation's own job as it will be.
 * A change that makes a job larger counts at once; one that makes it smaller counts when the job is smaller.
 */
export const slotDemands = async (store: StorePort, operation: Operation): Promise<readonly SlotDemand[]> => {
  const jobs = await allJobs(store, operation.cluster);
  return jobs
    .filter((job) => job.desired === 'RUNNING' && !isJobOver(job.status))
    .map((job) => ({
      job: job.name,
      slots: job.name === operation.job ? Math.max(job.spec.parallelism, wantedBy(operation)) : job.spec.parallelism,
    }));
};

const wantedBy = ({ request }: Operation): number => {
  if (request.kind === 'rescale-job') return request.parallelism;
  return request.kind === 'upgrade-job' ? request.spec.parallelism : 0;
};
