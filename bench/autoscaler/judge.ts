import { rounded } from '../statistics';
import { SUBTASK_RATE } from './shapes';

/** What was seen of a contestant at one second of a shape. */
export interface Sample {
  /** Seconds since the shape began. */
  readonly second: number;
  /** Orders sent so far. */
  readonly sent: number;
  /** Orders whose numbers are committed so far. */
  readonly committed: number;
  /** Largest parallelism of a vertex, as tasks run; 0 while none does. */
  readonly parallelism: number;
}

export interface Verdict {
  /** From the change of load to the last rescale before the lag was back, and to the lag back under its level for good; null when it never was. */
  readonly secondsToLastRescale: number | null;
  readonly secondsToRecover: number | null;
  /** Order-seconds: what waited, summed over time. */
  readonly lagIntegral: number;
  /** Slots in use, summed over time: TaskManagers of one slot. */
  readonly slotSeconds: number;
  readonly rescales: number;
  /** Smaller while the lag was over its level, or than what came in; larger while it was under, had enough for what came in, and that had not grown in the half minute before. */
  readonly wrongWay: number;
  readonly mostLagSeconds: number;
}

/** At this share of what it can do a size has enough: the lower of the utilizations that they aim at. */
const ENOUGH_SHARE = 0.7;
/** Results are committed with checkpoints, every two seconds here: a few seconds of lag are always there. */
export const LAG_LEVEL_SECONDS = 10;
/** Back under its level for good: for so long. */
const FOR_GOOD_SECONDS = 15;

/** Age of the oldest order that is not committed yet, by when it was sent. */
export const lagSeconds = (samples: readonly Sample[], index: number): number => {
  const now = samples[index];
  if (!now) return 0;
  const sentAt = samples.find(({ sent }) => sent > now.committed)?.second ?? now.second;
  return Math.max(0, now.second - sentAt);
};

interface Move {
  readonly from: number;
  readonly to: number;
  readonly second: number;
  /** While it still ran in its former size: what waits because it restarts is no reason for it. Seconds. */
  readonly lag: number;
}

/** Held against what the load wanted at that moment, whatever it was when the shape began. */
const isWrongWay = ({ from, to, second, lag }: Move, rateAt: (second: number) => number): boolean => {
  const late = lag > LAG_LEVEL_SECONDS;
  const rate = rateAt(second);
  if (to < from) return late || to * SUBTASK_RATE < rate;
  const grown = rate > rateAt(Math.max(0, second - 30)) * 1.1;
  return !late && !grown && from * SUBTASK_RATE * ENOUGH_SHARE >= rate;
};

export const judge = (samples: readonly Sample[], from: number, rateAt: (second: number) => number): Verdict => {
  const lags = samples.map((_, index) => lagSeconds(samples, index));
  const after = samples.flatMap((sample, index) => (sample.second >= from ? [{ ...sample, lag: lags[index] ?? 0, index }] : []));
  let recovered: number | null = null;
  const firstOver = after.find(({ lag }) => lag > LAG_LEVEL_SECONDS);
  if (!firstOver) recovered = from;
  else
    for (const { second } of after.filter(({ second: at, lag }) => at > firstOver.second && lag <= LAG_LEVEL_SECONDS)) {
      const window = after.filter(({ second: at }) => at >= second && at <= second + FOR_GOOD_SECONDS);
      if ((window.at(-1)?.second ?? 0) >= second + FOR_GOOD_SECONDS - 2 && window.every(({ lag }) => lag <= LAG_LEVEL_SECONDS)) {
        recovered = second;
        break;
      }
    }
  let [running, rescales, wrongWay, lastRescale] = [0, 0, 0, null as number | null];
  let [lagIntegral, slotSeconds, lag] = [0, 0, 0];
  for (const [index, sample] of samples.entries()) {
    const width = sample.second - (samples[index - 1]?.second ?? sample.second);
    lagIntegral += (sample.sent - sample.committed) * width;
    slotSeconds += (sample.parallelism || running) * width;
    if (sample.parallelism === running) lag = lags[index] ?? 0;
    if (sample.parallelism === 0 || sample.parallelism === running) continue;
    if (running > 0) {
      rescales += 1;
      if (isWrongWay({ from: running, to: sample.parallelism, second: sample.second, lag }, rateAt)) wrongWay += 1;
      if (sample.second >= from && (recovered === null || sample.second <= recovered)) lastRescale = sample.second - from;
    }
    running = sample.parallelism;
  }
  return {
    secondsToLastRescale: lastRescale === null ? null : rounded(lastRescale),
    secondsToRecover: recovered === null ? null : rounded(recovered - from),
    lagIntegral: Math.round(lagIntegral),
    slotSeconds: Math.round(slotSeconds),
    rescales,
    wrongWay,
    mostLagSeconds: rounded(Math.max(0, ...lags)),
  };
};
