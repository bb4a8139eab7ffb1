import type { Cluster } from '../../contracts/cluster';
import type { FailoverMode } from '../../contracts/drill';
import { FlinkUnavailable, JobRejected } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Awaited_, SecureStateInput, StateSecured } from '../../contracts/workflow';
import { isFinal } from '../../domain/decide-job-progress';
import { decideSavepointProgress } from '../../domain/decide-savepoint-progress';
import { jobManagerAddresses } from '../../domain/job-managers';
import type { FlinkPort } from '../../gateways/flink/flink.port';
import { keepSavepoint, type SavepointDeps, stopWithSavepoint, triggerIdOf } from '../jobs/savepoints';
import { interruptedJobs } from '../operations/interrupted-jobs';
import { ownCluster } from '../operations/owned';
import { leaveFormer } from './fence-former';

/** The JobManager of a zone that is lost is asked once, since records wait meanwhile; one that answers has this long for a savepoint. Seconds. */
const LOST_ANSWER_SECONDS = 0;
const LOST_SAVEPOINT_SECONDS = 15;
/** A planned move may meet a JobManager that restarts. Seconds. */
const PLANNED_ANSWER_SECONDS = 30;

/**
 * Stops the jobs on their old hosts with a savepoint each, where that can still be had. Ready when each has ended, or when the time for it is over: what
 * has no savepoint goes on from its last checkpoint.
 */
export const secureState = async (deps: SavepointDeps, operation: Operation, input: SecureStateInput): Promise<StateSecured> => {
  if (input.plan !== 'ask') return { ...(await secure(deps, operation, input.phase, input.plan)), plan: input.plan };
  return askFormer(deps, operation, input.phase);
};

/**
 * Decides how to move by asking the former JobManager, once: one that answers, with TaskManagers, makes it a planned move, in which nothing is stopped
 * before the new hosts are there. One that is silent is not asked again: its jobs go on from their last checkpoints.
 */
const askFormer = async (deps: SavepointDeps, operation: Operation, phase: string): Promise<StateSecured> => {
  const cluster = await ownCluster(deps, operation);
  const silent = async (reason: string): Promise<StateSecured> => {
    // A job may still be where an interrupted failover before this one has left it.
    if ((cluster.former ?? []).filter(({ unused }) => !unused).length > 1)
      return { ...(await secure(deps, operation, phase, 'lost')), plan: 'lost' };
    for (const job of await toSecure(deps, operation)) await remember(deps, operation, job, { without: reason });
    return { ready: true, plan: 'lost', reason };
  };
  const asked = await Promise.all(mayHaveJobs(operation, cluster).map((addresses) => ask(deps, addresses)));
  const slots = Math.max(0, ...asked.flatMap((one) => ('slots' in one ? [one.slots] : [])));
  if (slots > 0) return { ready: true, plan: 'planned', reason: `The JobManager answers and has ${slots} slots: nothing is lost` };
  const silence = asked.flatMap((one) => ('silence' in one ? [one.silence] : []));
  if (silence.length === asked.length)
    return silent(asked.length === 0 ? 'There is no JobManager to ask' : `The JobManager does not answer: ${silence.join('; ')}`);
  const { ready, reason } = await secure(deps, operation, phase, 'lost');
  return { ready, plan: 'lost', reason: `The JobManager answers, but no TaskManager is left; ${reason}` };
};

/** JobManagers of the epoch before, and of the one that a move which this goes on with began from: where it had come to no jobs, they are there. */
const mayHaveJobs = ({ request }: Operation, { former = [] }: Cluster): readonly (readonly string[])[] => {
  const fromEpoch = request.kind === 'fail-over-cluster' ? request.fromEpoch : undefined;
  const epochs = former.filter((one, index) => index === former.length - 1 || one.epoch === fromEpoch);
  return epochs.map(({ resources }) => jobManagerAddresses(resources)).filter((addresses) => addresses.length > 0);
};

