import type { FleetSeen, LaunchProblem, OtherType } from '../fleet.port';

export interface GroupSeen {
  readonly name: string;
  /** Whether its newest launch failed for what passes within seconds. */
  readonly isStalled: boolean;
  readonly role: 'jobmanager' | 'taskmanager';
  /** Whether a host of it is there or on its way. */
  readonly hasHost: boolean;
  readonly problem?: LaunchProblem | undefined;
  /** Of a JobManager's. */
  readonly otherType?: OtherType | undefined;
}

/**
 * Which of the groups' failed launches counts. Of two JobManagers one is enough: what fails for one of them is told apart, until it has failed for both and
 * neither has a host. What another type may still help against is none yet.
 */
export const launchProblems = (seen: readonly GroupSeen[]): Pick<FleetSeen, 'problem' | 'standbyProblem' | 'otherTypes' | 'stalled'> => {
  const otherTypes = seen.flatMap(({ otherType }) => otherType ?? []);
  const groups = seen.map(({ problem, ...group }) => ({ ...group, problem: group.otherType ? undefined : problem }));
  const jobManagers = groups.filter(({ role }) => role === 'jobmanager');
  const stalled = seen.flatMap(({ name, isStalled }) => (isStalled ? [name] : []));
  const matters = jobManagers.length < 2 || jobManagers.every(({ hasHost, problem }) => !hasHost && problem !== undefined);
  const problem = newest(groups.filter(({ role }) => role === 'taskmanager' || matters));
  const standbyProblem = matters ? undefined : newest(jobManagers);
  return {
    ...(problem ? { problem } : {}),
    ...(standbyProblem ? { standbyProblem } : {}),
    ...(otherTypes.length > 0 ? { otherTypes } : {}),
    ...(stalled.length > 0 ? { stalled } : {}),
  };
};

const newest = (groups: readonly GroupSeen[]): LaunchProblem | undefined =>
  groups.flatMap(({ problem }) => problem ?? []).toSorted((a, b) => (a.at < b.at ? 1 : -1))[0];
