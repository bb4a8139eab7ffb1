import type { Operation } from '../contracts/operation';
import type { Clock } from '../domain/clock';
import { isJobOver } from '../domain/job-lifecycle';
import type { StorePort } from '../gateways/aws/store.port';
import { allJobs } from './owned';
import { takeJob } from './stop-jobs';

/** Ends what still refers to a cluster whose hosts are gone: open operations are canceled, jobs that did not end in order are recorded as canceled. */
export const closeCluster = async (deps: { readonly store: StorePort; readonly clock: Clock }, operation: Operation): Promise<void> => {
  const { store, clock } = deps;
  const others = (await store.openOperations()).filter(
    (other) => other.cluster === operation.cluster && other.operationId !== operation.operationId,
  );
  for (const other of others) {
    await store.endOperation(other.operationId, {
      status: 'CANCELED',
      endedAt: clock().toISOString(),
      reason: `Cluster ${operation.cluster} was terminated.`,
    });
    await store.releaseLease(
      other.job === undefined ? { cluster: other.cluster } : { cluster: other.cluster, job: other.job },
      other.operationId,
    );
  }
  for (const job of await allJobs(store, operation.cluster)) {
    if (!isJobOver(job.status) && (await takeJob(deps, operation, job)))
      await store.updateJob(job.cluster, job.name, operation.operationId, {
        status: 'CANCELED',
        statusReason: `Ended with its cluster ${job.cluster}; its last retained checkpoint can be restored`,
        desired: 'STOPPED',
      });
    await store.releaseLease({ cluster: job.cluster, job: job.name }, operation.operationId);
  }
};
