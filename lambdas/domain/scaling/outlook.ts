import type { ScalingInputs, ScalingState } from '../../contracts/scaling';
import { lastDay } from './calm';
import { BACKPRESSURED_SHARE, type JobEvaluation, type VertexEvaluation } from './evaluate';
import { floorAt, forecastFactor, forecastWanted } from './forecast';
import { type Jump, jumpOf } from './jump';
import { isSource, worst } from './rates';
import { type Trend, trendOf, withLoad } from './trend';

/** Factors on the demand: 1 is what comes in now. */
export interface Outlook {
  /** Of forecast, trend and jump until capacity could be there: something has to be done about it now. */
  readonly leadFactor: number;
  /** Of the forecast for as long as a rescale should last, at least `leadFactor`. */
  readonly holdFactor: number;
  /** What a scale-out adds where there is no forecast, up to a size that was enough before (`calm.ts`). */
  readonly headroom: number;
  /** Null: nothing says that more comes in than was seen. */
  readonly jump: Jump | null;
  /** Scheduled parallelism that must be there at least. */
  readonly floor: number;
  /** Null: what comes in does not grow steadily. */
  readonly trend: Trend | null;
  /** For the next decision. */
  readonly loads: ScalingState['loads'];
}

/**
 * What a source reads tells little of what comes in while it reads all that it can, where nobody knows what waits for it; and while most of what it reads has
 * waited, because what is left without that is the difference of two larger figures.
 */
const readsWhatWaited = ({ vertex, saturated }: VertexEvaluation): boolean => {
  const { recordsIn, pendingRecords, pendingRecordsGrowth, backpressured } = vertex;
  if (pendingRecords === undefined) return saturated || (worst(backpressured) ?? 0) >= BACKPRESSURED_SHARE;
  return -(pendingRecordsGrowth ?? 0) > (recordsIn ?? 0) / 2;
};

const comesIn = ({ totalTarget, vertices }: JobEvaluation): number | null =>
  [...vertices.values()].some((one) => isSource(one.vertex) && readsWhatWaited(one)) ? null : totalTarget;

export const outlookOf = ({ observed, desired, now }: ScalingInputs, evaluation: JobEvaluation): Outlook => {
  const { history, job, state } = observed;
  const forecast = forecastWanted(observed, desired);
  const { totalTarget, urgent } = evaluation;
  const loads = withLoad(state.loads, job.observedAt, comesIn(evaluation));
  const trend = trendOf(loads, job, desired);
  const jump = jumpOf(evaluation, loads);
  const leadFactor = Math.max(
    trend?.factor ?? 1,
    jump?.factor ?? 1,
    forecastFactor(forecast, totalTarget, now, desired.forecastLeadSeconds),
  );
  // A forecast says where it ends; without one, having had to scale out often is the reason for going further. A backlog is sized by itself.
  const headroom = urgent === null && forecast.length === 0 ? lastDay(history, desired, now).headroom : 1;
  const holdFactor = Math.max(leadFactor, forecastFactor(forecast, totalTarget, now, desired.forecastHoldSeconds));
  return { leadFactor, holdFactor, headroom, jump, floor: floorAt(desired.floors, now, desired.forecastLeadSeconds), trend, loads };
};
