import type { PolicyMaker, Seen } from '../policy';

/** Defaults of the operator's configuration reference. Minutes and shares. */
export const OPERATOR_DEFAULTS = {
  stabilization: 5,
  window: 15,
  target: 0.7,
  boundary: 0.3,
  catchUp: 30,
  restart: 5,
  scaleDownInterval: 60,
  /** At most this share of the parallelism is taken away at once. */
  scaleDownMaxFactor: 0.6,
  maxParallelism: 200,
  /** Above this lag nothing is scaled down, and being fully busy is right. */
  backlogProcessingLag: 5,
  /** Above this lag the observed rate may take the place of the busy-based one, from two observations on, when that is 15 % higher. */
  observedRateLag: 0.5,
  observedRateSwitch: 0.15,
  observedRateLeast: 2,
} as const;

type Settings = { readonly [K in keyof typeof OPERATOR_DEFAULTS]: number };

interface Wanted {
  readonly source: number;
  readonly work: number;
}

/** The smallest divisor of the key groups (or partitions) at or above, because then all subtasks have equally many. */
export const divisorFrom = (parallelism: number, parts: number, most: number): number => {
  const limit = Math.min(parts, most);
  for (let candidate = parallelism; candidate <= limit; candidate += 1) if (parts % candidate === 0) return candidate;
  return Math.min(parallelism, limit);
};

/** What one vertex needs: null while it is within its band. */
export const needOf = (
  {
    parallelism,
    trueRate,
    target,
    lag,
  }: { readonly parallelism: number; readonly trueRate: number; readonly target: number; readonly lag: number },
  settings: Settings,
  processingBacklog: boolean,
): { readonly parallelism: number; readonly outside: boolean } => {
  const catchUp = settings.catchUp > 0 ? lag / (settings.catchUp * 60) : 0;
  const restart = settings.catchUp > 0 ? (target * settings.restart) / settings.catchUp : 0;
  const [uMin, uMax] = [Math.max(0, settings.target - settings.boundary), Math.min(1, settings.target + settings.boundary)];
  const low = catchUp + target / (processingBacklog ? 1 : uMax);
  const high = processingBacklog || uMin === 0 ? Number.POSITIVE_INFINITY : catchUp + restart + target / uMin;
  const factor = Math.max(1 - settings.scaleDownMaxFactor, (catchUp + restart + target / settings.target) / trueRate);
  return {
    parallelism: Math.max(1, Math.min(settings.maxParallelism, Math.ceil(parallelism * factor - 1e-9))),
    outside: trueRate < low || trueRate > high,
  };
};

/**
 * The autoscaler of Apache Flink's Kubernetes operator, written from its documentation: means over a window that begins after a stabilisation
 * time and has to be full, target rates from the sources on, a band of utilization, catch-up and restart terms, parallelism that divides the
 * key groups, and scale-downs put together over an interval. It looks once a minute (the operator's reconcile interval).
 */
export const operator =
  (settings: Settings = OPERATOR_DEFAULTS): PolicyMaker =>
  ({ job, most }) => {
    let window: Seen[] = [];
    let from = settings.stabilization;
    let down: { readonly since: number; readonly most: Wanted } | null = null;
    const limited: Settings = { ...settings, maxParallelism: Math.min(most, settings.maxParallelism) };
    return {
      done: ({ seconds }) => {
        from = Math.ceil(seconds / 60) + settings.stabilization;
        window = [];
        down = null;
      },
      decide: (seen) => {
        const { minute, parallelism, changing } = seen;
        if (!seen.whole && !changing) {
          // The job came back from a failure: what was seen before says nothing about it now.
          window = [];
          from = minute + settings.stabilization;
          return null;
        }
        if (changing || minute < from) return null;
        window.push(seen);
        if (window.length <= settings.window) return null;
        const old = window.shift();
        const mean = (figure: (one: Seen) => number): number => window.reduce((sum, one) => sum + figure(one), 0) / window.length;
        const rate = mean(({ rate: one }) => one);
        if (rate <= 0) return null;
        const growth = (seen.pending - (old?.pending ?? seen.pending)) / (settings.window * 60);
        const target = Math.max(0, rate + growth);
        const processingBacklog = seen.pending / rate > settings.backlogProcessingLag * 60;
        const busyBased =
          rate /
          Math.max(
            1e-6,
            mean(({ sourceBusy }) => sourceBusy),
          );
        const late = window.filter((one) => one.pending > one.rate * settings.observedRateLag * 60);
        const observed =
          late.length >= settings.observedRateLeast
            ? late.reduce((sum, one) => sum + one.rate / Math.max(0.01, 1 - one.sourceBackpressured), 0) / late.length
            : Number.POSITIVE_INFINITY;
        const sourceRate = busyBased > observed * (1 + settings.observedRateSwitch) ? observed : busyBased;
        const workRate =
          rate /
          Math.max(
            1e-6,
            mean(({ workBusy }) => workBusy),
          );
        const lag = seen.pending;
        const source = needOf({ parallelism: parallelism.source, trueRate: sourceRate, target, lag }, limited, processingBacklog);
        const work = needOf({ parallelism: parallelism.work, trueRate: workRate, target, lag }, limited, processingBacklog);
        const wanted: Wanted = {
          source: divisorFrom(source.parallelism, job.partitions, limited.maxParallelism),
          work: divisorFrom(work.parallelism, job.keyGroups, limited.maxParallelism),
        };
        const changed = {
          source: wanted.source !== parallelism.source && source.outside,
          work: wanted.work !== parallelism.work && work.outside,
        };
        if (!changed.source && !changed.work) {
          down = null;
          return null;
        }
        const up = (changed.source && wanted.source > parallelism.source) || (changed.work && wanted.work > parallelism.work);
        if (!up) {
          down = {
            since: down?.since ?? minute,
            most: { source: Math.max(down?.most.source ?? 1, wanted.source), work: Math.max(down?.most.work ?? 1, wanted.work) },
          };
          if (minute - down.since < settings.scaleDownInterval) return null;
          const to = { source: Math.min(down.most.source, parallelism.source), work: Math.min(down.most.work, parallelism.work) };
          down = null;
          return to.source === parallelism.source && to.work === parallelism.work ? null : { to, reason: 'above its band' };
        }
        down = null;
        return { to: wanted, reason: 'below its band' };
      },
    };
  };
