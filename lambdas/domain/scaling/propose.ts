import type { ScalingObserved, ScalingSettings } from '../../contracts/scaling';
import { wasEnough } from './calm';
import type { JobEvaluation, VertexEvaluation } from './evaluate';
import { figures, type Line } from './explain';
import { forwardGroups } from './graph';
import { brokersFull } from './kafka';
import { isSkewed, needsNewHosts, scalingExponent, whyNotAgain } from './learning';
import { vertexLimits } from './limits';
import { isSource } from './rates';
import { alignParallelism, parallelismFor, rateBand, requiredRate } from './required';

/** Factors on the demand: 1 is what comes in now. */
export interface Outlook {
  /** Of the forecast until capacity could be there: something has to be done about it now. */
  readonly lead: number;
  /** Of the forecast for as long as a rescale should last, at least `lead`. */
  readonly hold: number;
  /** What a scale-out adds where there is no forecast, up to a size that was enough before (`calm.ts`). */
  readonly headroom: number;
  /** Scheduled parallelism that must be there at least. */
  readonly floor: number;
}

/** What the figures ask for, for vertices that have to have the same parallelism; most often one. */
export interface Proposal {
  readonly vertices: readonly VertexEvaluation[];
  readonly current: number;
  /** More is needed: a vertex is below its band or its limits, whether or not something speaks against giving it more. */
  readonly short: boolean;
  /** It is below the parallelism that is set or scheduled: no reason to wait. */
  readonly belowFloor: boolean;
  /** Parallelism to scale out to, at least `current`. */
  readonly out: number;
  /** Parallelism to scale in to, at most `current`. */
  readonly in: number;
  /** The vertex is above its band: without that nothing is scaled in. */
  readonly over: boolean;
  readonly undecidable: boolean;
  readonly lines: readonly Line[];
}

/** A vertex's parallelism for its demand times a factor: arithmetic, limits, then key groups or partitions. */
export const parallelismOf = (
  { vertex, rate, demand }: VertexEvaluation,
  settings: ScalingSettings,
  { factor = 1, floor = 1, exponent = 1 }: { readonly factor?: number; readonly floor?: number; readonly exponent?: number } = {},
): { readonly computed: number; readonly parallelism: number } => {
  const { parallelism: current } = vertex;
  if (rate === null || demand === null) return { computed: current, parallelism: current };
  const required = requiredRate({ ...demand, target: demand.target * factor }, settings.targetUtilization, settings);
  const computed = parallelismFor(current, required, rate, exponent);
  const { least, most } = vertexLimits(vertex, settings, floor);
  const within = Math.min(most, Math.max(least, computed));
  if (within === current) return { computed, parallelism: current };
  const keyed = vertex.inputs.some(({ ship }) => ship === 'hash');
  const parts = isSource(vertex) ? vertex.partitions : keyed ? vertex.maxParallelism : undefined;
  if (parts === undefined) return { computed, parallelism: within };
  return { computed, parallelism: alignParallelism(within, parts, within > current ? most : Math.min(most, current)) };
};

