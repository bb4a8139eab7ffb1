import type { Cluster } from '../../contracts/cluster';
import { taskManagerZones } from '../../domain/cluster-zone';
import { standbyZone } from '../../domain/job-managers';
import { hostsEpoch } from '../../domain/reserve';
import { configurationPrefix } from '../../domain/state-paths';
import type { FleetSpec } from '../../gateways/aws/fleet.port';

/** What the provider of machines needs to know of one epoch of a cluster. */
export const fleetSpecOf = (cluster: Cluster): FleetSpec => ({
  cluster: cluster.name,
  epoch: hostsEpoch(cluster),
  zone: cluster.zone,
  zones: taskManagerZones(cluster),
  standbyZone: standbyZone(cluster),
  size: cluster.size,
  spotPercent: cluster.spec.purchase.spotPercent,
  configurationPrefix: `${configurationPrefix(cluster.name, hostsEpoch(cluster))}/`,
  flinkVersion: cluster.flinkVersion,
  tags: cluster.spec.tags,
  ...(cluster.copyOf === undefined ? {} : { readsOf: cluster.copyOf }),
});
