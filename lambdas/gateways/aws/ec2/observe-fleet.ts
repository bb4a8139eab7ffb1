import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import { type EC2Client, type Instance, paginateDescribeInstances } from '@aws-sdk/client-ec2';
import type { ClusterResources } from '../../../contracts/cluster';
import { jobManagerGroups } from '../../../domain/job-managers';
import { hasCode } from '../aws-errors';
import type { FleetPort } from '../fleet.port';
import { describeGroups, type HostPlace, launchesOf } from './auto-scaling-groups';
import { type FleetDependencies, type Role, ZONE_ILL } from './context';
import { otherTypeOf } from './job-manager-types';
import { launchProblems } from './launch-problems';
import { recordedGroups } from './names';
import { hostsSeen } from './observed-hosts';

type FleetSeen = Awaited<ReturnType<FleetPort['observe']>>;

const IDS_AT_ONCE = 100;
/** EC2 that has not answered by then about hosts of a zone does not know them; a function of 30 s has other things to do. */
const PATIENCE_MS = 8_000;

/** All instances that a request describes, page after page. */
export const instancesWhere = async (
  ec2: EC2Client,
  request: { InstanceIds?: string[]; Filters?: { Name: string; Values: string[] }[] },
  options: { readonly abortSignal?: AbortSignal } = {},
): Promise<Instance[]> => {
  const found: Instance[] = [];
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, request, options))
    found.push(...Reservations.flatMap((one) => one.Instances ?? []));
  return found;
};

/** Instances by id, without those that EC2 does not know yet or any more: it names them and tells nothing of the others. */
export const instancesOf = async (
  ec2: EC2Client,
  ids: readonly string[],
  options: { readonly abortSignal?: AbortSignal } = {},
): Promise<Instance[]> => {
  if (ids.length === 0) return [];
  try {
    return await instancesWhere(ec2, { InstanceIds: [...ids] }, options);
  } catch (error) {
    const known = ids.filter((id) => !(error as Error).message.includes(id));
    if (!hasCode(error, 'InvalidInstanceID.NotFound') || known.length === ids.length) throw error;
    return instancesOf(ec2, known, options);
  }
};

/** Whether EC2 has failed a call for a zone that is ill, or has not answered it in time. */
export const isUntold = (error: unknown): boolean => hasCode((error as Error).cause, ...ZONE_ILL, 'AbortError', 'TimeoutError');

export const patience = (): { readonly abortSignal: AbortSignal } => ({ abortSignal: AbortSignal.timeout(PATIENCE_MS) });

/**
 * By their ids, zone by zone: where a zone is ill, EC2 fails calls about instances in it, and all that name none
 * (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html).
 *
 * @returns `untold`: ids of those of which it tells nothing now
 */
export const instancesIn = async (
  ec2: EC2Client,
  hosts: readonly HostPlace[],
): Promise<{ readonly instances: readonly Instance[]; readonly untold: ReadonlySet<string> }> => {
  const idsIn = new Map<string, string[]>();
  for (const { instanceId, zone } of hosts) idsIn.set(zone, [...(idsIn.get(zone) ?? []), instanceId]);
  const options = patience();
  const untold = new Set<string>();
  const look = async (ids: readonly string[]): Promise<readonly Instance[]> => {
    try {
      return await instancesOf(ec2, ids, options);
    } catch (error) {
      if (!isUntold(error)) throw error;
      for (const id of ids) untold.add(id);
      return [];
    }
  };
  const looks: Promise<readonly Instance[]>[] = [];
  for (const ids of idsIn.values())
    for (let from = 0; from < ids.length; from += IDS_AT_ONCE) looks.push(look(ids.slice(from, from + IDS_AT_ONCE)));
  return { instances: (await Promise.all(looks)).flat(), untold };
};

const placesOf = (groups: readonly AutoScalingGroup[]): readonly HostPlace[] =>
  groups.flatMap(({ Instances = [] }) =>
    Instances.flatMap(({ InstanceId: instanceId, AvailabilityZone: zone = '' }) =>
      instanceId === undefined ? [] : [{ instanceId, zone }],
    ),
  );

/** What groups and instances of a cluster are there, and what keeps more from coming. */
export const observeFleet = async (
  dependencies: Pick<FleetDependencies, 'ec2' | 'autoScaling'>,
  resources: ClusterResources,
): Promise<FleetSeen> => {
  const groups = await describeGroups(dependencies, recordedGroups(resources));
  const { instances, untold } = await instancesIn(dependencies.ec2, placesOf(groups));
  const hosts = hostsSeen(groups, instances, resources, untold);
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
    const { AutoScalingGroupName: name = '' } = group;
    const { failures, isStalled } = await launchesOf(dependencies, name);
    return {
      name,
      isStalled,
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
