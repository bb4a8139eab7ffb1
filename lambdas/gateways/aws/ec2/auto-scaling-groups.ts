import {
  type Activity,
  type AutoScalingGroup,
  CreateAutoScalingGroupCommand,
  DeleteAutoScalingGroupCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeScalingActivitiesCommand,
  paginateDescribeAutoScalingGroups,
  SetDesiredCapacityCommand,
  SuspendProcessesCommand,
  TerminateInstanceInAutoScalingGroupCommand,
  UpdateAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { AwsUnavailable } from '../../../contracts/errors';
import { mostHostsInChange } from '../../../domain/capacity';
import { isInterfaceInUse, isProfileUnknown } from '../../../domain/launch-failure';
import { everyOne, hasCode, laterOn, present, unless } from '../aws-errors';
import type { FleetSpec, HostEnded, LaunchProblem } from '../fleet.port';
import type { FleetDependencies, Role } from './context';
import { subnetOf } from './network-interface';
import { tagsOf } from './tags';

/** Seconds after which a started host's failed status checks count; a node's own failure to boot is seen earlier, by its missing slots. */
const HEALTH_CHECK_GRACE_SECONDS = 60;
const ACTIVITIES_LOOKED_AT = 100;
/** DescribeAutoScalingInstances takes this many ids at once. */
const INSTANCES_AT_ONCE = 50;

export interface GroupParts {
  readonly role: Role;
  readonly name: string;
  readonly launchTemplateId: string;
  /** Version of the template that hosts are launched by. */
  readonly version: '$Latest' | '$Default';
  /** Of a JobManager's host. @default - the cluster's */
  readonly zone?: string | undefined;
  readonly hosts: { readonly wanted: number; readonly min: number; readonly max: number };
  /** Types that its hosts may be of, the size's own first. A JobManager's are versions of its template instead. */
  readonly types?: readonly string[];
}

/** Whether a group launches by a mixed instances policy: as Spot, or as several types. */
export const isMixed = (
  { spotPercent }: Pick<FleetSpec, 'spotPercent'>,
  { role, types = [] }: Pick<GroupParts, 'role' | 'types'>,
): boolean => role === 'taskmanager' && (spotPercent > 0 || types.length > 1);

/** Makes the group, or raises the wanted hosts of the one of this name where it has fewer; whatever else it is stays. @throws AwsUnavailable while Auto Scaling does not know profile or template yet. */
export const ensureGroup = async (
  dependencies: FleetDependencies,
  spec: FleetSpec,
  { role, name, launchTemplateId, version, hosts, zone = spec.zone, types = [spec.size.instanceType] }: GroupParts,
): Promise<void> => {
  const { autoScaling, stage } = dependencies;
  const template = { LaunchTemplateId: launchTemplateId, Version: version };
  const command = new CreateAutoScalingGroupCommand({
    AutoScalingGroupName: name,
    MinSize: hosts.min,
    MaxSize: hosts.max,
    DesiredCapacity: hosts.wanted,
    // The JobManager's template names a network interface; Auto Scaling then takes the zone alone, and the subnet is the interface's:
    // https://docs.aws.amazon.com/autoscaling/ec2/userguide/create-launch-template.html#change-network-interface
    // One instance at a time can have the interface, so the old one ends first, also where the account launches before it terminates:
    // https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-before-terminate-account-setting.html
    ...(role === 'jobmanager'
      ? { AvailabilityZones: [zone], InstanceMaintenancePolicy: { MinHealthyPercentage: 0, MaxHealthyPercentage: 100 } }
      : { VPCZoneIdentifier: spec.zones.map((zone) => subnetOf(stage, zone)).join() }),
    ...(isMixed(spec, { role, types })
      ? {
          MixedInstancesPolicy: {
            LaunchTemplate: { LaunchTemplateSpecification: template, Overrides: types.map((InstanceType) => ({ InstanceType })) },
            InstancesDistribution: {
              OnDemandBaseCapacity: 0,
              OnDemandPercentageAboveBaseCapacity: 100 - spec.spotPercent,
              // In the order of the overrides: another type only where EC2 has none of those before it.
              OnDemandAllocationStrategy: 'prioritized',
              SpotAllocationStrategy: 'price-capacity-optimized',
            },
          },
          // The control plane replaces what is to be interrupted (state-machines/replace-host). The group's own rebalancing would end the host as soon as
          // its successor passes EC2's status checks: without a checkpoint, and before a TaskManager runs there.
          CapacityRebalance: false,
        }
      : { LaunchTemplate: template }),
    HealthCheckType: 'EC2',
    HealthCheckGracePeriod: HEALTH_CHECK_GRACE_SECONDS,
    // Whether a host is of use is seen by Flink's slots, not by time.
    DefaultInstanceWarmup: 0,
    // Only the control plane knows which host is idle; where Auto Scaling has to choose, it takes the youngest, which has the least state in its cache.
    TerminationPolicies: ['NewestInstance'],
    NewInstancesProtectedFromScaleIn: false,
    Tags: tagsOf(stage, spec, name).map((tag) => ({
      ...tag,
      PropagateAtLaunch: true,
      ResourceId: name,
      ResourceType: 'auto-scaling-group',
    })),
  });
  try {
    const made = await unless(['AlreadyExists', 'AlreadyExistsFault'], autoScaling.send(command));
    if (!made) await raiseWanted(dependencies, name, hosts.wanted);
  } catch (error) {
    if (isNotYetVisible(error)) throw new AwsUnavailable(`Auto Scaling group ${name}: ${(error as Error).message}`, { cause: error });
    throw error;
  }
  if (role === 'taskmanager' && spec.zones.length > 1) await keepBusyHosts({ autoScaling }, name);
};

/** Never fewer: hosts that are there may be busy. */
const raiseWanted = async (dependencies: FleetDependencies, name: string, hosts: number): Promise<void> => {
  const { Status, DesiredCapacity = 0 } = present((await describeGroups(dependencies, [name]))[0], `Auto Scaling group ${name}`);
  if (Status === undefined && DesiredCapacity < hosts) await setOrExtend(dependencies, name, hosts);
};

/**
 * A group of several zones launches where it has the fewest hosts, also without AZRebalance; that process would besides end hosts of the fullest zone, busy
 * ones too, when a zone that was ill is well again (https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html).
 */
const keepBusyHosts = async ({ autoScaling }: Pick<FleetDependencies, 'autoScaling'>, name: string): Promise<void> => {
  const command = new SuspendProcessesCommand({ AutoScalingGroupName: name, ScalingProcesses: ['AZRebalance'] });
  await laterOn(['ResourceInUse', 'ResourceInUseFault'], autoScaling.send(command));
};

/** Auto Scaling tries the template before it takes it; IAM and EC2 need some seconds to tell everybody of a new profile or template. */
const isNotYetVisible = (error: unknown): boolean =>
  hasCode(error, 'ValidationError', 'InvalidLaunchTemplateId.NotFound') &&
  /IAM Instance Profile|launch template.*(not exist|not found)/i.test((error as Error).message);

export const describeGroups = async (
  { autoScaling }: Pick<FleetDependencies, 'autoScaling'>,
  names: readonly string[],
): Promise<readonly AutoScalingGroup[]> => {
  // Without names Auto Scaling lists all groups of the account.
  if (names.length === 0) return [];
  const found: AutoScalingGroup[] = [];
  for await (const { AutoScalingGroups = [] } of paginateDescribeAutoScalingGroups(
    { client: autoScaling },
    { AutoScalingGroupNames: [...names] },
  ))
    found.push(...AutoScalingGroups);
  return found;
};

export const deleteGroupsNamed = async (dependencies: FleetDependencies, names: readonly string[]): Promise<void> => {
  // A group has a status only while it is being deleted.
  const groups = (await describeGroups(dependencies, names)).filter(({ Status }) => Status === undefined);
  await everyOne(
    groups.map(({ AutoScalingGroupName }) => {
      const deletion = dependencies.autoScaling.send(new DeleteAutoScalingGroupCommand({ AutoScalingGroupName, ForceDelete: true }));
      return laterOn(['ResourceInUse', 'ResourceInUseFault'], gone(deletion));
    }),
  );
};

/** Auto Scaling has one code for all that is wrong; what is not there any more is told by the text. */
const gone = async (call: Promise<unknown>): Promise<void> => {
  try {
    await call;
  } catch (error) {
    if (!(hasCode(error, 'ValidationError') && /not found/i.test((error as Error).message))) throw error;
  }
};

export const setWanted = async ({ autoScaling }: Pick<FleetDependencies, 'autoScaling'>, name: string, hosts: number): Promise<void> => {
  const command = new SetDesiredCapacityCommand({ AutoScalingGroupName: name, DesiredCapacity: hosts, HonorCooldown: false });
  await autoScaling.send(command);
};

/** The same with more hosts than the group was made for: its cluster may have a larger fleet than at its launch. */
export const setOrExtend = async (
  dependencies: Pick<FleetDependencies, 'autoScaling'>,
  AutoScalingGroupName: string,
  DesiredCapacity: number,
): Promise<void> => {
  try {
    await setWanted(dependencies, AutoScalingGroupName, DesiredCapacity);
  } catch (error) {
    if (!hasCode(error, 'ValidationError')) throw error;
    const { MaxSize } = (await describeGroups(dependencies, [AutoScalingGroupName]))[0] ?? {};
    if (MaxSize === undefined || DesiredCapacity <= MaxSize) throw error;
    const larger = { AutoScalingGroupName, MaxSize: mostHostsInChange(DesiredCapacity), DesiredCapacity };
    await dependencies.autoScaling.send(new UpdateAutoScalingGroupCommand(larger));
  }
};

/** Ends hosts; with `fewer`, lowers their groups' wanted number with them, once: one that is ending already would lower it again. */
export const terminateInGroup = async (
  { autoScaling }: Pick<FleetDependencies, 'autoScaling'>,
  instanceIds: readonly string[],
  leaving: 'fewer' | 'as-many',
): Promise<void> => {
  const ShouldDecrementDesiredCapacity = leaving === 'fewer';
  for (let from = 0; from < instanceIds.length; from += INSTANCES_AT_ONCE) {
    const InstanceIds = instanceIds.slice(from, from + INSTANCES_AT_ONCE);
    const { AutoScalingInstances = [] } = await autoScaling.send(new DescribeAutoScalingInstancesCommand({ InstanceIds }));
    for (const { InstanceId, LifecycleState } of AutoScalingInstances) {
      if (LifecycleState?.startsWith('Terminat')) continue;
      await gone(autoScaling.send(new TerminateInstanceInAutoScalingGroupCommand({ InstanceId, ShouldDecrementDesiredCapacity })));
    }
  }
};

/** Auto Scaling looks at its instances from time to time, and says nowhere how often. What it has begun to replace is left to it. */
export const replaceEnded = async (
  { autoScaling, stage }: Pick<FleetDependencies, 'autoScaling' | 'stage'>,
  instanceIds: readonly string[],
): Promise<readonly HostEnded[]> => {
  const { AutoScalingInstances = [] } = await autoScaling.send(new DescribeAutoScalingInstancesCommand({ InstanceIds: [...instanceIds] }));
  const unnoticed = AutoScalingInstances.flatMap(({ InstanceId: instanceId, AutoScalingGroupName: group = '', LifecycleState = '' }) =>
    instanceId !== undefined && group.startsWith(`sluice-${stage.name}-`) && /^(Pending|InService)/.test(LifecycleState)
      ? [{ instanceId, group }]
      : [],
  );
  for (const { instanceId: InstanceId } of unnoticed)
    await gone(autoScaling.send(new TerminateInstanceInAutoScalingGroupCommand({ InstanceId, ShouldDecrementDesiredCapacity: false })));
  return unnoticed;
};

/** The newest activities of a group, the newest first; none of one that is not there. */
const activitiesOf = async (
  { autoScaling }: Pick<FleetDependencies, 'autoScaling'>,
  name: string,
  also: { readonly IncludeDeletedGroups?: boolean } = {},
): Promise<readonly Activity[]> => {
  const command = new DescribeScalingActivitiesCommand({ AutoScalingGroupName: name, MaxRecords: ACTIVITIES_LOOKED_AT, ...also });
  try {
    return (await autoScaling.send(command)).Activities ?? [];
  } catch (error) {
    if (!(hasCode(error, 'ValidationError') && /not found/i.test((error as Error).message))) throw error;
    return [];
  }
};

export interface Launches {
  /** Those that failed since the last one that has succeeded, the newest first. */
  readonly failures: readonly LaunchProblem[];
  /** Whether the newest one has failed for what passes within seconds, and none is under way. */
  readonly isStalled: boolean;
}

export const launchesOf = async (dependencies: Pick<FleetDependencies, 'autoScaling'>, name: string): Promise<Launches> => {
  const activities = await activitiesOf(dependencies, name);
  const newest = activities.find(isLaunch);
  return { failures: failuresOf(activities), isStalled: newest?.StatusCode === 'Failed' && isProfileUnknown(newest.StatusMessage ?? '') };
};

const isLaunch = ({ Description }: Activity): boolean => Description?.startsWith('Launching') ?? false;

/**
 * Auto Scaling waits longer after each launch that failed (minutes), and not where the wish changes. For a moment it is one more, so that none is lost where this is broken
 * off; a JobManager's group may have no more, and is known to want one (`observe-fleet.ts`).
 */
export const launchAgain = async (dependencies: Pick<FleetDependencies, 'autoScaling'>, name: string): Promise<void> => {
  const [group] = await describeGroups(dependencies, [name]);
  const { Status, DesiredCapacity: wanted = 0, MaxSize: most = 0, Instances = [] } = group ?? {};
  const there = Instances.filter(({ LifecycleState = '' }) => !LifecycleState.startsWith('Terminat')).length;
  if (!group || Status !== undefined || there >= wanted) return;
  const isJobManager = most === 1;
  if (wanted >= most && !isJobManager) return;
  await setWanted(dependencies, name, isJobManager ? 0 : wanted + 1);
  await setWanted(dependencies, name, wanted);
};

export interface HostPlace {
  readonly instanceId: string;
  readonly zone: string;
}

/**
 * The hosts that groups have launched or ended last, which Auto Scaling tells for six weeks, also of groups that are deleted
 * (https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html).
 */
export const formerHosts = async (
  dependencies: Pick<FleetDependencies, 'autoScaling'>,
  names: readonly string[],
): Promise<readonly HostPlace[]> => {
  const activities = await Promise.all(names.map((name) => activitiesOf(dependencies, name, { IncludeDeletedGroups: true })));
  const zoneOf = new Map<string, string>();
  for (const { Description = '', Details = '' } of activities.flat()) {
    const instanceId = /EC2 instance: (i-[0-9a-f]+)/.exec(Description)?.[1];
    const zone = /"Availability Zone":\s*"([^"]+)"/.exec(Details)?.[1];
    if (instanceId !== undefined) zoneOf.set(instanceId, zone ?? zoneOf.get(instanceId) ?? '');
  }
  return [...zoneOf].map(([instanceId, zone]) => ({ instanceId, zone }));
};

