import * as fc from 'fast-check';
import { kafkaSeen } from '../../../../lambdas/contracts/kafka';
import { decideScaling, redecide } from '../../../../lambdas/domain/scaling/decide-scaling';
import { trendOf, withLoad } from '../../../../lambdas/domain/scaling/trend';
import { later, NOW, observed, settings, vertex } from './examples';
import { DAY, daily, run } from './plant';

const loads = (...rates: readonly number[]) => rates.map((recordsPerSecond, index) => ({ at: later(index * 10), recordsPerSecond }));
const [window, wait] = [{ windowSeconds: 10 }, { restartSeconds: 3, scaleOutWindowSeconds: 10 }];

test('what comes in is expected to grow on as it did last, until a rescale has taken effect and could be followed by another', () => {
  // 36/s more in 10 s; 5 s since the middle of the last window, 3 s of the restart, 10 s of the window: 18 s.
  expect(trendOf(loads(60, 72, 108), window, wait)).toEqual({
    factor: expect.closeTo(1 + (3.6 * 18) / 108, 9),
    text: 'what comes in has grown from 60/s to 108/s in 20 s, and is expected to be 173/s in 18 s',
  });
});

test.each<[string, number[]]>([
  ['two observations', [60, 108]],
  ['none', []],
  ['nothing came in before', [0, 60, 108]],
  ['it stood still in between', [60, 60, 108]],
  ['it fell in between', [60, 50, 108]],
  ['a step that has been taken', [60, 240, 240]],
  ['a step of less than a twentieth', [60, 62, 108]],
  ['growth of less than a quarter', [100, 112, 124]],
  ['it falls', [108, 72, 60]],
])('%s is no trend', (_, rates) => {
  expect(trendOf(loads(...rates), window, wait)).toBeNull();
});

test('observations that are not evenly apart are compared by the middles of what each is a mean of', () => {
  const after = (...rows: readonly (readonly [second: number, rate: number])[]) =>
    rows.map(([second, recordsPerSecond]) => ({ at: later(second), recordsPerSecond }));
  // 18/s more from the middle of 190 s without an observation to that of the last ten: 100 s.
  expect(trendOf(after([0, 72], [190, 90], [200, 108]), window, wait)?.factor).toBeCloseTo(1 + (0.18 * 18) / 108, 9);
});

test('no three observations foretell more than twice of what comes in', () => {
  expect(trendOf(loads(10, 100, 1_000), window, wait)?.factor).toBe(2);
});

test('three loads are remembered, each observation once, and a gap begins anew', () => {
  const three = loads(1, 2, 3).reduce<ReturnType<typeof withLoad>>((row, load) => withLoad(row, load.at, load.recordsPerSecond), []);
  expect(three).toEqual(loads(1, 2, 3));
  expect(withLoad(three, later(30), 4)).toEqual(loads(1, 2, 3, 4).slice(1));
  expect(withLoad(three, later(20), 3)).toEqual(three);
  expect(withLoad(three, later(30), null)).toEqual([]);
});

const desired = settings({ catchUpSeconds: 60, restartSeconds: 3, scaleOutWindowSeconds: 60 });
const seen = (rate: number, state: unknown) =>
  observed([vertex('v', { parallelism: 1, recordsIn: rate, busy: rate / 100, pendingRecords: 0, pendingRecordsGrowth: 0 })], {
    state,
    job: { observedAt: NOW, windowSeconds: 10 },
  });
const before = { loads: loads(50, 65).map((load, index) => ({ ...load, at: later(index * 10 - 20) })) };

test('a job that will be short by then is given more at once, for what will come in, and the reason says so', () => {
  const decision = decideScaling(seen(85, before), desired, NOW);
  expect(decision).toMatchObject({
    action: { kind: 'rescale', direction: 'out', to: { v: 3 } },
    reason: expect.stringContaining('what comes in has grown from 50/s to 85/s in 20 s'),
    explanation: expect.arrayContaining([expect.objectContaining({ invariant: 'spike-on-evidence' })]),
  });
  expect(redecide(JSON.parse(JSON.stringify(decision.inputs)))).toEqual(decision);
  // As much that does not grow asks for nothing.
  expect(decideScaling(seen(85, {}), desired, NOW).action.kind).toBe('none');
});

