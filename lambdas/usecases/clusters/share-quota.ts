import type { Cluster } from '../../contracts/cluster';
import type { Job } from '../../contracts/job';
import type { LastDecision } from '../../contracts/scaling';
import { decideCapacity } from '../../domain/capacity';
import { secondsBetween } from '../../domain/clock';
import { isStranded } from '../../domain/decide-retry';
import { isJobOver } from '../../domain/job-lifecycle';
import { hostsPaidFor } from '../../domain/reserve';
import { type CapacityRequest, shareCapacity } from '../../domain/scaling/share-capacity';
import type { StorePort } from '../../gateways/aws/store.port';
import { allClusters, allJobs } from '../operations/owned';
import { slotDemands } from './slot-demands';

/** Waiting so long is worth one step of priority: an hour of waiting beats a priority that is twelve higher. Seconds. */
const AGING_SECONDS = 300;
/** A job that was not held back for so long does not wait any more: several passes of the slowest observation. Seconds. */
const WAITING_SECONDS = 300;

export interface QuotaShare {
  /** The quota's turn that this holds for: nobody else must have taken of it when it is taken. */
  readonly turn: number;
  /** Hosts that may be added. */
  readonly hosts: number;
  readonly reason: string;
  /** What is waited for, where it was not all granted. */
  readonly waitsFor?: NonNullable<LastDecision['waitsFor']>;
}

interface Asked {
  readonly cluster: Cluster;
  readonly job: Job;
  /** Hosts to add. */
  readonly hosts: number;
  /** Hosts that the cluster wants already. */
  readonly wanted: number;
  /** The stage's quota, vCPUs of TaskManager hosts. */
  readonly total: number;
  readonly now: string;
}

/**
 * What the stage's quota has for a job, among all that wait for capacity. What clusters use is what their jobs need by the table, hosts that are on
 * their way included.
 */
export const shareQuota = async ({ store }: { readonly store: StorePort }, asked: Asked): Promise<QuotaShare> => {
  const { cluster, job, hosts, total, now } = asked;
  // Before what is used is read: what is taken meanwhile begins another turn.
  const turn = await store.quotaTurn();
  const { used, waiting } = await demandOf(store, asked);
  const since = job.lastDecision?.waitsFor?.since ?? now;
  const own: CapacityRequest = {
    name: nameOf(job),
    priority: job.spec.scaling?.priority ?? 0,
    wanted: hosts * vcpusOf(cluster),
    least: vcpusOf(cluster),
    since,
  };
  const grants = shareCapacity([own, ...waiting], Math.max(0, total - used), now, { agingSeconds: AGING_SECONDS, total });
  const grant = grants.find(({ name }) => name === own.name) ?? { granted: 0, reason: 'it was not shared' };
  const granted = Math.floor(grant.granted / vcpusOf(cluster));
  const reason = `${used} of ${total} vCPUs are used, ${own.wanted} more are wanted: ${grant.reason}`;
  if (granted >= hosts) return { turn, hosts: granted, reason };
  return { turn, hosts: granted, reason, waitsFor: { vcpus: own.wanted, least: own.least, since } };
};

/** vCPUs of the stage's quota that the hosts which clusters need do not use; undefined: there is no quota. Below 0 where it was made smaller. */
export const vcpusLeft = async (store: StorePort, total: number | undefined): Promise<number | undefined> => {
  if (total === undefined) return undefined;
  const clusters = await clustersWithHosts(store);
  const used = await Promise.all(clusters.map(async (cluster) => vcpusOf(cluster) * (await hostsNeeded(store, cluster))));
  return total - used.reduce((sum, one) => sum + one, 0);
};

const hostsNeeded = async (store: StorePort, { name, size }: Cluster): Promise<number> => {
  const capacity = decideCapacity(await slotDemands(store, { cluster: name }, 'grow'), size);
  return capacity.action === 'provide' ? capacity.hosts : 0;
};

/** Of a host, and of the one that stands by for it where the cluster has a reserve. */
const vcpusOf = (cluster: Cluster): number => cluster.size.vcpus * hostsPaidFor(cluster);

const nameOf = ({ cluster, name }: Job): string => `${cluster}/${name}`;

const demandOf = async (
  store: StorePort,
  { cluster: own, job: ownJob, wanted, now }: Asked,
): Promise<{ readonly used: number; readonly waiting: readonly CapacityRequest[] }> => {
  const waiting: CapacityRequest[] = [];
  let used = 0;
  for (const cluster of await clustersWithHosts(store)) {
    const jobs = await allJobs(store, cluster.name);
    const needed = await hostsNeeded(store, cluster);
    used += vcpusOf(cluster) * (cluster.name === own.name ? Math.max(needed, wanted) : needed);
    waiting.push(...jobs.filter((job) => nameOf(job) !== nameOf(ownJob)).flatMap((job) => requestOf(job, now)));
  }
  return { used, waiting };
};

const requestOf = (job: Job, now: string): CapacityRequest[] => {
  const { waitsFor, at = '' } = job.lastDecision ?? {};
  if (!waitsFor || isJobOver(job.status) || job.desired !== 'RUNNING' || secondsBetween(at, now) > WAITING_SECONDS) return [];
  return [
    { name: nameOf(job), priority: job.spec.scaling?.priority ?? 0, wanted: waitsFor.vcpus, least: waitsFor.least, since: waitsFor.since },
  ];
};

/** One that moves has its hosts in another zone, and one whose move has failed gets them with the next: who waits for capacity must not have them meanwhile. */
const clustersWithHosts = async (store: StorePort): Promise<readonly Cluster[]> =>
  (await allClusters(store)).filter(
    (cluster) => cluster.status === 'LAUNCHING' || cluster.status === 'RUNNING' || cluster.status === 'FAILING_OVER' || isStranded(cluster),
  );
