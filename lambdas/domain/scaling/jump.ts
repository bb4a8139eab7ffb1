import type { ScalingState, VertexSeen } from '../../contracts/scaling';
import type { JobEvaluation, VertexEvaluation } from './evaluate';
import { percent, perSecond } from './explain';
import type { JobGraph } from './graph';
import { isKnown, isReadingSource, isSource, worst } from './rates';

/** Less is noise. */
const LEAST_RISE = 1.2;
/** Of a shorter part of an observation nothing is known but that it is short. */
const LEAST_PART = 0.2;
/** Of what the job can do; closer to it than that what came in before tells nothing of when more came. */
const LEAST_ROOM = 0.1;
/** More than twice of what was seen is not assumed of any part of it. */
const MOST_FACTOR = 2;

/** What comes in has risen at once, within the observation: what was seen is a mean of before and after. */
export interface Jump {
  /** How much more a vertex has to do than what it has to by the observation; at least 1. */
  readonly factor: number;
  /** As a part of a sentence. */
  readonly text: string;
}

/**
 * A vertex that cannot keep up since a part of the observation did what came in until then, and all that it can since: from what it has done follows how long
 * that part is, and from that what comes in. Null: nothing is late, or it cannot be told.
 * @param loads the newest is the present one
 */
export const jumpOf = ({ graph, urgent, vertices }: JobEvaluation, loads: ScalingState['loads']): Jump | null => {
  const [before, seen] = loads.slice(-2).map(({ recordsPerSecond }) => recordsPerSecond);
  if (urgent === null || !isKnown(before) || !isKnown(seen) || before <= 0 || seen < before * LEAST_RISE) return null;
  const share = ({ vertex }: VertexEvaluation): number => worst(vertex.busy) ?? 0;
  const [busiest] = [...vertices.values()].sort((a, b) => share(b) - share(a));
  const ratio = sentPerRecord(graph).get(busiest?.vertex.id ?? '');
  const done = busiest?.vertex.recordsIn;
  const target = busiest?.demand?.target;
  if (!busiest || !isKnown(ratio) || !isKnown(done) || !isKnown(target) || target <= 0) return null;
  const [most, was] = [done / share(busiest), before * ratio];
  // Who has done less than what came in before has become slower, whatever else has happened.
  if (!isKnown(most) || most - was < most * LEAST_ROOM || done <= was) return null;
  // Where less came in for a moment, as behind something that throttles, it has done less than by the observation before, and for longer all that it can.
  const part = Math.max(LEAST_PART, (done - was) / (most - was), backpressuredBy(busiest.vertex, graph));
  if (part >= 1) return null;
  const after = Math.min(seen * MOST_FACTOR, before + (seen - before) / part);
  return {
    factor: Math.max(1, (after * ratio) / target),
    text: `what comes in has risen from ${perSecond(before)} to about ${perSecond(after)} in the last ${percent(part)} of the observation`,
  };
};

/** Share of the observation in which those before a vertex waited for it: less than since it could do no more, by the time in which buffers fill. */
const backpressuredBy = ({ inputs }: VertexSeen, { byId }: JobGraph): number =>
  Math.max(0, ...inputs.map(({ vertex }) => byId.get(vertex)?.backpressured.mean ?? 0));

/**
 * What each vertex is sent for a record that the source reads; not a number where that cannot be told. By what those before it have sent: while buffers fill,
 * it has done less. Of what a vertex sends to several, each may get a part. Of several sources nobody knows what each has read before.
 */
const sentPerRecord = ({ byId, consumers, ordered }: JobGraph): ReadonlyMap<string, number> => {
  const fromSource = ordered.filter(isReadingSource).length === 1 ? 1 : Number.NaN;
  const sent = new Map<string, number>();
  const sends = (id: string): number => {
    const { recordsIn, recordsOut, finished } = byId.get(id) ?? {};
    if (finished) return 0;
    return consumers.get(id)?.length === 1 && recordsIn
      ? (sent.get(id) ?? Number.NaN) * ((recordsOut ?? Number.NaN) / recordsIn)
      : Number.NaN;
  };
  for (const vertex of ordered) {
    const inputs = [...new Set(vertex.inputs.map((input) => input.vertex))];
    sent.set(vertex.id, isSource(vertex) ? fromSource : inputs.reduce((sum, id) => sum + sends(id), 0));
  }
  return sent;
};
