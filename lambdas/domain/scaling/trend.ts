import type { JobObservation, ScalingSettings, ScalingState } from '../../contracts/scaling';
import { perSecond } from './explain';

/** Observations that are remembered. The last three have to show growth one after the other: two are a burst as likely as not. */
const REMEMBERED = 12;
/** How many of those before have to be known: what is high can be told only by comparison. */
const LEAST_BEFORE = 3;
/**
 * From each of the three to the next, and from the first, and from the highest of those before them, to the last. Less is noise, of which a tenth either way comes
 * to 1.1 / 0.9; and where it is more, three of a dozen are sooner or later in order, but hardly ever that much higher than all the others.
 */
const LEAST_STEP = 1.05;
const LEAST_GROWTH = 1.25;
/** Further than to twice of what comes in now no three observations can be trusted. */
const MOST_FACTOR = 2;

/** What comes in grows, observation by observation. */
export interface Trend {
  /** How much more will come in when a rescale has taken effect and could be followed by another; above 1. */
  readonly factor: number;
  /** As a part of a sentence. */
  readonly text: string;
}

/** The loads that the next decision compares with; an observation counts once, however often it is decided on, as the pass saw it: MSK's figures are others. */
export const withLoad = (loads: ScalingState['loads'], at: string, recordsPerSecond: number | null): ScalingState['loads'] =>
  loads.some((load) => load.at >= at) ? loads : [...loads, { at, recordsPerSecond }].slice(-REMEMBERED);

/**
 * Goes on as from the last observation but one to the last, because what grows evenly is soon a smaller share of itself.
 * @param loads the newest is the present one; each is a mean over the time since the one before, and stands for the middle of that
 */
export const trendOf = (
  loads: ScalingState['loads'],
  { windowSeconds }: Pick<JobObservation, 'windowSeconds'>,
  { restartSeconds, scaleOutWindowSeconds }: Pick<ScalingSettings, 'restartSeconds' | 'scaleOutWindowSeconds'>,
): Trend | null => {
  const [first, , last] = loads.slice(-3);
  const [a, b, c] = loads.slice(-3).map(({ recordsPerSecond }) => recordsPerSecond ?? 0);
  const before = loads.slice(0, -3).flatMap(({ recordsPerSecond }) => recordsPerSecond ?? []);
  if (!first || !last || !a || !b || !c || before.length < LEAST_BEFORE) return null;
  if (b < a * LEAST_STEP || c < b * LEAST_STEP || c < Math.max(a, ...before) * LEAST_GROWTH) return null;
  const seconds = (Date.parse(last.at) - Date.parse(first.at)) / 1_000;
  const ahead = windowSeconds / 2 + restartSeconds + scaleOutWindowSeconds;
  const factor = Math.min(MOST_FACTOR, 1 + ((c - b) / (seconds / 2)) * (ahead / c));
  return {
    factor,
    text: `what comes in has grown from ${perSecond(a)} to ${perSecond(c)} in ${Math.round(seconds)} s, and is expected to be ${perSecond(c * factor)} in ${Math.round(ahead)} s`,
  };
};
