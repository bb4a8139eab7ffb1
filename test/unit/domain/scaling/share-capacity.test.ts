import * as fc from 'fast-check';
import { type CapacityRequest, shareCapacity } from '../../../../lambdas/domain/scaling/share-capacity';
import { later, NOW } from './examples';

const SETTINGS = { agingSeconds: 60, total: 100 };
const request = (name: string, fields: Partial<CapacityRequest> = {}): CapacityRequest => ({
  name,
  priority: 1,
  wanted: 4,
  least: 1,
  since: NOW,
  ...fields,
});
const grants = (requests: readonly CapacityRequest[], available: number) =>
  Object.fromEntries(shareCapacity(requests, available, NOW, SETTINGS).map(({ name, granted }) => [name, granted]));

describe('scarce capacity', () => {
  test('goes to the more important first', () => {
    expect(grants([request('low'), request('high', { priority: 5 })], 4)).toEqual({ high: 3, low: 1 });
    expect(grants([request('low', { least: 4 }), request('high', { priority: 5, least: 4 })], 4)).toEqual({ high: 4, low: 0 });
  });

  test('goes to who has waited long before the more important', () => {
    expect(grants([request('old', { since: later(-600), least: 4 }), request('high', { priority: 5, least: 4 })], 4)).toEqual({
      old: 4,
      high: 0,
    });
  });

  test('is kept for the first that does not fit, not given to who comes behind it', () => {
    expect(grants([request('big', { priority: 5, wanted: 8, least: 8 }), request('small')], 6)).toEqual({ big: 0, small: 0 });
  });

  test('is not kept for who could never be served, and that is said', () => {
    const [big, small] = shareCapacity([request('big', { priority: 5, wanted: 200, least: 200 }), request('small')], 6, NOW, SETTINGS);
    expect([big?.granted, small?.granted]).toEqual([0, 4]);
    expect(big?.reason).toBe('It needs at least 200, and there are never more than 100');
  });

  test('is never given twice, nor less than is of use, nor more than was asked', () => {
    const requests = fc.array(
      fc.record({
        priority: fc.nat(9),
        wanted: fc.integer({ min: 1, max: 50 }),
        least: fc.integer({ min: 1, max: 50 }),
        waited: fc.nat(900),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(requests, fc.nat(100), (list, available) => {
        const asked = list.map(({ waited, ...rest }, index) => request(`c${index}`, { ...rest, since: later(-waited) }));
        const got = shareCapacity(asked, available, NOW, SETTINGS);
        expect(got).toHaveLength(asked.length);
        expect(got.reduce((sum, { granted }) => sum + granted, 0)).toBeLessThanOrEqual(available);
        for (const { name, wanted, least } of asked) {
          const granted = got.find((grant) => grant.name === name)?.granted ?? 0;
          expect(granted === 0 || (granted >= Math.min(least, wanted) && granted <= wanted)).toBe(true);
        }
      }),
    );
  });

  test('goes to many that ask at once by their priority, and none of them starves', () => {
    const size = fc.integer({ min: 1, max: 30 });
    const clusters = fc.array(fc.record({ priority: fc.nat(9), wanted: size, least: size }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(clusters, fc.integer({ min: 30, max: 100 }), (list, available) => {
        const asked = list.map((fields, index) => request(`c${index}`, fields));
        const served = new Map<string, number>();
        for (let round = 0; served.size < asked.length && round < asked.length; round += 1) {
          const waiting = asked.filter(({ name }) => !served.has(name));
          const got = shareCapacity(waiting, available, later(round * 60), SETTINGS);
          for (const { name, granted } of got) if (granted > 0) served.set(name, round);
          const amounts = new Map(got.map(({ name, granted }) => [name, granted]));
          for (const before of waiting)
            for (const behind of waiting.filter(({ priority }) => priority < before.priority)) {
              const [first, second] = [amounts.get(before.name) ?? 0, amounts.get(behind.name) ?? 0];
              // Nobody before the more important, and no more than the least while that one lacks something.
              expect(first > 0 || second === 0).toBe(true);
              expect(first === before.wanted || second <= Math.min(behind.least, behind.wanted)).toBe(true);
            }
        }
        // Each round serves the first at least, so that a round each is enough.
        expect(served.size).toBe(asked.length);
      }),
    );
  });

  test('reaches everybody in the end, while more important ones keep on coming', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 10 }),
        (priority, least, each) => {
          let waiting = [request('modest', { priority: 0, wanted: least, least })];
          let rounds = 0;
          while (waiting.some(({ name }) => name === 'modest') && rounds < 100) {
            const at = later(rounds * 60);
            for (let i = 0; i < 3; i += 1) waiting.push(request(`${rounds}-${i}`, { priority, wanted: each, least: each, since: at }));
            const served = new Set(
              shareCapacity(waiting, 10, at, SETTINGS)
                .filter(({ granted }) => granted > 0)
                .map(({ name }) => name),
            );
            waiting = waiting.filter(({ name }) => !served.has(name));
            rounds += 1;
          }
          // Nine steps of priority, and those that came while it aged.
          expect(rounds).toBeLessThan(100);
        },
      ),
    );
  });
});
