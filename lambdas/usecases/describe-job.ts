import type { JobDescription } from '../contracts/api';
import type { Job } from '../contracts/job';
import { isJobOver, statusSeen } from '../domain/job-lifecycle';
import { mayStillAppear } from '../domain/start-asked';
import type { StorePort } from '../gateways/aws/store.port';
import { askLive, type Live } from './ask-live';
import type { DescribeDeps } from './describe-cluster';
import { heldLease, requireCluster, requireJob } from './in-the-way';
import { jobView } from './views';

type LiveJob = NonNullable<JobDescription['live']>;

/** The job as stored, and as Flink sees it now. What Flink knows better (it has finished or failed by itself) is stored. @throws NotFound */
export const describeJob = async (deps: DescribeDeps, clusterName: string, name: string): Promise<JobDescription> => {
  const [job, cluster] = await Promise.all([requireJob(deps.store, clusterName, name), requireCluster(deps.store, clusterName)]);
  let stored = job;
  const live = await askLive<LiveJob>(
    deps.flink,
    cluster.status === 'RUNNING' ? cluster.resources.jobManagerAddress : undefined,
    async (port) => {
      const [seen, checkpoints] = await Promise.all([port.job(job.flinkJobId), port.checkpoints(job.flinkJobId)]);
      const settled = seen !== undefined || !mayStillAppear(job, deps.clock().toISOString());
      if (settled && !isJobOver(job.status) && !heldLease(job.lease, deps.clock)) stored = await refresh(deps.store, job, statusSeen(seen));
      if (!seen) return { live: null, liveReason: 'Flink does not know the job (any more)' };
      const { state, parallelism, tasks, startedAt, failure } = seen;
      return {
        live: { state, parallelism, tasks, startedAt, ...(failure === undefined ? {} : { failure }), checkpoints: checkpoints ?? null },
      };
    },
  );
  return { ...jobView(stored, deps.clock), ...(live satisfies Live<LiveJob>) };
};

const refresh = async (store: StorePort, job: Job, seen: ReturnType<typeof statusSeen>): Promise<Job> => {
  if (!isJobOver(seen.status) || seen.status === job.status) return job;
  return (await store.recordJobSeen(job.cluster, job.name, job.epoch, seen)) ? { ...job, ...seen } : job;
};
