import type { ScalingInputs, ScalingState } from '../../contracts/scaling';
import { flapFloor, lastDay, mostNeeded } from './calm';
import type { Outcome } from './decision';
import type { JobEvaluation } from './evaluate';
import { type Line, slots } from './explain';
import { type Parallelism, slotsFor } from './graph';
import { changes, rescale } from './plan';
import { type Proposal, withChange } from './propose';

/** What did for every vertex in the window, and is no size that was too small before; null while the window is not over. */
export const enoughInWindow = (
  { observed, desired, now }: ScalingInputs,
  proposals: readonly Proposal[],
  needed: ScalingState['needed'],
): Parallelism | null => {
  const most = mostNeeded(needed, now, desired);
  if (most === null) return null;
  const enough = (id: string, parallelism: number): number =>
    Math.max(most[id] ?? parallelism, flapFloor(id, observed.history, desired, now));
  return withChange(proposals, (proposal, current) => {
    const all = proposal.vertices.map(({ vertex }) => enough(vertex.id, vertex.parallelism));
    return Math.min(current, Math.max(proposal.in, ...all));
  });
};

/** No vertex is short: whether less would do, has done for long enough, and is worth a rescale. */
export const decideIn = (
  inputs: ScalingInputs,
  evaluation: JobEvaluation,
  proposals: readonly Proposal[],
  needed: ScalingState['needed'],
): Outcome => {
  const { observed, desired, now } = inputs;
  const { job, history } = observed;
  const hold = (reason: string, invariant?: Line['invariant']): Outcome => ({
    action: { kind: 'hold' },
    reason,
    lines: invariant ? [{ vertex: null, text: reason, invariant }] : [],
  });
  const before = slotsFor(job.vertices, {});
  const from = withChange(proposals, (_, current) => current);
  const could = slotsFor(
    job.vertices,
    withChange(proposals, (proposal, current) => Math.min(current, proposal.in)),
  );
  if (could >= before || !proposals.some(({ over }) => over))
    return { action: { kind: 'none' }, reason: `Nothing to do: ${slots(before)} are what the job needs.`, lines: [] };
  const to = enoughInWindow(inputs, proposals, needed);
  if (to === null)
    return hold(`${slots(could)} of ${before} would do; a scale-in waits until that was so for ${desired.scaleInWindowSeconds} s.`, 'calm');
  const after = slotsFor(job.vertices, to);
  if (!changes(from, to) || after >= before)
    return hold(
      `${slots(could)} of ${before} would do now, but more was needed in the window, or not all of it is known, or a size that was too small would come back.`,
      'calm',
    );
  const { rescales, leastSaving } = lastDay(history, desired, now, observed.forecast.length > 0);
  // What the rest of the job occupies, that stays as it is, says nothing about what this is worth.
  const groups = new Set(job.vertices.filter(({ id }) => to[id] !== from[id]).map(({ slotSharingGroup }) => slotSharingGroup));
  const touched = job.vertices.filter(({ slotSharingGroup }) => groups.has(slotSharingGroup));
  if (leastSaving === null)
    return hold(
      `${slots(after)} of ${before} would do; after ${rescales} rescales in 24 hours what is left of them is kept for scaling out.`,
      'calm',
    );
  if ((before - after) / slotsFor(touched, {}) < leastSaving)
    return hold(
      `${slots(after)} of ${before} would do; after ${rescales} rescales in 24 hours one has to save ${Math.round(leastSaving * 100)} %.`,
      'calm',
    );
  return {
    action: rescale(observed, desired, evaluation, 'in', to),
    reason: `Scale in from ${before} to ${slots(after)}: that was enough for ${desired.scaleInWindowSeconds} s, and no forecast takes it back.`,
    lines: [
      { vertex: null, text: 'the parallelism is lowered before hosts without occupied slots go', invariant: 'capacity-before-parallelism' },
    ],
  };
};
