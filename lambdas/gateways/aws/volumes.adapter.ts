import {
  CreateSnapshotCommand,
  DeleteSnapshotCommand,
  type EC2Client,
  paginateDescribeSnapshots,
  paginateDescribeVolumes,
  type Tag,
  type Volume,
} from '@aws-sdk/client-ec2';
import { AwsUnavailable } from '../../contracts/errors';
import type { Stage } from '../../contracts/stage';
import { unless } from './aws-errors';
import type { Owner } from './ec2/context';
import { fleetNames } from './ec2/names';
import { ownerFilters } from './ec2/tags';
import type { VolumeSnapshot, VolumesPort } from './volumes.port';

/** EBS admits a burst of 100 CreateSnapshot calls and 5 a second after it; a cluster has 100 hosts at most. */
const AT_ONCE = 10;
/** Where hosts stand by, a move waits for this. What EBS has not answered by then is not begun. */
const PATIENCE_MS = 7_000;

interface Patience {
  readonly abortSignal?: AbortSignal;
}

/** Volumes and snapshots are found by their tags alone. Without NVMe state lies on a host's root volume, the only one that it has (`launch-templates.ts`). */
export const createVolumes = ({ ec2, stage }: { readonly ec2: EC2Client; readonly stage: Stage }): VolumesPort => {
  const snapshotsWhere = async (tags: Readonly<Record<string, string>>, options: Patience = {}): Promise<readonly VolumeSnapshot[]> => {
    const Filters = Object.entries({ 'sluice:stage': stage.name, ...tags }).map(([key, value]) => ({
      Name: `tag:${key}`,
      Values: [value],
    }));
    const found: VolumeSnapshot[] = [];
    for await (const { Snapshots = [] } of paginateDescribeSnapshots({ client: ec2 }, { OwnerIds: ['self'], Filters }, options))
      for (const one of Snapshots) found.push(...snapshotOf(one));
    return found;
  };
  /** By what EBS tells of them: EC2 tells nothing of instances in a zone that is ill, and of no volumes by way of these. */
  const volumesOf = async ({ cluster, epoch }: Owner, options: Patience): Promise<readonly Volume[]> => {
    const groups = fleetNames(stage.name, cluster, epoch).taskManagerGroups(stage.zones.map(({ name }) => name));
    const Filters = [
      ...ownerFilters(stage, { cluster, epoch }),
      { Name: 'tag:Name', Values: [...groups] },
      { Name: 'status', Values: ['in-use'] },
    ];
    const found: Volume[] = [];
    for await (const { Volumes = [] } of paginateDescribeVolumes({ client: ec2 }, { Filters }, options)) found.push(...Volumes);
    return found;
  };
  return {
    async snapshotVolumes({ cluster, epoch }, { operationId, keepUntil }) {
      const options = { abortSignal: AbortSignal.timeout(PATIENCE_MS) };
      let found: readonly [readonly Volume[], readonly VolumeSnapshot[]];
      try {
        found = await Promise.all([volumesOf({ cluster, epoch }, options), snapshotsWhere({ 'sluice:operation': operationId }, options)]);
      } catch (error) {
        if (!(error instanceof AwsUnavailable)) throw error;
        return { snapshots: [], failures: [], untold: error.message };
      }
      const [volumes, known] = found;
      const there = new Set(known.map(({ volumeId }) => volumeId));
      const missing = volumes.flatMap(({ VolumeId, AvailabilityZone: zone = '' }) =>
        VolumeId === undefined || there.has(VolumeId) ? [] : [{ volumeId: VolumeId, zone }],
      );
      const snapshots = [...known];
      const failures: string[] = [];
      for (let from = 0; from < missing.length; from += AT_ONCE) {
        const made = missing.slice(from, from + AT_ONCE).map(async ({ volumeId, zone }) => {
          const tags = { cluster, zone, operation: operationId, 'keep-until': keepUntil, stage: stage.name };
          const Tags = Object.entries(tags).map(([key, Value]) => ({ Key: `sluice:${key}`, Value }));
          const command = new CreateSnapshotCommand({
            VolumeId: volumeId,
            Description: `State of Flink cluster ${cluster}, epoch ${epoch}, when it was moved`,
            TagSpecifications: [{ ResourceType: 'snapshot', Tags }],
          });
          return snapshotOf({ ...(await ec2.send(command, options)), VolumeId: volumeId, Tags });
        });
        for (const result of await Promise.allSettled(made))
          if (result.status === 'fulfilled') snapshots.push(...result.value);
          else failures.push(String((result.reason as Error).message));
      }
      return { snapshots, failures };
    },

    snapshots: () => snapshotsWhere({}),

    async deleteSnapshots(snapshotIds) {
      for (const SnapshotId of snapshotIds) await unless(['InvalidSnapshot.NotFound'], ec2.send(new DeleteSnapshotCommand({ SnapshotId })));
    },
  };
};

interface SnapshotShape {
  readonly SnapshotId?: string | undefined;
  readonly VolumeId?: string | undefined;
  readonly VolumeSize?: number | undefined;
  readonly StartTime?: Date | undefined;
  readonly Tags?: readonly Tag[] | undefined;
}

/** Nothing where it is no snapshot of ours. */
const snapshotOf = ({ SnapshotId, VolumeId = '', VolumeSize = 0, StartTime, Tags = [] }: SnapshotShape): VolumeSnapshot[] => {
  const tag = (name: string): string | undefined => Tags.find(({ Key }) => Key === `sluice:${name}`)?.Value;
  const [cluster, operationId, keepUntil] = [tag('cluster'), tag('operation'), tag('keep-until')];
  if (SnapshotId === undefined || cluster === undefined || operationId === undefined || keepUntil === undefined) return [];
  const at = (StartTime ?? new Date(0)).toISOString();
  return [{ snapshotId: SnapshotId, volumeId: VolumeId, zone: tag('zone') ?? '', sizeGB: VolumeSize, cluster, operationId, at, keepUntil }];
};
