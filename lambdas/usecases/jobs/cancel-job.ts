import type { Operation } from '../../contracts/operation';
import type { TaskAnswer } from '../../contracts/workflow';
import { connect, type FlinkDeps, ownJob } from '../operations/owned';

/** Asks Flink to cancel the job. Its checkpoints are retained. */
export const cancelJob = async (deps: FlinkDeps, operation: Operation): Promise<TaskAnswer> => {
  const { cluster, job } = await ownJob(deps, operation);
  await deps.store.updateJob(job.cluster, job.name, operation.operationId, { status: 'STOPPING', statusReason: 'Being canceled' });
  await connect(deps.flink, cluster).cancel(job.flinkJobId);
  return { reason: 'Flink was asked to cancel the job' };
};
