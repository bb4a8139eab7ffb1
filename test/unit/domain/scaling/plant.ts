import type { ForecastPoint, PastRescale, ScalingObserved, ScalingSettings, ScalingState } from '../../../../lambdas/contracts/scaling';
import { decideScaling } from '../../../../lambdas/domain/scaling/decide-scaling';
import type { ScalingDecision } from '../../../../lambdas/domain/scaling/decision';
import { evaluateJob } from '../../../../lambdas/domain/scaling/evaluate';
import { effectNow } from '../../../../lambdas/domain/scaling/learning';
import { from, later, observed, vertex } from './examples';

export interface Run {
  readonly rescales: readonly { readonly seconds: number; readonly from: number; readonly to: number; readonly reason: string }[];
  readonly decisions: readonly { readonly seconds: number; readonly decision: ScalingDecision; readonly lagSeconds: number }[];
  /** Mean of the slots over the time. */
  readonly slots: number;
}

const alike = (share: number) => ({ mean: share, worst: share });
const source = vertex('source', { partitions: 512, pendingRecords: 0, pendingRecordsGrowth: 0 });
const work = vertex('work', { inputs: [{ vertex: 'source', ship: 'hash' }] });
const sink = vertex('sink', { inputs: from('work') });
const template = observed([source, work, sink]);

/**
 * A job as a fluid: source → work → sink, `work` processing `each` records per second and subtask, observed every `step` seconds.
 * @param load records per second at a second of the run
 */
export const run = (
  load: (seconds: number) => number,
  {
    seconds,
    step = 60,
    start,
    each = 100,
    desired,
    forecast = () => [],
    exponent = 1,
  }: {
    readonly seconds: number;
    readonly step?: number;
    readonly start: number;
    readonly each?: number;
    readonly desired: ScalingSettings;
    readonly forecast?: (seconds: number) => ForecastPoint[];
    readonly exponent?: number;
  },
): Run => {
  let [parallelism, lag, stopped] = [start, 0, 0];
  let state: ScalingState | undefined;
  const history: PastRescale[] = [];
  const rescales: { seconds: number; from: number; to: number; reason: string }[] = [];
  const decisions: { seconds: number; decision: ScalingDecision; lagSeconds: number }[] = [];
  let slots = 0;
  for (let at = step; at <= seconds; at += step) {
    const capacity = each * parallelism ** exponent;
    const running = Math.max(0, step - stopped);
    const input = load(at) * step;
    const done = Math.min(input + lag, capacity * running);
    const before = lag;
    lag += input - done;
    const wasStopped = stopped > 0;
    stopped = 0;
    slots += parallelism * step;
    const rate = done / step;
    const busy = Math.min(1, rate / capacity);
    const now = later(at);
    // Without parsing each time, which would take longer than the decisions.
    const seen: ScalingObserved = {
      ...template,
      job: {
        ...template.job,
        observedAt: now,
        windowSeconds: step,
        vertices: [
          {
            ...source,
            parallelism,
            recordsIn: rate,
            recordsOut: rate,
            busy: alike(Math.min(0.3, busy / 3)),
            backpressured: alike(lag > 1 && busy > 0.99 ? 0.7 : 0),
            pendingRecords: lag,
            pendingRecordsGrowth: (lag - before) / step,
          },
          { ...work, parallelism, recordsIn: rate, recordsOut: rate, busy: alike(busy) },
          { ...sink, parallelism, recordsIn: rate, recordsOut: 0, busy: alike(busy / 4) },
        ],
        taskManagers: { ...template.job.taskManagers, cpuLoad: 0.85 * busy },
      },
      state: state ?? template.state,
      history: history.slice(-100),
      forecast: forecast(at),
    };
    const last = history.at(-1);
    if (last && !last.measured && !wasStopped) last.measured = { ...effectNow(evaluateJob(seen.job, desired), seen.job), at: now };
    const decision = decideScaling(seen, desired, now);
    state = decision.nextState;
    decisions.push({ seconds: at, decision, lagSeconds: rate > 0 ? lag / rate : 0 });
    const { action } = decision;
    if (action.kind !== 'rescale') continue;
    const to = Math.max(...Object.values(action.to));
    rescales.push({ seconds: at, from: parallelism, to, reason: decision.reason });
    history.push({
      kind: 'rescale',
      at: now,
      from: { ...action.from },
      to: { ...action.to },
      ...(action.urgent ? { urgent: action.urgent } : {}),
      before: action.before,
      expected: action.expected,
      measured: null,
    });
    parallelism = to;
    stopped = Math.min(step, desired.restartSeconds);
  }
  return { rescales, decisions, slots: slots / seconds };
};

export const HOUR = 3_600;
export const DAY = 24 * HOUR;

/** A day from its lowest load at midnight to its highest at noon, with noise that repeats. */
export const daily =
  (low: number, high: number, noise = 0, phase = 0) =>
  (seconds: number): number => {
    const wave = (1 - Math.cos((2 * Math.PI * (seconds + phase)) / DAY)) / 2;
    const jitter = Math.sin(seconds * 12.9898) * 43_758.5453;
    return (low + (high - low) * wave) * (1 + noise * (2 * (jitter - Math.floor(jitter)) - 1));
  };
