import type { Cluster, ClusterResources } from '../contracts/cluster';
import { taskManagerZones } from './cluster-zone';

/** Addresses of a cluster's JobManagers, of which any may lead, the first one's first. None before it has any. */
export const jobManagerAddresses = ({ jobManagerAddress, standby }: ClusterResources): readonly string[] =>
  [jobManagerAddress, standby?.address].flatMap((address) => address ?? []);

/** Names of the groups of its JobManagers' hosts, the first one's first. */
export const jobManagerGroups = ({ jobManagerGroup, standby }: ClusterResources): readonly string[] =>
  [jobManagerGroup, standby?.group].flatMap((name) => name ?? []);

type Placed = Pick<Cluster, 'spec' | 'zone' | 'zones' | 'avoidedZones'>;

/**
 * Where the stand-by JobManager of a cluster's present epoch is to be: in the next of the zones that its TaskManagers are spread over, so that a zone does not
 * take both, else in the cluster's own. undefined: none is wanted.
 */
export const standbyZone = (cluster: Placed): string | undefined => {
  if (!cluster.spec.highAvailability?.standbyJobManager) return undefined;
  const { zone, zones = [] } = cluster;
  const others = taskManagerZones(cluster).slice(1);
  const behind = zones.slice(zones.indexOf(zone) + 1);
  return behind.find((one) => others.includes(one)) ?? others[0] ?? zone;
};
