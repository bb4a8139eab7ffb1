import * as fc from 'fast-check';
import type { VertexSeen } from '../../../../lambdas/contracts/scaling';
import { decideScaling } from '../../../../lambdas/domain/scaling/decide-scaling';
import { scalingExponent } from '../../../../lambdas/domain/scaling/learning';
import { AT_ONCE, defaults, from, later, NOW, observed, past, settings, vertex } from './examples';
import { HOUR, run } from './plant';

const before = (rate: number) => ({ rates: { v: rate }, restarts: 0, checkpointFailures: 0, gcShare: 0.02 });
const measured = (rate: number) => ({ ...before(rate), at: later(-2_900) });
const busy = vertex('v', { busy: 1, pendingRecords: 500_000, pendingRecordsGrowth: 500 });
const desired = settings(AT_ONCE);

describe('what a rescale really gave', () => {
  const gave = (rate: number) =>
    past({ from: { v: 2 }, to: { v: 4 }, before: before(500), expected: { v: 1_000 }, measured: measured(rate) });

  test.each([
    [1_000, 1],
    [2_000, 1],
    [800, Math.log(1.6) / Math.log(2)],
    [500, 0.5],
  ])('%i/s instead of 500/s for twice the parallelism is an exponent of %d', (rate, exponent) => {
    expect(scalingExponent('v', [gave(rate)])).toBeCloseTo(exponent, 10);
  });

  test('is provided for by the next one, which never gets less for it', () => {
    const to = (...history: ReturnType<typeof past>[]) => {
      const { action } = decideScaling(observed([busy], { history }), desired, NOW);
      return action.kind === 'rescale' ? (action.to.v ?? 0) : 0;
    };
    expect([to(), to(gave(1_000)), to(gave(800))]).toEqual([9, 9, 13]);
    fc.assert(fc.property(fc.integer({ min: 560, max: 3_000 }), (rate) => expect(to(gave(rate))).toBeGreaterThanOrEqual(9)));
  });

  test('brings a job whose slots share cores to a size that keeps up', () => {
    const { decisions, rescales } = run((seconds) => (seconds > 600 ? 1_600 : 400), {
      seconds: 4 * HOUR,
      start: 8,
      desired: defaults(),
      exponent: 0.8,
    });
    expect(decisions.at(-1)?.lagSeconds).toBe(0);
    expect(rescales.filter(({ from, to }) => to > from).length).toBeLessThanOrEqual(3);
  });
});

describe('a rescale that did not help', () => {
  const useless = past({ from: { v: 2 }, to: { v: 4 }, before: before(980), expected: { v: 1_960 }, measured: measured(1_000) });

  test.each([
    ['skew', { busy: { mean: 0.3, worst: 1 } }, {}, 'one subtask has most of the work: look for a skewed key'],
    ['garbage collection', {}, { gcShare: 0.25 }, 'TaskManagers spend 25 % of their time on garbage collection: give them more memory'],
    ['an external sink', {}, { cpuLoad: 0.1 }, 'it is busy while processors idle: look at what it waits for, such as an external sink'],
    ['nothing to be seen', {}, {}, 'no cause was seen in skew, garbage collection or processor load'],
  ])('is not repeated but explained: %s', (_, fields, taskManagers, cause) => {
    const seen = observed([{ ...busy, ...fields }], {
      history: [useless],
      job: { taskManagers: { cpuLoad: 0.9, gcShare: 0.02, heapAfterGcShare: 0.3, ...taskManagers } },
    });
    const { action, reason, explanation } = decideScaling(seen, desired, NOW);
    expect(action.kind).toBe('hold');
    expect(reason).toBe(
      `More is needed and cannot be given: v is not scaled out further: raising it from 2 to 4 gave 2 % of what was expected; ${cause}.`,
    );
    expect(explanation).toContainEqual(expect.objectContaining({ vertex: 'v', invariant: 'learning' }));
  });

  test('is not repeated at any load, for as long as is set', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 31, max: 86_399 }), (growth, ago) => {
        const history = [{ ...useless, at: later(-ago - 60), measured: measured(1_000) }];
        const { action } = decideScaling(
          observed([{ ...busy, pendingRecordsGrowth: growth }], { history }),
          { ...desired, repeatAfterSeconds: 90_000 },
          NOW,
        );
        expect(action.kind).toBe('hold');
      }),
    );
    expect(decideScaling(observed([busy], { history: [{ ...useless, at: later(-86_401) }] }), desired, NOW).action.kind).toBe('rescale');
  });

  test('does not keep other vertices from being scaled out', () => {
    const other = vertex('other', { busy: 1, pendingRecords: 0, pendingRecordsGrowth: 500 });
    expect(decideScaling(observed([busy, other], { history: [useless] }), desired, NOW).action).toMatchObject({
      kind: 'rescale',
      to: { v: 4, other: 9 },
    });
  });
});

