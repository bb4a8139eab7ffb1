import type { ScalingSettings } from '../../contracts/scaling';

/** What a vertex has to do. Records per second. */
export interface Demand {
  /** Rate that comes in, and has to be kept up with. */
  readonly target: number;
  /** What works off the backlog in the catch-up time. */
  readonly catchUp: number;
}

type CatchUp = Pick<ScalingSettings, 'catchUpSeconds' | 'restartSeconds'>;

/** Differences below this are floating point's: 70 / 0.7 is to be 100. */
const EPSILON = 1e-9;

/**
 * Rate a vertex must be able to process, records per second, for being busy the given share of time:
 * `catchUp + target · restart / catchUpTime + target / u`. Infinite for u = 0.
 */
export const requiredRate = ({ target, catchUp }: Demand, utilization: number, settings: CatchUp, withRestart = true): number => {
  if (utilization <= 0) return Number.POSITIVE_INFINITY;
  const { catchUpSeconds, restartSeconds } = settings;
  const restart = withRestart && catchUpSeconds > 0 ? (target * restartSeconds) / catchUpSeconds : 0;
  return (catchUpSeconds > 0 ? catchUp : 0) + restart + target / Math.min(1, utilization);
};

export interface Band {
  /** A true processing rate below needs more. */
  readonly low: number;
  /** One above is more than needed. */
  readonly high: number;
}

/** While a backlog is worked off, being fully busy is right and being less busy no reason to take anything away. */
export const rateBand = (demand: Demand, settings: CatchUp & Pick<ScalingSettings, 'uMin' | 'uMax'>, backlog = false): Band => ({
  low: requiredRate(demand, backlog ? 1 : settings.uMax, settings, false),
  high: requiredRate(demand, backlog ? 0 : settings.uMin, settings),
});

/**
 * Parallelism that gives the required rate, before limits and rounding to key groups.
 * @param exponent how the rate grows with parallelism: 1 in proportion, less when slots share what they need (`learning.ts`)
 */
export const parallelismFor = (parallelism: number, required: number, rate: number, exponent = 1): number => {
  if (required <= 0 || rate === Number.POSITIVE_INFINITY) return 1;
  if (rate <= 0) return Number.MAX_SAFE_INTEGER;
  const factor = required / rate;
  // Scaling in is computed in proportion: a rate that grew less than in proportion may also fall less, or may not.
  const wanted = parallelism * (factor > 1 ? factor ** (1 / exponent) : factor);
  return Math.max(1, Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(wanted * (1 - EPSILON))));
};

/** The smallest parallelism at which no subtask has more of the parts than the busiest one has at this: what is between does not help it. */
export const alikeForBusiest = (parallelism: number, parts: number): number => Math.ceil(parts / Math.ceil(parts / parallelism));

/**
 * Key groups or partitions come in whole numbers, so the subtask with the most of them limits the vertex. Gives the smallest parallelism
 * at or above `computed` at which no subtask has more than an even share at `computed` would be; when that is over `most`, the smallest that is as
 * good as `computed`.
 */
export const alignParallelism = (computed: number, parts: number, most: number): number => {
  if (computed >= parts) return computed;
  const aligned = Math.ceil(parts / Math.floor(parts / computed));
  return aligned <= most ? aligned : alikeForBusiest(computed, parts);
};
