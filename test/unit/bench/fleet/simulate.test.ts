import * as fc from 'fast-check';
import { busyAt, enoughFor, type FlinkJob, hostsFor, largestShare, limitsOf } from '../../../../bench/fleet/flink-model';
import { DAY_MINUTES, fleetJob, loadOf, parseProfile, zoneLoss } from '../../../../bench/fleet/jobs';
import type { Policy } from '../../../../bench/fleet/policy';
import { runJob } from '../../../../bench/fleet/run-job';
import { simulate, type Trace } from '../../../../bench/fleet/simulate';

const even: FlinkJob = {
  sourceSeconds: 0.0001,
  workSeconds: 0.001,
  cpuShare: 0.5,
  hotKeyShare: 0,
  keyGroups: 720,
  partitions: 240,
  restartSeconds: 10,
  checkpointSeconds: 10,
  hostCores: 4,
  slotsPerCore: 2,
};
const job = { ...fleetJob(1, 1), ...even, maxLagSeconds: 60, bootSeconds: 100 };
const idle: Policy = { decide: () => null };
const flat = (rate: number, minutes: number): Float64Array => new Float64Array(minutes).fill(rate);

describe('what Flink makes of a job', () => {
  test('grows with parallelism until the processors are all at work', () => {
    const capacity = (slots: number) => limitsOf(even, { source: slots, work: slots }, 4).capacity;
    expect(capacity(1)).toBeCloseTo(1_000);
    expect(capacity(4)).toBeCloseTo(4_000);
    expect(capacity(8)).toBeCloseTo(4 / (0.5 * 0.0011));
    expect(capacity(16)).toBe(capacity(8));
  });

  test('is held by the subtask that has a hot key, however many there are', () => {
    const hot = { ...even, hotKeyShare: 0.25 };
    const capacity = (slots: number) => limitsOf(hot, { source: slots, work: slots }, 1_000).work;
    expect(capacity(4)).toBeCloseTo(1_000 / (0.25 + 0.75 / 4));
    expect(capacity(720)).toBeLessThan(4_000);
  });

  test('counts key groups in whole numbers', () => {
    expect(largestShare(720, 7)).toBeCloseTo(103 / 720);
    expect(largestShare(4, 100)).toBe(0.25);
  });

  test('is fully busy at its capacity, and never busier', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.double({ min: 0.3, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (slots, cpuShare, load) => {
          const one = { ...even, cpuShare };
          const limits = limitsOf(one, { source: slots, work: slots }, hostsFor(one, slots) * one.hostCores);
          const at = (rate: number) => busyAt(one, { source: slots, work: slots }, limits, rate);
          expect(Math.max(at(limits.capacity).work, at(limits.capacity).source)).toBeCloseTo(1, 6);
          expect(at(limits.capacity * load).work).toBeLessThanOrEqual(1);
          expect(at(limits.capacity * load).work).toBeGreaterThanOrEqual((limits.capacity * load) / limits.work - 1e-9);
        },
      ),
    );
  });

  test('is enough at the parallelism found for a rate, and not below', () => {
    const slots = enoughFor(even, 10_000, 0.7, 200);
    const capacity = (count: number) => limitsOf(even, { source: count, work: count }, hostsFor(even, count) * 4).capacity;
    expect(capacity(slots) * 0.7).toBeGreaterThanOrEqual(10_000);
    expect(capacity(slots - 1) * 0.7).toBeLessThan(10_000);
  });
});

