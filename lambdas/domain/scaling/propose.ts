import type { JobObservation, ScalingObserved, ScalingSettings } from '../../contracts/scaling';
import { wasEnough } from './calm';
import type { JobEvaluation, VertexEvaluation } from './evaluate';
import { figures, type Line } from './explain';
import { forwardGroups } from './graph';
import { brokersFull } from './kafka';
import { isSkewed, needsNewHosts, scalingExponent, whyNotAgain } from './learning';
import { partsOf, vertexLimits } from './limits';
import type { Outlook } from './outlook';
import { isKnown } from './rates';
import { alignParallelism, type Band, type Demand, parallelismFor, rateBand, requiredRate } from './required';

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
  /** Parallelism that it gets when another is scaled out, at least `out`: what it needs at the utilization that is aimed at. */
  readonly along: number;
  /** Parallelism to scale in to, at most `current`. */
  readonly in: number;
  /** The vertex is above its band: without that nothing is scaled in. */
  readonly over: boolean;
  readonly undecidable: boolean;
  readonly lines: readonly Line[];
}

/**
 * A vertex's parallelism for its demand: arithmetic, limits, then key groups or partitions.
 * @param factor by which the demand is foreseen to grow; what is foreseen may use half of what is left between target and upper edge, because it is
 * the most that is expected, and what is not expected has its room at the other times
 * @param headroom by which it is taken to be larger already, at the utilization that is aimed at
 */
export const parallelismOf = (
  { vertex, rate, demand }: VertexEvaluation,
  settings: ScalingSettings,
  {
    factor = 1,
    headroom = 1,
    floor = 1,
    exponent = 1,
  }: { readonly factor?: number; readonly headroom?: number; readonly floor?: number; readonly exponent?: number } = {},
): { readonly computed: number; readonly parallelism: number } => {
  const { parallelism: current } = vertex;
  if (rate === null || demand === null) return { computed: current, parallelism: current };
  const { targetUtilization, uMax } = settings;
  const required = Math.max(
    requiredRate({ ...demand, target: demand.target * headroom }, targetUtilization, settings),
    requiredRate({ ...demand, target: demand.target * factor }, (targetUtilization + uMax) / 2, settings),
  );
  const computed = parallelismFor(current, required, rate, exponent);
  const { least, most } = vertexLimits(vertex, settings, floor);
  const within = Math.min(most, Math.max(least, computed));
  if (within === current) return { computed, parallelism: current };
  const parts = partsOf(vertex);
  if (parts === undefined) return { computed, parallelism: within };
  if (within < current) return { computed, parallelism: Math.max(within, alignParallelism(within, parts, Math.min(most, current))) };
  return { computed, parallelism: Math.max(least, alignParallelism(within, parts, most)) };
};

/** Processors that are at work for more of their time have nothing left for what comes at once. */
const PROCESSORS_KEPT = 0.9;
/** Slots that share a processor, as sizes have them. */
const SLOTS_A_PROCESSOR = 2;

/**
 * What a scale-in has to look at besides the arithmetic in proportion. `hotKey`: of a skewed vertex the busiest subtask has its surplus at any parallelism,
 * and the rest is shared by all: so less is enough than in proportion to the busiest; null where that is not so. `processors`: slots share them, so
 * that subtasks which wait much of their time hide how little is left.
 */
const leastOf = (
  { vertex, demand }: VertexEvaluation,
  { taskManagers: { cpuLoad } }: JobObservation,
  { targetUtilization }: ScalingSettings,
  hold: number,
): { readonly hotKey: number | null; readonly processors: number } => {
  const { busy, parallelism, recordsIn } = vertex;
  if (demand === null || !isKnown(recordsIn) || recordsIn <= 0) return { hotKey: null, processors: 1 };
  const growth = (demand.target * hold + demand.catchUp) / recordsIn;
  // Hosts have other vertices' and other jobs' work too: what is this one's is at most what its subtasks are busy.
  const own = Math.min(cpuLoad ?? 0, SLOTS_A_PROCESSOR * (busy.mean ?? 1));
  const processors = Math.ceil((parallelism * own * growth) / PROCESSORS_KEPT);
  if (!isSkewed(vertex) || !isKnown(busy.worst) || !isKnown(busy.mean)) return { hotKey: null, processors };
  const left = targetUtilization - growth * (busy.worst - busy.mean);
  return { hotKey: left > 0 ? Math.max(1, Math.ceil((parallelism * growth * busy.mean) / left)) : null, processors };
};

