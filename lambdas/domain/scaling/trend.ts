import type { JobObservation, ScalingSettings, ScalingState } from '../../contracts/scaling';
import { perSecond } from './explain';

/** Observations that are remembered. The last three, or pairs of them, have each to show more than the one before: two are a burst as likely as not. */
const REMEMBERED = 12;
/** How many of those before have to be known: what is high can be told only by comparison. */
const LEAST_BEFORE = 3;
/**
 * From each of the three to the next, and from the first, and from the highest of those before them, to the last. Less is noise, of which a tenth either way comes
 * to 1.1 / 0.9; and where it is more, three of a dozen are sooner or later in order, but hardly ever that much higher than all the others.
 */
const LEAST_STEP = 1.05;
const LEAST_GROWTH = 1.25;
/** Of all that pairs have grown, within one step from an observation to the next. What is no growth but a step up is seen in two of these, and the larger part of it is at least half. */
const MOST_AT_ONCE = 0.45;
/** Further than to twice of what comes in now no three observations can be trusted. */
const MOST_FACTOR = 2;

/** What comes in grows, observation by observation. */
export interface Trend {
  /** How much more will come in when another rescale could have taken effect after this one; above 1. */
  readonly factor: number;
  /** As a part of a sentence. */
  readonly text: string;
}

/** The loads that the next decision compares with; an observation counts once, however often it is decided on, as the pass saw it: MSK's figures are others. */
export const withLoad = (loads: ScalingState['loads'], at: string, recordsPerSecond: number | null): ScalingState['loads'] =>
  loads.some((load) => load.at >= at) ? loads : [...loads, { at, recordsPerSecond }].slice(-REMEMBERED);

/** Observations that are taken together: pairs show what grows at half the pace, and show it later. */
const TAKEN_TOGETHER = [1, 2];

type Job = Pick<JobObservation, 'windowSeconds'>;
type Ahead = Pick<ScalingSettings, 'restartSeconds' | 'scaleOutWindowSeconds'>;

/**
 * The steepest of those that the last three observations, or pairs of them, show.
 * @param loads the newest is the present one; each is a mean over the time since the one before, and stands for the middle of that
 */
export const trendOf = (loads: ScalingState['loads'], job: Job, settings: Ahead): Trend | null =>
  TAKEN_TOGETHER.map((size) => growthOf(loads, size, job, settings)).reduce((a, b) => ((b?.factor ?? 1) > (a?.factor ?? 1) ? b : a));

/** Goes on as from the last step but one to the last, because what grows evenly is soon a smaller share of itself. */
const growthOf = (loads: ScalingState['loads'], size: number, { windowSeconds }: Job, settings: Ahead): Trend | null => {
  const recent = loads.slice(-3 * size).flatMap(({ at, recordsPerSecond }) => (recordsPerSecond ? [{ at, recordsPerSecond }] : []));
  const before = loads.slice(0, -3 * size).flatMap(({ recordsPerSecond }) => recordsPerSecond ?? []);
  if (recent.length < 3 * size || before.length < LEAST_BEFORE) return null;
  const [a, b, c] = [0, 1, 2].map((step) => middleOf(recent.slice(step * size, (step + 1) * size))) as [Middle, Middle, Middle];
  if (b.rate < a.rate * LEAST_STEP || c.rate < b.rate * LEAST_STEP) return null;
  if (c.rate < Math.max(a.rate, ...before) * LEAST_GROWTH) return null;
  // Two rises may be the two parts of a step up.
  if (size === 1 ? a.rate < (before.at(-1) ?? 0) * LEAST_STEP : isAtOnce(recent.map(({ recordsPerSecond }) => recordsPerSecond)))
    return null;
  const seconds = c.seconds - a.seconds;
  // Since the middle of what the newest is a mean of; then a restart, the first observation after it, the scale-out window, and the other restart.
  const ahead = windowSeconds * (size / 2 + 1) + 2 * settings.restartSeconds + settings.scaleOutWindowSeconds;
  const factor = Math.min(MOST_FACTOR, 1 + ((c.rate - b.rate) / (seconds / 2)) * (ahead / c.rate));
  return {
    factor,
    text: `what comes in has grown from ${perSecond(a.rate)} to ${perSecond(c.rate)} in ${Math.round(seconds)} s, and is expected to be ${perSecond(c.rate * factor)} in ${Math.round(ahead)} s`,
  };
};

/** Whether each of the last three observations shows more than the one before: what is enough now is not for long. Noise does that now and then, and holds for one observation. */
export const rises = (loads: ScalingState['loads']): boolean => {
  const [a, b, c] = loads.slice(-3).map(({ recordsPerSecond }) => recordsPerSecond);
  return !!a && !!b && !!c && b >= a * LEAST_STEP && c >= b * LEAST_STEP;
};

const isAtOnce = (rates: readonly number[]): boolean => {
  const steps = rates.slice(1).map((rate, index) => rate - (rates[index] ?? 0));
  return Math.max(...steps) >= ((rates.at(-1) ?? 0) - (rates[0] ?? 0)) * MOST_AT_ONCE;
};

interface Middle {
  readonly seconds: number;
  readonly rate: number;
}

const middleOf = (loads: readonly { readonly at: string; readonly recordsPerSecond: number }[]): Middle => {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    seconds: mean(loads.map(({ at }) => Date.parse(at) / 1_000)),
    rate: mean(loads.map(({ recordsPerSecond }) => recordsPerSecond)),
  };
};
