import { CreatePlacementGroupCommand, DeletePlacementGroupCommand } from '@aws-sdk/client-ec2';
import { laterOn, unless } from '../aws-errors';
import type { FleetSpec } from '../fleet.port';
import type { FleetDependencies, Owner } from './context';
import { fleetNames } from './names';
import { tagsOf } from './tags';

/**
 * TaskManagers near each other: less latency and 10 Gbit/s a flow instead of 5
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html).
 */
export const ensurePlacementGroup = async ({ ec2, stage }: FleetDependencies, spec: FleetSpec): Promise<string> => {
  const { base } = fleetNames(stage.name, spec.cluster, spec.epoch);
  const command = new CreatePlacementGroupCommand({
    GroupName: base,
    Strategy: 'cluster',
    TagSpecifications: [{ ResourceType: 'placement-group', Tags: tagsOf(stage, spec, base) }],
  });
  await unless(['InvalidPlacementGroup.Duplicate'], ec2.send(command));
  return base;
};

/** @throws AwsUnavailable while an instance is in it. */
export const deletePlacementGroup = async ({ ec2, stage }: FleetDependencies, owner: Owner): Promise<void> => {
  const GroupName = fleetNames(stage.name, owner.cluster, owner.epoch).base;
  const deletion = ec2.send(new DeletePlacementGroupCommand({ GroupName }));
  await laterOn(['InvalidPlacementGroup.InUse'], unless(['InvalidPlacementGroup.Unknown'], deletion));
};
