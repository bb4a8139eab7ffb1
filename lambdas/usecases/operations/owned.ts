import type { Cluster, ClusterResources } from '../../contracts/cluster';
import { DeadlineExceeded, FlinkUnavailable, NotFound, Superseded } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Clock } from '../../domain/clock';
import { shorten } from '../../domain/describe-failure';
import { jobManagerAddresses } from '../../domain/job-managers';
import { leaseUntil } from '../../domain/lease';
import { asReserve, hostsEpoch } from '../../domain/reserve';
import type { StorePort } from '../../gateways/aws/store.port';
import type { FlinkConnector, FlinkPort } from '../../gateways/flink/flink.port';
import { requireCluster } from './in-the-way';

export interface StoreDeps {
  readonly store: StorePort;
}
export interface FlinkDeps extends StoreDeps {
  readonly flink: FlinkConnector;
  readonly clock: Clock;
}

/** `changing`: only while nobody asked for the opposite. `cleaning`: taking away what was made goes on whatever is wanted now. */
export type Purpose = 'changing' | 'cleaning';

/** @returns the cluster of an operation that holds its lease. @throws Superseded when it does not, or when the opposite is wanted now */
export const ownCluster = async ({ store }: StoreDeps, operation: Operation, purpose: Purpose = 'changing'): Promise<Cluster> => {
  const cluster = await requireCluster(store, operation.cluster);
  if (cluster.lease?.operationId !== operation.operationId)
    throw new Superseded(`cluster ${cluster.name} is held by ${cluster.lease?.operationId ?? 'nobody'}, not by this operation`);
  if (purpose === 'changing' && operation.kind !== 'terminate-cluster' && cluster.desired === 'TERMINATED')
    throw new Superseded(`cluster ${cluster.name} is to be terminated`);
  return cluster;
};

/** Records what an operation has made: of the cluster, or of its reserve. @throws Superseded when it is not the operation's any more */
export const keepResources = async ({ store }: StoreDeps, operation: Operation, resources: ClusterResources): Promise<void> => {
  if (operation.kind !== 'prepare-reserve') {
    await store.updateCluster(operation.cluster, operation.operationId, { resources });
    return;
  }
  const { reserve } = await requireCluster(store, operation.cluster);
  if (reserve) await store.updateReserve(operation.cluster, operation.operationId, { ...reserve, resources });
};

/** @returns the cluster of what an operation changes: its job's, or itself. @throws Superseded when it does not hold that, or the opposite is wanted now */
export const ownTarget = async (deps: StoreDeps, operation: Operation, purpose: Purpose = 'changing'): Promise<Cluster> => {
  if (operation.request.kind === 'prepare-reserve') return ownReserve(deps, operation, purpose);
  if (operation.request.kind === 'replace-host') return ownReplacement(deps, operation, purpose, operation.request.epoch);
  return operation.job === undefined ? ownCluster(deps, operation, purpose) : (await ownJob(deps, operation, purpose)).cluster;
};

/** A reserve is its operation's by its own mark, so that a cluster is changed meanwhile; a move takes it out of the operation's hands. */
const ownReserve = async ({ store }: StoreDeps, operation: Operation, purpose: Purpose): Promise<Cluster> => {
  const cluster = await requireCluster(store, operation.cluster);
  const { reserve } = cluster;
  if (reserve?.by !== operation.operationId)
    throw new Superseded(`the reserve of cluster ${cluster.name} is not this operation's any more`);
  if (purpose === 'changing' && cluster.desired === 'TERMINATED') throw new Superseded(`cluster ${cluster.name} is to be terminated`);
  return asReserve(cluster, reserve);
};

/** A replacement holds no lease: what it does is marked on the hosts themselves, and several are replaced at once. */
const ownReplacement = async ({ store }: StoreDeps, operation: Operation, purpose: Purpose, epoch: number): Promise<Cluster> => {
  const cluster = await requireCluster(store, operation.cluster);
  const present = hostsEpoch(cluster);
  if (present !== epoch)
    throw new Superseded(`the hosts of cluster ${cluster.name} are of epoch ${present}, this one was of epoch ${epoch}`);
  if (purpose === 'changing' && (cluster.desired === 'TERMINATED' || cluster.status !== 'RUNNING'))
    throw new Superseded(`cluster ${cluster.name} is ${cluster.desired === 'TERMINATED' ? 'to be terminated' : cluster.status}`);
  return cluster;
};

