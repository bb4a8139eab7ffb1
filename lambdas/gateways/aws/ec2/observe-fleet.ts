import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import { type EC2Client, type Instance, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import type { ClusterResources } from '../../../contracts/cluster';
import { jobManagerGroups } from '../../../domain/job-managers';
import type { FleetPort } from '../fleet.port';
import { describeGroups, failedLaunches } from './auto-scaling-groups';
import type { FleetDependencies, Role } from './context';
import { otherTypeOf } from './job-manager-types';
import { launchProblems } from './launch-problems';
import { recordedGroups } from './names';
import { hostsSeen } from './observed-hosts';

type FleetSeen = Awaited<ReturnType<FleetPort['observe']>>;

/** All instances that a request describes, page after page. */
export const instancesWhere = async (
  ec2: EC2Client,
  request: { InstanceIds?: string[]; Filters?: { Name: string; Values: string[] }[] },
): Promise<Instance[]> => {
  const found: Instance[] = [];
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, request))
    found.push(...Reservations.flatMap((one) => one.Instances ?? []));
  return found;
};

/** What groups and instances of a cluster are there, and what keeps more from coming. */
export const observeFleet = async (
  dependencies: Pick<FleetDependencies, 'ec2' | 'autoScaling'>,
  resources: ClusterResources,
): Promise<FleetSeen> => {
  const groups = await describeGroups(dependencies, recordedGroups(resources));
  const ids = groups.flatMap((group) => group.Instances?.flatMap(({ InstanceId }) => InstanceId ?? []) ?? []);
  const hosts = hostsSeen(
    groups,
    ids.length > 0 ? await instancesWhere(dependencies.ec2, { Filters: [{ Name: 'instance-id', Values: ids }] }) : [],
    resources,
  );
  const ofJobManagers = jobManagerGroups(resources);
  const roleOf = ({ AutoScalingGroupName = '' }: AutoScalingGroup): Role =>
    ofJobManagers.includes(AutoScalingGroupName) ? 'jobmanager' : 'taskmanager';
  const wanted = (role: Role): number =>
    groups.filter((group) => roleOf(group) === role).reduce((sum, group) => sum + wantedOf(role, group), 0);
  const seen = { hosts, wanted: { jobmanager: wanted('jobmanager'), taskmanager: wanted('taskmanager') } };
  // A fleet that is complete has no problem, whatever went wrong on the way: no need to ask.
  if (hosts.filter(({ state }) => state === 'running').length >= seen.wanted.jobmanager + seen.wanted.taskmanager) return seen;
  const there = new Set(hosts.filter(({ state }) => state !== 'leaving').map(({ instanceId }) => instanceId));
  const looks = groups.map(async (group) => {
    const failures = await failedLaunches(dependencies, group.AutoScalingGroupName ?? '');
    return {
      role: roleOf(group),
      hasHost: (group.Instances ?? []).some(({ InstanceId = '' }) => there.has(InstanceId)),
      problem: failures[0],
      otherType: roleOf(group) === 'jobmanager' ? await otherTypeOf(dependencies, group, failures) : undefined,
    };
  });
  return { ...seen, ...launchProblems(await Promise.all(looks)) };
};

/** A JobManager's group is to have its host, also in the moment in which its wish is taken back (`launchAs`). */
const wantedOf = (role: Role, { DesiredCapacity = 0, Status }: AutoScalingGroup): number =>
  role === 'jobmanager' && Status === undefined ? 1 : DesiredCapacity;