/** `activities` newest first, as Auto Scaling lists them. */
export const failuresOf = (activities: readonly Activity[]): readonly LaunchProblem[] => {
  const failures: LaunchProblem[] = [];
  for (const { StatusCode, StatusMessage, Description = '', StartTime, EndTime } of activities.filter(isLaunch)) {
    if (StatusCode === 'Successful') break;
    if (StatusCode !== 'Failed') continue;
    const message = StatusMessage ?? Description;
    if (isInterfaceInUse(message)) continue;
    failures.push({
      kind: isCapacity(message) ? 'capacity' : 'other',
      ...(isProfileUnknown(message) ? { passing: true as const } : {}),
      message,
      at: (EndTime ?? StartTime ?? new Date(0)).toISOString(),
    });
  }
  return failures;
};

/**
 * EC2 has none to give now, or its zone never has any of that type; a quota of the account (`VcpuLimitExceeded`) is not that, another type or zone would not help.
 * The messages: https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-instancelaunchfailure.html and ts-as-capacity.html
 */
const isCapacity = (message: string): boolean =>
  /InsufficientInstanceCapacity|do not have sufficient|is not supported in your requested Availability Zone|requested Availability Zone is no longer supported|MaxSpotInstanceCountExceeded|UnfulfillableCapacity|no Spot capacity|InsufficientReservedInstanceCapacity/i.test(
    message,
  );
