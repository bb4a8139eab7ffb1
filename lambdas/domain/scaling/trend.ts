import type { ForecastPoint, JobObservation, ScalingSettings } from '../../contracts/scaling';
import { perSecond } from './explain';

/** Observations that have to show growth one after the other: two are a burst as likely as not. */
const POINTS = 3;
/** From each of them to the next, and from the first to the last: less is noise, of which a tenth either way comes to 1.1 / 0.9. */
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
export const withLoad = (loads: readonly ForecastPoint[], at: string, recordsPerSecond: number | null): ForecastPoint[] => {
  if (loads.some((load) => load.at >= at)) return [...loads];
  // What is not known in between breaks the row.
  if (recordsPerSecond === null) return [];
  return [...loads, { at, recordsPerSecond }].slice(-POINTS);
};

/**
 * Goes on as from the last observation but one to the last, because what grows evenly is soon a smaller share of itself.
 * @param loads the newest is the present one; each is a mean over the time since the one before, and stands for the middle of that
 */
export const trendOf = (
  loads: readonly ForecastPoint[],
  { windowSeconds }: Pick<JobObservation, 'windowSeconds'>,
  { restartSeconds, scaleOutWindowSeconds }: Pick<ScalingSettings, 'restartSeconds' | 'scaleOutWindowSeconds'>,
): Trend | null => {
  const [first, before, last] = loads;
  if (!first || !before || !last) return null;
  const [a, b, c] = [first, before, last].map(({ recordsPerSecond }) => recordsPerSecond) as [number, number, number];
  if (a <= 0 || b < a * LEAST_STEP || c < b * LEAST_STEP || c < a * LEAST_GROWTH) return null;
  const seconds = (from: ForecastPoint): number => (Date.parse(last.at) - Date.parse(from.at)) / 1_000;
  const ahead = windowSeconds / 2 + restartSeconds + scaleOutWindowSeconds;
  const factor = Math.min(MOST_FACTOR, 1 + ((c - b) / (seconds(first) / 2)) * (ahead / c));
  return {
    factor,
    text: `what comes in has grown from ${perSecond(a)} to ${perSecond(c)} in ${Math.round(seconds(first))} s, and is expected to be ${perSecond(c * factor)} in ${Math.round(ahead)} s`,
  };
};