describe('a rescale that made things worse', () => {
  const last = past({ at: later(-600), from: { v: 2 }, to: { v: 4 }, before: before(500), expected: { v: 1_000 } });
  const calm = vertex('v', { busy: 0.7, pendingRecords: 0, pendingRecordsGrowth: 0 });
  const FAILING = { checkpoints: { consecutiveFailures: 3, latestAgeSeconds: 900, durationSeconds: null } };
  const COLLECTING = { taskManagers: { cpuLoad: 0.9, gcShare: 0.5, heapAfterGcShare: 0.9 } };

  test.each([
    ['restarts', { restarts: 3, state: 'RESTARTING' }, 'the job restarted 3 times since'],
    ['restarts beside those that came with hosts that left', { restarts: 5, restartsOfHosts: 2 }, 'the job restarted 3 times since'],
    ['failed checkpoints', FAILING, '3 checkpoints failed one after the other'],
    ['garbage collection', COLLECTING, 'garbage collection rose from 2 % to 50 % of the time'],
  ])('is rolled back: %s', (_, job, why) => {
    const { action, reason, explanation } = decideScaling(observed([calm], { history: [last], job }), desired, NOW);
    expect(action).toMatchObject({
      kind: 'roll-back',
      undoes: last.at,
      from: { v: 4 },
      to: { v: 2 },
      plan: { order: 'parallelism-first' },
    });
    expect(reason).toBe(`Roll back the rescale of ${last.at}: ${why}.`);
    expect(explanation).toContainEqual(expect.objectContaining({ invariant: 'learning' }));
  });

  test.each([
    ['what happened was long after it', { history: [{ ...last, at: later(-4_000) }], job: { restarts: 9 } }],
    ['how it was before is not known', { history: [{ ...last, before: { ...last.before, restarts: null } }], job: { restarts: 9 } }],
    ['it was a roll-back itself', { history: [{ ...last, kind: 'roll-back' as const }], job: { restarts: 9 } }],
    [
      'the restarts came with hosts that left, and the job itself restarted too few times',
      { history: [last], job: { restarts: 9, restartsOfHosts: 7 } },
    ],
    ['hosts may just be leaving', { history: [last], job: { restarts: 9, taskManagersAway: 1 } }],
    [
      'hosts left before it too',
      { history: [{ ...last, before: { ...last.before, restarts: 2 } }], job: { restarts: 9, restartsOfHosts: 5 } },
    ],
    ['it is not what runs', { history: [{ ...last, to: { v: 8 } }], job: { restarts: 9 } }],
  ])('is not blamed where %s', (_, fields) => {
    expect(decideScaling(observed([calm], fields), desired, NOW).action.kind).not.toBe('roll-back');
  });

  const full = { ...calm, busy: { mean: 0.9, worst: 0.95 } };
  const sinkOf = (source: VertexSeen, busyShare: number) => vertex('sink', { busy: busyShare, inputs: from(source.id) });
  test.each<[string, readonly VertexSeen[], string, string]>([
    ['is saturated', [full], 'v is saturated', 'hold'],
    [
      'backpressures its input',
      [vertex('s', { backpressured: 0.3 }), { ...calm, inputs: from('s') }],
      'v backpressures its inputs',
      'hold',
    ],
    ['is saturated, and the lag is over its level and grows', [busy], 'v is saturated', 'rescale'],
    [
      'is calm, and the lag of another is over its level and grows',
      [calm, vertex('w', { busy: 0.8, pendingRecords: 500_000, pendingRecordsGrowth: 500 })],
      'the lag of w is over its level of 60 s and grows',
      'rescale',
    ],
    [
      'is calm, and the lag grows for what no vertex is short of',
      [{ ...calm, pendingRecords: 99_000, pendingRecordsGrowth: 1 }, sinkOf(calm, 0.1)],
      'the lag of v is over its level of 60 s and grows',
      'hold',
    ],
  ])('is not rolled back where what has more by it %s, and goes further only for a broken service level', (_, vertices, why, kind) => {
    for (const job of [{ restarts: 3 }, FAILING, COLLECTING]) {
      const unmoved = { ...desired, highLagSeconds: 1e7 };
      const { action, reason, explanation } = decideScaling(
        observed(vertices, { history: [last], job, fleet: { slotsFree: 40 } }),
        unmoved,
        NOW,
      );
      const text = expect.stringMatching(
        new RegExp(`^the rescale of ${last.at} made things worse \\(.*\\) and is not rolled back: ${why}$`),
      );
      expect(explanation[0]).toEqual({ vertex: null, text, invariant: 'saturated-never-scaled-in' });
      expect(action.kind).toBe(kind);
      if (action.kind === 'rescale') expect(action).toMatchObject({ direction: 'out', urgent: true });
      else expect(reason).toMatch(/^The rescale of .* is not rolled back: .*\.$/);
    }
  });

  test('is rolled back though the vertex is saturated where that gives it more', () => {
    const inward = { ...last, from: { v: 8 } };
    expect(
      decideScaling(observed([full], { history: [inward], job: { restarts: 3 }, fleet: { slotsFree: 40 } }), desired, NOW).action,
    ).toMatchObject({
      kind: 'roll-back',
      to: { v: 8 },
    });
  });

  test('is not tried again, and nothing larger, while what is smaller is', () => {
    const to = (growth: number) => {
      const history = [past({ kind: 'roll-back', at: later(-3_000), from: { v: 8 }, to: { v: 4 } })];
      const { action } = decideScaling(observed([{ ...busy, pendingRecordsGrowth: growth }], { history }), desired, NOW);
      return action.kind === 'rescale' ? action.to.v : action.kind;
    };
    fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }), (growth) => expect([6, 7, 'hold']).toContain(to(growth))));
    expect([to(50), to(225), to(226)]).toEqual([6, 7, 'hold']);
  });
});

