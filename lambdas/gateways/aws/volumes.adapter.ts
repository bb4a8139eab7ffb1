import {
  CreateSnapshotCommand,
  DeleteSnapshotCommand,
  type EC2Client,
  type Instance,
  paginateDescribeSnapshots,
  type Tag,
} from '@aws-sdk/client-ec2';
import type { Stage } from '../../contracts/stage';
import { unless } from './aws-errors';
import { instancesWhere } from './ec2/observe-fleet';
import { ownerFilters } from './ec2/tags';
import type { VolumeSnapshot, VolumesPort } from './volumes.port';

/** EBS admits a burst of 100 CreateSnapshot calls and 5 a second after it; a cluster has 100 hosts at most. */
const AT_ONCE = 10;

/** Snapshots are found by their tags alone. */
export const createVolumes = ({ ec2, stage }: { readonly ec2: EC2Client; readonly stage: Stage }): VolumesPort => {
  const snapshotsWhere = async (tags: Readonly<Record<string, string>>): Promise<readonly VolumeSnapshot[]> => {
    const Filters = Object.entries({ 'sluice:stage': stage.name, ...tags }).map(([key, value]) => ({
      Name: `tag:${key}`,
      Values: [value],
    }));
    const found: VolumeSnapshot[] = [];
    for await (const { Snapshots = [] } of paginateDescribeSnapshots({ client: ec2 }, { OwnerIds: ['self'], Filters }))
      for (const one of Snapshots) found.push(...snapshotOf(one));
    return found;
  };
  return {
    async snapshotVolumes({ cluster, epoch }, { operationId, keepUntil }) {
      const roleFilter = { Name: 'tag:sluice:role', Values: ['taskmanager'] };
      const states = { Name: 'instance-state-name', Values: ['pending', 'running'] };
      const [instances, known] = await Promise.all([
        instancesWhere(ec2, { Filters: [...ownerFilters(stage, { cluster, epoch }), roleFilter, states] }),
        snapshotsWhere({ 'sluice:operation': operationId }),
      ]);
      const there = new Set(known.map(({ volumeId }) => volumeId));
      const volumes = instances.flatMap(stateVolumeOf).filter(({ volumeId }) => !there.has(volumeId));
      const snapshots = [...known];
      const failures: string[] = [];
      for (let from = 0; from < volumes.length; from += AT_ONCE) {
        const made = volumes.slice(from, from + AT_ONCE).map(async ({ volumeId, zone }) => {
          const tags = { cluster, zone, operation: operationId, 'keep-until': keepUntil, stage: stage.name };
          const Tags = Object.entries(tags).map(([key, Value]) => ({ Key: `sluice:${key}`, Value }));
          const command = new CreateSnapshotCommand({
            VolumeId: volumeId,
            Description: `State of Flink cluster ${cluster}, epoch ${epoch}, when it was moved`,
            TagSpecifications: [{ ResourceType: 'snapshot', Tags }],
          });
          return snapshotOf({ ...(await ec2.send(command)), VolumeId: volumeId, Tags });
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

/** Without NVMe state lies on the root volume (`launch-templates.ts`). */
const stateVolumeOf = ({
  BlockDeviceMappings: mappings = [],
  RootDeviceName: root,
  Placement,
}: Instance): { readonly volumeId: string; readonly zone: string }[] => {
  const volumeId = (mappings.find(({ DeviceName }) => DeviceName === root) ?? mappings[0])?.Ebs?.VolumeId;
  return volumeId === undefined ? [] : [{ volumeId, zone: Placement?.AvailabilityZone ?? '' }];
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
