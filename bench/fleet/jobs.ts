import type { FlinkJob } from './flink-model';
import { type Random, random } from './random';

export const DAY_MINUTES = 1_440;

/** A job of the fleet: how Flink runs it, and what it is to be judged by. */
export interface FleetJob extends FlinkJob {
  readonly index: number;
  /** Seconds of work that may wait: a minute outside is one in which more did. */
  readonly maxLagSeconds: number;
  /** From a request for hosts until their slots are there. */
  readonly bootSeconds: number;
  readonly zone: number;
  /** Rate of a quiet working day at its height, records per second. */
  readonly peak: number;
}

const ZONES = 3;

/**
 * Size, costs and troubles of a job. The distributions are assumptions, stated in docs/benchmarks.md: most jobs need a few hosts at their
 * peak, some many; one in seven restarts slowly, one in eight has a hot key. A job that takes long to restart has a service level that its
 * own restart does not break.
 */
export const fleetJob = (seed: number, index: number): FleetJob => {
  const draw = random(seed, index, 1);
  const slots = Math.min(110, Math.max(6, Math.round(24 * Math.exp(0.8 * draw.normal()))));
  const workSeconds = 1 / draw.between(400, 4_000);
  const cpuShare = draw.between(0.4, 0.9);
  const restartSeconds = draw.chance(0.15) ? draw.between(30, 120) : draw.between(3, 12);
  // Below what a subtask of this job at its peak has anyway, a hot key would not be felt; far above, no size would do.
  const hotKeyShare = draw.chance(0.125) ? draw.between(0.5, 1) / slots : 0;
  const sourceSeconds = workSeconds * draw.between(0.05, 0.3);
  const perSlot = Math.min(1 / workSeconds, 0.5 / (cpuShare * (workSeconds + sourceSeconds)));
  return {
    index,
    sourceSeconds,
    workSeconds,
    cpuShare,
    hotKeyShare,
    keyGroups: 720,
    partitions: 240,
    restartSeconds,
    checkpointSeconds: 10,
    hostCores: slots <= 24 ? 2 : slots <= 64 ? 4 : 8,
    slotsPerCore: 2,
    maxLagSeconds: Math.max(60, 3 * restartSeconds),
    bootSeconds: draw.between(75, 150),
    zone: Math.floor(draw.between(0, ZONES)),
    peak: 0.7 * slots * perSlot,
  };
};

/** The minute at which a zone is lost, and which; once, in the second half of the measured time. */
export const zoneLoss = (seed: number, minutes: number, from: number): { readonly minute: number; readonly zone: number } => {
  const draw = random(seed, 2);
  return { zone: Math.floor(draw.between(0, ZONES)), minute: Math.floor(from + (minutes - from) * draw.between(0.5, 0.95)) };
};

/** Height of the day at a time from 0 to 1, from `floor` to 1: a broad hill, at half of the jobs with a dip at noon. */
const hill = (time: number, { floor, dip }: { readonly floor: number; readonly dip: number }): number => {
  const wave = (1 - Math.cos(2 * Math.PI * time)) / 2;
  const noon = Math.exp(-(((time - 0.5) / 0.06) ** 2));
  return floor + (1 - floor) * wave ** 0.8 * (1 - dip * noon);
};

const addBurst = (rates: Float64Array, draw: Random, start: number): void => {
  const height = 0.3 + 0.9 * draw.exponential();
  const [rise, hold, fall] = [draw.between(1, 10), 5 + 25 * draw.exponential(), draw.between(2, 20)];
  const end = Math.min(rates.length, Math.ceil(start + rise + hold + 4 * fall));
  for (let minute = start; minute < end; minute += 1) {
    const since = minute - start;
    const shape = since < rise ? since / rise : since < rise + hold ? 1 : Math.exp(-(since - rise - hold) / fall);
    rates[minute] = (rates[minute] ?? 0) * (1 + Math.min(4, height) * shape);
  }
};

/**
 * Records per second in each minute: a daily hill of its own hour, quieter weekends, slow drift from day to day, growth over the month, noise
 * from minute to minute, at a quarter of the jobs a second peak at the same time each day, and bursts at any time.
 */
export const loadOf = (seed: number, { index, peak }: Pick<FleetJob, 'index' | 'peak'>, minutes: number): Float64Array => {
  const draw = random(seed, index, 3);
  const rates = new Float64Array(minutes);
  const shape = { floor: draw.between(0.15, 0.7), dip: draw.chance(0.5) ? draw.between(0.05, 0.25) : 0 };
  const weekend = draw.between(0.4, 1.1);
  const [phase, growth] = [draw.next(), draw.between(-0.1, 0.25)];
  const [noise, drift] = [draw.between(0.01, 0.06), draw.between(0.02, 0.08)];
  const daily = draw.chance(0.25)
    ? { at: Math.floor(draw.between(0, DAY_MINUTES)), height: draw.between(0.3, 1.2), width: draw.between(6, 30) }
    : null;
  const burstsPerDay = draw.chance(0.3) ? 0.02 : 0.1 + 0.3 * draw.exponential();
  let [jitter, level, goal] = [0, 0, 0];
  for (let minute = 0; minute < minutes; minute += 1) {
    const day = Math.floor(minute / DAY_MINUTES);
    if (minute % DAY_MINUTES === 0) goal = drift * draw.normal();
    level += (goal - level) / 300;
    jitter = 0.8 * jitter + 0.6 * draw.normal();
    const week = day % 7 >= 5 ? weekend : 1;
    let rate = hill((minute / DAY_MINUTES + phase) % 1, shape) * week * (1 + (growth * minute) / minutes) * (1 + level);
    if (daily) rate *= 1 + daily.height * Math.exp(-((((minute % DAY_MINUTES) - daily.at) / daily.width) ** 2));
    rates[minute] = peak * Math.max(0.01, rate * (1 + noise * jitter));
  }
  for (let minute = 0; minute < minutes; minute += 1) if (draw.chance(burstsPerDay / DAY_MINUTES)) addBurst(rates, draw, minute);
  return rates;
};

/**
 * Lines of seconds and records per second, such as `0 1200`; anything else on a line is an error. Between two lines the rate goes
 * straight, after the last one it begins anew.
 */
export const parseProfile = (text: string): ((seconds: number) => number) => {
  const points = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line, index) => {
      const [seconds, rate, ...more] = line.split(/[\s,;]+/).map(Number);
      if (seconds === undefined || rate === undefined || more.length > 0 || !(seconds >= 0) || !(rate >= 0))
        throw new Error(`line ${index + 1} of the profile is not seconds and records per second: ${line}`);
      return [seconds, rate] as const;
    });
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || points.length < 2) throw new Error('a profile has at least two lines');
  if (points.some(([seconds], index) => index > 0 && seconds <= (points[index - 1]?.[0] ?? 0)))
    throw new Error('the seconds of a profile grow from line to line');
  const period = last[0] - first[0];
  return (time) => {
    const at = first[0] + (time % period);
    let [low, high] = [0, points.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((points[middle]?.[0] ?? 0) <= at) low = middle;
      else high = middle;
    }
    const [[t0, r0], [t1, r1]] = [points[low] ?? first, points[high] ?? last];
    return r0 + ((r1 - r0) * (at - t0)) / (t1 - t0);
  };
};