type Own = Omit<Proposal, 'vertices' | 'current' | 'undecidable'>;

/** What a vertex is proposed by: its figures where they are known, and what all of the job have in common. */
interface Known {
  readonly evaluation: VertexEvaluation & { readonly rate: number; readonly demand: Demand };
  readonly observed: ScalingObserved;
  readonly settings: ScalingSettings;
  readonly outlook: Outlook;
  readonly now: string;
  readonly band: Band;
  readonly limits: ReturnType<typeof vertexLimits>;
  readonly short: boolean;
  readonly over: boolean;
  /** How its rate grows with its parallelism. */
  readonly exponent: number;
  /** For what is foreseen, without headroom. */
  readonly up: ReturnType<typeof parallelismOf>;
}

/** Adds a sentence about the vertex. */
type Say = (text: string, invariant?: Line['invariant']) => void;

const proposeOne = (
  evaluation: VertexEvaluation,
  observed: ScalingObserved,
  settings: ScalingSettings,
  { outlook, backlog, now }: { readonly outlook: Outlook; readonly backlog: boolean; readonly now: string },
): Own => {
  const { vertex, rate, demand, undecidable } = evaluation;
  const { id, name, parallelism: current } = vertex;
  const lines: Line[] = [];
  const say: Say = (text, invariant) => void lines.push({ vertex: id, text, ...(invariant && { invariant }) });
  if (undecidable !== null || rate === null || demand === null) {
    say(`${name} stays at ${current}: ${undecidable}`, 'undecidable-holds-only-what-it-touches');
    return { short: false, belowFloor: false, out: current, along: current, in: current, over: false, lines };
  }
  const band = rateBand(demand, settings, backlog);
  const ahead = outlook.leadFactor > 1 ? rateBand({ ...demand, target: demand.target * outlook.leadFactor }, settings, backlog) : band;
  const limits = vertexLimits(vertex, settings, outlook.floor);
  // A skewed vertex gave less for its skew, and going further to make up for that would only cost.
  const exponent = isSkewed(vertex) ? 1 : scalingExponent(id, observed.history);
  const known: Known = {
    evaluation: { ...evaluation, rate, demand },
    observed,
    settings,
    outlook,
    now,
    band,
    limits,
    short: rate < ahead.low || current < limits.least,
    over: rate > band.high || current > limits.most,
    exponent,
    up: parallelismOf(evaluation, settings, {
      factor: outlook.holdFactor,
      headroom: outlook.jump?.factor ?? 1,
      floor: outlook.floor,
      exponent,
    }),
  };
  const { short, over } = known;
  say(figures(evaluation, band));
  if (short) sayWhyShort(known, say);
  const out = proposeOut(known, say);
  const lower = proposeIn(known, say);
  return { short, belowFloor: current < limits.least, out: short ? out : current, along: out, in: lower, over, lines };
};

const sayWhyShort = ({ evaluation: { vertex, rate }, outlook, band, limits, up }: Known, say: Say): void => {
  const { name, parallelism: current } = vertex;
  const { least, most, mostIs } = limits;
  if (current < least) {
    say(`${name} is below the parallelism of ${least} that is set or scheduled`, 'limits');
    return;
  }
  if (rate >= band.low) {
    const seen = [outlook.jump, outlook.trend].find((one) => one && one.factor >= outlook.leadFactor);
    if (seen) say(`${name} will need more: ${seen.text}`, 'spike-on-evidence');
    else say(`${name} will need more: the forecast is ${outlook.leadFactor.toFixed(1)} times what comes in`, 'calm');
  }
  if (up.computed > most) say(`${name} would need ${up.computed}, held back by ${mostIs}`, 'limits');
  else if (up.parallelism < up.computed)
    say(`${name} would need more than ${most} to leave less to its busiest subtask, held back by ${mostIs}`, 'limits');
};

