import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import type { LaunchProblem, OtherType } from '../fleet.port';
import { describeGroups, setWanted } from './auto-scaling-groups';
import type { FleetDependencies } from './context';
import { setDefaultVersion, typeVersions } from './launch-templates';

/**
 * What a JobManager's group is to launch where EC2 does not have what it launches; undefined: it goes on, for all were tried or another type is of no use.
 *
 * Its template has a version for each type of `size.jobManager`, and it launches the default one. A mixed instances policy would choose by itself, but not with a network
 * interface in the template: the guide describes an existing interface for a group of one zone and one template
 * (https://docs.aws.amazon.com/autoscaling/ec2/userguide/create-launch-template.html#change-network-interface). Auto Scaling launches mixed groups through
 * fleets of EC2 (`ec2:CreateFleet` of its service-linked role), and of a Spot Fleet's template the API reference says that it must not name an interface
 * (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_LaunchTemplateConfig.html).
 *
 * @param types of the host, in the order in which they are tried
 * @param present the one that the group launches
 * @param failures since its last host, the newest first
 * @param wanted hosts that it is to have: 0 where `launchAs` was broken off
 */
export const typeOutlook = (
  types: readonly string[],
  present: string,
  failures: readonly LaunchProblem[],
  wanted: number,
): Omit<OtherType, 'group'> | undefined => {
  const lacks = ({ kind, message }: LaunchProblem, type: string): boolean => kind === 'capacity' && names(message, type);
  const [newest] = failures;
  const lacking = types.filter((type) => failures.some((failure) => lacks(failure, type)));
  const next = lacking.includes(present) ? types.find((type) => !lacking.includes(type)) : present;
  if (newest && next !== undefined && types.some((type) => lacks(newest, type)))
    return { type: next, lacking, asked: next === present && wanted > 0 };
  return wanted > 0 ? undefined : { type: present, lacking, asked: false };
};

/** EC2's messages name the type: "We currently do not have sufficient r7i.large capacity", "Your requested instance type (r7i.large) is not supported". */
const names = (message: string, type: string): boolean => message.split(/[^\w.-]+/).some((word) => word.replace(/\.$/, '') === type);

/** The same of a group as it is. */
export const otherTypeOf = async (
  { ec2 }: Pick<FleetDependencies, 'ec2'>,
  group: AutoScalingGroup,
  failures: readonly LaunchProblem[],
): Promise<OtherType | undefined> => {
  const { AutoScalingGroupName: name = '', LaunchTemplate: { LaunchTemplateId } = {}, DesiredCapacity = 0, Status } = group;
  if (LaunchTemplateId === undefined || Status !== undefined || (failures.length === 0 && DesiredCapacity > 0)) return undefined;
  const versions = await typeVersions({ ec2 }, LaunchTemplateId);
  const present = versions.find(({ isDefault }) => isDefault)?.type;
  if (present === undefined) return undefined;
  const types = versions.map(({ type }) => type);
  const other = typeOutlook(types, present, failures, DesiredCapacity);
  return other && { group: name, ...other };
};

/**
 * The group's wish is taken back and made anew, because Auto Scaling waits longer after each launch that failed (minutes), and not where the wish changes. Where this is
 * broken off between the two, `typeOutlook` says so at the next look.
 */
export const launchAs = async (
  dependencies: Pick<FleetDependencies, 'ec2' | 'autoScaling'>,
  { group, type }: Pick<OtherType, 'group' | 'type'>,
): Promise<void> => {
  const [found] = await describeGroups(dependencies, [group]);
  const LaunchTemplateId = found?.LaunchTemplate?.LaunchTemplateId;
  // What is being deleted, or has got its host meanwhile, is left as it is.
  const hasHost = (found?.Instances ?? []).some(({ LifecycleState = '' }) => !LifecycleState.startsWith('Terminat'));
  if (LaunchTemplateId === undefined || found?.Status !== undefined || hasHost) return;
  const version = (await typeVersions(dependencies, LaunchTemplateId)).find((one) => one.type === type);
  if (!version) throw new Error(`Group ${group} was not made with type ${type}`);
  await setWanted(dependencies, group, 0);
  if (!version.isDefault) await setDefaultVersion(dependencies, LaunchTemplateId, version.version);
  await setWanted(dependencies, group, 1);
};
