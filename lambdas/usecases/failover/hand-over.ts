import type { Operation } from '../../contracts/operation';
import type { TaskAnswer } from '../../contracts/workflow';
import { allJobs, ownCluster, type StoreDeps } from '../operations/owned';

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
  const jobs = await allJobs(store, operation.cluster);
  // Of whatever failover: this one may have ended before it could take over what an interrupted one had.
  const waiting = jobs.filter(({ interrupted, lease }) => interrupted !== undefined && lease?.operationId === operation.operationId);
  for (const { name, startAsked } of waiting)
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
  for (const { name } of jobs) await store.releaseLease({ cluster: operation.cluster, job: name }, operation.operationId);
};
