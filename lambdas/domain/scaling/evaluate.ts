import type { JobObservation, ScalingSettings, VertexSeen } from '../../contracts/scaling';
import { type JobGraph, jobGraph } from './graph';
import { edgeRate, isKnown, isSource, lagSeconds, trueProcessingRate, worst } from './rates';
import type { Demand } from './required';

/** A subtask that is busy for this share of its time has no reserve that could be taken away. */
export const SATURATED_SHARE = 0.9;
/** A vertex that waits for its consumers for this share of its time is held up by them. */
export const BACKPRESSURED_SHARE = 0.1;

export interface VertexEvaluation {
  readonly vertex: VertexSeen;
  /** True processing rate, records per second; infinite when it was never busy; null: not known. */
  readonly rate: number | null;
  readonly demand: Demand | null;
  /** Why nothing can be decided for it; null when it can. */
  readonly undecidable: string | null;
  readonly saturated: boolean;
  /** One of its inputs is held up. */
  readonly backpressures: boolean;
}

export interface JobEvaluation {
  readonly graph: JobGraph;
  readonly vertices: ReadonlyMap<string, VertexEvaluation>;
  /** What all sources have to read, records per second; null when that of one is not known. */
  readonly totalTarget: number | null;
  /** Work that waits at the source with the most of it; 0 when no source says. */
  readonly lagSeconds: number;
  /** A source's lag is over its level. */
  readonly backlog: boolean;
  /** What cannot wait, as a part of a sentence; null when nothing is urgent. */
  readonly urgent: string | null;
}

const UNKNOWN = { mean: null, worst: null } as const;

/** Counters that Flink marked incomplete are as good as none. From a vertex that has finished nothing comes any more. */
const usable = (vertex: VertexSeen): VertexSeen => {
  const { incomplete, finished, pendingRecords } = vertex;
  if (!incomplete && !finished) return vertex;
  const records = finished ? 0 : null;
  return {
    ...vertex,
    recordsIn: records,
    recordsOut: records,
    busy: UNKNOWN,
    backpressured: UNKNOWN,
    ...(pendingRecords === undefined ? {} : { pendingRecords: records, ...(finished && { pendingRecordsGrowth: 0 }) }),
  };
};

const sourceDemand = (vertex: VertexSeen, catchUpSeconds: number): Demand | null => {
  const { recordsIn, pendingRecords, pendingRecordsGrowth } = vertex;
  if (!isKnown(recordsIn)) return null;
  if (pendingRecords === undefined) return { target: Math.max(0, recordsIn), catchUp: 0 };
  if (!isKnown(pendingRecords) || !isKnown(pendingRecordsGrowth)) return null;
  return {
    target: Math.max(0, recordsIn + pendingRecordsGrowth),
    catchUp: catchUpSeconds > 0 ? Math.max(0, pendingRecords) / catchUpSeconds : 0,
  };
};

const innerDemand = (vertex: VertexSeen, graph: JobGraph, demands: ReadonlyMap<string, Demand | null>): Demand | null => {
  let target = 0;
  let catchUp = 0;
  for (const id of new Set(vertex.inputs.map((input) => input.vertex))) {
    const input = graph.byId.get(id);
    const demand = demands.get(id);
    if (!input || !demand || !isKnown(input.recordsIn)) return null;
    if (demand.target + demand.catchUp === 0) continue;
    const rate = edgeRate(input, vertex, graph);
    if (rate === null || input.recordsIn <= 0) return null;
    const ratio = rate / input.recordsIn;
    target += demand.target * ratio;
    catchUp += demand.catchUp * ratio;
  }
  return isKnown(target) && isKnown(catchUp) ? { target, catchUp } : null;
};

