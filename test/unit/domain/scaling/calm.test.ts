import * as fc from 'fast-check';
import { decideScaling } from '../../../../lambdas/domain/scaling/decide-scaling';
import { floorAt, forecastFactor } from '../../../../lambdas/domain/scaling/forecast';
import { AT_ONCE, anyVertices, defaults, later, NOW, observed, past, settings, vertex } from './examples';
import { DAY, daily, HOUR, run } from './plant';

const mostInADay = (times: readonly number[]): number =>
  Math.max(0, ...times.map((end) => times.filter((time) => time > end - DAY && time <= end).length));

test('on a daily curve there are at most four rescales in any 24 hours, and the lag stays within its level', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 200, max: 2_000 }),
      fc.double({ min: 1, max: 8, noNaN: true }),
      fc.double({ min: 0, max: 0.05, noNaN: true }),
      fc.integer({ min: 0, max: 24 }),
      (low, ratio, noise, phase) => {
        const load = daily(low, low * ratio, noise, phase * HOUR);
        const { rescales, decisions } = run(load, {
          seconds: 4 * DAY,
          step: 300,
          start: Math.ceil(load(0) / 70),
          desired: defaults({ staleAfterSeconds: 400 }),
        });
        expect(mostInADay(rescales.map(({ seconds }) => seconds))).toBeLessThanOrEqual(4);
        expect(Math.max(...decisions.map(({ lagSeconds }) => lagSeconds))).toBeLessThan(60);
      },
    ),
    { numRuns: 15 },
  );
});

test('no size is gone back to again and again while the load jumps between two levels', () => {
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 120 }), fc.double({ min: 1.5, max: 5, noNaN: true }), (minutes, ratio) => {
      const load = (seconds: number) => (Math.floor(seconds / (minutes * 60)) % 2 === 0 ? 500 : 500 * ratio);
      const { rescales } = run(load, { seconds: DAY, start: 8, desired: defaults() });
      const ins = rescales.filter(({ from, to }) => to < from).length;
      expect(ins).toBeLessThanOrEqual(2);
    }),
    { numRuns: 10 },
  );
});

/** As it is in production: who observes keeps what it decided from, and who carries it out decides again from that, a moment later. */
test.each([
  ['in', vertex('v', { busy: 0.1, pendingRecords: 0, pendingRecordsGrowth: 0 })],
  ['out', vertex('v', { busy: 0.97, pendingRecords: 0, pendingRecordsGrowth: 0 })],
])('a decision to scale %s that came after its window is made again from the state that it leaves', (direction, seen) => {
  const desired = settings({ scaleOutWindowSeconds: 60, scaleInWindowSeconds: 120, staleAfterSeconds: 1_000 });
  let state: unknown = {};
  for (let pass = 0; ; pass += 1) {
    expect(pass).toBeLessThan(20);
    const now = later(pass * 30);
    const decision = decideScaling(observed([seen], { state, job: { observedAt: now } }), desired, now);
    state = decision.nextState;
    if (decision.action.kind !== 'rescale') continue;
    const again = decideScaling(observed([seen], { state, job: { observedAt: now } }), desired, later(2, now));
    expect(again.action).toMatchObject({ kind: 'rescale', direction, to: decision.action.to });
    break;
  }
});