export interface OwnedJob {
  readonly cluster: Cluster;
  readonly job: Job;
}

/** @returns the job of an operation that holds its lease, and its cluster. @throws Superseded as `ownCluster` does */
export const ownJob = async ({ store }: StoreDeps, operation: Operation, purpose: Purpose = 'changing'): Promise<OwnedJob> => {
  const name = jobNameOf(operation);
  const [cluster, job] = await Promise.all([requireCluster(store, operation.cluster), store.job(operation.cluster, name)]);
  if (!job) throw new NotFound(`there is no job ${name} on cluster ${operation.cluster}`);
  if (job.lease?.operationId !== operation.operationId)
    throw new Superseded(`job ${name} is held by ${job.lease?.operationId ?? 'nobody'}, not by this operation`);
  if (purpose === 'cleaning') return { cluster, job };
  if (cluster.desired === 'TERMINATED') throw new Superseded(`cluster ${cluster.name} is to be terminated`);
  if (job.desired === 'STOPPED' && !isCancellation(operation)) throw new Superseded(`job ${name} is to be stopped`);
  return { cluster, job };
};

/** A cancellation comes at any time and takes precedence over whatever else changes the job. */
export const isCancellation = ({ request }: Operation): boolean => request.kind === 'stop-job' && request.mode === 'cancel';

/** When EC2 takes the host that an operation replaces, if it has said so. */
export const hostGoneAt = ({ request }: Operation): string | undefined => (request.kind === 'replace-host' ? request.goneAt : undefined);

/** @throws Error when an operation of a kind that changes a job names none: a defect */
export const jobNameOf = (operation: Operation): string => {
  if (operation.job === undefined) throw new Error(`operation ${operation.operationId} (${operation.kind}) names no job`);
  return operation.job;
};

/** Every job of a cluster. */
export const allJobs = async (store: StorePort, cluster: string): Promise<readonly Job[]> => {
  const jobs: Job[] = [];
  let after: string | undefined;
  do {
    const page = await store.jobs(cluster, { limit: 100, ...(after === undefined ? {} : { after }) });
    jobs.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return jobs;
};

/** @throws FlinkUnavailable when the cluster has no JobManager address yet */
export const connect = (flink: FlinkConnector, cluster: Cluster): FlinkPort => {
  const addresses = jobManagerAddresses(cluster.resources);
  if (addresses.length === 0) throw new FlinkUnavailable(`cluster ${cluster.name} has no JobManager`);
  return flink(addresses);
};

/**
 * Answer of a look that found it not there yet.
 * @param purpose `cleaning`: the time after the deadline counts too
 * @throws DeadlineExceeded when the operation's time is over
 */
export const notYet = (
  operation: Operation,
  clock: Clock,
  reason: string,
  purpose: Purpose = 'changing',
): { readonly ready: false; readonly reason: string } => {
  const until = purpose === 'cleaning' ? leaseUntil(operation.deadline) : operation.deadline;
  if (clock().toISOString() <= until) return { ready: false, reason };
  const allowed = Math.round((Date.parse(until) - Date.parse(operation.requestedAt)) / 1_000);
  throw new DeadlineExceeded(`not done within the ${allowed} s that the operation had: ${shorten(reason, 1_000)}`);
};

/** Every cluster of the stage that there is or was. */
export const allClusters = async (store: StorePort): Promise<readonly Cluster[]> => {
  const clusters: Cluster[] = [];
  for (let after: string | undefined; ; ) {
    const page = await store.clusters({ limit: 100, ...(after === undefined ? {} : { after }) });
    clusters.push(...page.items);
    if (page.next === undefined) return clusters;
    after = page.next;
  }
};