const proposeOne = (
  evaluation: VertexEvaluation,
  observed: ScalingObserved,
  settings: ScalingSettings,
  { outlook, backlog, now }: { readonly outlook: Outlook; readonly backlog: boolean; readonly now: string },
): Omit<Proposal, 'vertices' | 'current' | 'undecidable'> => {
  const { vertex, rate, demand, saturated, backpressures } = evaluation;
  const { id, name, parallelism: current } = vertex;
  const lines: Line[] = [];
  const say = (text: string, invariant?: Line['invariant']): void => void lines.push({ vertex: id, text, ...(invariant && { invariant }) });
  if (evaluation.undecidable !== null || rate === null || demand === null) {
    say(`${name} stays at ${current}: ${evaluation.undecidable}`, 'undecidable-holds-only-what-it-touches');
    return { short: false, belowFloor: false, out: current, in: current, over: false, lines };
  }
  const band = rateBand(demand, settings, backlog);
  const ahead = outlook.lead > 1 ? rateBand({ ...demand, target: demand.target * outlook.lead }, settings, backlog) : band;
  say(figures(evaluation, band));
  const { least, most, mostIs } = vertexLimits(vertex, settings, outlook.floor);
  const short = rate < ahead.low || current < least;
  const over = rate > band.high || current > most;
  // A skewed vertex gave less for its skew, and going further to make up for that would only cost.
  const exponent = isSkewed(vertex) ? 1 : scalingExponent(id, observed.history);
  const up = parallelismOf(evaluation, settings, { factor: outlook.hold, floor: outlook.floor, exponent });
  const down = parallelismOf(evaluation, settings, { factor: outlook.hold, floor: outlook.floor });
  const provided = (): number => {
    if (outlook.headroom <= 1) return up.parallelism;
    const ample = parallelismOf(evaluation, settings, {
      factor: outlook.hold * outlook.headroom,
      floor: outlook.floor,
      exponent,
    }).parallelism;
    const enough = wasEnough(id, observed.history, now) ?? 0;
    // Once more than that is needed, it says nothing about the peak to come.
    return enough > up.parallelism ? Math.min(ample, enough) : ample;
  };
  let out = short ? Math.max(current, up.parallelism, provided()) : current;
  let lower = Math.min(current, down.parallelism);
  if (short && rate >= band.low && current >= least)
    say(`${name} will need more: the forecast is ${outlook.lead.toFixed(1)} times what comes in`, 'calm');
  if (short && current < least) say(`${name} is below the parallelism of ${least} that is set or scheduled`, 'limits');
  if (short && up.computed > most && current >= least) say(`${name} would need ${up.computed}, held back by ${mostIs}`, 'limits');
  const { slotsFree } = observed.fleet;
  if (out > current && out <= current + slotsFree && needsNewHosts(observed.job) && current + slotsFree < most) {
    say(
      `${name} goes beyond the ${slotsFree} free slots: all processors are at work, so that slots on the same hosts would add nothing`,
      'learning',
    );
    out = current + slotsFree + 1;
  }
  const not = out > current ? whyNotAgain(vertex, out, observed.job, observed.history, settings, { now, slotsFree }) : null;
  if (not !== null) {
    say(`${name} is not scaled out further: ${not}`, 'learning');
    out = Math.max(current, Math.min(out, least));
  }
  // What is not busy all the time already waits for records.
  const full = out > current && !saturated ? brokersFull(observed, now) : null;
  if (full !== null) {
    say(`${name} is not scaled out: ${full}, so that more parallelism would read no faster`, 'limits');
    out = Math.max(current, Math.min(out, least));
  }
  if (short && exponent < 1 && out > current)
    say(`${name}: past rescales gave less than in proportion (exponent ${exponent.toFixed(2)})`, 'learning');
  if (short && out > Math.max(current, up.parallelism))
    say(`${name} gets more than ${up.parallelism}, so that it need not be raised again soon`, 'calm');
  if (over && lower < current && (saturated || backpressures)) {
    say(`${name} is not scaled in, because it ${saturated ? 'is saturated' : 'backpressures its inputs'}`, 'saturated-never-scaled-in');
  }
  if (saturated || backpressures) lower = current;
  return { short, belowFloor: current < least, out, in: lower, over, lines };
};

/** What each group of vertices asks for. One that cannot be decided holds its own group only. */
export const propose = (
  evaluation: JobEvaluation,
  observed: ScalingObserved,
  settings: ScalingSettings,
  outlook: Outlook,
  now: string,
): readonly Proposal[] =>
  forwardGroups(evaluation.graph).map((group) => {
    const vertices = group.flatMap(({ id }) => evaluation.vertices.get(id) ?? []);
    const ones = vertices.map((one) => proposeOne(one, observed, settings, { outlook, backlog: evaluation.backlog, now }));
    const current = Math.max(...group.map(({ parallelism }) => parallelism));
    const most = Math.min(...group.map((vertex) => vertexLimits(vertex, settings, 1).most));
    const undecidable = vertices.some((one) => one.undecidable !== null);
    return {
      vertices,
      current,
      undecidable,
      short: !undecidable && ones.some(({ short }) => short),
      belowFloor: !undecidable && ones.some(({ belowFloor }) => belowFloor),
      out: undecidable ? current : Math.max(current, Math.min(most, Math.max(...ones.map(({ out }) => out)))),
      in: undecidable ? current : Math.max(...ones.map((one) => one.in)),
      over: !undecidable && ones.some(({ over }) => over),
      lines: ones.flatMap(({ lines }) => lines),
    };
  });

/** The parallelism of all vertices, with a change of some groups' made. */
export const withChange = (
  proposals: readonly Proposal[],
  change: (proposal: Proposal, current: number, id: string) => number,
): Record<string, number> =>
  Object.fromEntries(
    proposals.flatMap((proposal) =>
      proposal.vertices.map(({ vertex }) => [vertex.id, change(proposal, vertex.parallelism, vertex.id)] as const),
    ),
  );
