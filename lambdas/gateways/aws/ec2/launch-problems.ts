import type { FleetSeen, LaunchProblem } from '../fleet.port';

export interface GroupSeen {
  readonly role: 'jobmanager' | 'taskmanager';
  /** Whether a host of it is there or on its way. */
  readonly hasHost: boolean;
  readonly problem?: LaunchProblem | undefined;
}

/**
 * Which of the groups' failed launches counts. Of two JobManagers one is enough: what fails for one of them is told apart, until it has failed for both and
 * neither has a host.
 */
export const launchProblems = (groups: readonly GroupSeen[]): Pick<FleetSeen, 'problem' | 'standbyProblem'> => {
  const jobManagers = groups.filter(({ role }) => role === 'jobmanager');
  const matters = jobManagers.length < 2 || jobManagers.every(({ hasHost, problem }) => !hasHost && problem !== undefined);
  const problem = newest(groups.filter(({ role }) => role === 'taskmanager' || matters));
  const standbyProblem = matters ? undefined : newest(jobManagers);
  return { ...(problem ? { problem } : {}), ...(standbyProblem ? { standbyProblem } : {}) };
};

const newest = (groups: readonly GroupSeen[]): LaunchProblem | undefined =>
  groups.flatMap(({ problem }) => problem ?? []).toSorted((a, b) => (a.at < b.at ? 1 : -1))[0];
