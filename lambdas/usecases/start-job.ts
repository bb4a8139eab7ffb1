import { Superseded } from '../contracts/errors';
import type { Job } from '../contracts/job';
import type { Operation } from '../contracts/operation';
import type { Stage } from '../contracts/stage';
import type { StartJobInput, TaskAnswer } from '../contracts/workflow';
import { renderJobConfiguration } from '../domain/flink-config';
import { flinkJobIdOf } from '../domain/flink-job-id';
import type { FlinkPort } from '../gateways/flink/flink.port';
import { connect, ownJob } from './owned';
import { chooseRestorePoint } from './restore-point';
import { type ArtifactDeps, readScript } from './upload-artifact';

export type StartDeps = ArtifactDeps & { readonly stage: Stage };

/** Starts the job as an epoch: its present one (a submission) or the next (an upgrade). The intent is stored before Flink is asked. */
export const startJob = async (deps: StartDeps, operation: Operation, input: StartJobInput): Promise<TaskAnswer> => {
  const { cluster, job } = await ownJob(deps, operation);
  const flink = connect(deps.flink, cluster);
  const intended = await storeIntent(deps, operation, input, job, cluster.epoch);
  // The answer to an earlier try may have been lost on its way.
  if (await flink.job(intended.flinkJobId)) return { reason: `Flink runs it already as ${intended.flinkJobId}` };
  const point =
    input.savepoint === null ? await chooseRestorePoint(deps, intended) : { location: input.savepoint, reason: `from ${input.savepoint}` };
  const starting = await deps.store.updateJob(job.cluster, job.name, operation.operationId, { restoredFrom: point.location });
  // Reading and uploading take time in which somebody may have asked for the opposite.
  await ownJob(deps, operation);
  await runJob(deps, flink, starting);
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
    restoredFrom: input.savepoint ?? undefined,
  });
};

/** Hands a job as stored to Flink. @throws JobRejected */
export const runJob = async (deps: StartDeps, flink: FlinkPort, job: Job): Promise<void> => {
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
  if (program.kind === 'sql') return flink.runSql({ ...common, script: await readScript(deps.artifacts, program) });
  if (job.jarId === undefined) throw new Error(`job ${job.name} has a jar that was not uploaded`);
  const entryClass = program.entryClass === undefined ? {} : { entryClass: program.entryClass };
  return flink.runJar({ ...common, ...entryClass, jarId: job.jarId, arguments: program.arguments });
};
