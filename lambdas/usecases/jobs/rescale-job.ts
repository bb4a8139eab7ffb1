import type { StoredJobSpec } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { RescaleJobInput, TaskAnswer } from '../../contracts/workflow';
import type { FlinkPort } from '../../gateways/flink/flink.port';
import { connect, type FlinkDeps, ownJob } from '../operations/owned';

/** Asks Flink for another parallelism of a running job. Stored first, so that it is wanted also when the answer is lost. */
export const rescaleJob = async (deps: FlinkDeps, operation: Operation, input: RescaleJobInput): Promise<TaskAnswer> => {
  const { cluster, job } = await ownJob(deps, operation);
  const { request } = operation;
  const asked = request.kind === 'rescale-job' ? request.parallelism : job.spec.parallelism;
  const parallelism = input.restore ?? asked;
  const former = request.kind === 'rescale-job' && input.restore !== null ? request.former : undefined;
  const spec = withParallelism(job.spec, parallelism, former);
  await deps.store.updateJob(job.cluster, job.name, operation.operationId, { spec });
  await requireOfFlink(connect(deps.flink, cluster), job.flinkJobId, spec);
  return { reason: `Flink was asked for parallelism ${parallelism}${former ? ', by vertex as it was' : ''}` };
};

/** @param scaled parallelism by vertex; undefined: the same for all */
export const withParallelism = (spec: StoredJobSpec, parallelism: number, scaled: StoredJobSpec['scaled']): StoredJobSpec => {
  const { scaled: _, ...rest } = spec;
  return { ...rest, parallelism, ...(scaled === undefined ? {} : { scaled }) };
};

/** Makes Flink want what is stored. */
export const requireOfFlink = (flink: FlinkPort, flinkJobId: string, { parallelism, scaled }: StoredJobSpec): Promise<void> =>
  scaled === undefined ? flink.setParallelism(flinkJobId, parallelism) : flink.setVertexParallelism(flinkJobId, scaled.vertices);
