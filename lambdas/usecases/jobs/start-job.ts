import { FlinkUnavailable, JarMissing, JobRejected, Superseded } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { StartJobInput, TaskAnswer } from '../../contracts/workflow';
import { isFinal } from '../../domain/decide-job-progress';
import { renderJobConfiguration } from '../../domain/flink-config';
import { flinkJobIdOf } from '../../domain/flink-job-id';
import type { FlinkPort } from '../../gateways/flink/flink.port';
import { connect, ownJob } from '../operations/owned';
import { chooseRestorePoint } from '../state/restore-point';
import { type ArtifactDeps, fileNameOf, readScript, uploadJar } from './upload-artifact';

export type StartDeps = ArtifactDeps & { readonly stage: Stage };

/** Starts the job as an epoch: its present one (a submission) or the next (an upgrade). The intent is stored before Flink is asked. */
export const startJob = async (deps: StartDeps, operation: Operation, asked: StartJobInput): Promise<TaskAnswer> => {
  const { cluster, job } = await ownJob(deps, operation);
  // Where the previous version had to be stopped once more, the later savepoint is the job's latest.
  const input = asked.savepoint === null ? asked : { ...asked, savepoint: job.latestSavepoint ?? asked.savepoint };
  const flink = connect(deps.flink, cluster);
  const intended = await storeIntent(deps, operation, input, job, cluster.epoch);
  // The answer to an earlier try may have been lost on its way.
  if (await flink.job(intended.flinkJobId)) return { reason: `Flink runs it already as ${intended.flinkJobId}` };
  const point =
    input.savepoint === null
      ? await chooseRestorePoint(deps, cluster, intended)
      : { location: input.savepoint, reason: `from ${input.savepoint}` };
  const starting = await deps.store.updateJob(job.cluster, job.name, operation.operationId, {
    restoredFrom: point.location,
    restoredStateAt: undefined,
    ...(point.location === undefined && intended.spec.restore.from === 'none' ? { fromNothingAt: intended.epoch } : {}),
  });
  await runJob(deps, flink, operation, starting);
  return { reason: `Flink has accepted ${starting.flinkJobId}, ${point.reason}` };
};

const storeIntent = async (deps: StartDeps, operation: Operation, input: StartJobInput, job: Job, clusterEpoch: number): Promise<Job> => {
  const common = { status: 'SUBMITTING', jarId: input.jarId ?? undefined, statusReason: `Being started as epoch ${input.epoch}` } as const;
  if (input.epoch === job.epoch) return deps.store.updateJob(job.cluster, job.name, operation.operationId, common);
  if (input.epoch !== job.epoch + 1) throw new Superseded(`job ${job.name} is at epoch ${job.epoch}, epoch ${input.epoch} cannot follow`);
  const spec = operation.request.kind === 'upgrade-job' ? operation.request.spec : job.spec;
  return deps.store.updateJob(job.cluster, job.name, operation.operationId, {
    ...common,
    spec,
    previousSpec: job.spec,
    revision: job.revision + 1,
    epoch: input.epoch,
    flinkJobId: flinkJobIdOf({ cluster: job.cluster, clusterEpoch, job: job.name, jobEpoch: input.epoch }),
    startAsked: undefined,
    stopAskedBy: undefined,
    restoredFrom: input.savepoint ?? undefined,
    restoredStateAt: undefined,
  });
};

/**
 * Hands a job as stored to Flink. That it is asked is recorded before, so that a job which shows late is waited for and taken away.
 * @throws JobRejected; FlinkUnavailable while an earlier start of the job has not ended
 */
export const runJob = async (deps: StartDeps, flink: FlinkPort, operation: Operation, job: Job): Promise<void> => {
  const { program } = job.spec;
  const script = program.kind === 'sql' ? await readScript(deps.artifacts, program) : '';
  // Reading and uploading take time in which somebody may have asked for the opposite.
  const { cluster } = await ownJob(deps, operation);
  await endEarlierStarts(flink, job, cluster.epoch);
  const times = (job.startAsked?.times ?? 0) + 1;
  const startAsked = { at: deps.clock().toISOString(), times };
  const asked = await deps.store.updateJob(job.cluster, job.name, operation.operationId, { startAsked });
  try {
    await submit(deps, flink, asked, script).catch(async (error: unknown) => {
      if (!(error instanceof JarMissing)) throw error;
      await submitAgain(deps, flink, operation, asked);
    });
  } catch (error) {
    // Refused, and there was no other request: nothing can come of it. If this is not stored, it is waited for in vain.
    if (error instanceof JobRejected && times === 1)
      await deps.store.updateJob(job.cluster, job.name, operation.operationId, { startAsked: undefined }).catch(() => undefined);
    throw error;
  }
};

