import type { PastRescale, ScalingSettings, ScalingState } from '../../contracts/scaling';
import { later, secondsBetween } from '../clock';
import { lowers, type Parallelism } from './graph';
import { within } from './learning';

const DAY_SECONDS = 86_400;
/** Stretches that a window is remembered in: more of them would make it more exact, and the stored state larger. */
const STRETCHES = 4;
/** Share of the slots that a scale-in has to save, by the rescales of the last day: they get fewer and larger. After more there is none. */
const LEAST_SAVING = [0.2, 0.45, 0.6];
/** What a scale-out provides for, as a factor on the demand, by the rescales that are left of the day: the last one has to do. */
const HEADROOM = [2.2, 2.2, 1.4, 1.1];

/** The same by the rescales that are left of the day, where a forecast says when more will be needed: the last is kept for scaling out. */
const FORESEEN: readonly (number | null)[] = [null, 0.6, 0.3, 0.15, 0.1];
/** The same on the way back from what a burst asked for, whatever is left of the day. */
const LEAST_SAVING_BACK = 0.2;

/** Adds what is needed now to what is remembered of the window. A gap in the observations begins it anew. */
export const remember = (
  needed: ScalingState['needed'],
  now: string,
  most: Parallelism,
  { scaleInWindowSeconds: window, staleAfterSeconds }: Pick<ScalingSettings, 'scaleInWindowSeconds' | 'staleAfterSeconds'>,
): ScalingState['needed'] => {
  const last = needed.at(-1);
  if (!last || secondsBetween(last.to, now) > Math.max(window / 2, staleAfterSeconds) || now < last.to)
    return [{ from: now, to: now, most: { ...most } }];
  const kept = needed.filter((stretch) => stretch.to >= later(now, -window));
  if (secondsBetween(last.from, now) >= window / STRETCHES)
    return [...kept, { from: last.to, to: now, most: { ...most } }].slice(-STRETCHES - 2);
  const merged = { ...last.most };
  for (const [id, parallelism] of Object.entries(most)) merged[id] = Math.max(parallelism, merged[id] ?? 0);
  return [...kept.slice(0, -1), { from: last.from, to: now, most: merged }];
};

/** The most that was needed in the window by each vertex that something is known of in each of its stretches; null while the window is not over. */
export const mostNeeded = (
  needed: ScalingState['needed'],
  now: string,
  { scaleInWindowSeconds: window }: Pick<ScalingSettings, 'scaleInWindowSeconds'>,
): Parallelism | null => {
  const first = needed[0];
  return first && secondsBetween(first.from, now) >= window ? mostOf(needed) : null;
};

/** The same of the newer half of the window, by the stretches that lie in it whole. */
export const mostNeededOfLate = (
  needed: ScalingState['needed'],
  now: string,
  { scaleInWindowSeconds: window }: Pick<ScalingSettings, 'scaleInWindowSeconds'>,
): Parallelism => mostOf(needed.filter(({ from }) => secondsBetween(from, now) <= window / 2));

const mostOf = (stretches: ScalingState['needed']): Parallelism => {
  const most: Record<string, number> = {};
  for (const id of Object.keys(stretches[0]?.most ?? {}))
    if (stretches.every((stretch) => id in stretch.most)) most[id] = Math.max(...stretches.map((stretch) => stretch.most[id] ?? 0));
  return most;
};

/**
 * The rescales of a day's course: without what a burst asked for, and without the way back from it. Kept for a day, because that day's rescales are used
 * up, what a burst needed for minutes costs more than all else. What would come and go with each burst is held by `flapFloor`. `back`: the way back has
 * begun, or is open.
 */
const courseOf = (recent: readonly PastRescale[]): { readonly course: readonly PastRescale[]; readonly back: boolean } => {
  const course: PastRescale[] = [];
  let [back, returned] = [false, false];
  for (const past of recent) {
    const down = lowers(past.from, past.to);
    // A second burst in a day is a part of its course: who came back from the first waits for the day to pass.
    const burst = past.urgent === true && !returned;
    if (!burst && !(down && back)) course.push(past);
    if (down && back) returned = true;
    back = burst || (back && down);
  }
  return { course, back };
};

export interface LastDay {
  readonly rescales: number;
  /** Factor on the demand that a scale-out provides for: the more often the job was rescaled in the last day, the more is provided at once. */
  readonly headroom: number;
  /** Share of the slots that a scale-in has to save; null when there is to be none, so that scale-outs are left for the next rise. */
  readonly leastSaving: number | null;
}

export const lastDay = (
  history: readonly PastRescale[],
  { rescalesPerDay }: Pick<ScalingSettings, 'rescalesPerDay'>,
  now: string,
  foreseen = false,
): LastDay => {
  const { course: recent, back } = courseOf(within(history, DAY_SECONDS, now));
  const rescales = recent.length;
  const left = rescalesPerDay - rescales;
  const ins = recent.filter(({ from, to }) => lowers(from, to)).length;
  const leastSaving = (): number | null => {
    if (back) return LEAST_SAVING_BACK;
    if (foreseen) return FORESEEN[Math.min(FORESEEN.length - 1, Math.max(0, left))] ?? null;
    // Each that lowers is followed by one that raises, and one is for what nobody foresaw.
    return left >= ins + 2 ? (LEAST_SAVING[Math.max(0, LEAST_SAVING.length + 1 - left)] ?? 0.15) : null;
  };
  return {
    rescales,
    headroom: rescales === 0 ? 1 : (HEADROOM[Math.max(0, left)] ?? 1),
    leastSaving: leastSaving(),
  };
};

/**
 * The highest parallelism of the last two days that had turned out to be enough, because the next step was down; null without any. What nothing was seen to
 * raise to says nothing of a peak: a job is started with what its owner thought of, at any time of the day.
 */
export const wasEnough = (id: string, history: readonly PastRescale[], now: string): number | null => {
  const enough = within(history, 2 * DAY_SECONDS, now)
    .filter(({ from, to }) => (to[id] ?? 0) < (from[id] ?? 0))
    .map(({ from }) => from[id] ?? 0)
    .filter((size) => history.some(({ from, to }) => (to[id] ?? 0) >= size && (from[id] ?? 0) < (to[id] ?? 0)));
  return enough.length > 0 ? Math.max(...enough) : null;
};

/**
 * Parallelism below which a vertex is not taken, because it was scaled in and had to be scaled out again within the time; 0 for none. What a burst
 * asked for is no size that was too small before: only where one comes after the way back from another, it is kept.
 */
export const flapFloor = (
  id: string,
  history: readonly PastRescale[],
  { flapSeconds }: Pick<ScalingSettings, 'flapSeconds'>,
  now: string,
): number => {
  let floor = 0;
  let loweredAt: string | undefined;
  let [burst, back] = [false, false];
  // What was lowered before that is not raised again within the time, or was raised longer ago.
  for (const { at, from, to, urgent } of within(history, 2 * flapSeconds, now)) {
    const [before, after] = [from[id] ?? 0, to[id] ?? 0];
    if (after < before) {
      loweredAt = at;
      back ||= burst;
    }
    if (after > before) burst = urgent === true;
    const again = loweredAt !== undefined && secondsBetween(loweredAt, at) < flapSeconds;
    if (after > before && again && secondsBetween(at, now) < flapSeconds) floor = Math.max(floor, urgent && !back ? before + 1 : after);
  }
  return floor;
};
