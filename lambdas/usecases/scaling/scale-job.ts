import { DeadlineExceeded, InsufficientCapacity, NotFound } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { PastRescale } from '../../contracts/scaling';
import type { Awaited_, Scaled, ScaleJobInput, TaskInput } from '../../contracts/workflow';
import { secondsBetween } from '../../domain/clock';
import { confirmedUntil } from '../../domain/deadlines';
import type { ScalingDecision } from '../../domain/scaling/decision';
import { slotsFor } from '../../domain/scaling/graph';
import { ownRestarts } from '../../domain/scaling/learning';
import { holdToSlots } from '../../domain/scaling/limits';
import { changes } from '../../domain/scaling/plan';
import type { ObservationStorePort } from '../../gateways/aws/observations.port';
import type { FlinkPort } from '../../gateways/flink/flink.port';
import { requireOfFlink, withParallelism } from '../jobs/rescale-job';
import { triggerIdOf } from '../jobs/savepoints';
import { connect, type FlinkDeps, notYet, ownJob } from '../operations/owned';
import type { ScaleRequest } from './consider-scaling';

export type ScaleDeps = FlinkDeps & { readonly observations: ObservationStorePort };

type ScaledTo = NonNullable<Job['spec']['scaled']>;

/** Changes the parallelism of each vertex as decided, as far as the slots go that there are; or back. Stored first, so that it is wanted also when the answer is lost. */
export const scaleJob = async (deps: ScaleDeps, operation: Operation, input: ScaleJobInput): Promise<Scaled> => {
  const { cluster, job } = await ownJob(deps, operation);
  const flink = connect(deps.flink, cluster);
  const request = requestOf(operation);
  if (request.action === 'settle') {
    await requireOfFlink(flink, job.flinkJobId, job.spec);
    return { partial: false, parallelism: job.spec.parallelism, reason: 'Flink was asked for the parallelism that is stored' };
  }
  const to = input.restore ? { vertices: request.from, slots: request.slots.before } : await reachable(deps, flink, operation, job);
  const parallelism = Math.max(...Object.values(to.vertices));
  const spec = withParallelism(job.spec, parallelism, to);
  await deps.store.updateJob(job.cluster, job.name, operation.operationId, { spec });
  await remember(deps, operation, job, to, input);
  await requireOfFlink(flink, job.flinkJobId, spec);
  // Flink rescales at the end of the next checkpoint: one that begins now makes that soon, and little is processed twice.
  if (!input.restore)
    await flink.triggerCheckpoint(job.flinkJobId, triggerIdOf(operation.operationId, job.flinkJobId)).catch(() => undefined);
  const partial = !input.restore && to.slots < request.slots.after;
  const wanted = partial ? `; ${request.slots.after} were decided, no more slots came` : '';
  return { partial, parallelism, reason: `Flink was asked for ${to.slots} slots, ${request.slots.before} before${wanted}` };
};

export const requestOf = ({ operationId, request }: Operation): ScaleRequest => {
  if (request.kind !== 'scale-job') throw new Error(`operation ${operationId} (${request.kind}) scales no job`);
  return request;
};

/** @throws NotFound when it was deleted: then nobody could say why the job was changed */
export const keptDecision = async (observations: ObservationStorePort, { cluster, operationId }: Operation): Promise<ScalingDecision> => {
  const decision = await observations.decision(cluster, operationId);
  if (!decision) throw new NotFound(`what operation ${operationId} was decided by is not there any more`);
  return decision;
};

/** As decided, or as far as the slots go that have come. @throws InsufficientCapacity when no vertex gets more */
const reachable = async (deps: ScaleDeps, flink: FlinkPort, operation: Operation, job: Job): Promise<ScaledTo> => {
  const request = requestOf(operation);
  const asked: ScaledTo = { vertices: request.to, slots: request.slots.after };
  if (request.direction === 'in') return asked;
  const { scaled } = job.spec;
  // Tried again after its answer was lost: slots that it has by now are not free any more.
  if (scaled && changes(request.from, scaled.vertices) && (await ownRescales(deps, operation)).length > 0) return scaled;
  const { slotsFree } = await flink.overview();
  // What is stored may be more already, where this was tried before and came no further.
  const most = request.slots.before + slotsFree;
  if (most >= asked.slots) return asked;
  const { vertices } = (await keptDecision(deps.observations, operation)).inputs.observed.job;
  const held = holdToSlots(vertices, request.to, most);
  if (!changes(request.from, held))
    throw new InsufficientCapacity(`${slotsFree} slots are free, ${asked.slots - request.slots.before} more were to be used`);
  return { vertices: { ...held }, slots: slotsFor(vertices, held) };
};

