import type { PastRescale, ScalingSettings, ScalingState } from '../../contracts/scaling';
import { secondsBetween } from './learning';

const DAY_SECONDS = 86_400;
/** Stretches that a window is remembered in: more of them would make it more exact, and the stored state larger. */
const STRETCHES = 4;
/** What a rescale has to be worth, as a share of the slots, doubles with each of the last day: they get fewer and larger. */
const LEAST_SAVING = 0.15;
/** Each scale-out of the last day adds this much to what the next one provides for, at most this many times. */
const HEADROOM = 0.25;
const MOST_HEADROOM_STEPS = 6;

type Needed = Readonly<Record<string, number>>;
const plus = (instant: string, seconds: number): string => new Date(Date.parse(instant) + seconds * 1_000).toISOString();

/** Adds what is needed now to what is remembered of the window. A gap in the observations begins it anew. */
export const remember = (
  needed: ScalingState['needed'],
  now: string,
  most: Needed,
  { scaleInWindowSeconds: window, staleAfterSeconds }: Pick<ScalingSettings, 'scaleInWindowSeconds' | 'staleAfterSeconds'>,
): ScalingState['needed'] => {
  const last = needed.at(-1);
  if (!last || secondsBetween(last.to, now) > Math.max(window / 2, staleAfterSeconds) || now < last.to)
    return [{ from: now, to: now, most: { ...most } }];
  const kept = needed.filter((stretch) => stretch.to >= plus(now, -window));
  if (secondsBetween(last.from, now) >= window / STRETCHES)
    return [...kept, { from: last.to, to: now, most: { ...most } }].slice(-STRETCHES - 2);
  const merged = { ...last.most };
  for (const [id, parallelism] of Object.entries(most)) merged[id] = Math.max(parallelism, merged[id] ?? 0);
  return [...kept.slice(0, -1), { from: last.from, to: now, most: merged }];
};

/** The most that was needed in the window by each vertex; null while the window is not over. */
export const mostNeeded = (
  needed: ScalingState['needed'],
  now: string,
  { scaleInWindowSeconds: window }: Pick<ScalingSettings, 'scaleInWindowSeconds'>,
): Needed | null => {
  const first = needed[0];
  if (!first || secondsBetween(first.from, now) < window) return null;
  const most: Record<string, number> = {};
  for (const stretch of needed)
    for (const [id, parallelism] of Object.entries(stretch.most)) most[id] = Math.max(parallelism, most[id] ?? 0);
  return most;
};

const raises = ({ kind, from, to }: PastRescale): boolean =>
  kind === 'rescale' && Object.keys(to).some((id) => (to[id] ?? 0) > (from[id] ?? 0));

export interface LastDay {
  readonly rescales: number;
  /** Factor on the demand that a scale-out provides for: the more often more was needed in the last day, the more is provided at once. */
  readonly headroom: number;
  /** Share of the slots that a scale-in has to save. */
  readonly leastSaving: number;
}

export const lastDay = (history: readonly PastRescale[], now: string): LastDay => {
  const recent = history.filter(({ at }) => secondsBetween(at, now) < DAY_SECONDS);
  const outs = recent.filter(raises).length;
  return {
    rescales: recent.length,
    headroom: 1 + HEADROOM * Math.min(MOST_HEADROOM_STEPS, outs),
    leastSaving: Math.min(0.9, LEAST_SAVING * 2 ** Math.max(0, recent.length - 1)),
  };
};

/** Parallelism below which a vertex is not taken, because it was scaled in and had to be scaled out again within the time; 0 for none. */
export const flapFloor = (
  id: string,
  history: readonly PastRescale[],
  { flapSeconds }: Pick<ScalingSettings, 'flapSeconds'>,
  now: string,
): number => {
  let floor = 0;
  let loweredAt: string | undefined;
  for (const { at, from, to } of history) {
    const [before, after] = [from[id] ?? 0, to[id] ?? 0];
    if (after < before) loweredAt = at;
    const again = loweredAt !== undefined && secondsBetween(loweredAt, at) < flapSeconds;
    if (after > before && again && secondsBetween(at, now) < flapSeconds) floor = Math.max(floor, after);
  }
  return floor;
};