describe('scaling in', () => {
  const idle = vertex('v', { busy: 0.1, pendingRecords: 0, pendingRecordsGrowth: 0 });

  test('waits until less was enough for the whole window, and then takes the most that was needed in it', () => {
    const load = (seconds: number) => (seconds < 600 ? 650 : seconds < 1_800 ? 200 : seconds < 2_100 ? 300 : 200);
    const { rescales } = run(load, { seconds: 3 * HOUR, start: 10, desired: defaults() });
    expect(rescales[0]).toMatchObject({ from: 10, to: 4 });
    expect(rescales[0]?.seconds).toBeGreaterThanOrEqual(600 + 1_800);
  });

  test('is one rescale where the newer half of the window needed half as much as the older one', () => {
    const { rescales } = run((seconds) => (seconds < 600 ? 650 : seconds < 1_400 ? 400 : 60), {
      seconds: 3 * HOUR,
      start: 10,
      desired: defaults(),
    });
    expect(rescales).toEqual([expect.objectContaining({ from: 10, to: 1 })]);
    expect(rescales[0]?.seconds).toBeGreaterThanOrEqual(1_400 + 1_800);
    expect(rescales[0]?.seconds).toBeLessThan(1_400 + 1_800 * 1.5);
  });

  test('says what it waits for then', () => {
    const needed = [
      { from: later(-1_900), to: later(-1_400), most: { v: 2 } },
      { from: later(-1_400), to: later(-800), most: { v: 1 } },
      { from: later(-800), to: later(-300), most: { v: 1 } },
      { from: later(-300), to: later(-30), most: { v: 1 } },
    ];
    const { action, reason } = decideScaling(observed([idle], { state: { needed } }), settings(), NOW);
    expect(action).toEqual({ kind: 'hold' });
    expect(reason).toBe('2 slots of 4 would do, and 1 for the last 900 s; one rescale to those is waited for in place of two.');
  });

  test.each<[string, number, number, string]>([
    ['rises', 40, 45, 'hold'],
    ['has risen and stays', 45, 48, 'rescale'],
    ['rises by what noise is', 47, 49, 'rescale'],
  ])('does not happen while what comes in %s (%i, %i, and 50 now)', (_, first, second, kind) => {
    const needed = [{ from: later(-1_900), to: later(-30), most: { v: 1 } }];
    const loads = [first, second].map((recordsPerSecond, index) => ({ at: later(-60 + 30 * index), recordsPerSecond }));
    const seen = vertex('v', { recordsIn: 50, busy: 0.1, pendingRecords: 0, pendingRecordsGrowth: 0 });
    const { action, reason } = decideScaling(observed([seen], { state: { needed, loads } }), settings(), NOW);
    expect(action.kind).toBe(kind);
    if (kind === 'hold') expect(reason).toBe('1 slot of 4 would do now, but what comes in grows from one observation to the next.');
  });

  test('says while it waits', () => {
    const decision = decideScaling(observed([idle]), settings(), NOW);
    expect(decision.action).toEqual({ kind: 'hold' });
    expect(decision.reason).toBe('1 slot of 4 would do; a scale-in waits until that was so for 1800 s.');
    expect(decision.explanation).toContainEqual(expect.objectContaining({ invariant: 'calm' }));
  });

  /** What becomes of passes every 30 s. */
  const kinds = (incomplete: (pass: number) => boolean): readonly string[] => {
    let state: unknown = {};
    return Array.from({ length: 120 }, (_, pass) => {
      const now = later(pass * 30);
      const seen = observed([{ ...idle, incomplete: incomplete(pass) }], { state, job: { observedAt: now } });
      const { action, nextState } = decideScaling(seen, settings(), now);
      state = nextState;
      return action.kind;
    });
  };

  test.each<[string, (pass: number) => boolean, number]>([
    ['every pass has seen the vertex', () => false, 60],
    ['some passes within it have not', (pass) => pass % 10 === 5, 60],
    ['the first has not', (pass) => pass === 0, 60],
    ['the last has not: with the next', (pass) => pass === 60, 61],
    ['a quarter of it is not known: when that is over', (pass) => pass >= 15 && pass <= 32, 89],
  ])('waits for its window where %s', (_, incomplete, pass) => {
    expect(kinds(incomplete).indexOf('rescale')).toBe(pass);
  });

  test('begins its window anew after a gap in the observations', () => {
    const before = [{ from: later(-9_000), to: later(-5_000), most: { v: 1 } }];
    const { action, nextState } = decideScaling(observed([idle], { state: { needed: before } }), settings(), NOW);
    expect(action.kind).toBe('hold');
    expect(nextState.needed).toEqual([{ from: NOW, to: NOW, most: { v: 1 } }]);
  });

  test('does not happen when the forecast would take it back', () => {
    const decide = (recordsPerSecond: number, hours: number) =>
      decideScaling(observed([idle], { forecast: [{ at: later(hours * HOUR), recordsPerSecond }] }), settings(AT_ONCE), NOW).action.kind;
    expect([decide(30_000, 1.5), decide(30_000, 3), decide(500, 1)]).toEqual(['none', 'rescale', 'rescale']);
  });

  test('does not happen when it would save no slot', () => {
    const right = vertex('right', { busy: 0.7 });
    const small = { ...idle, inputs: [{ vertex: 'right', ship: 'rebalance' as const }] };
    expect(decideScaling(observed([right, small]), settings(AT_ONCE), NOW).action).toEqual({ kind: 'none' });
  });

  test('does not happen to a vertex within its band because of one that has too much and cannot have less', () => {
    const [source, work] = [vertex('source', { busy: 0.1, parallelism: 1 }), vertex('work', { busy: 0.55, parallelism: 10 })];
    const behind = { ...work, inputs: [{ vertex: 'source', ship: 'rebalance' as const }] };
    expect(decideScaling(observed([source, behind]), settings(AT_ONCE), NOW).action).toEqual({ kind: 'none' });
    const wide = { ...source, parallelism: 10 };
    expect(decideScaling(observed([wide, behind]), settings(AT_ONCE), NOW).action).toMatchObject({ kind: 'rescale', direction: 'in' });
  });

  test('has to save the more, the more often the job was rescaled in the last day', () => {
    const history = (count: number) =>
      Array.from({ length: count }, (_, index) => past({ at: later(-30_000 + index), from: { v: 3 }, to: { v: 4 } }));
    const kind = (count: number) =>
      decideScaling(observed([vertex('v', { busy: 0.45 })], { history: history(count) }), settings(AT_ONCE), NOW).action.kind;
    expect([kind(0), kind(1), kind(2), kind(3)]).toEqual(['rescale', 'hold', 'hold', 'hold']);
  });
});

