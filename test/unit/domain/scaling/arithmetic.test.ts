import * as fc from 'fast-check';
import type { VertexSeen } from '../../../../lambdas/contracts/scaling';
import { decideScaling } from '../../../../lambdas/domain/scaling/decide-scaling';
import { evaluateJob } from '../../../../lambdas/domain/scaling/evaluate';
import { holdToSlots } from '../../../../lambdas/domain/scaling/limits';
import { parallelismOf } from '../../../../lambdas/domain/scaling/propose';
import { lagSeconds, trueProcessingRate } from '../../../../lambdas/domain/scaling/rates';
import { alignParallelism, parallelismFor, rateBand, requiredRate } from '../../../../lambdas/domain/scaling/required';
import { AT_ONCE, from, NOW, observed, settings, vertex } from './examples';

const evaluation = (parallelism: number, target: number, rate: number, ship: VertexSeen['inputs'][number]['ship']) => ({
  vertex: vertex('v', { parallelism, inputs: [{ vertex: 'source', ship }] }),
  rate,
  demand: { target, catchUp: 0 },
  undecidable: null,
  saturated: false,
  backpressures: false,
});

describe("the Flink Kubernetes Operator's own expectations are met", () => {
  test.each([
    ['busy all the time', 1, 10, 50, 100, 5, 'rebalance', {}],
    ['right as it is', 0.8, 10, 80, 100, 10, 'rebalance', {}],
    ['keyed', 0.6, 2, 100, 100, 4, 'hash', {}],
    ['five times', 0.5, 2, 100, 40, 10, 'rebalance', {}],
    ['twenty times', 1, 10, 200, 10, 200, 'rebalance', {}],
    ['with at least five', 0.7, 10, 100, 500, 5, 'rebalance', { minParallelism: 5 }],
    ['as it is, where 70 / 0.7 is not quite 100', 0.7, 10, 70, 100, 10, 'rebalance', {}],
  ] as const)(
    '%s: utilization %d, parallelism %i, %i/s come in, %i/s can be processed → %i',
    (_, targetUtilization, p, target, rate, expected, ship, limits) => {
      const wish = parallelismOf(
        evaluation(p, target, rate, ship),
        settings({ uMin: 0, uMax: 1, catchUpSeconds: 0, targetUtilization, ...limits }),
      );
      expect(wish.parallelism).toBe(expected);
    },
  );

  test('what is foreseen and what is provided for besides are not multiplied: the larger of the two is enough', () => {
    const desired = settings({ catchUpSeconds: 0, targetUtilization: 0.7, uMax: 0.9 });
    const of = (factors: { readonly factor?: number; readonly headroom?: number }) =>
      parallelismOf(evaluation(10, 560, 80, 'rebalance'), desired, factors).parallelism;
    // 560 / 0.7 = 800 of 8 a subtask; what is foreseen may use 0.8.
    expect([of({}), of({ headroom: 1.5 }), of({ factor: 2 }), of({ factor: 2, headroom: 1.5 })]).toEqual([100, 150, 175, 175]);
    expect(of({ factor: 1.5, headroom: 1.5 })).toBe(150);
  });

  test('the band for 700/s with a restart of 1 s, a catch-up time of 2 s and 350/s to catch up is 1128 to 1700', () => {
    const catchUp = { restartSeconds: 1, catchUpSeconds: 2, uMin: 0.7, uMax: 0.9 };
    const band = rateBand({ target: 700, catchUp: 350 }, catchUp);
    expect([Math.round(band.low), Math.round(band.high)]).toEqual([1_128, 1_700]);
    const without = rateBand({ target: 700, catchUp: 350 }, { ...catchUp, catchUpSeconds: 0 });
    expect([Math.round(without.low), Math.round(without.high)]).toEqual([778, 1_000]);
    expect(rateBand({ target: 700, catchUp: 350 }, catchUp, true)).toEqual({ low: 1_050, high: Number.POSITIVE_INFINITY });
  });

  test('one subtask that reads 500/s, is busy for 0.85 and has 2000 records waiting becomes four, and so does its sink', () => {
    const source = vertex('source', {
      parallelism: 1,
      partitions: 24,
      recordsIn: 500,
      recordsOut: 500,
      busy: 0.85,
      pendingRecords: 2_000,
      pendingRecordsGrowth: 0,
    });
    const sink = vertex('sink', { parallelism: 1, recordsIn: 500, recordsOut: 0, busy: 0.85, inputs: from('source') });
    const desired = settings({
      targetUtilization: 0.8,
      uMin: 0.7,
      uMax: 0.9,
      restartSeconds: 1,
      catchUpSeconds: 2,
      scaleOutWindowSeconds: 0,
    });
    const { action, reason } = decideScaling(observed([source, sink]), desired, NOW);
    expect(action).toMatchObject({ kind: 'rescale', direction: 'out', to: { source: 4, sink: 4 } });
    expect(reason).toBe('Scale out from 1 to 4 slots: source can process 588/s and 500/s come in.');
  });
});

