import { type Cluster, NO_RESOURCES } from '../../contracts/cluster';
import { ArtifactMismatch, ArtifactMissing, JobRejected } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Awaited_ } from '../../contracts/workflow';
import { shorten } from '../../domain/describe-failure';
import { flinkJobIdOf } from '../../domain/flink-job-id';
import { runJob, type StartDeps, uploadAgain } from '../jobs/start-job';
import { endWithItsHosts, type InterruptedJob, interruptedJobs } from '../operations/interrupted-jobs';
import { connect, ownCluster } from '../operations/owned';
import { findRestorePoint, type RestorePoint } from '../state/restore-point';

/** A task begins no further job after this time; the next one goes on. Seconds. */
const BUDGET_SECONDS = 60;

/**
 * Starts the jobs on the new hosts, the most important first, each as its next epoch from its own state. A job that cannot be started does not keep the
 * others waiting: it is recorded as failed. Ready when all were started.
 */
export const startJobs = async (deps: StartDeps, operation: Operation): Promise<Awaited_> => {
  const begun = deps.clock().getTime();
  const jobs = await interruptedJobs(deps.store, operation);
  const said: string[] = [];
  for (const job of jobs) {
    if (deps.clock().getTime() - begun > BUDGET_SECONDS * 1_000)
      return { ready: false, reason: `Goes on with ${job.name}; ${said.join('; ')}` };
    if (isToEnd(job)) {
      await endWithItsHosts(deps.store, operation, job);
      said.push(`${job.name} was to end`);
      continue;
    }
    try {
      said.push(`${job.name} ${await startOne(deps, operation, job)}`);
    } catch (error) {
      if (!(error instanceof JobRejected || error instanceof ArtifactMissing || error instanceof ArtifactMismatch)) throw error;
      await deps.store.updateJob(job.cluster, job.name, operation.operationId, {
        status: 'FAILED',
        statusReason: `Not started after its move to another zone: ${shorten(error.message, 1_000)}`,
        interrupted: undefined,
        startAsked: undefined,
      });
      said.push(`${job.name} could not be started: ${shorten(error.message, 200)}`);
    }
  }
  return { ready: true, reason: said.length === 0 ? 'There is no job to start' : said.join('; ') };
};

/** What Flink may have been asked to run here is no longer over with its former hosts. */
const isToEnd = ({ desired, epoch, interrupted, startAsked }: InterruptedJob): boolean =>
  desired === 'STOPPED' && (interrupted.epoch !== epoch || startAsked === undefined);

const startOne = async (deps: StartDeps, operation: Operation, job: InterruptedJob): Promise<string> => {
  const cluster = await ownCluster(deps, operation);
  const flink = connect(deps.flink, cluster);
  const intended = job.interrupted.epoch === job.epoch ? job : await storeIntent(deps, operation, job, cluster);
  // The answer to an earlier try may have been lost on its way.
  if (await flink.job(intended.flinkJobId)) return `runs as ${intended.flinkJobId}`;
  const ofJob: Operation = { ...operation, job: job.name };
  const { program } = intended.spec;
  const starting = program.kind === 'jar' && intended.jarId === undefined ? await uploadAgain(deps, flink, ofJob, intended) : intended;
  await runJob(deps, flink, ofJob, starting);
  return `starts as epoch ${starting.epoch}, ${starting.restoredFrom ? `from ${starting.restoredFrom}` : 'without state'}`;
};

/** Epoch, Flink job id and state are stored before Flink is asked: whatever is repeated starts the same. */
const storeIntent = async (deps: StartDeps, operation: Operation, job: InterruptedJob, cluster: Cluster): Promise<Job> => {
  const point = await restorePointOf(deps, cluster, job);
  const epoch = job.epoch + 1;
  return deps.store.updateJob(job.cluster, job.name, operation.operationId, {
    epoch,
    flinkJobId: flinkJobIdOf({ cluster: job.cluster, clusterEpoch: cluster.epoch, job: job.name, jobEpoch: epoch }),
    restoredFrom: point.location,
    restoredStateAt: point.completedAt,
    startAsked: undefined,
    stopAskedBy: undefined,
    jarId: undefined,
    interrupted: { ...job.interrupted, epoch },
    statusReason: `Being started in another zone as epoch ${epoch}, ${point.reason}`,
  });
};

/** The savepoint it was stopped with, else the latest state that is whole. The new JobManager knows nothing of it, and the former ones are cut off. */
const restorePointOf = async (deps: StartDeps, cluster: Cluster, job: InterruptedJob): Promise<RestorePoint> => {
  const { savepoint } = job.interrupted;
  if (savepoint !== undefined) return { location: savepoint, reason: `from the savepoint it was stopped with, ${savepoint}` };
  return findRestorePoint(deps, { ...cluster, resources: NO_RESOURCES }, job);
};
