import type { Cluster, Lease } from '../../contracts/cluster';
import { Conflict, NotFound } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { Clock } from '../../domain/clock';
import { isJobOver } from '../../domain/job-lifecycle';
import type { StorePort } from '../../gateways/aws/store.port';

interface Deps {
  readonly store: StorePort;
  readonly clock: Clock;
}

/** The lease while it holds. */
export const heldLease = (lease: Lease | undefined, clock: Clock): Lease | undefined =>
  lease !== undefined && lease.until >= clock().toISOString() ? lease : undefined;

/** The lease by which an operation holds a cluster or one of its jobs. */
export const heldByAnybody = (cluster: Cluster, jobs: readonly Job[], clock: Clock): Lease | undefined =>
  [cluster, ...jobs].flatMap(({ lease }) => heldLease(lease, clock) ?? [])[0];

const operationOf = (cluster: string, lease: Lease | undefined) =>
  lease === undefined ? undefined : { operationId: lease.operationId, cluster };

/** @throws NotFound */
export const requireCluster = async (store: StorePort, name: string): Promise<Cluster> => {
  const cluster = await store.cluster(name);
  if (!cluster) throw new NotFound(`There is no cluster ${name}`);
  return cluster;
};

/** @throws NotFound */
export const requireJob = async (store: StorePort, cluster: string, name: string): Promise<Job> => {
  const job = await store.job(cluster, name);
  if (job) return job;
  await requireCluster(store, cluster);
  throw new NotFound(`There is no job ${name} on cluster ${cluster}`);
};

/** A cluster whose jobs can be changed now. @throws NotFound; Conflict with the operation in the way */
export const requireRunningCluster = async (deps: Deps, name: string): Promise<Cluster> => {
  const cluster = await requireCluster(deps.store, name);
  if (cluster.status !== 'TERMINATED' && cluster.desired === 'TERMINATED')
    throw new Conflict(`Cluster ${name} is being terminated`, await openTermination(deps, cluster));
  if (cluster.status !== 'RUNNING')
    throw new Conflict(`Cluster ${name} is ${cluster.status}, it must be RUNNING`, operationOf(name, heldLease(cluster.lease, deps.clock)));
  return cluster;
};

/** @throws Conflict when another operation changes the job now */
export const requireFreeJob = ({ clock }: Deps, job: Job): void => {
  const lease = heldLease(job.lease, clock);
  if (lease) throw new Conflict(`Job ${job.name} is being changed by another operation`, operationOf(job.cluster, lease));
};

/** A job that runs, is wanted, and is not being changed. @throws NotFound, Conflict */
export const requireRunningJob = async (deps: Deps, cluster: string, name: string): Promise<Job> => {
  const job = await requireJob(deps.store, cluster, name);
  requireFreeJob(deps, job);
  if (isJobOver(job.status)) throw new Conflict(`Job ${name} does not run: it is ${job.status}`);
  if (job.status !== 'RUNNING') throw new Conflict(`Job ${name} is ${job.status}, it must be RUNNING`);
  return job;
};

/** The termination under way: it holds the cluster's lease, or waits for it. */
export const openTermination = async (
  { store, clock }: Deps,
  cluster: Cluster,
): Promise<{ operationId: string; cluster: string } | undefined> => {
  const { items } = await store.operationsOf(cluster.name, { limit: 25 });
  const open = items.find(({ kind, status }) => kind === 'terminate-cluster' && (status === 'PENDING' || status === 'RUNNING'));
  return open ? { operationId: open.operationId, cluster: cluster.name } : operationOf(cluster.name, heldLease(cluster.lease, clock));
};
