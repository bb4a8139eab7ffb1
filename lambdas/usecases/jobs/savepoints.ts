import { createHash } from 'node:crypto';
import { SavepointFailed } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { SavepointSeen, TaskAnswer } from '../../contracts/workflow';
import { decideSavepointProgress } from '../../domain/decide-savepoint-progress';
import { savepointsPrefix, takenPrefix } from '../../domain/state-paths';
import type { FlinkPort, SavepointState } from '../../gateways/flink/flink.port';
import { connect, type FlinkDeps, notYet, type OwnedJob, ownJob } from '../operations/owned';
import { stateChecker } from '../state/check-state';
import { type FindStatesDeps, findStates } from '../state/find-states';

export type SavepointDeps = FlinkDeps & { readonly stage: Stage };

/** One trigger for an operation and a Flink job: asking again finds the first request. Flink wants 32 hexadecimal digits. */
export const triggerIdOf = (operationId: string, flinkJobId: string): string =>
  createHash('sha256').update(`${operationId}/${flinkJobId}`).digest('hex').slice(0, 32);

const directoryOf = (stage: Stage, job: Job): string => `s3://${stage.stateBucket}/${savepointsPrefix(job.cluster, job.name)}`;
const takenDirectoryOf = (stage: Stage, job: Job): string => `s3://${stage.stateBucket}/${takenPrefix(job.cluster, job.name)}`;

/** Asks for a savepoint while the job goes on. */
export const triggerSavepoint = async (deps: SavepointDeps, operation: Operation): Promise<TaskAnswer> => {
  const { cluster, job } = await ownJob(deps, operation);
  await ask(deps, connect(deps.flink, cluster), operation, job);
  return { reason: 'Flink was asked for a savepoint' };
};

/** Asks the job to end with a savepoint. */
export const stopJob = async (deps: SavepointDeps, operation: Operation): Promise<TaskAnswer> => {
  const { cluster, job } = await ownJob(deps, operation);
  await deps.store.updateJob(job.cluster, job.name, operation.operationId, {
    status: 'STOPPING',
    statusReason: 'Being stopped with a savepoint',
    stopAskedBy: operation.operationId,
  });
  await ask(deps, connect(deps.flink, cluster), operation, job);
  return { reason: 'Flink was asked to stop the job with a savepoint' };
};

/** Looks how the savepoint comes along, and keeps it once it is complete. @throws SavepointFailed; a savepoint that is complete is kept even so */
export const observeSavepoint = async (deps: SavepointDeps & FindStatesDeps, operation: Operation): Promise<SavepointSeen> => {
  const { cluster, job } = await ownJob(deps, operation);
  const flink = connect(deps.flink, cluster);
  const asked = await flink.savepoint(job.flinkJobId, triggerIdOf(operation.operationId, job.flinkJobId));
  const seen = await flink.job(job.flinkJobId);
  const forgotten = asked.state === 'unknown' && seen === undefined;
  const progress = decideSavepointProgress(forgotten ? await stoppedWith(deps, operation, { cluster, job }) : asked, seen);
  switch (progress.action) {
    case 'completed':
      await keepSavepoint(deps, operation, job, progress.location);
      return { ready: true, location: progress.location, reason: progress.reason };
    case 'failed':
      if (progress.location !== undefined) await keepSavepoint(deps, operation, job, progress.location);
      throw new SavepointFailed(progress.reason, progress.location);
    case 'ask-again':
      await ask(deps, flink, operation, job);
      return { ...notYet(operation, deps.clock, progress.reason), location: null };
    case 'wait':
      return { ...notYet(operation, deps.clock, progress.reason), location: null };
  }
};

/**
 * Of a job whose end is on record nothing is left in Flink when its JobManager is lost, and nothing of the request either: the savepoint that it has ended with
 * lies in S3, written since the stop was asked for and newer than all else of this start. Behind a savepoint that is followed by a checkpoint the job went on.
 */
export const stoppedWith = async (
  deps: SavepointDeps & FindStatesDeps,
  { request, requestedAt }: Operation,
  { cluster, job }: OwnedJob,
): Promise<SavepointState> => {
  if (request.kind === 'take-savepoint') return { state: 'unknown' };
  const { found } = await findStates(deps, cluster, job);
  const own = found.filter(({ epoch, completedAt }) => epoch === job.epoch && completedAt !== undefined);
  const newest = own.toSorted((a, b) => (b.checkpointId ?? 0) - (a.checkpointId ?? 0))[0];
  if (!newest?.location.startsWith(`${directoryOf(deps.stage, job)}/savepoint-`)) return { state: 'unknown' };
  if ((newest.completedAt ?? '') < wholeSecond(requestedAt)) return { state: 'unknown' };
  if ((await stateChecker(deps.artifacts)(newest.location)).state === 'broken') return { state: 'unknown' };
  return { state: 'completed', location: newest.location };
};

/** S3 tells whole seconds, cut off. */
const wholeSecond = (instant: string): string => `${instant.slice(0, 19)}.000Z`;

/** Records a complete savepoint with its job and among the job's snapshots. */
export const keepSavepoint = async (deps: FlinkDeps, operation: Operation, job: Job, location: string): Promise<void> => {
  await deps.store.putSnapshot({
    cluster: job.cluster,
    job: job.name,
    location,
    kind: 'savepoint',
    origin: operation.operationId,
    flinkJobId: job.flinkJobId,
    takenAt: deps.clock().toISOString(),
  });
  await deps.store.updateJob(job.cluster, job.name, operation.operationId, { latestSavepoint: location });
};

/** Stops with a savepoint, or only takes one, as the kind of operation wants it. */
export const ask = async (deps: SavepointDeps, flink: FlinkPort, operation: Operation, job: Job): Promise<void> => {
  const triggerId = triggerIdOf(operation.operationId, job.flinkJobId);
  if (operation.request.kind === 'take-savepoint')
    return flink.triggerSavepoint(job.flinkJobId, triggerId, takenDirectoryOf(deps.stage, job));
  return stopWithSavepoint(deps, flink, operation, job);
};

export const stopWithSavepoint = (deps: SavepointDeps, flink: FlinkPort, operation: Operation, job: Job): Promise<void> => {
  const drain = operation.request.kind === 'stop-job' && operation.request.drain;
  return flink.stopWithSavepoint(job.flinkJobId, triggerIdOf(operation.operationId, job.flinkJobId), directoryOf(deps.stage, job), drain);
};
