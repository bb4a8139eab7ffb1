import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import type { Instance } from '@aws-sdk/client-ec2';
import type { ClusterResources } from '../../../contracts/cluster';
import { jobManagerGroups } from '../../../domain/job-managers';
import type { FleetSeen, HostMark, HostMarks, HostOwner } from '../fleet.port';
import { ADDRESSES_TAG } from './tags';

type Host = FleetSeen['hosts'][number];

/**
 * A host's state from what Auto Scaling means to do with it and from what EC2 sees. EC2 may not know a new instance yet (pending), and may know
 * of an end before Auto Scaling notices (leaving).
 */
const stateOf = (lifecycle: string, instanceState: string | undefined): Host['state'] => {
  if (!/^(Pending|InService)/.test(lifecycle)) return 'leaving';
  if (instanceState !== undefined && instanceState !== 'pending' && instanceState !== 'running') return 'leaving';
  return lifecycle === 'InService' && instanceState === 'running' ? 'running' : 'pending';
};

/** Name of the tag that is a mark; the node reads `sluice:drain` (node/sluice_node/drain.py). */
export const markTag = (mark: HostMark): string => `sluice:${mark}`;

const tagOf = ({ Tags = [] }: Instance, key: string): string | undefined => Tags.find(({ Key }) => Key === key)?.Value || undefined;

const marksOf = (instance: Instance | undefined): { marks?: HostMarks } => {
  const found = (['drain', 'leaving'] as const).flatMap((mark) => {
    const by = instance && tagOf(instance, markTag(mark));
    return by === undefined ? [] : [[mark, by] as const];
  });
  return found.length === 0 ? {} : { marks: Object.fromEntries(found) };
};

/** From the tags that hosts have from their group. */
export const ownerOfInstance = (instance: Instance, stage: string): HostOwner | undefined => {
  const [cluster, epoch, role] = ['cluster', 'epoch', 'role'].map((name) => tagOf(instance, `sluice:${name}`));
  if (tagOf(instance, 'sluice:stage') !== stage || cluster === undefined || !/^\d+$/.test(epoch ?? '')) return undefined;
  return role === 'jobmanager' || role === 'taskmanager' ? { cluster, epoch: Number(epoch), role } : undefined;
};

/** Every private address of an instance, the primary one first. */
export const addressesOf = ({ NetworkInterfaces = [], PrivateIpAddress }: Instance): string[] => {
  const all = NetworkInterfaces.flatMap(({ PrivateIpAddresses = [] }) => PrivateIpAddresses.flatMap((one) => one.PrivateIpAddress ?? []));
  return [...new Set([...(PrivateIpAddress ? [PrivateIpAddress] : []), ...all])];
};

/** Addresses that it lacks; 0 too where its tag says nothing. */
export const addressesLacking = (instance: Instance): number =>
  Math.max(0, Number(tagOf(instance, ADDRESSES_TAG) ?? 0) - addressesOf(instance).length);

/** The hosts of the groups. `instances` may lack some of them. @param untold ids of instances of which EC2 tells nothing now */
export const hostsSeen = (
  groups: readonly AutoScalingGroup[],
  instances: readonly Instance[],
  resources: ClusterResources,
  untold: ReadonlySet<string> = new Set(),
): Host[] => {
  const byId = new Map(instances.map((instance) => [instance.InstanceId, instance]));
  return groups.flatMap((group) =>
    (group.Instances ?? []).flatMap(({ InstanceId, AvailabilityZone = '', LifecycleState = '' }) => {
      if (InstanceId === undefined) return [];
      const instance = byId.get(InstanceId);
      const addresses = instance ? addressesOf(instance) : [];
      const [address] = addresses;
      return [
        {
          instanceId: InstanceId,
          role: jobManagerGroups(resources).includes(group.AutoScalingGroupName ?? '') ? ('jobmanager' as const) : ('taskmanager' as const),
          zone: AvailabilityZone,
          state: stateOf(LifecycleState, instance?.State?.Name),
          ...(address ? { address, addresses } : {}),
          ...(instance && address && addressesLacking(instance) > 0 ? { lacksAddresses: true as const } : {}),
          ...(instance?.LaunchTime ? { launchedAt: instance.LaunchTime.toISOString() } : {}),
          ...marksOf(instance),
          ...(untold.has(InstanceId) ? { untold: true as const } : {}),
        },
      ];
    }),
  );
};
