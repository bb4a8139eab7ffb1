import type { JobCounters } from '../../contracts/observation';
import type { ClusterReading, Figure } from '../../gateways/flink/metrics.port';

/** A TaskManager that died is back sooner: its node starts it again after 30 s at most (`node/sluice_node/supervisor.py`). */
const BACK_WITHIN_MS = 120_000;

type HostsLeft = Pick<JobCounters, 'restartsOfHosts' | 'taskManagers'> & { readonly away: number };

/**
 * Which restarts came with hosts that left. Flink shows a TaskManager that died and one whose host left alike, but only the first comes back, so restarts
 * while one is away are nobody's until it is back (the job's own) or has been away for too long (its host's).
 */
export const hostsLeft = (
  restarts: Figure,
  { taskManagerIds }: Pick<ClusterReading, 'taskManagerIds'>,
  previous: Pick<JobCounters, 'restarts' | 'restartsOfHosts' | 'taskManagers'> | undefined,
  now: string,
): HostsLeft => {
  const present = Object.fromEntries(taskManagerIds.map((id) => [id, now]));
  const away = Object.entries(previous?.taskManagers ?? {}).filter(([id]) => present[id] === undefined);
  const mayComeBack = away.filter(([, seenAt]) => Date.parse(now) - Date.parse(seenAt) <= BACK_WITHIN_MS);
  const { known, open } = sinceJobManagerStarted(restarts, previous);
  const unclear = away.length === 0 ? 0 : open + grown(restarts, previous?.restarts ?? null);
  const left = mayComeBack.length < away.length;
  return {
    restartsOfHosts: left ? { known: known + unclear, open: 0 } : { known, open: unclear },
    taskManagers: { ...Object.fromEntries(mayComeBack), ...present },
    away: mayComeBack.length,
  };
};

const NONE = { known: 0, open: 0 };
/** A JobManager counts from 0. */
const sinceJobManagerStarted = (
  restarts: Figure,
  previous: Pick<JobCounters, 'restarts' | 'restartsOfHosts'> | undefined,
): JobCounters['restartsOfHosts'] =>
  previous === undefined || (restarts !== null && restarts < (previous.restarts ?? 0)) ? NONE : previous.restartsOfHosts;
const grown = (restarts: Figure, before: Figure): number => (restarts === null || before === null ? 0 : Math.max(0, restarts - before));