const whyUndecidable = (
  vertex: VertexSeen,
  rate: number | null,
  demand: Demand | null,
  demands: ReadonlyMap<string, Demand | null>,
): string | null => {
  if (vertex.finished) return 'it has finished';
  if (vertex.incomplete) return 'its counters are incomplete';
  if (rate === null) return 'its busy time or its input rate is not known';
  if (demand === null) {
    const input = vertex.inputs.find((each) => !demands.get(each.vertex));
    if (input) return `what its input ${input.vertex} has to process is not known`;
    return isSource(vertex) ? 'its input rate or its lag is not known' : 'how much its inputs send is not known';
  }
  if (vertex.recordsIn === 0 && demand.target + demand.catchUp > 0) return 'nothing came in, so that what it can process is not known';
  return null;
};

const urgency = (job: JobObservation, evaluations: readonly VertexEvaluation[], { serviceLevels }: ScalingSettings): string | null => {
  const { maxLagSeconds, maxWatermarkLagSeconds, maxBackpressure } = serviceLevels;
  const late = evaluations.find(
    ({ vertex }) => (lagSeconds(vertex) ?? 0) > maxLagSeconds && isKnown(vertex.pendingRecordsGrowth) && vertex.pendingRecordsGrowth > 0,
  );
  if (late) return `the lag of ${late.vertex.name} is over its level of ${maxLagSeconds} s and grows`;
  if (!evaluations.some(({ saturated }) => saturated)) return null;
  if (maxWatermarkLagSeconds !== undefined && isKnown(job.watermarkLagSeconds) && job.watermarkLagSeconds > maxWatermarkLagSeconds)
    return `the watermark is ${Math.round(job.watermarkLagSeconds)} s behind, over its level of ${maxWatermarkLagSeconds} s`;
  // Where sources tell their lag, that is the better evidence: short backpressure alone harms nobody.
  if (evaluations.some(({ vertex }) => vertex.pendingRecords !== undefined)) return null;
  const held = evaluations.find(({ vertex }) => (worst(vertex.backpressured) ?? 0) > maxBackpressure);
  return held ? `${held.vertex.name} is backpressured beyond its level of ${maxBackpressure}` : null;
};

/** What every vertex can process and has to process. Demands go from the sources through the graph, by what each vertex sends for what it gets. */
export const evaluateJob = (job: JobObservation, settings: ScalingSettings): JobEvaluation => {
  const graph = jobGraph(job.vertices.map(usable));
  const demands = new Map<string, Demand | null>();
  const vertices = new Map<string, VertexEvaluation>();
  const held = (id: string): boolean =>
    (worst(graph.byId.get(id)?.backpressured ?? { mean: null, worst: null }) ?? 0) >= BACKPRESSURED_SHARE;
  for (const vertex of graph.ordered) {
    const demand = isSource(vertex) ? sourceDemand(vertex, settings.catchUpSeconds) : innerDemand(vertex, graph, demands);
    demands.set(vertex.id, demand);
    const rate = trueProcessingRate(vertex, settings)?.rate ?? null;
    vertices.set(vertex.id, {
      vertex,
      rate,
      demand,
      undecidable: whyUndecidable(vertex, rate, demand, demands),
      saturated: (worst(vertex.busy) ?? 0) >= SATURATED_SHARE,
      backpressures: vertex.inputs.some((input) => held(input.vertex)),
    });
  }
  const sources = graph.ordered.filter(isSource);
  const targets = sources.map(({ id }) => demands.get(id)?.target ?? null);
  // A source that nothing can be said of holds what it feeds; it is no reason to treat the rest of the job differently.
  const lags = sources.filter(({ id }) => vertices.get(id)?.undecidable === null).map((source) => lagSeconds(source) ?? 0);
  const lag = Math.max(0, ...lags);
  return {
    graph,
    vertices,
    totalTarget: targets.every(isKnown) ? targets.reduce<number>((sum, target) => sum + (target ?? 0), 0) : null,
    lagSeconds: lag,
    backlog: lag > settings.serviceLevels.maxLagSeconds,
    urgent: urgency(job, [...vertices.values()], settings),
  };
};
