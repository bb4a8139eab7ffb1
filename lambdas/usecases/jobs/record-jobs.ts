import type { Cluster } from '../../contracts/cluster';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { TaskAnswer } from '../../contracts/workflow';
import { secondsBetween } from '../../domain/clock';
import { isUnreachable } from '../../domain/cluster-fault';
import { isFinal } from '../../domain/decide-job-progress';
import { endSeen, isJobOver } from '../../domain/job-lifecycle';
import { everySeconds } from '../../domain/observation/every-seconds';
import type { ObservationStorePort } from '../../gateways/aws/observations.port';
import type { FlinkJobSeen } from '../../gateways/flink/flink.port';
import { heldLease, requireCluster } from '../operations/in-the-way';
import { allJobs, connect, type FlinkDeps } from '../operations/owned';

export type RecordDeps = FlinkDeps & {
  readonly observations: Pick<ObservationStorePort, 'latest'>;
  readonly stage: Pick<Stage, 'observation'>;
};

/** A JobManager that has just come back shows a job again when it has recovered it; before that, a job that it does not show has not ended. Seconds. */
const MISSING_SECONDS = 60;

/** Stores the ends of the cluster's jobs that ended by themselves, so that no host is made or kept for them. */
export const recordJobs = async (deps: RecordDeps, operation: Operation): Promise<TaskAnswer> => {
  const [cluster, jobs] = await Promise.all([requireCluster(deps.store, operation.cluster), allJobs(deps.store, operation.cluster)]);
  const free = jobs.filter((job) => !isJobOver(job.status) && !heldLease(job.lease, deps.clock));
  if (free.length === 0) return { reason: 'No other job runs' };
  const flink = connect(deps.flink, cluster);
  const running = new Set((await flink.jobs()).filter(({ state }) => !isFinal(state)).map(({ flinkJobId }) => flinkJobId));
  const ended: string[] = [];
  for (const job of free.filter(({ flinkJobId }) => !running.has(flinkJobId))) {
    const { status } = await recordEnd(deps, cluster, job, await flink.job(job.flinkJobId));
    if (isJobOver(status)) ended.push(`${job.name} (${status})`);
  }
  return { reason: ended.length === 0 ? 'No other job has ended' : `Ended by themselves: ${ended.join(', ')}` };
};

/** Stores the end of a job that nobody changes. @returns the job as it is stored then */
export const recordEnd = async (
  deps: Omit<RecordDeps, 'flink'>,
  cluster: Cluster,
  job: Job,
  seen: FlinkJobSeen | undefined,
): Promise<Job> => {
  const { store, clock } = deps;
  if (heldLease(job.lease, clock) || (!seen && (await mayBeRecovered(deps, cluster, job)))) return job;
  const end = endSeen(job, seen, clock().toISOString());
  return end && (await store.recordJobSeen(job.cluster, job.name, job.epoch, end)) ? { ...job, ...end } : job;
};

/** Whether its JobManager may have just come back: it ran at one of the last looks, or the last look found nobody. */
const mayBeRecovered = async ({ observations, clock, stage }: Omit<RecordDeps, 'flink'>, cluster: Cluster, job: Job): Promise<boolean> => {
  const now = clock().toISOString();
  if (isUnreachable(cluster, now)) return true;
  const latest = await observations.latest(job.cluster, job.name);
  return latest !== undefined && secondsBetween(latest.observedAt, now) < MISSING_SECONDS + everySeconds({ stage }, cluster);
};