/**
 * Another JobManager leads than the one that the jar was uploaded to, or its disk is gone: S3 has it still.
 * @throws FlinkUnavailable when the JobManager changes once more meanwhile
 */
const submitAgain = async (deps: StartDeps, flink: FlinkPort, operation: Operation, job: Job): Promise<void> => {
  const uploaded = await uploadAgain(deps, flink, operation, job);
  try {
    await submit(deps, flink, uploaded, '');
  } catch (error) {
    if (error instanceof JarMissing) throw new FlinkUnavailable(error.message, { cause: error });
    throw error;
  }
};

/** What was refused for lack of its jar cannot show late: the time of the request is that of the next one. */
export const uploadAgain = async (deps: StartDeps, flink: FlinkPort, operation: Operation, job: Job): Promise<Job> => {
  const { program } = job.spec;
  if (program.kind !== 'jar') throw new Error(`job ${job.name} has no jar`);
  const { jarId } = await uploadJar(deps.artifacts, flink, program, fileNameOf(operation, program));
  const { startAsked } = job;
  return deps.store.updateJob(job.cluster, job.name, operation.operationId, {
    jarId: jarId ?? undefined,
    ...(startAsked ? { startAsked: { ...startAsked, at: deps.clock().toISOString() } } : {}),
  });
};

/** A job never runs in two places: what an earlier epoch left in Flink, such as a start whose answer came too late, ends first. */
const endEarlierStarts = async (flink: FlinkPort, job: Job, clusterEpoch: number): Promise<void> => {
  if (job.epoch === 1) return;
  const earlier = new Set(
    Array.from({ length: job.epoch - 1 }, (_, index) =>
      flinkJobIdOf({ cluster: job.cluster, clusterEpoch, job: job.name, jobEpoch: index + 1 }),
    ),
  );
  const left = (await flink.jobs()).filter(({ flinkJobId, state }) => earlier.has(flinkJobId) && !isFinal(state));
  for (const { flinkJobId } of left) await flink.cancel(flinkJobId);
  if (left.length > 0)
    throw new FlinkUnavailable(`an earlier start of job ${job.name} is still there and being canceled: ${left.map(describe).join(', ')}`);
};

const describe = ({ flinkJobId, state }: { readonly flinkJobId: string; readonly state: string }): string => `${flinkJobId} (${state})`;

const submit = async (deps: StartDeps, flink: FlinkPort, job: Job, script: string): Promise<void> => {
  const { program } = job.spec;
  const common = {
    flinkJobId: job.flinkJobId,
    jobName: job.name,
    parallelism: job.spec.parallelism,
    ...(job.restoredFrom === undefined ? {} : { savepoint: job.restoredFrom }),
    allowNonRestoredState: job.spec.restore.allowNonRestoredState,
    flinkConfiguration: renderJobConfiguration({
      stateBucket: deps.stage.stateBucket,
      cluster: job.cluster,
      job: job.name,
      flinkConfiguration: job.spec.flinkConfiguration,
    }),
  };
  const named = (text: string): string => text.replaceAll('{{sluice.start}}', startNameOf(job));
  if (program.kind === 'sql') return flink.runSql({ ...common, script: named(script) });
  if (job.jarId === undefined) throw new Error(`job ${job.name} has a jar that was not uploaded`);
  const entryClass = program.entryClass === undefined ? {} : { entryClass: program.entryClass };
  return flink.runJar({ ...common, ...entryClass, jarId: job.jarId, arguments: program.arguments.map(named) });
};

/** A name of this start alone, for what must not be shared with a process of an earlier one, such as the prefix of Kafka transactions. */
const startNameOf = ({ cluster, name, flinkJobId }: Job): string => `${cluster}-${name}-${flinkJobId.slice(0, 12)}`;
