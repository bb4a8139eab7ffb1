import type { ClusterView, JobView, OperationView } from '../contracts/api';
import type { Cluster, Lease } from '../contracts/cluster';
import type { Job } from '../contracts/job';
import type { Operation } from '../contracts/operation';
import type { Clock } from '../domain/clock';
import type { Page } from '../gateways/aws/store.port';
import { heldLease } from './in-the-way';

export const operationHref = (cluster: string, operationId: string): string => `/clusters/${cluster}/operations/${operationId}`;

export const operationView = ({ requestHash: _, ...operation }: Operation): OperationView => ({
  ...operation,
  href: operationHref(operation.cluster, operation.operationId),
});

export const clusterView = ({ lease, ...cluster }: Cluster, clock: Clock): ClusterView => ({
  ...cluster,
  ...underWay(cluster.name, lease, clock),
});

export const jobView = ({ lease, jarId: _, ...job }: Job, clock: Clock): JobView => ({ ...job, ...underWay(job.cluster, lease, clock) });

export const pageView = <T, V>({ items, next }: Page<T>, view: (item: T) => V): Page<V> => ({
  items: items.map(view),
  ...(next === undefined ? {} : { next }),
});

const underWay = (cluster: string, lease: Lease | undefined, clock: Clock): Pick<ClusterView, 'operation'> => {
  const held = heldLease(lease, clock);
  return held ? { operation: { operationId: held.operationId, href: operationHref(cluster, held.operationId) } } : {};
};
