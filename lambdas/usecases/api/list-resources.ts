import type { ClusterView, JobView, OperationView } from '../../contracts/api';
import { NotFound } from '../../contracts/errors';
import type { Clock } from '../../domain/clock';
import { onCopy } from '../../domain/drill-copy';
import type { Page, PageRequest, StorePort } from '../../gateways/aws/store.port';
import { requireCluster } from '../operations/in-the-way';
import { clusterView, jobView, operationView, pageView } from './views';

export interface ReadDeps {
  readonly store: StorePort;
  readonly clock: Clock;
}

export const listClusters = async ({ store, clock }: ReadDeps, page: PageRequest): Promise<Page<ClusterView>> =>
  pageView(await store.clusters(page), (cluster) => clusterView(cluster, clock));

/** @throws NotFound when there is no such cluster */
export const listJobs = async ({ store, clock }: ReadDeps, cluster: string, page: PageRequest): Promise<Page<JobView>> => {
  await requireCluster(store, cluster);
  return pageView(await store.jobs(cluster, page), (job) => jobView(job, clock));
};

/** Newest first. @throws NotFound when there is no such cluster */
export const listOperations = async ({ store }: ReadDeps, cluster: string, page: PageRequest): Promise<Page<OperationView>> => {
  await requireCluster(store, cluster);
  return pageView(await store.operationsOf(cluster, page), operationView);
};

/** @throws NotFound also for an operation of another cluster: who may see one cluster may not see another */
export const describeOperation = async ({ store }: ReadDeps, cluster: string, operationId: string): Promise<OperationView> => {
  const operation = await store.operation(operationId);
  // A drill on a copy holds that, whose lease names it.
  if (!operation || (operation.cluster !== cluster && onCopy(operation).cluster !== cluster))
    throw new NotFound(`There is no operation ${operationId} on cluster ${cluster}`);
  return operationView(operation);
};
