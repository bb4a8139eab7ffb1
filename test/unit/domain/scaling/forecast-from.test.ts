import * as fc from 'fast-check';
import type { LoadPoint } from '../../../../lambdas/contracts/observation';
import { forecastFrom, STRETCH_SECONDS } from '../../../../lambdas/domain/scaling/forecast-from';
import { later, NOW } from './examples';
import { DAY, daily } from './plant';

/** The load of past days up to now, a point every ten minutes. */
const past = (load: (seconds: number) => number, days: number): LoadPoint[] =>
  Array.from({ length: (days * DAY) / STRETCH_SECONDS }, (_, index) => {
    const seconds = -days * DAY + index * STRETCH_SECONDS;
    return { from: later(seconds), recordsPerSecond: load(seconds) };
  });

describe('a forecast from the load of past days', () => {
  const wave = daily(500, 2_500);

  test('is the same hour of those days', () => {
    const forecast = forecastFrom(
      past((seconds) => wave(seconds + 30 * DAY), 3),
      NOW,
    );
    expect(forecast).toHaveLength(144);
    for (const { at, recordsPerSecond } of forecast) {
      const seconds = (Date.parse(at) - Date.parse(NOW)) / 1_000;
      expect(recordsPerSecond).toBeCloseTo(wave(seconds + 30 * DAY), 5);
    }
  });

  test('is higher on a day that began higher', () => {
    const today = (seconds: number) => wave(seconds + 30 * DAY) * (seconds >= -DAY / 2 ? 1.3 : 1);
    const forecast = forecastFrom(past(today, 3), NOW);
    expect(forecast[6]?.recordsPerSecond).toBeCloseTo(1.3 * wave(30 * DAY + 3_600), 5);
  });

  test('does not expect a burst again that came on one of the days', () => {
    const burst = (seconds: number) => 1_000 * (seconds >= -DAY + 3_600 && seconds < -DAY + 7_200 ? 5 : 1);
    for (const { recordsPerSecond } of forecastFrom(past(burst, 4), NOW)) expect(recordsPerSecond).toBe(1_000);
  });

  test('does not take a burst just now for a higher day', () => {
    const burst = (seconds: number) => 1_000 * (seconds >= -1_200 ? 5 : 1);
    expect(forecastFrom(past(burst, 3), NOW)[0]?.recordsPerSecond).toBe(1_000);
  });

  test('looks to the same day of the week before as well', () => {
    const weekly = (seconds: number) => (Math.floor((seconds + 70 * DAY) / DAY) % 7 === 0 ? 400 : 1_000);
    const forecast = forecastFrom(past(weekly, 15), NOW);
    expect(forecast[0]?.recordsPerSecond).toBe(400);
  });

  test('is none without a day to compare with', () => {
    expect(forecastFrom([], NOW)).toEqual([]);
    expect(forecastFrom(past(wave, 0.5), NOW)).toEqual([]);
  });

  test('is finite and not negative whatever was observed', () => {
    const point = fc.record({ back: fc.integer({ min: 1, max: 5_000 }), recordsPerSecond: fc.double({ min: 0, max: 1e9, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 300 }), (points) => {
        const load = points.map(({ back, recordsPerSecond }) => ({ from: later(-back * STRETCH_SECONDS), recordsPerSecond }));
        for (const { recordsPerSecond } of forecastFrom(load, NOW)) {
          expect(recordsPerSecond).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(recordsPerSecond)).toBe(true);
        }
      }),
    );
  });
});
