import { type EC2Client, type Instance, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import type { ClusterResources } from '../../../contracts/cluster';
import type { FleetPort } from '../fleet.port';
import { describeGroups, launchProblem } from './auto-scaling-groups';
import type { FleetDependencies } from './context';
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

export const recordedGroups = ({ jobManagerGroup, taskManagerGroups }: ClusterResources): string[] => [
  ...(jobManagerGroup === undefined ? [] : [jobManagerGroup]),
  ...taskManagerGroups.map(({ name }) => name),
];

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
  const wanted = (isWanted: (name: string) => boolean): number =>
    groups
      .filter(({ AutoScalingGroupName = '' }) => isWanted(AutoScalingGroupName))
      .reduce((sum, group) => sum + (group.DesiredCapacity ?? 0), 0);
  const seen = {
    hosts,
    wanted: {
      jobmanager: wanted((name) => name === resources.jobManagerGroup),
      taskmanager: wanted((name) => name !== resources.jobManagerGroup),
    },
  };
  // A fleet that is complete has no problem, whatever went wrong on the way: no need to ask.
  if (hosts.filter(({ state }) => state === 'running').length >= seen.wanted.jobmanager + seen.wanted.taskmanager) return seen;
  const problems = await Promise.all(groups.map(({ AutoScalingGroupName = '' }) => launchProblem(dependencies, AutoScalingGroupName)));
  const newest = problems.flatMap((problem) => problem ?? []).sort((a, b) => (a.at < b.at ? 1 : -1))[0];
  return { ...seen, ...(newest ? { problem: newest } : {}) };
};
