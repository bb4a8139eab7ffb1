import { createHash } from 'node:crypto';
import { type Cluster, type Lease, NO_RESOURCES } from '../contracts/cluster';
import type { Operation } from '../contracts/operation';
import { slotsPerHost } from './capacity';

const SUFFIX = '-drill';
/** Longest name of a cluster (`contracts/names`). */
const NAME_MAX = 40;

/** Name of the copy on which moves of a cluster are rehearsed: one at a time, and no other cluster's. */
export const copyNameOf = (cluster: string): string => {
  const name = `${cluster}${SUFFIX}`;
  if (name.length <= NAME_MAX) return name;
  const mark = createHash('sha256').update(cluster).digest('hex').slice(0, 8);
  return `${cluster.slice(0, NAME_MAX - SUFFIX.length - mark.length - 1)}-${mark}${SUFFIX}`;
};

/** An operation as its tasks see it: a drill on a copy is listed with the cluster that it rehearses, and changes nothing but the copy. */
export const onCopy = (operation: Operation): Operation =>
  operation.request.kind === 'drill-on-copy' ? { ...operation, cluster: operation.request.copy } : operation;

export interface CopyWanted {
  readonly epoch: number;
  readonly zone: string;
  /** Zones that a move there would put no TaskManager into. */
  readonly avoid: readonly string[];
  /** TaskManager hosts that a move would ask for. */
  readonly hosts: number;
  readonly lease: Lease;
  /** ISO 8601 */
  readonly at: string;
}

/** A cluster as a move would make it in another zone, as one of its own. Nothing of it moves, stands by or is drilled. */
export const copyOf = (cluster: Cluster, { epoch, zone, avoid, hosts, lease, at }: CopyWanted): Cluster => {
  const { drill: _, placement, ...spec } = cluster.spec;
  const { failBack: __, failover, ...placed } = placement;
  const { volumeSnapshots: ___, ...kept } = failover;
  const { taskManagers, taskManagersPerHost } = cluster.size;
  const avoidedZones = (cluster.zones ?? []).filter((one) => one !== zone && avoid.includes(one));
  const name = copyNameOf(cluster.name);
  return {
    name,
    copyOf: cluster.name,
    spec: { ...spec, name, zone, placement: { ...placed, failover: { ...kept, automatic: false, capacity: 'cold' } } },
    size: { ...cluster.size, taskManagers: { ...taskManagers, min: hosts * taskManagersPerHost } },
    flinkVersion: cluster.flinkVersion,
    zone,
    ...(cluster.zones ? { zones: cluster.zones } : {}),
    ...(avoidedZones.length > 0 ? { avoidedZones } : {}),
    status: 'LAUNCHING',
    desired: 'RUNNING',
    epoch,
    lease,
    resources: NO_RESOURCES,
    statusReason: `A copy of ${cluster.name} on ${hosts * slotsPerHost(cluster.size)} slots in ${zone}, for ${lease.operationId}; it goes at the end of that`,
    createdAt: at,
    updatedAt: at,
  };
};
