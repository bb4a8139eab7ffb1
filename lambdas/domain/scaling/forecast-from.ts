import type { LoadPoint } from '../../contracts/observation';
import type { ForecastPoint } from '../../contracts/scaling';

/** The load is kept, and foretold, in stretches of ten minutes. */
export const STRETCH_SECONDS = 600;
const DAY = 86_400 / STRETCH_SECONDS;
/** A forecast that goes further is of no use: nothing is provided, or kept, for longer ahead (`forecastHoldSeconds`). */
const AHEAD = DAY;
/** Days looked back to, the first three that there are: yesterday, the same day of the last weeks, and else the days before yesterday. */
const DAYS_BACK = [1, 7, 14, 2, 3] as const;
const DAYS_COMPARED = 3;
/** Stretches just past by which today is compared with each of those days: three hours, so that one burst does not make the day. */
const COMPARED = 18;
/** How much today may differ from a day that it is foretold from; beyond that the other day was of another kind. */
const [LEAST_LIKE, MOST_LIKE] = [0.5, 2] as const;

const middle = (values: readonly number[]): number | null => {
  const [a, b, c, more] = values;
  if (a === undefined || b === undefined) return a ?? null;
  if (c === undefined) return (a + b) / 2;
  if (more === undefined) return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const high = sorted[half];
  if (high === undefined) return null;
  return sorted.length % 2 === 1 ? high : ((sorted[half - 1] ?? high) + high) / 2;
};

/**
 * What a stretch will bring: of each day looked back to, its load at that time, times how today's last three hours compare with that day's; of these
 * the middle, so that a burst on one day is not expected again. Null without a day to look back to.
 * @param loadAt highest rate of a stretch, counted from any day's begin; undefined where nothing was observed
 */
export const foretell = (loadAt: (stretch: number) => number | undefined, now: number, ahead: number): (number | null)[] => {
  const days: { readonly shift: number; readonly like: number }[] = [];
  for (const back of DAYS_BACK) {
    if (days.length === DAYS_COMPARED) break;
    const shift = back * DAY;
    const likes: number[] = [];
    for (let stretch = now - COMPARED; stretch < now; stretch += 1) {
      const [today, then] = [loadAt(stretch), loadAt(stretch - shift)];
      if (today !== undefined && then !== undefined && then > 0) likes.push(today / then);
    }
    const like = middle(likes);
    if (like !== null) days.push({ shift, like: Math.min(MOST_LIKE, Math.max(LEAST_LIKE, like)) });
  }
  return Array.from({ length: ahead }, (_, index) => {
    const found: number[] = [];
    for (const { shift, like } of days) {
      const then = loadAt(now + index - shift);
      if (then !== undefined) found.push(then * like);
    }
    return middle(found);
  });
};

/** A job's forecast for the next day from the load of its own last days; empty while there is no day to compare with. */
export const forecastFrom = (load: readonly LoadPoint[], now: string): ForecastPoint[] => {
  const stretchOf = (instant: string): number => Math.floor(Date.parse(instant) / 1_000 / STRETCH_SECONDS);
  const loads = new Map(load.map(({ from, recordsPerSecond }) => [stretchOf(from), recordsPerSecond]));
  const first = stretchOf(now);
  return foretell((stretch) => loads.get(stretch), first, AHEAD).flatMap((recordsPerSecond, index) =>
    recordsPerSecond === null ? [] : [{ at: new Date((first + index) * STRETCH_SECONDS * 1_000).toISOString(), recordsPerSecond }],
  );
};
