import { DeadlineExceeded, JobFailed } from '../../contracts/errors';
import type { Job, JobStatus } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Awaited_, ObserveJobInput } from '../../contracts/workflow';
import { secondsBetween } from '../../domain/clock';
import { carriedOutUntil, restoredUntil } from '../../domain/deadlines';
import { decideJobEnd, decideJobProgress, type JobExpectation, vertexUnlike } from '../../domain/decide-job-progress';
import { shorten } from '../../domain/describe-failure';
import { statusSeen } from '../../domain/job-lifecycle';
import { mayStillAppear } from '../../domain/start-asked';
import type { FlinkJobSeen } from '../../gateways/flink/flink.port';
import { connect, type FlinkDeps, isCancellation, notYet, type OwnedJob, ownJob, type Purpose } from '../operations/owned';
import { ask, keepSavepoint, type SavepointDeps, triggerIdOf } from './savepoints';

/** Looks at the job in Flink until it runs with all its tasks, or has ended, or (`known`) once to record how it is. */
export const observeJob = async (deps: SavepointDeps, operation: Operation, input: ObserveJobInput): Promise<Awaited_> => {
  const { cluster, job } = await ownJob(deps, operation, input.until === 'known' ? 'cleaning' : 'changing');
  const seen = await connect(deps.flink, cluster).job(job.flinkJobId);
  if (input.until === 'running') {
    const answer = await untilRunning(deps, operation, { cluster, job }, seen, input.restoring ? 'cleaning' : 'changing');
    if (!answer.ready && input.restoring) refuseToKeepHosts(deps, operation, input.phase, answer.reason);
    return answer;
  }
  if (input.until === 'ended') return untilEnded(deps, operation, { cluster, job }, seen);
  const stopping = operation.request.kind === 'stop-job' && operation.request.mode === 'savepoint' && job.desired === 'RUNNING';
  return (stopping ? await whileStopping(deps, operation, job, seen) : undefined) ?? recordSeen(deps, operation, { cluster, job }, seen);
};

const isRescale = ({ kind }: Operation): boolean => kind === 'scale-job' || kind === 'rescale-job';

/** @throws DeadlineExceeded when Flink was asked for another parallelism and has had its time to begin with it: hosts that were made for that are not used */
const refuseToKeepUnused = ({ clock }: FlinkDeps, operation: Operation, reason: string): void => {
  if (!isRescale(operation)) return;
  const asked = changedAt(operation) ?? operation.requestedAt;
  const until = carriedOutUntil(operation, asked);
  if (clock().toISOString() <= until) return;
  throw new DeadlineExceeded(
    `the rescale was not carried out within ${Math.round(secondsBetween(asked, until))} s: ${shorten(reason, 1_000)}`,
  );
};

/** When Flink was asked for another parallelism. */
const changedAt = ({ phases }: Operation): string | undefined =>
  phases.findLast(({ outcome, name }) => outcome === 'ok' && /parallelism$/.test(name))?.endedAt;

/** @throws DeadlineExceeded when a job that goes back to its former parallelism has had its time; what Flink was asked for stays asked for */
const refuseToKeepHosts = ({ clock }: FlinkDeps, operation: Operation, phase: string, reason: string): void => {
  const since = operation.phases.find(({ name }) => name === phase)?.startedAt;
  if (!isRescale(operation) || since === undefined) return;
  const until = restoredUntil(operation, since, hasRun(operation));
  if (clock().toISOString() <= until) return;
  const waited = Math.round(secondsBetween(since, until));
  throw new DeadlineExceeded(`it does not run at its former parallelism after ${waited} s: ${shorten(reason, 1_000)}`);
};

/** Whether the job was seen to run at its new parallelism. */
const hasRun = ({ phases }: Operation): boolean => phases.some(({ name, outcome }) => name === 'Look at the job' && outcome === 'ok');

const untilEnded = async (
  deps: SavepointDeps,
  operation: Operation,
  { cluster, job }: OwnedJob,
  seen: FlinkJobSeen | undefined,
): Promise<Awaited_> => {
  const { ended, reason } = decideJobEnd(seen);
  if (!seen && mayStillAppear(job, deps.clock().toISOString()))
    return notYet(operation, deps.clock, 'Flink may not have answered a start that it is still working on');
  const again = stopsWithSavepoint(operation) ? await stopAgain(deps, operation, { cluster, job }, seen) : undefined;
  if (ended) return { ready: true, reason };
  if (again !== undefined) return notYet(operation, deps.clock, again);
  // It may have come after the cancellation was asked for; asking again changes nothing for one that is being canceled.
  if (isCancellation(operation) && seen?.state !== 'CANCELLING') await connect(deps.flink, cluster).cancel(job.flinkJobId);
  return notYet(operation, deps.clock, reason);
};

const stopsWithSavepoint = ({ request }: Operation): boolean =>
  request.kind === 'upgrade-job' || (request.kind === 'stop-job' && request.mode === 'savepoint');

/**
 * A JobManager that is lost between a savepoint and the end that it was for brings the job back, which goes on: it is asked once more, and the
 * savepoint that counts is the later one. @returns why the job is waited for, when it was asked again
 */
const stopAgain = async (
  deps: SavepointDeps,
  operation: Operation,
  { cluster, job }: OwnedJob,
  seen: FlinkJobSeen | undefined,
): Promise<string | undefined> => {
  const flink = connect(deps.flink, cluster);
  const savepoint = await flink.savepoint(job.flinkJobId, triggerIdOf(operation.operationId, job.flinkJobId));
  if (savepoint.state === 'completed' && savepoint.location !== job.latestSavepoint)
    await keepSavepoint(deps, operation, job, savepoint.location);
  if (savepoint.state !== 'unknown' || seen?.state !== 'RUNNING') return undefined;
  await ask(deps, flink, operation, job);
  return 'The JobManager was restarted before it had recorded the end of the job: it is asked to stop once more';
};

