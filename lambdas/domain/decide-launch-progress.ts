import type { Operation } from '../contracts/operation';
import type { FleetSeen } from '../gateways/aws/fleet.port';
import type { FlinkOverview } from '../gateways/flink/flink.port';

/** A capacity error may pass within a minute or two, as instances of others end; longer it lasts for hours. Source: EC2 user guide, "Insufficient instance capacity". */
export const CAPACITY_PATIENCE_SECONDS = 60;

export type FleetProgress =
  | { readonly action: 'wait'; readonly reason: string }
  | { readonly action: 'give-up'; readonly error: 'InsufficientCapacity' | 'DeadlineExceeded'; readonly reason: string };

/** When the hosts that an operation waits for were asked for: those of the zone that a move has tried last. ISO 8601 */
export const hostsAskedAt = ({ phases, startedAt, requestedAt }: Pick<Operation, 'phases' | 'startedAt' | 'requestedAt'>): string =>
  phases.find(({ name }) => name === 'Take the next zone')?.endedAt ?? startedAt ?? requestedAt;

/** How the machines come along. `since`: when they were asked for. Instants as ISO 8601. */
export const decideFleetProgress = (
  seen: FleetSeen,
  clock: {
    readonly since: string;
    readonly now: string;
    readonly deadline: string;
    /** @default CAPACITY_PATIENCE_SECONDS */
    readonly patienceSeconds?: number;
    /** Hosts that have not registered after so long will not, whatever EC2 says of them. @default until the deadline */
    readonly withinSeconds?: number;
  },
): FleetProgress => {
  const missing = seen.standbyProblem
    ? `; the other JobManager host cannot be launched, and the cluster works without: ${seen.standbyProblem.message}`
    : '';
  const state = `${describeFleet(seen)}${missing}`;
  const waited = Math.round((Date.parse(clock.now) - Date.parse(clock.since)) / 1_000);
  // A group keeps its failed launches for weeks: one from before says nothing about the hosts that are asked for now. EC2 tells whole seconds.
  const failed = seen.problem && Date.parse(seen.problem.at) > Date.parse(clock.since) - 1_000 ? seen.problem : undefined;
  if (failed?.kind === 'capacity' && waited >= (clock.patienceSeconds ?? CAPACITY_PATIENCE_SECONDS))
    return { action: 'give-up', error: 'InsufficientCapacity', reason: `EC2 has had no capacity for ${waited} s: ${failed.message}` };
  const problem = failed ? `; last failed launch: ${failed.message}` : '';
  if (clock.withinSeconds !== undefined && waited >= clock.withinSeconds)
    return {
      action: 'give-up',
      error: 'InsufficientCapacity',
      reason: `Not all hosts have registered within ${waited} s: ${state}${problem}`,
    };
  if (clock.now > clock.deadline)
    return { action: 'give-up', error: 'DeadlineExceeded', reason: `The hosts were not all there within ${waited} s: ${state}${problem}` };
  return { action: 'wait', reason: `${state}${problem}` };
};

const describeFleet = ({ hosts, wanted }: FleetSeen): string => {
  const running = (role: 'jobmanager' | 'taskmanager'): number =>
    hosts.filter((host) => host.role === role && host.state === 'running').length;
  const lacking = hosts.filter(({ lacksAddresses }) => lacksAddresses).length;
  const without = lacking > 0 ? `, ${lacking} of them without an address for each TaskManager` : '';
  return `${running('jobmanager')} of ${wanted.jobmanager} JobManager hosts and ${running('taskmanager')} of ${wanted.taskmanager} TaskManager hosts run${without}`;
};

export type ClusterProgress = { readonly ready: boolean; readonly reason: string };

/** Whether the wanted slots are there. `seen` is undefined while the JobManager does not answer. */
export const decideClusterProgress = (seen: FlinkOverview | undefined, slotsWanted: number): ClusterProgress => {
  if (!seen) return { ready: false, reason: 'The JobManager does not answer yet' };
  const state = `${seen.slotsTotal} of ${slotsWanted} slots registered by ${seen.taskManagers} TaskManagers`;
  return { ready: seen.slotsTotal >= slotsWanted, reason: state };
};
