import { createHash } from 'node:crypto';
import {
  CreateNetworkInterfaceCommand,
  DeleteNetworkInterfaceCommand,
  DescribeNetworkInterfacesCommand,
  type NetworkInterface,
} from '@aws-sdk/client-ec2';
import { AwsUnavailable } from '../../../contracts/errors';
import type { Stage } from '../../../contracts/stage';
import { laterOn, unless } from '../aws-errors';
import type { FleetSpec } from '../fleet.port';
import { type FleetDependencies, NOT_YET_KNOWN, type Owner } from './context';
import { fleetNames } from './names';
import { ownerFilters, tagsOf } from './tags';

const ABSENT = ['InvalidNetworkInterfaceID.NotFound'] as const;

export const subnetOf = (stage: Stage, zone: string): string => {
  const subnetId = stage.zones.find(({ name }) => name === zone)?.subnetId;
  if (subnetId === undefined) throw new Error(`Zone ${zone} is not in stage ${stage.name}`);
  return subnetId;
};

/** The JobManager's interface carries the tag Name; those of hosts are made by EC2 at launch and deleted with the host. */
const find = async ({ ec2, stage }: FleetDependencies, owner: Owner): Promise<readonly NetworkInterface[]> => {
  const name = fleetNames(stage.name, owner.cluster, owner.epoch).jobManagerGroup;
  const Filters = [...ownerFilters(stage, owner), { Name: 'tag:Name', Values: [name] }];
  const { NetworkInterfaces = [] } = await ec2.send(new DescribeNetworkInterfacesCommand({ Filters }));
  return NetworkInterfaces;
};

/** The address of the JobManager: an interface that outlives its instance, in the cluster's home zone. */
export const ensureNetworkInterface = async (
  dependencies: FleetDependencies,
  spec: FleetSpec,
  securityGroupId: string,
): Promise<{ readonly networkInterfaceId: string; readonly jobManagerAddress: string }> => {
  const { ec2, stage } = dependencies;
  const name = fleetNames(stage.name, spec.cluster, spec.epoch).jobManagerGroup;
  const create = async (): Promise<NetworkInterface | undefined> => {
    const command = new CreateNetworkInterfaceCommand({
      SubnetId: subnetOf(stage, spec.zone),
      Groups: [securityGroupId],
      Description: `JobManager of Flink cluster ${spec.cluster}, epoch ${spec.epoch}`,
      TagSpecifications: [{ ResourceType: 'network-interface', Tags: tagsOf(stage, spec, name) }],
      // Where the search above misses an interface made a moment ago, EC2 knows the request again by this.
      ClientToken: createHash('sha256').update(`${name} ${securityGroupId}`).digest('hex'),
    });
    return (await laterOn(NOT_YET_KNOWN, ec2.send(command))).NetworkInterface;
  };
  const { NetworkInterfaceId, PrivateIpAddress } = (await find(dependencies, spec))[0] ?? (await create()) ?? {};
  if (!NetworkInterfaceId || !PrivateIpAddress) throw new Error(`EC2 neither makes nor finds network interface ${name}`);
  return { networkInterfaceId: NetworkInterfaceId, jobManagerAddress: PrivateIpAddress };
};

/** @throws AwsUnavailable while an instance still has it. */
export const deleteNetworkInterface = async (
  dependencies: FleetDependencies,
  owner: Owner,
  recordedId: string | undefined,
): Promise<void> => {
  const found = (await find(dependencies, owner)).map(({ NetworkInterfaceId }) => NetworkInterfaceId);
  for (const NetworkInterfaceId of new Set([...found, recordedId])) {
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