const recordSeen = async (deps: FlinkDeps, operation: Operation, owned: OwnedJob, seen: FlinkJobSeen | undefined): Promise<Awaited_> => {
  const { status, statusReason } = statusSeen(seen, owned.job.stopAskedBy);
  const stops = status === 'RUNNING' && (await mayStillStop(deps, owned));
  await record(deps, operation, status, statusReason, { known: seen !== undefined, stops });
  return { ready: true, reason: `${status}: ${statusReason}` };
};

/** Whoever asked the job to stop may have been broken off, and the savepoint is written all the same: then its end is a stop, and not its own. */
const mayStillStop = async ({ flink }: FlinkDeps, { cluster, job }: OwnedJob): Promise<boolean> => {
  if (job.stopAskedBy === undefined) return false;
  const { state } = await connect(flink, cluster).savepoint(job.flinkJobId, triggerIdOf(job.stopAskedBy, job.flinkJobId));
  return state === 'in-progress' || state === 'completed';
};

const expectationOf = ({ clock }: FlinkDeps, operation: Operation, job: Job, purpose: Purpose): JobExpectation => {
  if (operation.kind === 'rescale-job') return { parallelism: job.spec.parallelism };
  if (operation.kind === 'scale-job') return scaledExpectation(operation, job, clock().toISOString());
  // There is nothing to go back to once more: the previous version may take its time.
  return purpose === 'cleaning' ? {} : { startingAt: clock().toISOString() };
};

const scaledExpectation = (operation: Operation, job: Job, now: string): JobExpectation => {
  const vertices = job.spec.scaled ? { vertices: job.spec.scaled.vertices } : {};
  return { parallelism: job.spec.parallelism, ...vertices, changedAt: changedAt(operation) ?? now, now };
};

/** A stop that its operation has given up on may still take place. @returns undefined when it will not */
const whileStopping = async (
  deps: FlinkDeps,
  operation: Operation,
  job: Job,
  seen: FlinkJobSeen | undefined,
): Promise<Awaited_ | undefined> => {
  const { cluster } = await ownJob(deps, operation, 'cleaning');
  const savepoint = await connect(deps.flink, cluster).savepoint(job.flinkJobId, triggerIdOf(operation.operationId, job.flinkJobId));
  if (savepoint.state === 'in-progress') return { ready: false, reason: 'The stop is still under way in Flink' };
  if (savepoint.state !== 'completed') return undefined;
  await keepSavepoint(deps, operation, job, savepoint.location);
  if (!decideJobEnd(seen).ended) return { ready: false, reason: `Savepoint ${savepoint.location} is complete, the job is ending` };
  const statusReason = `Stopped with savepoint ${savepoint.location}`;
  await record(deps, operation, 'STOPPED', statusReason);
  return { ready: true, reason: statusReason };
};

const untilRunning = async (
  deps: FlinkDeps,
  operation: Operation,
  { cluster, job }: OwnedJob,
  seen: FlinkJobSeen | undefined,
  purpose: Purpose,
): Promise<Awaited_> => {
  const progress = decideJobProgress(seen, expectationOf(deps, operation, job, purpose));
  switch (progress.action) {
    case 'wait':
      if (purpose === 'changing' && progress.isOtherwise) refuseToKeepUnused(deps, operation, progress.reason);
      return notYet(operation, deps.clock, progress.reason, purpose);
    case 'running':
      if (seen && isUnscaled(operation, job, seen)) {
        await ownJob(deps, operation, purpose);
        await connect(deps.flink, cluster).setVertexParallelism(job.flinkJobId, job.spec.scaled?.vertices ?? {});
        return notYet(operation, deps.clock, `${progress.reason}; each vertex gets the parallelism that scaling gave it`, purpose);
      }
      await record(deps, operation, 'RUNNING', progress.reason, { stops: await mayStillStop(deps, { cluster, job }) });
      return { ready: true, reason: progress.reason };
    case 'finished':
      if (job.stopAskedBy === undefined) await record(deps, operation, 'FINISHED', progress.reason);
      else await recordSeen(deps, operation, { cluster, job }, seen);
      return { ready: true, reason: progress.reason };
    case 'failed':
    case 'gone':
      throw new JobFailed(progress.reason);
  }
};

/**
 * A start knows one parallelism for all vertices: what scaling made of them is asked for once they run. (Flink 2.3 passes over
 * `pipeline.jobvertex-parallelism-overrides` of a job that is submitted as a stream graph, which all are.)
 */
const isUnscaled = ({ kind }: Operation, { spec }: Job, { vertices }: FlinkJobSeen): boolean =>
  kind !== 'scale-job' && kind !== 'rescale-job' && vertexUnlike(spec.scaled?.vertices ?? {}, vertices) !== undefined;

/**
 * @param known whether Flink shows the job: then nothing more comes of the request to start it
 * @param stops whether the savepoint that it was asked to stop with may still be written
 */
const record = async (
  { store }: FlinkDeps,
  operation: Operation,
  status: JobStatus,
  statusReason: string,
  { known = true, stops = false }: { readonly known?: boolean; readonly stops?: boolean } = {},
): Promise<void> => {
  const change = {
    status,
    statusReason,
    ...(known ? { startAsked: undefined } : {}),
    // Whatever asked it to stop has come to nothing.
    ...(status === 'RUNNING' && !stops ? { stopAskedBy: undefined } : {}),
  };
  await store.updateJob(operation.cluster, operation.job ?? '', operation.operationId, change);
};
