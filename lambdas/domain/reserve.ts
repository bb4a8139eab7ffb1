import type { Cluster, Reserve } from '../contracts/cluster';

/** The cluster as it would be if its reserve were what it runs on: what is made for that is made under these names. */
export const asReserve = (cluster: Cluster, { epoch, zone, avoidedZones, resources }: Reserve): Cluster => {
  const { avoidedZones: _, ...rest } = cluster;
  return { ...rest, ...(avoidedZones ? { avoidedZones } : {}), epoch, zone, resources };
};

/** Epoch that the cluster's hosts are of: after a move that was given back an earlier one than the cluster's. */
export const hostsEpoch = ({ epoch, resources }: Pick<Cluster, 'epoch' | 'resources'>): number => resources.epoch ?? epoch;

/** Highest epoch under whose names anything of a cluster was made. */
export const latestEpoch = ({ epoch, reserve }: Pick<Cluster, 'epoch' | 'reserve'>): number => Math.max(epoch, reserve?.epoch ?? 0);

/** The epoch whose role was made ahead, as long as it has not begun otherwise: then the role is that epoch's. */
export const roleEpoch = (cluster: Pick<Cluster, 'epoch' | 'reserve' | 'nextRole'>): number | undefined =>
  cluster.nextRole && cluster.nextRole.epoch > latestEpoch(cluster) ? cluster.nextRole.epoch : undefined;

/** Whether there may be anything of a reserve in AWS. */
export const isThere = (reserve: Reserve | undefined): reserve is Reserve => reserve !== undefined && reserve.status !== 'gone';

/** Hosts of the kind that a job needs which are paid for besides, for each of its own: a reserve doubles them. */
export const hostsPaidFor = ({ spec }: Pick<Cluster, 'spec'>): number => (spec.placement.failover.capacity === 'warm' ? 2 : 1);
