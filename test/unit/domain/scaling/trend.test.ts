import { kafkaSeen } from '../../../../lambdas/contracts/kafka';
import { decideScaling, redecide } from '../../../../lambdas/domain/scaling/decide-scaling';
import { trendOf, withLoad } from '../../../../lambdas/domain/scaling/trend';
import { defaults, later, NOW, observed, settings, vertex } from './examples';
import { DAY, daily, run } from './plant';

const row = (...rates: readonly (number | null)[]) => rates.map((recordsPerSecond, index) => ({ at: later(index * 10), recordsPerSecond }));
/** After three that were lower than the first of them. */
const loads = (...rates: readonly number[]) => [
  ...[-30, -20, -10].map((seconds) => ({ at: later(seconds), recordsPerSecond: (rates[0] ?? 0) * 0.9 })),
  ...row(...rates),
];
const [window, wait] = [{ windowSeconds: 10 }, { restartSeconds: 3, scaleOutWindowSeconds: 10 }];

test('what comes in is expected to grow on as it did last, until another rescale could have taken effect after this one', () => {
  // 20/s more in 10 s; 5 s since the middle of the last window, 3 s of a restart, a window of 10 s that is seen after it, 10 s of waiting, 3 s of the other restart: 31 s.
  expect(trendOf(loads(60, 70, 90), window, wait)).toEqual({
    factor: expect.closeTo(1 + (2 * 31) / 90, 9),
    text: 'what comes in has grown from 60/s to 90/s in 20 s, and is expected to be 152/s in 31 s',
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
  ['a step that was taken a while ago', [60, 60, 60, 130, 240, 240]],
  ['a step that was taken longer ago', [60, 60, 150, 240, 240, 241]],
])('%s is no trend', (_, rates) => {
  expect(trendOf(loads(...rates), window, wait)).toBeNull();
});

test.each<[string, (number | null)[]]>([
  ['nothing but the three', [60, 72, 108]],
  ['only two before them', [60, 60, 60, 72, 108]],
  ['one before them that was as high', [60, 90, 60, 60, 72, 108]],
  ['one of the three that is not known', [60, 60, 60, 60, null, 108]],
  ['a last one that is not known', [60, 60, 60, 72, 108, null]],
  ['too few before them that are known', [60, null, 60, 60, 72, 108]],
  ['a step up within the last but one', [60, 60, 60, 60, 150, 240]],
  ['a step up of which the last but one shows little', [60, 60, 60, 60, 90, 172]],
])('%s is no trend', (_, rates) => {
  expect(trendOf(row(...rates), window, wait)).toBeNull();
});

test('what grows at half the pace shows in pairs of observations, and stands for the middle of a pair', () => {
  // Of 60, 64 … 80 a second the three last grow by a twentieth each, and by a ninth in all; the pairs from 62 over 70 to 78.
  expect(trendOf(loads(60, 64, 68, 72, 76, 80), window, wait)).toEqual({
    // 8/s more in 20 s; 10 s since the middle of the last pair, 26 s as above.
    factor: expect.closeTo(1 + (0.4 * 36) / 78, 9),
    text: 'what comes in has grown from 62/s to 78/s in 40 s, and is expected to be 92.4/s in 36 s',
  });
  // Half of that pace is noise for them too.
  expect(trendOf(loads(60, 62, 64, 66, 68, 70), window, wait)).toBeNull();
});

test('of observations and their pairs the steeper growth counts', () => {
  // The last three grow from 66 over 90 to 120, their pairs from 62 to 105.
  expect(trendOf(loads(60, 64, 60, 66, 90, 120), window, wait)?.factor).toBeCloseTo(1 + (3 * 31) / 120, 9);
});

test('what was not known before the three breaks nothing', () => {
  expect(trendOf(row(54, null, 55, null, 53, 60, 72, 108), window, wait)?.factor).toBeGreaterThan(1);
});

test('observations that are not evenly apart are compared by the middles of what each is a mean of', () => {
  const after = (...rows: readonly (readonly [second: number, rate: number])[]) =>
    [[-30, 65] as const, [-20, 65] as const, [-10, 65] as const, ...rows].map(([second, recordsPerSecond]) => ({
      at: later(second),
      recordsPerSecond,
    }));
  // 27/s more from the middle of 190 s without an observation to that of the last ten: 100 s.
  expect(trendOf(after([0, 72], [190, 81], [200, 108]), window, wait)?.factor).toBeCloseTo(1 + (0.27 * 31) / 108, 9);
});

test('no three observations foretell more than twice of what comes in', () => {
  expect(trendOf(loads(10, 100, 1_000), window, wait)?.factor).toBe(2);
});

test('twelve loads are remembered, each observation once, known or not', () => {
  const twelve = row(1, 2, null, 4, 5, 6, 7, 8, 9, 10, 11, 12);
  expect(row(1, 2, null).reduce<typeof twelve>((all, load) => withLoad(all, load.at, load.recordsPerSecond), [])).toEqual(row(1, 2, null));
  expect(withLoad(twelve, later(120), 13)).toEqual([...twelve.slice(1), { at: later(120), recordsPerSecond: 13 }]);
  expect(withLoad(twelve, later(110), 13)).toEqual(twelve);
});

test('a restart makes one load unknown, and those before it stay', () => {
  const restarting = { ...seen(85, before), job: { ...seen(85, before).job, incomplete: true } };
  expect(decideScaling(restarting, desired, NOW).nextState.loads).toEqual([...before.loads, { at: NOW, recordsPerSecond: null }]);
});

const desired = settings({ catchUpSeconds: 60, restartSeconds: 3, scaleOutWindowSeconds: 60 });
const seen = (rate: number, state: unknown) =>
  observed([vertex('v', { parallelism: 1, recordsIn: rate, busy: rate / 100, pendingRecords: 0, pendingRecordsGrowth: 0 })], {
    state,
    job: { observedAt: NOW, windowSeconds: 10 },
  });
const before = { loads: loads(50, 60).map((load, index) => ({ ...load, at: later(index * 10 - 50) })) };

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
    expect(trends(fields).nextState.loads.at(-1)).toEqual({ at: NOW, recordsPerSecond: known ? expect.any(Number) : null });
  });

  test('from what a pass saw and what MSK tells', () => {
    const state = { loads: loads(76, 80, 84).map((load, index) => ({ ...load, at: later(index * 10 - 50) })) };
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

test.each([
  [0.4, 10],
  [0.8, 10],
  [0.4, 30],
  [0.2, 30],
])('a load that grows evenly by %d/s, observed every %i s, is late by less than ten seconds, with three rescales at most', (pace, step) => {
  const ramp = (seconds: number): number => (seconds < 600 ? 60 : Math.min(300, 60 + pace * (seconds - 600)));
  const { rescales, decisions } = run(ramp, { seconds: 2_400, step, start: 1, desired: defaults({ restartSeconds: 5 }) });
  expect(rescales.length).toBeLessThanOrEqual(3);
  expect(Math.max(...decisions.map(({ lagSeconds }) => lagSeconds))).toBeLessThan(10);
});

test.each([0.1, 0.2])('noise of %d about the load of a day gives no trend, however often it is observed', (noise) => {
  const { rescales } = run(daily(200, 500, noise), { seconds: DAY, step: 10, start: 5, desired: defaults() });
  expect(rescales.map(({ reason }) => reason)).not.toContainEqual(expect.stringContaining('has grown'));
});
