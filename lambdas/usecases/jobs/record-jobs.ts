import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { TaskAnswer } from '../../contracts/workflow';
import { isFinal } from '../../domain/decide-job-progress';
import { endSeen, isJobOver } from '../../domain/job-lifecycle';
import type { FlinkJobSeen } from '../../gateways/flink/flink.port';
import { heldLease } from '../operations/in-the-way';
import { allJobs, connect, type FlinkDeps, readCluster } from '../operations/owned';

/** Stores the ends of the cluster's jobs that ended by themselves, so that no host is made or kept for them. */
export const recordJobs = async (deps: FlinkDeps, operation: Operation): Promise<TaskAnswer> => {
  const [cluster, jobs] = await Promise.all([readCluster(deps.store, operation.cluster), allJobs(deps.store, operation.cluster)]);
  const free = jobs.filter((job) => !isJobOver(job.status) && !heldLease(job.lease, deps.clock));
  if (free.length === 0) return { reason: 'No other job runs' };
  const flink = connect(deps.flink, cluster);
  const running = new Set((await flink.jobs()).filter(({ state }) => !isFinal(state)).map(({ flinkJobId }) => flinkJobId));
  const ended: string[] = [];
  for (const job of free.filter(({ flinkJobId }) => !running.has(flinkJobId))) {
    const { status } = await recordEnd(deps, job, await flink.job(job.flinkJobId));
    if (isJobOver(status)) ended.push(`${job.name} (${status})`);
  }
  return { reason: ended.length === 0 ? 'No other job has ended' : `Ended by themselves: ${ended.join(', ')}` };
};

/** Stores the end of a job that nobody changes. @returns the job as it is stored then */
export const recordEnd = async ({ store, clock }: Omit<FlinkDeps, 'flink'>, job: Job, seen: FlinkJobSeen | undefined): Promise<Job> => {
  if (heldLease(job.lease, clock)) return job;
  const end = endSeen(job, seen, clock().toISOString());
  return end && (await store.recordJobSeen(job.cluster, job.name, job.epoch, end)) ? { ...job, ...end } : job;
};
