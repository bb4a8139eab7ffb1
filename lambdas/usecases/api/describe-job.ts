import type { JobDescription } from '../../contracts/api';
import { jobManagerAddresses } from '../../domain/job-managers';
import { type RecordDeps, recordEnd } from '../jobs/record-jobs';
import { requireCluster, requireJob } from '../operations/in-the-way';
import { askLive, type Live } from './ask-live';
import { jobView } from './views';

type LiveJob = NonNullable<JobDescription['live']>;

/** The job as stored, and as Flink sees it now. What Flink knows better (it has finished or failed by itself) is stored. @throws NotFound */
export const describeJob = async (deps: RecordDeps, clusterName: string, name: string): Promise<JobDescription> => {
  const [job, cluster] = await Promise.all([requireJob(deps.store, clusterName, name), requireCluster(deps.store, clusterName)]);
  let stored = job;
  const live = await askLive<LiveJob>(
    deps.flink,
    cluster.status === 'RUNNING' ? jobManagerAddresses(cluster.resources) : [],
    async (port) => {
      const [seen, checkpoints] = await Promise.all([port.job(job.flinkJobId), port.checkpoints(job.flinkJobId)]);
      stored = await recordEnd(deps, cluster, job, seen);
      if (!seen) return { live: null, liveReason: FORGOTTEN };
      const { state, parallelism, tasks, startedAt, failure } = seen;
      return {
        live: { state, parallelism, tasks, startedAt, ...(failure === undefined ? {} : { failure }), checkpoints: checkpoints ?? null },
      };
    },
  );
  return { ...jobView(stored, deps.clock), ...(live satisfies Live<LiveJob>) };
};

const FORGOTTEN = 'Flink does not know the job: its JobManager was restarted, or the job ended more than a day ago';
