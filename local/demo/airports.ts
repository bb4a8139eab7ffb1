import type { AirportDay } from '../../examples/flight-delays/expected';
import type { Airport } from './view';

/** Adds the result's rows up by airport. */
export class Airports {
  private readonly byCode = new Map<string, { flights: number; delay: number; delayed: number }>();
  rows = 0;
  day: string | undefined;

  add(row: AirportDay): void {
    this.rows += 1;
    if (this.day === undefined || row.day > this.day) this.day = row.day;
    const sum = this.byCode.get(row.origin) ?? { flights: 0, delay: 0, delayed: 0 };
    sum.flights += row.flights;
    sum.delay += row.mean_delay * row.flights;
    sum.delayed += row.delayed_share * row.flights;
    this.byCode.set(row.origin, sum);
  }

  busiest(count: number): Airport[] {
    return [...this.byCode]
      .sort(([, a], [, b]) => b.flights - a.flights)
      .slice(0, count)
      .map(([code, { flights, delay, delayed }]) => ({
        code,
        flights,
        meanDelayMinutes: delay / flights,
        delayedShare: delayed / flights,
      }));
  }
}
