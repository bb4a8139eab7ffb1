import type { Operation } from '../contracts/operation';
import type { SetParallelismInput, TaskAnswer } from '../contracts/workflow';
import { connect, type FlinkDeps, ownJob } from './owned';

/** Asks Flink for another parallelism of a running job. Stored first, so that it is wanted also when the answer is lost. */
export const rescaleJob = async (deps: FlinkDeps, operation: Operation, input: SetParallelismInput): Promise<TaskAnswer> => {
  const { cluster, job } = await ownJob(deps, operation);
  await deps.store.updateJob(job.cluster, job.name, operation.operationId, { spec: { ...job.spec, parallelism: input.parallelism } });
  await connect(deps.flink, cluster).setParallelism(job.flinkJobId, input.parallelism);
  return { reason: `Flink was asked for parallelism ${input.parallelism}` };
};
