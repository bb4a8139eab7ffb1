import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { StorePort } from '../../gateways/aws/store.port';
import { allJobs } from './owned';

export type InterruptedJob = Job & { readonly interrupted: NonNullable<Job['interrupted']> };

/** The jobs that a failover has taken from their hosts and that do not run again yet, the most important first. */
export const interruptedJobs = async (store: StorePort, operation: Operation): Promise<readonly InterruptedJob[]> =>
  (await allJobs(store, operation.cluster))
    .filter((job): job is InterruptedJob => job.interrupted?.by === operation.operationId)
    .toSorted((a, b) => priorityOf(b) - priorityOf(a) || (a.name < b.name ? -1 : 1));

/** Records that a job which was to end did so with its former hosts. */
export const endWithItsHosts = async (store: StorePort, operation: Operation, { cluster, name }: InterruptedJob): Promise<void> => {
  await store.updateJob(cluster, name, operation.operationId, {
    status: 'CANCELED',
    statusReason: `Canceled: it was to end when its cluster ${cluster} moved to another zone`,
    interrupted: undefined,
    startAsked: undefined,
  });
};

const priorityOf = ({ spec }: Job): number => spec.scaling?.priority ?? 0;
