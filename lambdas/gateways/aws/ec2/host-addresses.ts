import { AssignPrivateIpAddressesCommand, type Instance } from '@aws-sdk/client-ec2';
import { hasCode, unless } from '../aws-errors';
import type { AddressesGiven } from '../fleet.port';
import { type FleetDependencies, ZONE_ILL } from './context';
import { ABSENT, NO_ADDRESS } from './network-interface';
import { instancesOf, instancesWhere } from './observe-fleet';
import { addressesLacking, addressesOf, ownerOfInstance } from './observed-hosts';
import { ADDRESSES_TAG } from './tags';

/**
 * Gives TaskManager hosts the private addresses that their tag says. A launch template cannot: Auto Scaling takes none that assigns secondary addresses
 * (https://docs.aws.amazon.com/autoscaling/ec2/userguide/create-launch-template.html#change-network-interface). Of two that give at the same time both may, and
 * the host has more than it uses.
 *
 * @param instanceIds @default - all of the stage that boot or run
 * @throws what EC2 has failed for one host, when it was asked for the others
 */
export const giveAddresses = async (
  { ec2, stage }: Pick<FleetDependencies, 'ec2' | 'stage'>,
  instanceIds?: readonly string[],
): Promise<readonly AddressesGiven[]> => {
  const seen = instanceIds ? await instancesOf(ec2, instanceIds) : await all(ec2, stage.name);
  const lacking = seen.flatMap((host) => lackOf(host, stage.name) ?? []);
  const full = new Set<string>();
  const given: AddressesGiven[] = [];
  const failures: unknown[] = [];
  for (const one of lacking) {
    try {
      const answer = await giveOne(ec2, one, full);
      if (answer) given.push(answer);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return given;
};

/** None while a zone is ill: EC2 fails what names no instances then, and the event of a launch names one. */
const all = async (ec2: FleetDependencies['ec2'], stage: string): Promise<readonly Instance[]> => {
  const filters = { 'tag:sluice:stage': [stage], 'tag-key': [ADDRESSES_TAG], 'instance-state-name': ['pending', 'running'] };
  try {
    return await instancesWhere(ec2, { Filters: Object.entries(filters).map(([Name, Values]) => ({ Name, Values })) });
  } catch (error) {
    if (!hasCode((error as Error).cause, ...ZONE_ILL)) throw error;
    return [];
  }
};

interface Lack {
  readonly instanceId: string;
  readonly cluster: string;
  readonly subnetId: string;
  readonly interfaceId: string;
  readonly has: number;
  /** How many it lacks. */
  readonly addresses: number;
}

const lackOf = (host: Instance, stage: string): Lack | undefined => {
  const { InstanceId: instanceId = '', NetworkInterfaces = [], SubnetId: subnetId = '', State } = host;
  const cluster = ownerOfInstance(host, stage)?.cluster;
  const interfaceId = NetworkInterfaces.find(({ Attachment }) => Attachment?.DeviceIndex === 0)?.NetworkInterfaceId;
  if (cluster === undefined || interfaceId === undefined || (State?.Name !== 'pending' && State?.Name !== 'running')) return undefined;
  const addresses = addressesLacking(host);
  return addresses > 0 ? { instanceId, cluster, subnetId, interfaceId, has: addressesOf(host).length, addresses } : undefined;
};

/** @param full subnets that have none, which are not asked again */
const giveOne = async (ec2: FleetDependencies['ec2'], lack: Lack, full: Set<string>): Promise<AddressesGiven | undefined> => {
  const { instanceId, cluster, subnetId, interfaceId, has, addresses } = lack;
  const about = { instanceId, cluster, addresses };
  const refused = {
    ...about,
    action: 'refused',
    reason: `Host ${instanceId} of ${cluster} has ${has} of ${has + addresses} addresses: EC2 has none free in ${subnetId}`,
  } as const;
  if (full.has(subnetId)) return refused;
  try {
    const command = new AssignPrivateIpAddressesCommand({ NetworkInterfaceId: interfaceId, SecondaryPrivateIpAddressCount: addresses });
    // The host may end meanwhile.
    if (!(await unless(ABSENT, ec2.send(command)))) return undefined;
    return { ...about, action: 'give', reason: `Host ${instanceId} of ${cluster} gets ${addresses} more addresses for its TaskManagers` };
  } catch (error) {
    if (!hasCode(error, ...NO_ADDRESS)) throw error;
    full.add(subnetId);
    return refused;
  }
};