describe('a simulated job', () => {
  test('has processed each record that came, or keeps it waiting, whatever happens', () => {
    const policy = (moves: readonly number[]): Policy => ({
      decide: ({ minute, changing }) => {
        const to = moves[Math.floor(minute / 7) % moves.length] ?? 1;
        return changing || minute % 7 !== 0 ? null : { to: { source: to, work: to } };
      },
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 50 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
        fc.option(fc.integer({ min: 0, max: 299 }), { nil: undefined }),
        (index, moves, zoneLostAt) => {
          const one = fleetJob(3, index);
          const { arrived, processed, again, pending } = simulate({
            job: one,
            seed: 3,
            load: loadOf(3, one, 300),
            warmUp: 0,
            start: { source: 8, work: 8 },
            policy: policy(moves),
            ...(zoneLostAt === undefined ? {} : { zoneLostAt }),
          });
          expect(pending).toBeGreaterThanOrEqual(0);
          expect((arrived + again - processed - pending) / Math.max(1, arrived)).toBeCloseTo(0, 9);
        },
      ),
      { numRuns: 20 },
    );
  });

  const trace = (policy: Policy, rate: number, minutes: number, start: number, more = {}) => {
    const seen: Trace[] = [];
    const totals = simulate({
      job,
      seed: 1,
      load: flat(rate, minutes),
      warmUp: 0,
      start: { source: start, work: start },
      policy,
      trace: (minute) => seen.push(minute),
      ...more,
    });
    return { seen, totals };
  };

  test('pays for its hosts by the minute, new ones from when they are asked for', () => {
    expect(trace(idle, 1_000, 60, 8).totals.vcpuHours).toBeCloseTo(4);
    const once: Policy = { decide: ({ minute }) => (minute === 30 ? { to: { source: 16, work: 16 } } : null) };
    const { seen, totals } = trace(once, 1_000, 60, 8);
    expect(totals.vcpuHours).toBeCloseTo(2 + 4);
    expect(totals.rescales).toBe(1);
    expect(seen.find(({ slots }) => slots === 16)?.minute).toBe(31);
  });

  test('keeps its hosts until a smaller job runs', () => {
    const once: Policy = { decide: ({ minute }) => (minute === 30 ? { to: { source: 8, work: 8 } } : null) };
    const { seen } = trace(once, 1_000, 60, 16);
    expect(seen[29]?.hosts).toBe(2);
    expect(seen[35]?.hosts).toBe(1);
  });

  test('is outside its service level while more than its seconds of work wait, and catches up with what it has to spare', () => {
    // 8 subtasks process 7,273/s: a zone lost for 60 + 100 + 15 s leaves 175 s of work and half a checkpoint's.
    const { seen, totals } = trace(idle, 3_636, 60, 8, { zoneLostAt: 10 });
    const outside = seen.filter((minute) => minute.outside).map(({ minute }) => minute);
    expect(outside[0]).toBe(10);
    expect(totals.hardestLagSeconds).toBeCloseTo(180, -1);
    // Twice the rate works the backlog off as fast as it came: from 180 s down to 60 in two minutes.
    expect(outside.length).toBeGreaterThanOrEqual(4);
    expect(outside.length).toBeLessThanOrEqual(5);
    expect(seen.at(-1)?.lagSeconds).toBe(0);
  });
});

describe('a load', () => {
  test('is the same for a seed and a job, and another for others', () => {
    const load = (seed: number, index: number) => loadOf(seed, fleetJob(seed, index), DAY_MINUTES);
    expect(load(1, 5)).toEqual(load(1, 5));
    expect(load(1, 5)).not.toEqual(load(2, 5));
    expect(load(1, 5)).not.toEqual(load(1, 6));
  });

  test('is positive in each minute, and has a night', () => {
    for (let index = 0; index < 20; index += 1) {
      const rates = loadOf(1, fleetJob(1, index), 7 * DAY_MINUTES);
      const sorted = [...rates].sort((a, b) => a - b);
      expect(sorted[0]).toBeGreaterThan(0);
      expect((sorted[Math.floor(0.05 * sorted.length)] ?? 0) / (sorted[Math.floor(0.95 * sorted.length)] ?? 1)).toBeLessThan(0.85);
    }
  });

  test('loses one of three zones in the second half of the measured time', () => {
    for (let seed = 1; seed < 20; seed += 1) {
      const { minute, zone } = zoneLoss(seed, 1_000, 200);
      expect(minute).toBeGreaterThanOrEqual(600);
      expect([0, 1, 2]).toContain(zone);
    }
  });

  test.each([
    ['0 100\n60 200', 30, 150],
    ['0 100\n60 200', 90, 150],
    ['# a comment\n\n10,100\n20,300\n40,300', 5, 200],
    ['0 100\n60 200\n120 0', 119, 200 / 60],
  ])('of a profile goes straight between its lines: %j at %d s', (text, seconds, rate) => {
    expect(parseProfile(text)(seconds)).toBeCloseTo(rate);
  });

  test.each([
    ['0 100', 'at least two lines'],
    ['0 100\n0 200', 'grow'],
    ['0 100\n60 many', 'line 2'],
    ['0 100\n60 -1', 'line 2'],
    ['0 1 2\n60 3', 'line 1'],
  ])('is not taken from a profile such as %j', (text, why) => {
    expect(() => parseProfile(text)).toThrow(why);
  });
});

test('a job is run under each policy with the same result each time', () => {
  const run = { seed: 5, days: 1, profile: parseProfile('0 100\n43200 900\n86400 100') };
  const first = runJob(run, 3);
  expect(Object.keys(first)).toHaveLength(5);
  expect(first['Static peak']?.rescales).toBe(0);
  expect(first.Sluice?.rescales).toBeGreaterThan(0);
  expect(runJob(run, 3)).toEqual(first);
});