describe('capacity ahead of the load', () => {
  test('is there before a peak that the forecast knows, and the peak needs no further rescale', () => {
    const load = daily(500, 2_500);
    const forecast = (seconds: number) =>
      Array.from({ length: 24 }, (_, hour) => ({ at: later(seconds + hour * 900), recordsPerSecond: load(seconds + hour * 900) }));
    const desired = defaults({ forecastHoldSeconds: 6 * HOUR });
    const { rescales, decisions } = run(load, { seconds: 2 * DAY, start: 8, desired, forecast });
    expect(rescales.length).toBeLessThanOrEqual(8);
    expect(Math.max(...decisions.map(({ lagSeconds }) => lagSeconds))).toBeLessThan(30);
    expect(decisions.flatMap(({ decision }) => decision.explanation.map(({ text }) => text)).join()).toContain('the forecast is');
  });

  describe('where a forecast is to provide nothing and to hold nothing', () => {
    const NONE = { forecastLeadSeconds: 0, forecastHoldSeconds: 0 };
    const anyPoints = fc
      .array(fc.record({ at: fc.integer({ min: 0, max: 90_000 }), recordsPerSecond: fc.double({ min: 0, max: 1e6, noNaN: true }) }))
      .map((points) => points.map(({ at, recordsPerSecond }) => ({ at: later(at), recordsPerSecond })));
    const anyHistory = fc
      .array(fc.integer({ min: 1, max: 90_000 }), { maxLength: 5 })
      .map((ages) =>
        ages.sort((a, b) => b - a).map((age, index) => past({ at: later(-age), from: { v0: 3 + index }, to: { v0: 4 + index } })),
      );

    test('is what it would be without any, in everything that is decided and said', () => {
      fc.assert(
        fc.property(anyVertices(), anyPoints, anyHistory, (vertices, forecast, history) => {
          const desired = settings({ ...AT_ONCE, ...NONE });
          const fields = { history, fleet: { slotsFree: 40 } };
          const { inputs: _, ...decision } = decideScaling(observed(vertices, { ...fields, forecast }), desired, NOW);
          const { inputs: __, ...without } = decideScaling(observed(vertices, fields), desired, NOW);
          expect(decision).toEqual(without);
        }),
        { numRuns: 150 },
      );
    });

    test('is not given up for being foreseen, as it is where one of both is wanted', () => {
      const history = [past({ at: later(-30_000), from: { v: 3 }, to: { v: 4 } })];
      const forecast = [{ at: NOW, recordsPerSecond: 100 }];
      const kind = (desired: object) =>
        decideScaling(observed([vertex('v', { busy: 0.45 })], { history, forecast }), settings({ ...AT_ONCE, ...desired }), NOW).action
          .kind;
      expect(kind(NONE)).toBe('hold');
      for (const one of [{ forecastLeadSeconds: 0 }, { forecastHoldSeconds: 0 }, {}]) expect(kind(one)).toBe('rescale');
    });

    test('is nothing more for a peak that is now, of which neither time says anything', () => {
      const peak = [{ at: NOW, recordsPerSecond: 9_000 }];
      expect(forecastFactor(peak, 1_000, NOW, 0)).toBe(1);
      expect(forecastFactor(peak, 1_000, NOW, 1)).toBe(9);
    });
  });

  test('is never less for a forecast', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ at: fc.integer({ min: -9_000, max: 9_000 }), recordsPerSecond: fc.double({ min: 0, max: 1e6, noNaN: true }) }),
        ),
        (points) => {
          const forecast = points.map(({ at, recordsPerSecond }) => ({ at: later(at), recordsPerSecond }));
          expect(forecastFactor(forecast, 1_000, NOW, 3_600)).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });

  test('is as scheduled by a person, also over midnight and on some days only', () => {
    const floors = [
      { from: '08:00', until: '18:00', parallelism: 8, days: [1, 2, 3, 4, 5] },
      { from: '22:00', until: '02:00', parallelism: 20, days: [3] },
    ];
    const at = (time: string, lead = 0) => floorAt(floors, time, lead);
    expect(at('2026-03-04T12:00:00.000Z')).toBe(8);
    expect(at('2026-03-04T18:00:00.000Z')).toBe(1);
    expect(at('2026-03-04T07:45:00.000Z', 1_800)).toBe(8);
    expect(at('2026-03-05T01:59:00.000Z')).toBe(20);
    expect(at('2026-03-06T01:59:00.000Z')).toBe(1);
    expect(at('2026-03-07T12:00:00.000Z')).toBe(1);
    const { action, explanation } = decideScaling(observed([vertex('v')]), settings({ floors }), NOW);
    expect(action).toMatchObject({ kind: 'rescale', to: { v: 8 } });
    expect(explanation).toContainEqual({
      vertex: 'v',
      text: 'v is below the parallelism of 8 that is set or scheduled',
      invariant: 'limits',
    });
  });
});

test('within a scheduled floor nothing is decided that is below it, and what is below is raised at once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (floor, parallelism, busy) => {
        const floors = [{ from: '00:00', until: '23:59', parallelism: floor }];
        const one = vertex('v', { parallelism, busy, pendingRecords: 0, pendingRecordsGrowth: 0 });
        const history = Array.from({ length: 4 }, (_, index) => past({ at: later(-30_000 + index), from: { v: 3 }, to: { v: 4 } }));
        const { action } = decideScaling(observed([one], { history }), settings({ scaleOutWindowSeconds: 3_600, floors }), NOW);
        if (parallelism < floor) expect(action).toMatchObject({ kind: 'rescale', direction: 'out' });
        if (action.kind === 'rescale') expect(action.to.v).toBeGreaterThanOrEqual(floor);
      },
    ),
  );
});

test('without a lag over its level a scale-out waits for its window, and not longer', () => {
  const { rescales } = run((seconds) => (seconds > 600 ? 985 : 600), { seconds: HOUR, step: 30, start: 10, desired: defaults() });
  expect(rescales[0]).toMatchObject({ seconds: 690, from: 10 });
});
