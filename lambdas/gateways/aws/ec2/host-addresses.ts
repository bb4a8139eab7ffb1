import { AssignPrivateIpAddressesCommand, type Instance } from '@aws-sdk/client-ec2';
import { unless } from '../aws-errors';
import type { AddressesGiven } from '../fleet.port';
import type { FleetDependencies } from './context';
import { instancesWhere } from './observe-fleet';
import { addressesOf, ownerOfInstance } from './observed-hosts';
import { ADDRESSES_TAG } from './tags';

/** What a host that ends meanwhile leaves. */
const GONE = ['InvalidNetworkInterfaceID.NotFound', 'InvalidNetworkInterface.NotFound'] as const;

/**
 * Gives TaskManager hosts the private addresses that their tag says. A launch template cannot: Auto Scaling takes none that assigns secondary addresses
 * (https://docs.aws.amazon.com/autoscaling/ec2/userguide/create-launch-template.html#change-network-interface). Of two that give at the same time both may, and
 * the host has more than it uses.
 *
 * @param instanceIds @default - all of the stage that boot or run
 */
export const giveAddresses = async (
  { ec2, stage }: Pick<FleetDependencies, 'ec2' | 'stage'>,
  instanceIds?: readonly string[],
): Promise<readonly AddressesGiven[]> => {
  const hosts = await instancesWhere(ec2, {
    Filters: [
      { Name: 'tag:sluice:stage', Values: [stage.name] },
      { Name: 'tag-key', Values: [ADDRESSES_TAG] },
      { Name: 'instance-state-name', Values: ['pending', 'running'] },
      ...(instanceIds ? [{ Name: 'instance-id', Values: [...instanceIds] }] : []),
    ],
  });
  const given: AddressesGiven[] = [];
  for (const host of hosts) {
    const answer = await giveOne(ec2, host, ownerOfInstance(host, stage.name)?.cluster ?? '');
    if (answer) given.push(answer);
  }
  return given;
};

const giveOne = async (ec2: FleetDependencies['ec2'], host: Instance, cluster: string): Promise<AddressesGiven | undefined> => {
  const { InstanceId: instanceId = '', NetworkInterfaces = [], Tags = [] } = host;
  const interfaceId = NetworkInterfaces.find(({ Attachment }) => Attachment?.DeviceIndex === 0)?.NetworkInterfaceId;
  const has = addressesOf(host).length;
  const lacking = Number(Tags.find(({ Key }) => Key === ADDRESSES_TAG)?.Value) - has;
  if (interfaceId === undefined || !(lacking > 0)) return undefined;
  const about = { instanceId, cluster, addresses: lacking };
  try {
    await unless(
      [...GONE],
      ec2.send(new AssignPrivateIpAddressesCommand({ NetworkInterfaceId: interfaceId, SecondaryPrivateIpAddressCount: lacking })),
    );
    return { ...about, action: 'give', reason: `Host ${instanceId} of ${cluster} gets ${lacking} more addresses for its TaskManagers` };
  } catch (error) {
    const { message } = error as Error;
    return {
      ...about,
      action: 'failed',
      reason: `Host ${instanceId} of ${cluster} runs ${has} TaskManagers, because EC2 gives it no more addresses: ${message}`,
    };
  }
};
