import type { ScalingInputs, ScalingState } from '../../contracts/scaling';
import { flapFloor, lastDay, mostNeeded, mostNeededOfLate } from './calm';
import type { Outcome } from './decision';
import type { JobEvaluation } from './evaluate';
import { percent, slots } from './explain';
import { forecastWanted } from './forecast';
import { type Parallelism, slotsFor } from './graph';
import type { Outlook } from './outlook';
import { changes, rescale } from './plan';
import { type Proposal, withChange } from './propose';
import { rises } from './trend';

/** What does for every vertex where the most that it needed was this, and is no size that was too small before. */
const enoughFor = ({ observed, desired, now }: ScalingInputs, proposals: readonly Proposal[], most: Parallelism): Parallelism => {
  const enough = (id: string, parallelism: number): number =>
    Math.max(most[id] ?? parallelism, flapFloor(id, observed.history, desired, now));
  return withChange(proposals, (proposal, current) => {
    const all = proposal.vertices.map(({ vertex }) => enough(vertex.id, vertex.parallelism));
    return Math.min(current, Math.max(proposal.in, ...all));
  });
};

/** What did for every vertex in the window, and is no size that was too small before; null while the window is not over. */
export const enoughInWindow = (
  inputs: ScalingInputs,
  proposals: readonly Proposal[],
  needed: ScalingState['needed'],
): Parallelism | null => {
  const most = mostNeeded(needed, inputs.now, inputs.desired);
  return most && enoughFor(inputs, proposals, most);
};

/** Why a scale-in from `from` to `to` is not worth one of the day's rescales, as a part of a sentence; null: it is. */
const whyNotWorth = ({ observed, desired, now }: ScalingInputs, from: Parallelism, to: Parallelism): string | null => {
  const { vertices } = observed.job;
  const { rescales, leastSaving } = lastDay(observed.history, desired, now, forecastWanted(observed, desired).length > 0);
  const after = `after ${rescales} rescales in 24 hours`;
  if (leastSaving === null) return `${after} what is left of them is kept for scaling out`;
  // What the rest of the job occupies, that stays as it is, says nothing about what this is worth.
  const groups = new Set(vertices.filter(({ id }) => to[id] !== from[id]).map(({ slotSharingGroup }) => slotSharingGroup));
  const touched = vertices.filter(({ slotSharingGroup }) => groups.has(slotSharingGroup));
  const saved = (slotsFor(vertices, {}) - slotsFor(vertices, to)) / slotsFor(touched, {});
  return saved < leastSaving ? `${after} one has to save ${percent(leastSaving)}` : null;
};

/** Whether less would do than now, where no vertex is short or what is cannot be given more; has done for long enough; and is worth a rescale. */
export const decideIn = (
  inputs: ScalingInputs,
  evaluation: JobEvaluation,
  proposals: readonly Proposal[],
  needed: ScalingState['needed'],
  { loads }: Pick<Outlook, 'loads'>,
): Outcome => {
  const { observed, desired } = inputs;
  const { vertices } = observed.job;
  const hold = (reason: string): Outcome => ({
    action: { kind: 'hold' },
    reason,
    lines: [{ vertex: null, text: reason, invariant: 'calm' }],
  });
  const from = withChange(proposals, (_, current) => current);
  const enoughNow = withChange(proposals, (proposal, current) => Math.min(current, proposal.in));
  const [before, could] = [slotsFor(vertices, {}), slotsFor(vertices, enoughNow)];
  // What is within its band goes along with what is above it; what is above it and cannot be less takes nothing along.
  if (could >= before || !proposals.some(({ over, in: lower, current }) => over && lower < current))
    return { action: { kind: 'none' }, reason: `Nothing to do: ${slots(before)} are what the job needs.`, lines: [] };
  const to = enoughInWindow(inputs, proposals, needed);
  if (to === null)
    return hold(`${slots(could)} of ${before} would do; a scale-in waits until that was so for ${desired.scaleInWindowSeconds} s.`);
  const after = slotsFor(vertices, to);
  if (!changes(from, to) || after >= before)
    return hold(
      `${slots(could)} of ${before} would do now, but more was needed in the window, or not all of it is known, or a size that was too small would come back.`,
    );
  const not = whyNotWorth(inputs, from, to);
  if (not !== null) return hold(`${slots(after)} of ${before} would do; ${not}.`);
  if (rises(loads)) return hold(`${slots(after)} of ${before} would do now, but what comes in grows from one observation to the next.`);
  // A burst ends in the window: what it left to catch up with is not needed for long, and every rescale stops the job.
  const soon = slotsFor(vertices, enoughFor(inputs, proposals, mostNeededOfLate(needed, inputs.now, desired)));
  if (soon <= after / 2)
    return hold(
      `${slots(after)} of ${before} would do, and ${soon} for the last ${desired.scaleInWindowSeconds / 2} s; one rescale to those is waited for in place of two.`,
    );
  return {
    action: rescale(observed, desired, evaluation, 'in', to),
    reason: `Scale in from ${before} to ${slots(after)}: that was enough for ${desired.scaleInWindowSeconds} s, and no forecast takes it back.`,
    lines: [
      { vertex: null, text: 'the parallelism is lowered before hosts without occupied slots go', invariant: 'capacity-before-parallelism' },
    ],
  };
};
