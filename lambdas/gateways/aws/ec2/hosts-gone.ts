import type { Instance } from '@aws-sdk/client-ec2';
import type { GroupsGone } from '../fleet.port';
import { formerHosts } from './auto-scaling-groups';
import type { FleetDependencies, Owner } from './context';
import { instancesIn, instancesWhere, isUntold, patience } from './observe-fleet';
import { ownerFilters } from './tags';

/** Every state in which an instance still holds an interface, a volume or money. */
const NOT_YET_GONE = ['pending', 'running', 'shutting-down', 'stopping', 'stopped'];

/**
 * Whether the hosts of an epoch are gone whose groups are: Auto Scaling deletes a group without waiting for them. While any zone is ill EC2 fails what names no
 * instance, and Auto Scaling says which there were.
 */
export const hostsGone = async (
  dependencies: Pick<FleetDependencies, 'ec2' | 'autoScaling' | 'stage'>,
  owner: Owner,
  groups: readonly string[],
): Promise<GroupsGone> => {
  const { ec2, stage } = dependencies;
  const Filters = [...ownerFilters(stage, owner), { Name: 'instance-state-name', Values: NOT_YET_GONE }];
  try {
    return { gone: (await instancesWhere(ec2, { Filters }, patience())).length === 0 };
  } catch (error) {
    if (!isUntold(error)) throw error;
  }
  const hosts = await formerHosts(dependencies, groups);
  const { instances, untold } = await instancesIn(ec2, hosts);
  if (instances.some(isThere)) return { gone: false };
  const zones = new Set(hosts.filter(({ instanceId }) => untold.has(instanceId)).map(({ zone }) => zone));
  return zones.size === 0 ? { gone: true } : { gone: false, untold: [...zones].sort() };
};

const isThere = ({ State }: Instance): boolean => NOT_YET_GONE.includes(State?.Name ?? '');
