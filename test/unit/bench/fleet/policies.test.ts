import { aimsOf } from '../../../../bench/fleet/bench';
import { fleetJob } from '../../../../bench/fleet/jobs';
import { managedFlink } from '../../../../bench/fleet/policies/managed-flink';
import { divisorFrom, needOf, OPERATOR_DEFAULTS, operator } from '../../../../bench/fleet/policies/operator';
import { peakOf } from '../../../../bench/fleet/policies/static-peak';
import { targetTracking } from '../../../../bench/fleet/policies/target-tracking';
import type { Change, PolicyMaker, Seen } from '../../../../bench/fleet/policy';
import { OPERATOR } from '../../../../bench/fleet/run-job';

const job = { ...fleetJob(1, 1), hostCores: 4, slotsPerCore: 2, keyGroups: 720, partitions: 240 };
const context = { job, weekBefore: new Float64Array(10_080), most: 200 };

const minute = (fields: Partial<Seen>): Seen => ({
  minute: 0,
  parallelism: { source: 8, work: 8 },
  hosts: 1,
  arriving: 1_000,
  rate: 1_000,
  pending: 0,
  growth: 0,
  sourceBusy: 0.1,
  workBusy: 0.5,
  workBusyMean: 0.5,
  sourceBackpressured: 0,
  cpu: 0.5,
  whole: true,
  changing: false,
  ...fields,
});

/** The first change, and the minute of it. */
const firstChange = (make: PolicyMaker, minutes: number, at: (index: number) => Partial<Seen>): [number, Change] | null => {
  const policy = make(context);
  for (let index = 1; index <= minutes; index += 1) {
    const change = policy.decide(minute({ minute: index, ...at(index) }));
    if (change) return [index, change];
  }
  return null;
};

describe('the rule of Managed Flink', () => {
  test.each([
    ['75 % for 15 minutes doubles', 20, () => 0.75, 15, 16],
    ['74 % never does', 600, () => 0.74, null, 0],
    ['one minute below begins the count anew', 40, (index: number) => (index === 10 ? 0.7 : 0.9), 25, 16],
    ['below 10 % for six hours halves', 400, () => 0.05, 360, 4],
    ['10 % never does', 400, () => 0.1, null, 0],
  ])('%s', (_, minutes, cpu, at, to) => {
    const change = firstChange(managedFlink, minutes, (index) => ({ cpu: cpu(index) }));
    expect(change && [change[0], change[1].to.work]).toEqual(at === null ? null : [at, to]);
  });
});

describe('target tracking at 60 %', () => {
  test.each([
    ['three minutes above add hosts in proportion', 5, 0.9, 4, 3, 6],
    ['a little above adds one', 5, 0.61, 4, 3, 5],
    ['fifteen minutes below nine tenths take some away, rounded up', 20, 0.3, 4, 15, 2],
    ['at 55 % nothing is taken away', 60, 0.55, 4, null, 0],
    ['the last host stays', 60, 0.01, 1, null, 0],
  ])('%s', (_, minutes, cpu, hosts, at, to) => {
    const change = firstChange(targetTracking, minutes, () => ({ cpu, hosts }));
    expect(change && [change[0], change[1].hosts]).toEqual(at === null ? null : [at, to]);
    if (change) expect(change[1].to.work).toBe(to * 8);
  });
});

describe("the operator's autoscaler", () => {
  const plain = { ...OPERATOR_DEFAULTS, catchUp: 0, boundary: 0 };
  test.each([
    // Its own examples, where settings are the same: parallelism, target rate, true processing rate, utilization.
    [10, 50, 100, 1, 5],
    [10, 80, 100, 0.8, 10],
    [2, 100, 100, 0.6, 4],
    [2, 100, 40, 0.5, 10],
    [10, 200, 10, 1, 200],
  ])('needs of %d with %d/s to do and %d/s possible, at utilization %d: %d', (parallelism, target, trueRate, utilization, expected) => {
    const settings = { ...plain, target: utilization, scaleDownMaxFactor: 1 };
    expect(needOf({ parallelism, target, trueRate, lag: 0 }, settings, false).parallelism).toBe(expected);
  });

  test('has the band of its documentation: 700/s, restart 1 s, catch-up 2 s of 700 records, bounds 0.7 and 0.9', () => {
    const settings = { ...OPERATOR_DEFAULTS, target: 0.8, boundary: 0.1, catchUp: 2 / 60, restart: 1 / 60 };
    const outside = (trueRate: number) => needOf({ parallelism: 1, target: 700, trueRate, lag: 700 }, settings, false).outside;
    expect([1_127, 1_128, 1_699, 1_701].map(outside)).toEqual([true, false, false, true]);
  });

  test('takes at most 60 % away at once, and goes to a divisor of the key groups', () => {
    expect(needOf({ parallelism: 100, target: 1, trueRate: 1_000, lag: 0 }, OPERATOR_DEFAULTS, false).parallelism).toBe(40);
    expect([divisorFrom(7, 720, 200), divisorFrom(37, 720, 200), divisorFrom(181, 720, 200), divisorFrom(200, 240, 200)]).toEqual([
      8, 40, 181, 200,
    ]);
  });

  test('waits for its stabilisation and a full window, then goes up at once', () => {
    const change = firstChange(operator(), 60, (index) => ({ workBusy: 1, pending: index * 60_000 }));
    expect(change?.[0]).toBe(20);
    expect(change?.[1].to.work).toBeGreaterThan(8);
  });

  test('puts scale-downs of an hour together, to the most that was needed in it', () => {
    const change = firstChange(operator(), 200, (index) => ({ workBusy: index > 40 && index < 60 ? 0.3 : 0.15 }));
    expect(change?.[0]).toBe(80);
    expect(change?.[1].to.work).toBe(4);
  });
});

test('a static peak is set by the highest ten minutes of the week before', () => {
  const rates = new Float64Array(100).fill(10);
  rates.fill(50, 40, 50);
  rates[70] = 400;
  expect(peakOf(rates)).toBeCloseTo(50);
});

test('an aim that is not met is told with what it is the price of', () => {
  const totals = (policy: string, dollars: number, outsideMinutes: number) => ({
    policy,
    dollars,
    outsideMinutes,
    vcpuHours: 1,
    rescales: 1,
    jobsWorse: 0,
    jobsBetter: 0,
  });
  const notes = aimsOf([totals('Sluice', 10, 5), totals(OPERATOR, 9, 6), totals('Managed Flink', 8, 7), totals('Static peak', 20, 4)]).map(
    ({ met, note }) => [met, note],
  );
  expect(notes).toEqual([
    [true, undefined],
    [false, expect.stringMatching(/^the calm keeps capacity/)],
    [true, undefined],
    [false, 'for 5 minutes outside in place of 7'],
    [false, 'for 50 % of its dollars'],
    [true, undefined],
  ]);
});
