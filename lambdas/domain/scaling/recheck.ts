import type { ScalingDecision } from './decision';

type Change = Extract<ScalingDecision['action'], { kind: 'rescale' | 'roll-back' }>;

export interface Recheck {
  readonly go: boolean;
  readonly reason: string;
}

const directionOf = (action: Change): string => (action.kind === 'roll-back' ? 'roll-back' : action.direction);

/**
 * Whether a decision still holds before it is carried out: minutes may lie between, and somebody else may have changed the job.
 * @param newest what the newest observation leads to; undefined: there is none
 */
export const recheck = (decided: ScalingDecision, newest: ScalingDecision | undefined): Recheck => {
  const { action } = decided;
  if (action.kind !== 'rescale' && action.kind !== 'roll-back') return { go: false, reason: 'Nothing was to be changed' };
  if (!newest) return { go: false, reason: 'The job is not observed any more' };
  const seen = newest.inputs.observed.job;
  const other = seen.vertices.find(({ id, parallelism }) => action.from[id] !== parallelism);
  if (seen.vertices.length > 0 && other && !seen.incomplete && seen.state === 'RUNNING')
    return {
      go: false,
      reason: `${other.name} has a parallelism of ${other.parallelism} by now, ${action.from[other.id] ?? 'none'} was decided on`,
    };
  if (newest.inputs.observed.job.observedAt === decided.inputs.observed.job.observedAt)
    return { go: true, reason: 'No newer observation than the one that it was decided by' };
  const now = newest.action;
  if (now.kind === 'rescale' || now.kind === 'roll-back') {
    if (directionOf(now) === directionOf(action)) return { go: true, reason: `The newest observation says the same: ${newest.reason}` };
    return { go: false, reason: `The newest observation says the opposite: ${newest.reason}` };
  }
  // Figures that say nothing say nothing against it either.
  if (newest.explanation.some(({ vertex, invariant }) => vertex === null && invariant === 'undecidable-holds-only-what-it-touches'))
    return { go: true, reason: `Decided by the observation before, because of the newest one: ${newest.reason}` };
  return { go: false, reason: `The newest observation does not ask for it any more: ${newest.reason}` };
};
