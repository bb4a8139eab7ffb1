import type { ForecastPoint, ScalingObserved, ScalingSettings, ScheduledFloor } from '../../contracts/scaling';
import { isWithin } from '../time-window';

/** The forecast as far as it is wanted: where it is to provide nothing and to hold nothing, there is none. */
export const forecastWanted = (
  { forecast }: Pick<ScalingObserved, 'forecast'>,
  { forecastLeadSeconds, forecastHoldSeconds }: Pick<ScalingSettings, 'forecastLeadSeconds' | 'forecastHoldSeconds'>,
): readonly ForecastPoint[] => (forecastLeadSeconds > 0 || forecastHoldSeconds > 0 ? forecast : []);

/** Factor by which the demand is expected to grow within the given time, at least 1: a forecast only ever keeps or raises capacity. Within no time nothing grows. */
export const forecastFactor = (
  forecast: readonly ForecastPoint[],
  totalTarget: number | null,
  now: string,
  withinSeconds: number,
): number => {
  if (totalTarget === null || totalTarget <= 0 || withinSeconds <= 0) return 1;
  const start = Date.parse(now);
  const end = start + withinSeconds * 1_000;
  let most = totalTarget;
  for (const { at, recordsPerSecond } of forecast) {
    const time = Date.parse(at);
    if (time > end) break;
    if (time >= start && Number.isFinite(recordsPerSecond)) most = Math.max(most, recordsPerSecond);
  }
  return most / totalTarget;
};

/** The highest floor that a person has scheduled for this instant or within the lead; 1 without. */
export const floorAt = (floors: readonly ScheduledFloor[], now: string, leadSeconds: number): number => {
  const start = Date.parse(now);
  const times = [new Date(start), new Date(start + leadSeconds * 1_000)];
  return Math.max(1, ...floors.filter((floor) => times.some((time) => isWithin(floor, time))).map(({ parallelism }) => parallelism));
};