describe('slots on hosts that are busy already', () => {
  const full = { taskManagers: { cpuLoad: 0.95, gcShare: 0.02, heapAfterGcShare: 0.3 } };
  const short = vertex('v', { busy: 0.97, parallelism: 6 });
  const decide = (slotsFree: number, job: object, history: ReturnType<typeof past>[] = []) =>
    decideScaling(observed([short], { job, fleet: { slotsFree }, history }), desired, NOW);

  test('are not what a job is given whose processors are all at work: it goes to a new host', () => {
    const { action, explanation } = decide(8, full);
    expect(action).toMatchObject({ kind: 'rescale', to: { v: 15 } });
    expect(explanation).toContainEqual(expect.objectContaining({ invariant: 'learning', text: expect.stringContaining('8 free slots') }));
    expect(decide(8, {}).action).toMatchObject({ kind: 'rescale', to: { v: 9 } });
  });

  test('that brought nothing are no reason against a new host, and one against more of them', () => {
    const useless = past({ from: { v: 5 }, to: { v: 6 }, before: before(1_000), expected: { v: 1_200 }, measured: measured(1_000) });
    expect(decide(1, full, [useless]).action.kind).toBe('rescale');
    expect(decide(8, {}, [useless]).action.kind).toBe('hold');
  });
});

test('a vertex with a hot key that got a third of what was expected is not scaled out again', () => {
  const third = past({ from: { v: 3 }, to: { v: 4 }, before: before(900), expected: { v: 1_200 }, measured: measured(1_000) });
  const kind = (mean: number) =>
    decideScaling(observed([{ ...busy, busy: { mean, worst: 1 } }], { history: [third] }), desired, NOW).action.kind;
  expect([kind(0.5), kind(0.95)]).toEqual(['hold', 'rescale']);
});