const ask = async (
  { flink }: SavepointDeps,
  addresses: readonly string[],
): Promise<{ readonly slots: number } | { readonly silence: string }> => {
  try {
    return { slots: (await flink(addresses).overview()).slotsTotal };
  } catch (error) {
    if (!(error instanceof FlinkUnavailable)) throw error;
    return { silence: error.message };
  }
};

/** Jobs of which neither a savepoint nor its absence is known. */
const toSecure = async ({ store }: SavepointDeps, operation: Operation): Promise<readonly Job[]> =>
  (await interruptedJobs(store, operation)).filter(
    ({ desired, interrupted }) => desired === 'RUNNING' && !interrupted.savepoint && !interrupted.without,
  );

const secure = async (deps: SavepointDeps, operation: Operation, phase: string, plan: FailoverMode): Promise<Awaited_> => {
  const cluster = await leaveFormer(deps, operation, await ownCluster(deps, operation));
  const jobs = await toSecure(deps, operation);
  if (plan === 'lost' && isDrill(operation)) {
    // A zone that counts as lost gives no savepoint: else a drill would rehearse a planned move.
    for (const job of jobs) await remember(deps, operation, job, { without: 'the drill counts its zone as lost' });
    return { ready: true, reason: `A drill, in which nobody answers: ${jobs.length} jobs go on from their last checkpoints` };
  }
  const started = operation.phases.find(({ name }) => name === phase)?.startedAt;
  const elapsed = started === undefined ? 0 : (deps.clock().getTime() - Date.parse(started)) / 1_000;
  const limits =
    plan === 'planned'
      ? { answer: PLANNED_ANSWER_SECONDS, savepoint: deps.stage.deadlines.savepointSeconds }
      : { answer: LOST_ANSWER_SECONDS, savepoint: LOST_SAVEPOINT_SECONDS };
  const looks = await Promise.all(
    jobs.map(async (job) => {
      const look = await lookAt(deps, operation, cluster, job);
      const limit = look.answered ? limits.savepoint : limits.answer;
      if (look.done || elapsed < limit) return look;
      const without = `${look.reason} (after ${Math.round(elapsed)} s)`;
      await remember(deps, operation, job, { without });
      // Who does not answer is not asked to cancel either: the fence ends it with its hosts.
      if (look.answered) await cancel(deps, cluster, job);
      return { ...look, done: true, reason: `${job.name}: ${without}` };
    }),
  );
  const waiting = looks.filter(({ done }) => !done);
  if (waiting.length > 0) return { ready: false, reason: waiting.map(({ reason }) => reason).join('; ') };
  return { ready: true, reason: describe(await interruptedJobs(deps.store, operation)) };
};

const isDrill = ({ request }: Operation): boolean => request.kind === 'fail-over-cluster' && request.drill === true;

interface Look {
  readonly done: boolean;
  readonly answered: boolean;
  readonly reason: string;
}

const lookAt = async (deps: SavepointDeps, operation: Operation, cluster: Cluster, job: Job): Promise<Look> => {
  try {
    const found = await holderOf(deps, cluster, job);
    if (found === undefined) {
      await remember(deps, operation, job, { without: 'no JobManager of the cluster knows the job' });
      return { done: true, answered: true, reason: `${job.name} is known to no JobManager` };
    }
    return await progress(deps, operation, job, found);
  } catch (error) {
    if (!(error instanceof FlinkUnavailable)) throw error;
    return { done: false, answered: false, reason: `the JobManager of ${job.name} does not answer: ${error.message}` };
  }
};