/** What a vertex that is short gets besides, so that it need not be raised again soon. */
const withHeadroom = ({ evaluation, observed, settings, outlook, now, exponent, up }: Known): number => {
  if (outlook.headroom <= 1) return up.parallelism;
  const { holdFactor: factor, headroom, floor } = outlook;
  const ample = parallelismOf(evaluation, settings, { factor, headroom, floor, exponent }).parallelism;
  const enough = wasEnough(evaluation.vertex.id, observed.history, now) ?? 0;
  // Once more than that is needed, it says nothing about the peak to come.
  return enough > up.parallelism ? Math.min(ample, enough) : ample;
};

/** Parallelism to scale out to, at least the current; also of a vertex that is not short, which may get it along with another. */
const proposeOut = (known: Known, say: Say): number => {
  const { evaluation, observed, settings, limits, short, exponent, up, now } = known;
  const { vertex, saturated } = evaluation;
  const { name, parallelism: current } = vertex;
  const { slotsFree } = observed.fleet;
  const sayShort: Say = (text, invariant) => void (short && say(text, invariant));
  let out = Math.max(current, up.parallelism, short ? withHeadroom(known) : 1);
  if (short && out > current && out <= current + slotsFree && needsNewHosts(observed.job) && current + slotsFree < limits.most) {
    sayShort(
      `${name} goes beyond the ${slotsFree} free slots: all processors are at work, so that slots on the same hosts would add nothing`,
      'learning',
    );
    out = current + slotsFree + 1;
  }
  const withoutMore = Math.max(current, Math.min(out, limits.least));
  const not = out > current ? whyNotAgain(vertex, out, observed.job, observed.history, settings, { now, slotsFree }) : null;
  if (not !== null) {
    sayShort(`${name} is not scaled out further: ${not}`, 'learning');
    out = withoutMore;
  }
  // What is not busy all the time already waits for records.
  const full = out > current && !saturated ? brokersFull(observed, now) : null;
  if (full !== null) {
    sayShort(`${name} is not scaled out: ${full}, so that more parallelism would read no faster`, 'limits');
    out = withoutMore;
  }
  if (exponent < 1 && out > current)
    sayShort(`${name}: past rescales gave less than in proportion (exponent ${exponent.toFixed(2)})`, 'learning');
  if (out > Math.max(current, up.parallelism))
    sayShort(`${name} gets more than ${up.parallelism}, so that it need not be raised again soon`, 'calm');
  return out;
};

/** Parallelism to scale in to, at most the current. */
const proposeIn = ({ evaluation, observed, settings, outlook, limits, over }: Known, say: Say): number => {
  const { vertex, saturated, backpressures } = evaluation;
  const { name, parallelism: current } = vertex;
  let lower = Math.min(current, parallelismOf(evaluation, settings, { factor: outlook.holdFactor, floor: outlook.floor }).parallelism);
  const besides = leastOf(evaluation, observed.job, settings, outlook.holdFactor);
  if (besides.hotKey !== null && besides.hotKey < lower) lower = Math.max(limits.least, besides.hotKey);
  if (besides.processors > lower && lower < current) {
    lower = Math.min(current, besides.processors);
    if (over) say(`${name} keeps ${lower}: with fewer, the processors would have more to do than they can`, 'learning');
  }
  if (!saturated && !backpressures) return lower;
  if (over && lower < current)
    say(`${name} is not scaled in, because it ${saturated ? 'is saturated' : 'backpressures its inputs'}`, 'saturated-never-scaled-in');
  return current;
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
      along: undecidable ? current : Math.max(current, Math.min(most, Math.max(...ones.map(({ along }) => along)))),
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
