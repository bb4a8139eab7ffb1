import type { Operation } from '../contracts/operation';
import type { RescaleJobInput, TaskAnswer } from '../contracts/workflow';
import { connect, type FlinkDeps, ownJob } from './owned';

/** Asks Flink for another parallelism of a running job. Stored first, so that it is wanted also when the answer is lost. */
export const rescaleJob = async (deps: FlinkDeps, operation: Operation, input: RescaleJobInput): Promise<TaskAnswer> => {
  const { cluster, job } = await ownJob(deps, operation);
  const asked = operation.request.kind === 'rescale-job' ? operation.request.parallelism : job.spec.parallelism;
  const parallelism = input.restore ?? asked;
  await deps.store.updateJob(job.cluster, job.name, operation.operationId, { spec: { ...job.spec, parallelism } });
  await connect(deps.flink, cluster).setParallelism(job.flinkJobId, parallelism);
  return { reason: `Flink was asked for parallelism ${parallelism}` };
};