const progress = async (deps: SavepointDeps, operation: Operation, job: Job, flink: FlinkPort): Promise<Look> => {
  const seen = await flink.job(job.flinkJobId);
  // An operation that was under way, or that this one goes on with, may have asked it to stop already.
  const askedBy = job.stopAskedBy ?? operation.operationId;
  const known = await flink.savepoint(job.flinkJobId, triggerIdOf(askedBy, job.flinkJobId));
  const ended = !seen || isFinal(seen.state);
  const others = askedBy !== operation.operationId && !ended && (known.state === 'failed' || known.state === 'unknown');
  const savepoint = decideSavepointProgress(others ? { state: 'unknown' } : known, seen);
  const done = async (change: { readonly savepoint?: string; readonly without?: string }): Promise<Look> => {
    await remember(deps, operation, job, change);
    return { done: true, answered: true, reason: `${job.name}: ${change.savepoint ?? change.without}` };
  };
  switch (savepoint.action) {
    case 'completed':
      await keepSavepoint(deps, operation, job, savepoint.location);
      if (ended) return done({ savepoint: savepoint.location });
      return { done: false, answered: true, reason: `${job.name} ends with savepoint ${savepoint.location}` };
    case 'wait':
      return { done: false, answered: true, reason: `the savepoint of ${job.name} is being written` };
    case 'ask-again':
      try {
        if (job.stopAskedBy !== operation.operationId)
          await deps.store.updateJob(job.cluster, job.name, operation.operationId, { stopAskedBy: operation.operationId });
        await stopWithSavepoint(deps, flink, operation, job);
      } catch (error) {
        if (!(error instanceof JobRejected)) throw error;
        return done({ without: error.message });
      }
      return { done: false, answered: true, reason: `${job.name} was asked to stop with a savepoint` };
    case 'failed':
      if (savepoint.location !== undefined) await keepSavepoint(deps, operation, job, savepoint.location);
      if (seen?.state === 'FINISHED' && job.stopAskedBy !== undefined && known.state === 'unknown')
        return done({ without: `it was stopped by ${askedBy}, and Flink has forgotten with which savepoint` });
      if (seen?.state === 'FINISHED') {
        const statusReason = 'It had done all its work when its cluster moved to another zone';
        await deps.store.updateJob(job.cluster, job.name, operation.operationId, {
          status: 'FINISHED',
          statusReason,
          interrupted: undefined,
        });
        return { done: true, answered: true, reason: `${job.name} has finished` };
      }
      if (!ended) await flink.cancel(job.flinkJobId);
      return done({ without: ended && seen ? `the job is ${seen.state}` : savepoint.reason });
  }
};

/** The JobManager that knows the job: the one it ran on, or an earlier one when a failover was interrupted before it had moved the job. */
const holderOf = async ({ flink }: SavepointDeps, { former = [] }: Cluster, job: Job): Promise<FlinkPort | undefined> => {
  const ports = former
    .toReversed()
    .filter(({ unused }) => !unused)
    .map(({ resources }) => jobManagerAddresses(resources))
    .filter((addresses) => addresses.length > 0)
    .map(flink);
  // Side by side: each that is lost takes the whole time limit.
  const seen = await Promise.all(
    ports.map(async (port) => {
      try {
        return { port, knows: (await port.job(job.flinkJobId)) !== undefined };
      } catch (error) {
        if (!(error instanceof FlinkUnavailable)) throw error;
        return { port, knows: false, silent: error };
      }
    }),
  );
  const holder = seen.find(({ knows }) => knows);
  const silent = seen.find((one) => one.silent)?.silent;
  if (!holder && silent) throw silent;
  return holder?.port;
};

const cancel = async (deps: SavepointDeps, cluster: Cluster, job: Job): Promise<void> => {
  try {
    await (await holderOf(deps, cluster, job))?.cancel(job.flinkJobId);
  } catch (error) {
    // The fence ends it with its hosts.
    if (!(error instanceof FlinkUnavailable)) throw error;
  }
};

const remember = async (
  deps: SavepointDeps,
  operation: Operation,
  job: Job,
  change: { readonly savepoint?: string; readonly without?: string },
): Promise<void> => {
  if (job.interrupted === undefined) return;
  const interrupted = { ...job.interrupted, ...change, ...(change.without ? { without: change.without.slice(0, 500) } : {}) };
  await deps.store.updateJob(job.cluster, job.name, operation.operationId, { interrupted });
};

const describe = (jobs: readonly Job[]): string => {
  const saved = jobs.filter(({ interrupted }) => interrupted?.savepoint).length;
  const others = jobs.flatMap(({ name, interrupted }) => (interrupted?.without ? [`${name}: ${interrupted.without}`] : []));
  return [`${saved} of ${jobs.length} jobs were stopped with a savepoint`, ...others].join('; ');
};
