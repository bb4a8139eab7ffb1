import { createHash } from 'node:crypto';
import {
  CreateNetworkInterfaceCommand,
  DeleteNetworkInterfaceCommand,
  DescribeNetworkInterfacesCommand,
  type NetworkInterface,
} from '@aws-sdk/client-ec2';
import type { StandbyJobManager } from '../../../contracts/cluster';
import { AwsUnavailable } from '../../../contracts/errors';
import type { Stage } from '../../../contracts/stage';
import { hasCode, laterOn, present, unless } from '../aws-errors';
import type { FleetSpec } from '../fleet.port';
import { type FleetDependencies, NOT_YET_KNOWN, type Owner, ZONE_ILL } from './context';
import { fleetNames } from './names';
import { ownerFilters, tagsOf } from './tags';

/** Codes of EC2: the interface is gone; its subnet has no address. */
export const ABSENT = ['InvalidNetworkInterfaceID.NotFound', 'InvalidNetworkInterface.NotFound'] as const;
export const NO_ADDRESS = ['InsufficientFreeAddressesInSubnet', 'InsufficientAddressCapacity'] as const;

export const subnetOf = (stage: Stage, zone: string): string => {
  const subnetId = stage.zones.find(({ name }) => name === zone)?.subnetId;
  if (subnetId === undefined) throw new Error(`Zone ${zone} is not in stage ${stage.name}`);
  return subnetId;
};

/** A JobManager's interface carries the name of its group; those of hosts are made by EC2 at launch and deleted with the host. */
const find = async ({ ec2, stage }: FleetDependencies, owner: Owner, names: readonly string[]): Promise<readonly NetworkInterface[]> => {
  const Filters = [...ownerFilters(stage, owner), { Name: 'tag:Name', Values: [...names] }];
  const { NetworkInterfaces = [] } = await ec2.send(new DescribeNetworkInterfacesCommand({ Filters }));
  return NetworkInterfaces;
};

/** The address of a JobManager: an interface that outlives its instance. @param at name of its group, and its zone */
export const ensureNetworkInterface = async (
  dependencies: FleetDependencies,
  spec: FleetSpec,
  securityGroupId: string,
  { name, zone }: { readonly name: string; readonly zone: string },
): Promise<{ readonly networkInterfaceId: string; readonly address: string }> => {
  const { ec2, stage } = dependencies;
  const create = async (): Promise<NetworkInterface | undefined> => {
    const command = new CreateNetworkInterfaceCommand({
      SubnetId: subnetOf(stage, zone),
      Groups: [securityGroupId],
      Description: `JobManager of Flink cluster ${spec.cluster}, epoch ${spec.epoch}`,
      TagSpecifications: [{ ResourceType: 'network-interface', Tags: tagsOf(stage, spec, name) }],
      // Where the search above misses an interface made a moment ago, EC2 knows the request again by this.
      ClientToken: createHash('sha256').update(`${name} ${securityGroupId}`).digest('hex'),
    });
    return (await laterOn(NOT_YET_KNOWN, ec2.send(command))).NetworkInterface;
  };
  const { NetworkInterfaceId, PrivateIpAddress } = (await find(dependencies, spec, [name]))[0] ?? (await create()) ?? {};
  return {
    networkInterfaceId: present(NetworkInterfaceId, `network interface ${name}`),
    address: present(PrivateIpAddress, `an address of network interface ${name}`),
  };
};

/** Of the stand-by JobManager. The cluster does without where its zone has none to give: a subnet that is full, or a zone that is ill. */
export const ensureStandbyInterface = async (
  dependencies: FleetDependencies,
  spec: FleetSpec,
  securityGroupId: string,
): Promise<StandbyJobManager | undefined> => {
  if (spec.standbyZone === undefined) return undefined;
  const at = { name: fleetNames(dependencies.stage.name, spec.cluster, spec.epoch).standbyGroup, zone: spec.standbyZone };
  try {
    return { ...(await ensureNetworkInterface(dependencies, spec, securityGroupId, at)), zone: at.zone, group: at.name };
  } catch (error) {
    // What passes was tried again by then (clients.ts): a launch or failover is not kept waiting for it.
    if (hasCode(error, ...NO_ADDRESS) || hasCode((error as Error).cause, ...ZONE_ILL)) return undefined;
    throw error;
  }
};

/** @throws AwsUnavailable while an instance still has it. */
export const deleteNetworkInterfaces = async (
  dependencies: FleetDependencies,
  owner: Owner,
  recordedIds: readonly (string | undefined)[],
): Promise<void> => {
  const { jobManagerGroup, standbyGroup } = fleetNames(dependencies.stage.name, owner.cluster, owner.epoch);
  const found = (await find(dependencies, owner, [jobManagerGroup, standbyGroup])).map(({ NetworkInterfaceId }) => NetworkInterfaceId);
  for (const NetworkInterfaceId of new Set([...found, ...recordedIds])) {
    if (NetworkInterfaceId === undefined) continue;
    const [state] = await interfaces(dependencies, NetworkInterfaceId);
    if (!state) continue;
    if (state.Status !== 'available')
      throw new AwsUnavailable(`Network interface ${NetworkInterfaceId} is still in use by an instance that is ending`);
    const deletion = dependencies.ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId }));
    await laterOn(['InvalidParameterValue', 'InvalidNetworkInterface.InUse'], unless(ABSENT, deletion));
  }
};

const interfaces = async ({ ec2 }: FleetDependencies, id: string): Promise<readonly NetworkInterface[]> =>
  (await unless(ABSENT, ec2.send(new DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [id] }))))?.NetworkInterfaces ?? [];