describe('the true processing rate', () => {
  const lagging = (fields: Parameters<typeof vertex>[1]) =>
    vertex('s', { pendingRecords: 1e6, pendingRecordsGrowth: 0, recordsIn: 1_000, ...fields });

  test.each([
    ['is the input rate over the busy share', vertex('v', { busy: 0.5 }), { rate: 2_000, from: 'busy' }],
    ['is without bound for a vertex that was never busy', vertex('v', { busy: 0 }), { rate: Number.POSITIVE_INFINITY, from: 'busy' }],
    ['is not known where the busy share is not', vertex('v', { busy: null }), null],
    [
      'of a source that lags is the observed one where the busy-based is 15 % higher',
      lagging({ busy: 0.5, backpressured: 0.2 }),
      { rate: 1_250, from: 'observed' },
    ],
    [
      'of a source that lags is the busy-based one where that is about the same',
      lagging({ busy: 0.75, backpressured: 0.2 }),
      { rate: 1_000 / 0.75, from: 'busy' },
    ],
    [
      'of a source that lags is the observed one where there is no other',
      lagging({ busy: null, backpressured: 0.2 }),
      { rate: 1_250, from: 'observed' },
    ],
    [
      'of a source that hardly lags is the busy-based one',
      lagging({ busy: 0.5, backpressured: 0.2, pendingRecords: 100 }),
      { rate: 2_000, from: 'busy' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(trueProcessingRate(seen, { highLagSeconds: 30 })).toEqual(expected);
  });

  test('of a skewed vertex is that of its busiest subtask', () => {
    expect(trueProcessingRate({ ...vertex('v'), busy: { mean: 0.25, worst: 0.5 } }, { highLagSeconds: 30 })?.rate).toBe(2_000);
  });
});

test('a source that reads nothing of what waits lags without bound', () => {
  expect(lagSeconds(vertex('s', { recordsIn: 0, pendingRecords: 5 }))).toBe(Number.POSITIVE_INFINITY);
});

describe('demand', () => {
  const demandOf = (vertices: VertexSeen[], id: string) =>
    evaluateJob(observed(vertices).job, settings({ catchUpSeconds: 100 })).vertices.get(id)?.demand;

  test('of a source is what it reads and what its lag grows by; the lag is worked off in the catch-up time', () => {
    expect(demandOf([vertex('s', { pendingRecords: 5_000, pendingRecordsGrowth: 200 })], 's')).toEqual({ target: 1_200, catchUp: 50 });
  });

  test('goes through the graph by what is sent for what comes in', () => {
    const source = vertex('s', { pendingRecords: 5_000, pendingRecordsGrowth: 1_000, recordsOut: 3_000 });
    const flat = vertex('flat', { inputs: from('s'), recordsIn: 3_000, recordsOut: 1_500 });
    const sink = vertex('sink', { inputs: from('flat'), recordsIn: 1_500 });
    expect(demandOf([sink, flat, source], 'sink')).toEqual({ target: 3_000, catchUp: 75 });
  });

  test('of a join is the sum of its inputs', () => {
    const [a, b] = [
      vertex('a', { recordsIn: 100, recordsOut: 50 }),
      vertex('b', { recordsIn: 300, recordsOut: 600, pendingRecords: 0, pendingRecordsGrowth: 300 }),
    ];
    expect(demandOf([a, b, vertex('join', { inputs: from('a', 'b'), recordsIn: 650 })], 'join')?.target).toBe(50 + 1_200);
  });

  test('of one of two consumers is what it gets', () => {
    const source = vertex('s', { recordsIn: 100, recordsOut: 100 });
    const [most, few] = [vertex('most', { inputs: from('s'), recordsIn: 90 }), vertex('few', { inputs: from('s'), recordsIn: 10 })];
    expect(demandOf([source, most, few], 'few')?.target).toBe(10);
  });

  test('over a side way is what the other way does not bring', () => {
    const source = vertex('s', { recordsIn: 100, recordsOut: 140 });
    const side = vertex('side', { inputs: from('s'), recordsIn: 40, recordsOut: 20 });
    expect(demandOf([source, side, vertex('sink', { inputs: from('s', 'side'), recordsIn: 120 })], 'sink')?.target).toBe(120);
  });
});

describe('rounding to key groups and partitions', () => {
  test.each([
    [24, 128, 128, 26],
    [5, 36, 36, 6],
    [7, 12, 12, 12],
    [7, 12, 10, 6],
    [5, 8, 7, 4],
    [4, 720, 720, 4],
    [130, 128, 200, 130],
  ])('%i with %i parts and at most %i becomes %i', (computed, parts, most, expected) => {
    expect(alignParallelism(computed, parts, most)).toBe(expected);
  });

  test('gives the smallest parallelism at which no subtask has more than an even share', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 1_000 }), (computed, parts) => {
        fc.pre(computed <= parts);
        const aligned = alignParallelism(computed, parts, parts);
        expect(Math.ceil(parts / aligned)).toBeLessThanOrEqual(parts / computed);
        for (let p = computed; p < aligned; p += 1) expect(Math.ceil(parts / p)).toBeGreaterThan(parts / computed);
      }),
    );
  });

  test('is by partitions for a source, and there are never more subtasks than those', () => {
    const source = vertex('s', { parallelism: 4, partitions: 12, busy: 1, recordsIn: 1_000, pendingRecords: 0, pendingRecordsGrowth: 250 });
    const to = (growth: number) => {
      const { action } = decideScaling(observed([{ ...source, pendingRecordsGrowth: growth }]), settings(AT_ONCE), NOW);
      return action.kind === 'rescale' ? action.to.s : action.kind;
    };
    expect([to(0), to(250), to(5_000)]).toEqual([6, 12, 12]);
  });

  test.each<[string, number, number | string, RegExp, object, object]>([
    [
      'the highest parallelism',
      500,
      'hold',
      /s would need 9, held back by the highest allowed parallelism of 7\.$/,
      { slotsFree: 9 },
      { maxParallelism: 7 },
    ],
    [
      'the highest parallelism, which what is computed is below',
      0,
      'hold',
      /s would need more than 7 to leave less to its busiest subtask, held back by the highest allowed parallelism of 7\.$/,
      { slotsFree: 9 },
      { maxParallelism: 7 },
    ],
    ['the slots that there are', 250, 'hold', /8 slots are wanted and held back by the quota/, { slotsFree: 3, slotsAddable: 0 }, {}],
    ['the slots, of which four more do', 250, 8, /^Scale out from 4 to 8 slots/, { slotsFree: 4, slotsAddable: 0 }, {}],
    ['the least, which is asked for whatever it brings', 0, 5, /^Scale out/, { slotsFree: 9 }, { minParallelism: 5, maxParallelism: 7 }],
  ])('goes no further than it leaves less to the busiest subtask: %s', (_, growth, expected, why, fleet, limits) => {
    const source = vertex('s', { partitions: 8, busy: 1, pendingRecords: 0, pendingRecordsGrowth: growth });
    const { action, reason } = decideScaling(observed([source], { fleet }), settings({ ...AT_ONCE, ...limits }), NOW);
    expect([action.kind === 'rescale' ? action.to.s : action.kind, reason]).toEqual([expected, expect.stringMatching(why)]);
  });

  test('of vertices joined by forward is alike, and by those that have partitions', () => {
    const source = vertex('s', { parallelism: 2, partitions: 8, busy: 1, pendingRecords: 0, pendingRecordsGrowth: 2_000 });
    const map = vertex('m', { parallelism: 2, inputs: [{ vertex: 's', ship: 'forward' }] });
    const sink = vertex('sink', { parallelism: 2, inputs: from('m') });
    const held = (slots: number) => holdToSlots([source, map, sink], { s: 8, m: 8, sink: 8 }, slots);
    expect([held(8), held(7), held(3), held(2)]).toEqual([
      { s: 8, m: 8, sink: 8 },
      { s: 4, m: 4, sink: 7 },
      { s: 3, m: 3, sink: 3 },
      { s: 2, m: 2, sink: 2 },
    ]);
  });
});

test('what is required never falls when the demand rises, and the parallelism gives it', () => {
  const positive = fc.double({ min: 0.001, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(positive, positive, positive, fc.integer({ min: 1, max: 500 }), (target, more, rate, parallelism) => {
      const required = requiredRate({ target, catchUp: 0 }, 0.7, settings());
      expect(requiredRate({ target: target + more, catchUp: more }, 0.7, settings())).toBeGreaterThan(required);
      const wanted = parallelismFor(parallelism, required, rate);
      expect((rate / parallelism) * wanted).toBeGreaterThanOrEqual(required * (1 - 1e-6));
      if (wanted > 1) expect((rate / parallelism) * (wanted - 1)).toBeLessThan(required * (1 + 1e-6));
    }),
  );
});
