import type { Operation } from '../../contracts/operation';
import type { VolumesKept } from '../../contracts/workflow';
import type { Clock } from '../../domain/clock';
import { hostsEpoch } from '../../domain/reserve';
import { keepUntil, snapshotsBeyond } from '../../domain/volume-snapshots';
import type { VolumesPort } from '../../gateways/aws/volumes.port';
import { formerClusters } from '../failover/fence-former';
import { allClusters, ownCluster, type StoreDeps } from '../operations/owned';

type Deps = StoreDeps & { readonly volumes: VolumesPort; readonly clock: Clock };

/**
 * Begins snapshots of the state volumes that a move leaves behind, before their hosts are ended and the volumes with them. Evidence only: state is
 * restored from S3, and what EC2 does not give is said and not waited for.
 */
export const snapshotVolumes = async (deps: Deps, operation: Operation): Promise<VolumesKept> => {
  const cluster = await ownCluster(deps, operation);
  const policy = cluster.spec.placement.failover.volumeSnapshots;
  const former = formerClusters(cluster).at(-1);
  if (!policy || !former) return { volumeSnapshots: [], reason: 'No snapshots of volumes are asked for' };
  if (cluster.size.stateVolume.kind !== 'gp3')
    return { volumeSnapshots: [], reason: `State lies on the local disks of ${cluster.size.instanceType}, of which EBS has no snapshots` };
  const { snapshots, failures, untold } = await deps.volumes.snapshotVolumes(
    { cluster: cluster.name, epoch: hostsEpoch(former) },
    { operationId: operation.operationId, keepUntil: keepUntil(operation.requestedAt, policy) },
  );
  const ids = snapshots.map(({ snapshotId }) => snapshotId).join(', ');
  return {
    volumeSnapshots: snapshots.map(({ snapshotId, volumeId, zone, sizeGB }) => ({ snapshotId, volumeId, zone, sizeGB })),
    reason: [
      snapshots.length > 0 ? `${snapshots.length} volumes are being copied to EBS snapshots: ${ids}` : 'No state volume could be reached',
      ...(untold === undefined ? [] : [`EC2 does not tell which there are: ${untold}`]),
      ...(failures.length > 0 ? [`${failures.length} were refused: ${failures[0]}`] : []),
    ].join('; '),
  };
};

/** Deletes what is older than its days, or beyond the number of moves that its cluster keeps. @returns ids of what was deleted */
export const retainVolumeSnapshots = async ({ store, volumes, clock }: Deps): Promise<readonly string[]> => {
  const clusters = await allClusters(store);
  const keepOf = new Map(clusters.map(({ name, spec }) => [name, spec.placement.failover.volumeSnapshots?.keep]));
  const beyond = snapshotsBeyond(await volumes.snapshots(), keepOf, clock().toISOString()).map(({ snapshotId }) => snapshotId);
  await volumes.deleteSnapshots(beyond);
  return beyond;
};
