import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Clock } from '../../domain/clock';
import { onCopy } from '../../domain/drill-copy';
import { isJobOver } from '../../domain/job-lifecycle';
import type { StorePort } from '../../gateways/aws/store.port';
import { takeJob } from '../jobs/stop-jobs';
import { allJobs } from '../operations/owned';

type Deps = { readonly store: StorePort; readonly clock: Clock };

/**
 * The last things of a termination. `gone`: no host is left, so open operations are canceled and jobs that did not end in order are recorded as
 * canceled. Otherwise only what the termination holds is let go.
 */
export const closeCluster = async (deps: Deps, operation: Operation, gone: boolean): Promise<void> => {
  if (gone) await cancelOthers(deps, operation);
  const isCopy = (await deps.store.cluster(operation.cluster))?.copyOf !== undefined;
  for (const job of await allJobs(deps.store, operation.cluster)) {
    const change = isJobOver(job.status) ? undefined : gone && isCopy ? rehearsed(job) : lastStatus(job, gone);
    if (change && (await takeJob(deps, operation, job))) await deps.store.updateJob(job.cluster, job.name, operation.operationId, change);
    await deps.store.releaseLease({ cluster: job.cluster, job: job.name }, operation.operationId);
  }
};

/** What of it the report of the drill tells. */
const rehearsed = ({ status }: Job): Pick<Job, 'status' | 'statusReason' | 'desired'> =>
  status === 'RUNNING'
    ? { status: 'FINISHED', statusReason: 'It was rehearsed; its state went with the copy', desired: 'STOPPED' }
    : { status: 'CANCELED', statusReason: 'The drill ended before it ran', desired: 'STOPPED' };

const cancelOthers = async ({ store, clock }: Deps, { cluster, operationId, kind }: Operation): Promise<void> => {
  const open = (await store.openOperations()).map(onCopy);
  const others = open
    .filter((other) => other.cluster === cluster && other.operationId !== operationId)
    // One that waits for a drill to take its copy away finds nothing left to do.
    .filter((other) => kind !== 'drill-on-copy' || other.kind !== 'terminate-cluster');
  for (const other of others) {
    const end = { status: 'CANCELED', endedAt: clock().toISOString(), reason: `Cluster ${cluster} was terminated.` } as const;
    await store.endOperation(other.operationId, end);
    await store.releaseLease(other.job === undefined ? { cluster } : { cluster, job: other.job }, other.operationId);
  }
};

const lastStatus = (job: Job, gone: boolean): Pick<Job, 'status' | 'statusReason' | 'desired'> | undefined => {
  if (gone)
    return {
      status: 'CANCELED',
      statusReason: `Ended with its cluster ${job.cluster}; its last retained checkpoint can be restored`,
      desired: 'STOPPED',
    };
  if (job.status !== 'STOPPING') return undefined;
  return { status: 'RUNNING', statusReason: `Last seen before its cluster ${job.cluster} was to be terminated`, desired: 'STOPPED' };
};
