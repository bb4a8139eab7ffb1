import type { Operation } from '../contracts/operation';
import type { TaskAnswer } from '../contracts/workflow';
import { interruptedJobs } from './interrupted-jobs';
import { allJobs, ownCluster, type StoreDeps } from './owned';

/** The cluster is usable again; what is left of its earlier epochs is taken away behind its back. */
export const handOver = async (deps: StoreDeps, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownCluster(deps, operation);
  await letJobsGo(deps, operation, 'RUNNING', 'It may still run in Flink: its start in another zone was not seen to the end');
  const statusReason = `Moved to ${cluster.zone} as epoch ${cluster.epoch} by ${operation.operationId}`;
  await deps.store.updateCluster(cluster.name, operation.operationId, { status: 'RUNNING', statusReason });
  return { reason: `${cluster.name} runs in ${cluster.zone}` };
};

/**
 * Lets go of every job of the cluster. Those that were not seen running again get this status; what Flink may have been told to run is never recorded as
 * over. After a failure they keep their mark, and with that their place in the next failover.
 */
export const letJobsGo = async (
  { store }: StoreDeps,
  operation: Operation,
  status: 'RUNNING' | 'FAILED',
  reason: string,
): Promise<void> => {
  for (const { name, startAsked } of await interruptedJobs(store, operation))
    await store.updateJob(
      operation.cluster,
      name,
      operation.operationId,
      status === 'RUNNING'
        ? { status, statusReason: reason, interrupted: undefined }
        : startAsked === undefined
          ? { status, statusReason: `Not running: it waits for the next failover, with its state. ${reason}` }
          : { status: 'RUNNING', statusReason: `It may still run in Flink. ${reason}` },
    );
  for (const { name } of await allJobs(store, operation.cluster))
    await store.releaseLease({ cluster: operation.cluster, job: name }, operation.operationId);
};
