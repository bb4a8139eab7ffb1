import { JobRejected } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Awaited_, StopJobsInput } from '../../contracts/workflow';
import { isFinal } from '../../domain/decide-job-progress';
import { decideSavepointProgress, type SavepointProgress } from '../../domain/decide-savepoint-progress';
import { isJobOver } from '../../domain/job-lifecycle';
import { leaseUntil } from '../../domain/lease';
import type { StorePort } from '../../gateways/aws/store.port';
import type { FlinkPort } from '../../gateways/flink/flink.port';
import { allJobs, connect, notYet, type OwnedJob, ownCluster } from '../operations/owned';
import type { FindStatesDeps } from '../state/find-states';
import { ask, keepSavepoint, type SavepointDeps, stoppedWith, triggerIdOf } from './savepoints';

/**
 * Asks every job of a cluster that is to go to end, once the operation holds the job's lease: what changes the job now sees that the cluster
 * is to be terminated, and lets go. Ready when all were asked.
 */
export const stopJobs = async (deps: SavepointDeps, operation: Operation, input: StopJobsInput): Promise<Awaited_> => {
  const cluster = await ownCluster(deps, operation);
  const flink = connect(deps.flink, cluster);
  const jobs = await openJobs(deps.store, operation);
  const held: string[] = [];
  for (const job of jobs) {
    if (!(await takeJob(deps, operation, job))) held.push(job.name);
    else if (job.status !== 'STOPPING') await askToEnd(deps, flink, operation, job, input.mode);
  }
  if (held.length === 0) return { ready: true, reason: jobs.length === 0 ? 'No job runs' : `${jobs.length} jobs were asked to end` };
  return notYet(operation, deps.clock, `Waits for what changes ${held.join(', ')} to let go`);
};

/** Whether the jobs that were asked have ended; each is recorded as it does. A savepoint that fails becomes a cancellation: the last checkpoint stays. */
export const jobsStopped = async (deps: SavepointDeps & FindStatesDeps, operation: Operation, input: StopJobsInput): Promise<Awaited_> => {
  const cluster = await ownCluster(deps, operation);
  const flink = connect(deps.flink, cluster);
  const waiting: string[] = [];
  for (const job of await openJobs(deps.store, operation)) {
    if (job.lease?.operationId !== operation.operationId) continue;
    if (!(await recordEnd(deps, flink, operation, { cluster, job }, input.mode))) waiting.push(job.name);
  }
  if (waiting.length === 0) return { ready: true, reason: 'No job runs any more' };
  return notYet(operation, deps.clock, `${waiting.join(', ')} still stopping`);
};

const openJobs = async (store: StorePort, operation: Operation): Promise<readonly Job[]> =>
  (await allJobs(store, operation.cluster)).filter((job) => !isJobOver(job.status));

/** @returns false while a living operation changes the job */
export const takeJob = async (
  { store, clock }: Pick<SavepointDeps, 'store' | 'clock'>,
  operation: Operation,
  job: Job,
): Promise<boolean> => {
  const target = { cluster: job.cluster, job: job.name };
  const lease = { operationId: operation.operationId, acquiredAt: clock().toISOString(), until: leaseUntil(operation.deadline) };
  if (await store.acquireLease(target, lease)) return true;
  const holder = job.lease && (await store.operation(job.lease.operationId));
  if (!holder || holder.status === 'PENDING' || holder.status === 'RUNNING') return false;
  await store.releaseLease(target, holder.operationId);
  return store.acquireLease(target, lease);
};

const askToEnd = async (
  deps: SavepointDeps,
  flink: FlinkPort,
  operation: Operation,
  job: Job,
  mode: StopJobsInput['mode'],
): Promise<void> => {
  if (mode === 'cancel') await flink.cancel(job.flinkJobId);
  else {
    if (job.stopAskedBy === undefined)
      await deps.store.updateJob(job.cluster, job.name, operation.operationId, { stopAskedBy: operation.operationId });
    try {
      await ask(deps, flink, operation, job);
    } catch (error) {
      // It has ended by itself, or never started: jobsStopped records what it is.
      if (!(error instanceof JobRejected)) throw error;
      await flink.cancel(job.flinkJobId);
    }
  }
  const statusReason = `Cluster ${job.cluster} is being terminated`;
  await deps.store.updateJob(job.cluster, job.name, operation.operationId, { status: 'STOPPING', desired: 'STOPPED', statusReason });
};

const recordEnd = async (
  deps: SavepointDeps & FindStatesDeps,
  flink: FlinkPort,
  operation: Operation,
  { cluster, job }: OwnedJob,
  mode: StopJobsInput['mode'],
): Promise<boolean> => {
  const seen = await flink.job(job.flinkJobId);
  const ended = !seen || isFinal(seen.state);
  const end = (status: Job['status'], statusReason: string): Promise<Job> =>
    deps.store.updateJob(job.cluster, job.name, operation.operationId, { status, statusReason, desired: 'STOPPED' });
  if (mode === 'savepoint') {
    const asked = await flink.savepoint(job.flinkJobId, triggerIdOf(operation.operationId, job.flinkJobId));
    const forgotten = asked.state === 'unknown' && seen === undefined;
    const savepoint = decideSavepointProgress(forgotten ? await stoppedWith(deps, operation, { cluster, job }) : asked, seen);
    if ('location' in savepoint && savepoint.location !== undefined) await keepSavepoint(deps, operation, job, savepoint.location);
    if (savepoint.action === 'wait' && !isOverdue(deps, job)) return false;
    if (savepoint.action === 'completed' && ended) {
      await end('STOPPED', `Stopped with savepoint ${savepoint.location} because its cluster was terminated`);
      return true;
    }
    if (savepoint.action === 'completed') return false;
    if (!ended) await flink.cancel(job.flinkJobId);
    else if (seen?.state === 'FINISHED' && job.stopAskedBy !== undefined)
      await end('STOPPED', `Stopped with the savepoint that ${job.stopAskedBy} asked for, before its cluster was terminated`);
    else if (seen?.state === 'FINISHED') await end('FINISHED', 'The job had done all its work when its cluster was terminated');
    else await end('CANCELED', `Canceled because its cluster was terminated. ${whyNone(deps, job, savepoint)}`);
    return ended;
  }
  if (ended) await end('CANCELED', 'Canceled because its cluster was terminated');
  return ended;
};

/** The job was last written when it was asked to end. A savepoint that hangs must not take the time in which the hosts are to go. */
const isOverdue = ({ clock, stage }: SavepointDeps, { updatedAt }: Job): boolean =>
  clock().getTime() - Date.parse(updatedAt) > stage.deadlines.savepointSeconds * 1_000;

/** Of a job that was canceled because its savepoint took too long, Flink tells that the cancellation made it fail. */
const whyNone = (deps: SavepointDeps, job: Job, savepoint: SavepointProgress): string =>
  savepoint.action === 'wait' || isOverdue(deps, job)
    ? `Its savepoint was not complete within ${deps.stage.deadlines.savepointSeconds} s`
    : savepoint.reason;
