import type { ScalingObserved, ScalingSettings } from '../../contracts/scaling';
import type { ScalingAction, ScalingPlan } from './decision';
import type { JobEvaluation } from './evaluate';
import { type Parallelism, raises, slotsFor } from './graph';
import { effectNow, scalingExponent } from './learning';
import { isKnown } from './rates';

export const changes = (from: Parallelism, to: Parallelism): boolean => Object.keys(to).some((id) => to[id] !== from[id]);

export const planOf = (observed: ScalingObserved, { spareSlots }: ScalingSettings, to: Parallelism): ScalingPlan => {
  const slotsBefore = slotsFor(observed.job.vertices, {});
  const slotsAfter = slotsFor(observed.job.vertices, to);
  const more = slotsAfter - slotsBefore;
  return {
    order: more >= 0 ? 'capacity-first' : 'parallelism-first',
    slotsBefore,
    slotsAfter,
    slotsToProvide: more > 0 ? Math.max(0, more + spareSlots - observed.fleet.slotsFree) : 0,
    spareSlots,
  };
};

/** The change with what has to be stored with it, so that its effect can be judged. */
export const rescale = (
  observed: ScalingObserved,
  desired: ScalingSettings,
  evaluation: JobEvaluation,
  direction: 'out' | 'in',
  to: Parallelism,
): Extract<ScalingAction, { kind: 'rescale' }> => {
  const from = Object.fromEntries(observed.job.vertices.map(({ id, parallelism }) => [id, parallelism]));
  const expected: Record<string, number> = {};
  for (const [id, { rate }] of evaluation.vertices)
    if (isKnown(rate)) expected[id] = rate * ((to[id] ?? 1) / (from[id] ?? 1)) ** scalingExponent(id, observed.history);
  return {
    kind: 'rescale',
    direction,
    ...(evaluation.urgent !== null && raises(from, to) ? { urgent: true } : {}),
    from,
    to,
    plan: planOf(observed, desired, to),
    before: effectNow(evaluation, observed.job),
    expected,
  };
};
