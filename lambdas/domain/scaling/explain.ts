import type { ScalingInvariant } from '../../contracts/observation';
import type { VertexEvaluation } from './evaluate';
import type { Band } from './required';

export interface Line {
  /** Null: about the job. */
  readonly vertex: string | null;
  readonly text: string;
  readonly invariant?: ScalingInvariant | undefined;
}

/** Made once: a locale's rules take longer to find than a number to write. */
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A rate, records per second, as a person reads it. */
export const perSecond = (rate: number): string =>
  rate === Number.POSITIVE_INFINITY ? 'any rate' : `${rate >= 100 ? whole.format(Math.round(rate)) : Number(rate.toPrecision(3))}/s`;

export const figures = ({ vertex, rate, demand }: VertexEvaluation, band: Band | null): string => {
  if (rate === null || demand === null || band === null) return `${vertex.name} runs with ${vertex.parallelism}`;
  const high = band.high === Number.POSITIVE_INFINITY ? 'no upper edge while a backlog is worked off' : `to ${perSecond(band.high)}`;
  const can = rate === Number.POSITIVE_INFINITY ? 'was never busy' : `can process ${perSecond(rate)}`;
  return `${vertex.name} ${can} with ${vertex.parallelism}; ${perSecond(demand.target)} come in; right is ${perSecond(band.low)} ${high}`;
};

export const percent = (share: number): string => `${Math.round(share * 100)} %`;
export const slots = (count: number): string => `${count} slot${count === 1 ? '' : 's'}`;
export const capital = (sentence: string): string => sentence.charAt(0).toUpperCase() + sentence.slice(1);
