import type { ScalingState } from '../../contracts/scaling';
import type { JobEvaluation } from './evaluate';
import { perSecond } from './explain';
import { isKnown, isSource, worst } from './rates';

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
  /** How much more comes in than was seen; above 1. */
  readonly factor: number;
  /** As a part of a sentence. */
  readonly text: string;
}

/**
 * A job that cannot keep up since a part of the observation read what came in until then, and all that it can since: from what it has read follows how long
 * that part is, and from that what comes in. Null: nothing is late, or it cannot be told.
 * @param loads the newest is the present one
 */
export const jumpOf = ({ urgent, vertices, totalTarget }: JobEvaluation, loads: ScalingState['loads']): Jump | null => {
  const [before, seen] = loads.slice(-2).map(({ recordsPerSecond }) => recordsPerSecond);
  if (urgent === null || !isKnown(before) || !isKnown(seen) || !isKnown(totalTarget) || before <= 0 || seen < before * LEAST_RISE)
    return null;
  const all = [...vertices.values()].map(({ vertex }) => vertex);
  const read = all.filter(isSource).reduce((sum, { recordsIn }) => sum + (recordsIn ?? 0), 0);
  const most = read / Math.max(...all.map(({ busy }) => worst(busy) ?? 0));
  if (!isKnown(most) || most - before < most * LEAST_ROOM) return null;
  const part = Math.max(LEAST_PART, (read - before) / (most - before));
  if (part >= 1) return null;
  const after = Math.min(seen * MOST_FACTOR, before + (seen - before) / part);
  return {
    factor: after / seen,
    text: `what comes in has risen from ${perSecond(before)} to about ${perSecond(after)} in the last ${Math.round(part * 100)} % of the observation`,
  };
};
