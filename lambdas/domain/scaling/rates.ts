import type { ScalingSettings, VertexSeen } from '../../contracts/scaling';

/** The observed rate is preferred when the busy-based one is over this many times as high (as in the Flink Kubernetes Operator, 15 %). */
const OBSERVED_RATE_SWITCH = 1.15;

export const isKnown = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && Number.isFinite(value);

/** The worst subtask limits the vertex: its share where it is known, else the mean. */
export const worst = ({ mean, worst: most }: VertexSeen['busy']): number | null => (isKnown(most) ? most : isKnown(mean) ? mean : null);

export const isSource = (vertex: VertexSeen): boolean => vertex.inputs.length === 0;

/** From one that has finished nothing comes any more, so that a job of it and another is one of a single source. */
export const isReadingSource = (vertex: VertexSeen): boolean => isSource(vertex) && vertex.finished !== true;

/** Seconds of work that wait at a source at its present rate; infinite when records wait and none are read; null when not known. */
export const lagSeconds = ({ pendingRecords, recordsIn }: VertexSeen): number | null => {
  if (!isKnown(pendingRecords) || !isKnown(recordsIn)) return null;
  if (pendingRecords <= 0) return 0;
  return recordsIn > 0 ? pendingRecords / recordsIn : Number.POSITIVE_INFINITY;
};

/** What a source could read while records always waited for it: the rate over the time in which it was not held up from below. */
const observedRate = (vertex: VertexSeen, highLagSeconds: number): number | null => {
  const lag = lagSeconds(vertex);
  const { mean } = vertex.backpressured;
  if (!isSource(vertex) || lag === null || lag < highLagSeconds || !isKnown(vertex.recordsIn) || vertex.recordsIn <= 0) return null;
  return isKnown(mean) && mean < 1 ? vertex.recordsIn / (1 - Math.max(0, mean)) : null;
};

/**
 * True processing rate of a vertex, records per second: what it could process if it never waited. Infinite when it was never busy.
 * DS2 (Kalavri et al., OSDI 2018) as the Flink Kubernetes Operator refined it; the operator's default too is the busiest subtask.
 * Null: not known.
 */
export const trueProcessingRate = (
  vertex: VertexSeen,
  { highLagSeconds }: Pick<ScalingSettings, 'highLagSeconds'>,
): { readonly rate: number; readonly from: 'busy' | 'observed' } | null => {
  const observed = observedRate(vertex, highLagSeconds);
  const busy = worst(vertex.busy);
  if (busy === null || !isKnown(vertex.recordsIn)) return observed === null ? null : { rate: observed, from: 'observed' };
  const rate = busy > 0 ? vertex.recordsIn / busy : Number.POSITIVE_INFINITY;
  if (observed !== null && rate > observed * OBSERVED_RATE_SWITCH) return { rate: observed, from: 'observed' };
  return { rate, from: 'busy' };
};

/** Records per second that go from one vertex to another; null when it cannot be told from the vertices' figures. */
export const edgeRate = (
  from: VertexSeen,
  to: VertexSeen,
  graph: { readonly byId: ReadonlyMap<string, VertexSeen>; readonly consumers: ReadonlyMap<string, readonly VertexSeen[]> },
): number | null => {
  const only = (id: string): boolean => (graph.consumers.get(id)?.length ?? 0) === 1;
  if (to.inputs.length === 1)
    return isKnown(to.recordsIn) ? to.recordsIn : only(from.id) && isKnown(from.recordsOut) ? from.recordsOut : null;
  if (only(from.id)) return isKnown(from.recordsOut) ? from.recordsOut : null;
  const others = to.inputs.filter(({ vertex }) => vertex !== from.id).map(({ vertex }) => graph.byId.get(vertex));
  if (isKnown(to.recordsIn) && others.every((other) => other && only(other.id) && isKnown(other.recordsOut)))
    return Math.max(0, to.recordsIn - others.reduce((sum, other) => sum + (other?.recordsOut ?? 0), 0));
  // Every consumer gets every record, unless side outputs are used: then this is more than it gets, and errs to the safe side.
  return isKnown(from.recordsOut) ? from.recordsOut : null;
};