/** What this operation has done so far. */
const ownRescales = async (
  { observations }: Pick<ScaleDeps, 'observations'>,
  { cluster, job, requestedAt }: Operation,
): Promise<readonly PastRescale[]> => (await observations.history(cluster, job ?? '')).filter(({ at }) => at >= requestedAt);

/** Adds to the job's history what is about to be done, once; a way back is an entry of its own. */
const remember = async (
  { observations, clock }: ScaleDeps,
  operation: Operation,
  job: Job,
  to: ScaledTo,
  { restore, cause }: ScaleJobInput,
): Promise<void> => {
  const own = await ownRescales({ observations }, operation);
  const request = requestOf(operation);
  const last = own.at(-1);
  if (restore ? !last || !changes(last.to, request.from) : last !== undefined) return;
  const decision = await keptDecision(observations, operation);
  const { action, inputs } = decision;
  const { checkpoints, taskManagers } = inputs.observed.job;
  const unknown = {
    rates: {},
    restarts: ownRestarts(inputs.observed.job),
    checkpointFailures: checkpoints.consecutiveFailures,
    gcShare: taskManagers.gcShare,
  };
  const done: PastRescale = {
    // Not to be tried again soon, where the job itself did not bear it.
    kind: action.kind === 'roll-back' || (restore && cause === 'JobFailed') ? 'roll-back' : 'rescale',
    at: clock().toISOString(),
    from: last?.to ?? request.from,
    to: to.vertices,
    ...(action.kind === 'rescale' && action.urgent && !restore ? { urgent: action.urgent } : {}),
    before: action.kind === 'rescale' && !restore ? action.before : unknown,
    expected: action.kind === 'rescale' && !restore ? action.expected : {},
    measured: null,
  };
  await observations.appendRescale(job.cluster, job.name, done);
};

/** Records since when the rescaled job runs, and looks for its first checkpoint: from then on a failure costs no more than before. */
export const confirmRescale = async (deps: ScaleDeps, operation: Operation, input: TaskInput): Promise<Awaited_> => {
  const { cluster, job } = await ownJob(deps, operation);
  const since = operation.phases.find(({ name }) => name === input.phase)?.startedAt ?? deps.clock().toISOString();
  const past = (await ownRescales(deps, operation)).at(-1);
  if (past && past.runningAt === undefined) await deps.observations.markRescale(job.cluster, job.name, past.at, { runningAt: since });
  const flink = connect(deps.flink, cluster);
  const latest = (await flink.checkpoints(job.flinkJobId))?.latestCompleted;
  if (latest && latest.at >= since) return { ready: true, reason: `Its first checkpoint is complete: ${latest.location}` };
  const triggerId = triggerIdOf(`${operation.operationId}/${input.phase}`, job.flinkJobId);
  const asked = await flink.checkpoint(job.flinkJobId, triggerId);
  if (asked.state === 'completed') return { ready: true, reason: `Its first checkpoint (${asked.id}) is complete` };
  refuseToKeepLeft(deps, operation, since);
  switch (asked.state) {
    case 'unknown':
      await flink.triggerCheckpoint(job.flinkJobId, triggerId);
      return notYet(operation, deps.clock, 'Flink was asked for a checkpoint');
    case 'in-progress':
      return notYet(operation, deps.clock, 'The checkpoint is under way');
    case 'failed':
      // Flink takes further ones by itself.
      return notYet(operation, deps.clock, `The checkpoint that was asked for failed: ${asked.reason}`);
  }
};

/** @throws DeadlineExceeded when a smaller job has had its time for a checkpoint: the hosts that it has left are kept for its way back, and unused */
const refuseToKeepLeft = ({ clock }: ScaleDeps, operation: Operation, since: string): void => {
  const until = confirmedUntil(since);
  if (requestOf(operation).direction === 'out' || clock().toISOString() <= until) return;
  throw new DeadlineExceeded(`it runs smaller and has no checkpoint after ${secondsBetween(since, until)} s`);
};