describe('What comes in is not known well enough to grow', () => {
  const source = (fields: object) => vertex('v', { parallelism: 1, recordsIn: 85, busy: 0.85, ...fields });
  const trends = (fields: object) =>
    decideScaling({ ...seen(85, before), job: { ...seen(85, before).job, vertices: [source(fields)] } }, desired, NOW);

  test.each<[string, object, boolean]>([
    ['of a source that tells its lag', { pendingRecords: 100, pendingRecordsGrowth: 0 }, true],
    ['of one that tells its lag and cannot read all of it', { busy: 1, pendingRecords: 100, pendingRecordsGrowth: 10 }, true],
    ['of one that does not, and waits for records', {}, true],
    ['where one that does not reads what it can', { busy: 1 }, false],
    ['where one that does not is held up', { busy: 0.7, backpressured: 0.25 }, false],
    [
      'where one reads twice as much as comes in, to work off what waits',
      { recordsIn: 200, pendingRecords: 2_000, pendingRecordsGrowth: -115 },
      false,
    ],
  ])('%s', (_, fields, known) => {
    expect(trends(fields).nextState.loads).toHaveLength(known ? 3 : 0);
  });

  test('from what a pass saw and what MSK tells', () => {
    const state = { loads: loads(76, 80, 84).map((load, index) => ({ ...load, at: later(index * 10 - 20) })) };
    const given = {
      ...seen(84, state),
      kafka: kafkaSeen.parse({
        clusterName: 'events',
        consumerGroup: 'counts',
        lag: { at: NOW, records: 600, growth: 80, seconds: 6, worstPartition: 600 },
        brokers: null,
      }),
    };
    const decision = decideScaling({ ...given, job: { ...given.job, vertices: [source({ recordsIn: 84, busy: 0.84 })] } }, desired, NOW);
    expect(decision.action.kind).toBe('hold');
    expect(decision.nextState.loads).toEqual(state.loads);
  });
});

test('a trend is no reason for more rescales in a day than are allowed', () => {
  const history = [-4, -3, -2, -1].map((hours) => ({
    kind: 'rescale' as const,
    at: later(hours * 3_600),
    from: { v: 1 },
    to: { v: 1 },
    before: { rates: {}, restarts: 0, checkpointFailures: 0, gcShare: 0 },
    expected: {},
    measured: null,
  }));
  expect(decideScaling({ ...seen(95, before), history }, desired, NOW)).toMatchObject({
    action: { kind: 'hold' },
    reason: expect.stringContaining('rescaled 4 times in 24 hours'),
  });
});

test('a load that grows evenly is followed before anything waits, with one rescale or two', () => {
  const ramp = (seconds: number): number => (seconds < 600 ? 60 : Math.min(300, 60 + 0.4 * (seconds - 600)));
  const { rescales, decisions } = run(ramp, { seconds: 2_400, step: 10, start: 1, desired: settings({ restartSeconds: 5 }) });
  expect(rescales.length).toBeLessThanOrEqual(3);
  expect(Math.max(...decisions.map(({ lagSeconds }) => lagSeconds))).toBeLessThan(10);
});

test('noise of a tenth about the load of a day never gives a trend, however often it is observed', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 3, maxLength: 3 }), (noise) => {
      expect(trendOf(loads(...noise.map((factor) => 100 * factor)), window, wait)).toBeNull();
    }),
    { examples: [[[0.9, 1, 1.1]]] },
  );
  const { rescales } = run(daily(200, 500, 0.1), { seconds: DAY, step: 10, start: 5, desired: settings() });
  expect(rescales.map(({ reason }) => reason)).not.toContainEqual(expect.stringContaining('has grown'));
});
