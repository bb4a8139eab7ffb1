import * as fc from 'fast-check';
import type { PastRescale, VertexSeen } from '../../../../lambdas/contracts/scaling';
import { decideScaling, redecide } from '../../../../lambdas/domain/scaling/decide-scaling';
import { evaluateJob } from '../../../../lambdas/domain/scaling/evaluate';
import { slotsFor } from '../../../../lambdas/domain/scaling/graph';
import { AT_ONCE, anyVertices, from, later, NOW, observed, past, settings, vertex } from './examples';

const rescaleOf = (...args: Parameters<typeof decideScaling>) => {
  const { action } = decideScaling(...args);
  return action.kind === 'rescale' ? action : undefined;
};
const RUNS = { numRuns: 500 };
const anyFleet = fc.record({ slotsFree: fc.nat(40), slotsAddable: fc.option(fc.nat(20), { nil: undefined }) });

describe('a vertex that is saturated or backpressures its inputs', () => {
  const guarded = (vertices: readonly VertexSeen[]) =>
    [...evaluateJob(observed(vertices).job, settings(AT_ONCE)).vertices.values()].filter(
      ({ saturated, backpressures }) => saturated || backpressures,
    );

  test('is never scaled in', () => {
    fc.assert(
      fc.property(anyVertices(), fc.double({ min: 0.05, max: 1, noNaN: true }), anyFleet, (vertices, targetUtilization, fleet) => {
        const desired = settings({ ...AT_ONCE, targetUtilization, uMin: targetUtilization / 2, uMax: 1 });
        const to = rescaleOf(observed(vertices, { fleet }), desired, NOW)?.to ?? {};
        for (const { vertex: v } of guarded(vertices)) expect(to[v.id] ?? v.parallelism).toBeGreaterThanOrEqual(v.parallelism);
      }),
      RUNS,
    );
  });

  test('is never made smaller by a roll-back either, whatever its rescale made worse; others are', () => {
    const worse = [
      { restarts: 9 },
      { checkpoints: { consecutiveFailures: 5, latestAgeSeconds: 900, durationSeconds: null } },
      { taskManagers: { cpuLoad: 0.5, gcShare: 0.6, heapAfterGcShare: 0.9 } },
    ];
    let rolledBack = 0;
    fc.assert(
      fc.property(
        anyVertices(),
        fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 6, maxLength: 6 }),
        fc.constantFrom(...worse),
        anyFleet,
        (vertices, sizes, job, fleet) => {
          const to = Object.fromEntries(vertices.map(({ id, parallelism }) => [id, parallelism]));
          const history = [
            past({ at: later(-600), from: Object.fromEntries(vertices.map(({ id }, index) => [id, sizes[index] ?? 1])), to }),
          ];
          const { action } = decideScaling(observed(vertices, { fleet, history, job }), settings(AT_ONCE), NOW);
          const next = action.kind === 'rescale' || action.kind === 'roll-back' ? action.to : {};
          for (const { vertex: v } of guarded(vertices)) expect(next[v.id] ?? v.parallelism).toBeGreaterThanOrEqual(v.parallelism);
          if (action.kind === 'roll-back') rolledBack += 1;
        },
      ),
      RUNS,
    );
    expect(rolledBack).toBeGreaterThan(10);
  });

  test('stays as it is though its input sends it little, and that is said', () => {
    const source = vertex('s', { busy: 0.05, backpressured: 0.6 });
    const sink = vertex('sink', { inputs: from('s'), busy: 0.1, recordsIn: 10 });
    const { action, explanation } = decideScaling(observed([source, sink]), settings(AT_ONCE), NOW);
    expect(action.kind).not.toBe('rescale');
    expect(explanation).toContainEqual({
      vertex: 'sink',
      text: 'sink is not scaled in, because it backpressures its inputs',
      invariant: 'saturated-never-scaled-in',
    });
  });
});

describe('data that cannot be decided on', () => {
  const fine = vertex('fine', { busy: 0.95, slotSharingGroup: 'a' });
  const broken: readonly [string, Partial<VertexSeen>][] = [
    ['a busy share that is no number', { busy: { mean: Number.NaN, worst: Number.NaN } }],
    ['an input rate that is not known', { recordsIn: null }],
    ['incomplete counters', { incomplete: true }],
    ['an unknown lag', { pendingRecords: null }],
    ['records that wait, of which none is read', { recordsIn: 0, pendingRecords: 10, pendingRecordsGrowth: 5 }],
  ];

  test.each(broken)('such as %s holds its own vertex and what it feeds, and nothing else', (_, fields) => {
    const source = { ...vertex('bad', { busy: 0.95 }), ...fields };
    const sink = vertex('sink', { inputs: from('bad'), busy: 0.95 });
    const { action, explanation } = decideScaling(observed([fine, source, sink]), settings(AT_ONCE), NOW);
    expect(action).toMatchObject({ kind: 'rescale', to: { fine: 6, bad: 4 } });
    expect(explanation.find(({ vertex: id }) => id === 'bad')?.invariant).toBe('undecidable-holds-only-what-it-touches');
  });

  test('of a vertex that has finished hold it alone: nothing comes of it any more, and what else it feeds goes by the rest', () => {
    const ended = { incomplete: true, finished: true as const, recordsIn: null, recordsOut: null, busy: null };
    const [bounded, stream] = [vertex('bounded', { ...ended, pendingRecords: null }), vertex('stream', { busy: 0.95 })];
    const inner = vertex('inner', { ...ended, inputs: from('bounded') });
    const join = vertex('join', { inputs: from('inner', 'stream'), busy: 0.95 });
    const { action, explanation } = decideScaling(observed([bounded, stream, inner, join]), settings(AT_ONCE), NOW);
    expect(action).toMatchObject({ kind: 'rescale', to: { bounded: 4, inner: 4, stream: 6, join: 6 } });
    expect(explanation.map(({ text }) => text)).toEqual(
      expect.arrayContaining(['bounded stays at 4: it has finished', 'inner stays at 4: it has finished']),
    );
  });

  test('of a vertex in the middle leaves what it feeds decidable where only its busy share is missing', () => {
    const [source, middle, sink] = [
      vertex('s', { busy: 0.6 }),
      vertex('m', { inputs: from('s'), busy: null }),
      vertex('sink', { inputs: from('m'), busy: 0.95 }),
    ];
    expect(rescaleOf(observed([source, middle, sink]), settings(AT_ONCE), NOW)?.to).toEqual({ s: 4, m: 4, sink: 6 });
  });

  test('never changes a vertex that it touches; all others change as they would without it', () => {
    fc.assert(
      fc.property(anyVertices(), anyVertices(), (one, other) => {
        const renamed = other.map((v) => ({
          ...v,
          id: `w${v.id}`,
          slotSharingGroup: 'another',
          busy: { mean: null, worst: null },
          ...(v.inputs.length > 0 ? {} : { recordsIn: null, pendingRecords: null }),
          inputs: v.inputs.map((input) => ({ ...input, vertex: `w${input.vertex}` })),
        }));
        const desired = settings(AT_ONCE);
        const [alone, together] = [decideScaling(observed(one), desired, NOW), decideScaling(observed([...one, ...renamed]), desired, NOW)];
        expect(together.action.kind === 'rescale').toBe(alone.action.kind === 'rescale');
        if (alone.action.kind !== 'rescale' || together.action.kind !== 'rescale') return;
        const kept = Object.fromEntries(renamed.map(({ id, parallelism }) => [id, parallelism]));
        expect(together.action.to).toEqual({ ...alone.action.to, ...kept });
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['the job is RESTARTING', { job: { state: 'RESTARTING' } }, 'Nothing is decided: the job is RESTARTING.'],
    [
      'all counters are incomplete',
      { job: { incomplete: true } },
      'Nothing is decided: the figures are incomplete, as they are while a job restarts.',
    ],
    ['the observation is old', { job: { observedAt: later(-500) } }, 'Nothing is decided: the observation is 500 s old.'],
    [
      'they reach back before the last rescale',
      { history: [past({ at: later(-35), from: { v: 2 }, to: { v: 4 } })] },
      'Nothing is decided: the figures are in part from before the last rescale.',
    ],
  ])('about the job holds everything: %s', (_, fields, reason) => {
    expect(decideScaling(observed([vertex('v', { busy: 1 })], fields), settings(AT_ONCE), NOW)).toMatchObject({
      action: { kind: 'hold' },
      reason,
    });
  });
});

describe('capacity and parallelism', () => {
  test('come in this order: slots before subtasks when out, subtasks before slots when in; free slots but the spare ones are used first', () => {
    fc.assert(
      fc.property(anyVertices(), anyFleet, fc.nat(20), (vertices, fleet, spareSlots) => {
        const { slotsFree } = fleet;
        const action = rescaleOf(observed(vertices, { fleet }), settings({ ...AT_ONCE, spareSlots }), NOW);
        if (!action) return;
        const { plan } = action;
        expect(plan.slotsAfter).toBe(slotsFor(vertices, action.to));
        expect(plan.order).toBe(action.direction === 'out' ? 'capacity-first' : 'parallelism-first');
        const left = slotsFree + plan.slotsToProvide - (plan.slotsAfter - plan.slotsBefore);
        if (plan.slotsAfter > plan.slotsBefore) expect(left).toBeGreaterThanOrEqual(spareSlots);
        else expect(plan.slotsToProvide).toBe(0);
      }),
      RUNS,
    );
  });

  test('change in one direction at a time where there are slots, and stay alike where vertices are joined by forward', () => {
    fc.assert(
      fc.property(anyVertices(), (vertices) => {
        const alike = vertices.map((v) => ({ ...v, parallelism: 8 }));
        const action = rescaleOf(observed(alike), settings(AT_ONCE), NOW);
        const held = rescaleOf(observed(alike, { fleet: { slotsFree: 0, slotsAddable: 0 } }), settings(AT_ONCE), NOW);
        for (const v of alike)
          for (const { vertex: input, ship } of v.inputs) if (ship === 'forward' && held) expect(held.to[input]).toBe(held.to[v.id]);
        if (!action) return;
        for (const v of alike) {
          const to = action.to[v.id] ?? 0;
          if (action.direction === 'out') expect(to).toBeGreaterThanOrEqual(8);
          else expect(to).toBeLessThanOrEqual(8);
          for (const { vertex: input, ship } of v.inputs) if (ship === 'forward') expect(action.to[input]).toBe(to);
        }
      }),
      RUNS,
    );
  });
});

describe('a spike', () => {
  const spiking = fc.record({
    parallelism: fc.integer({ min: 1, max: 50 }),
    rate: fc.integer({ min: 10, max: 1e6 }),
    growth: fc.double({ min: 0.2, max: 20, noNaN: true }),
    lag: fc.integer({ min: 61, max: 9_000 }),
  });
  const job = ({ parallelism, rate, growth, lag }: { parallelism: number; rate: number; growth: number; lag: number }) => [
    vertex('s', {
      parallelism,
      recordsIn: rate,
      recordsOut: rate,
      busy: 0.3,
      backpressured: 0.6,
      pendingRecords: rate * lag,
      pendingRecordsGrowth: rate * growth,
    }),
    vertex('work', { parallelism, maxParallelism: 32_768, recordsIn: rate, busy: 1, inputs: from('s') }),
  ];

  test('is answered at the first observation of a lag over its level that grows, whatever the windows and the rescales before', () => {
    fc.assert(
      fc.property(spiking, fc.nat(6), (figures, rescales) => {
        const history = Array.from({ length: rescales }, (_, i) => past({ at: later(-80_000 + i), from: { other: 2 }, to: { other: 3 } }));
        const desired = settings({ scaleOutWindowSeconds: 3_600 });
        const { action, explanation } = decideScaling(observed(job(figures), { history }), desired, NOW);
        expect(action).toMatchObject({ kind: 'rescale', direction: 'out' });
        if (action.kind !== 'rescale') return;
        const each = figures.rate / figures.parallelism;
        expect((action.to.work ?? 0) * each).toBeGreaterThanOrEqual(figures.rate * (1 + figures.growth) * 0.999);
        expect(explanation.some(({ invariant }) => invariant === 'spike-on-evidence')).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('is said to be one', () => {
    const { reason } = decideScaling(observed(job({ parallelism: 4, rate: 1_000, growth: 3, lag: 90 })), settings(), NOW);
    expect(reason).toBe(
      'Scale out from 4 to 24 slots: work can process 1,000/s and 4,000/s come in; the lag of s is over its level of 60 s and grows.',
    );
  });

  test('that no vertex is the cause of is told to a person', () => {
    const source = vertex('s', { busy: 0.3, pendingRecords: 99_000, pendingRecordsGrowth: 1, partitions: 4 });
    const { action, reason } = decideScaling(
      observed([{ ...source, backpressured: { mean: 0, worst: 0 } }]),
      settings({ highLagSeconds: 1e7, catchUpSeconds: 0 }),
      NOW,
    );
    expect(action.kind).toBe('hold');
    expect(reason).toBe(
      'The lag of s is over its level of 60 s and grows, but no vertex is short of what it needs: look at what the job waits for.',
    );
  });
});

describe('limits', () => {
  test('hold: parallelism, budget and quota, whatever is asked', () => {
    const fleets = fc.record({
      slotsFree: fc.nat(20),
      slotsAddable: fc.nat(100),
      dollarsPerHour: fc.nat(50),
      dollarsPerSlotHour: fc.double({ min: 0.01, max: 2, noNaN: true }),
    });
    fc.assert(
      fc.property(
        anyVertices(),
        fleets,
        fc.nat(100),
        fc.integer({ min: 1, max: 80 }),
        (vertices, fleet, budgetDollarsPerHour, maxParallelism) => {
          const action = rescaleOf(observed(vertices, { fleet }), settings({ ...AT_ONCE, budgetDollarsPerHour, maxParallelism }), NOW);
          if (!action) return;
          for (const { id, parallelism, maxParallelism: keyGroups } of vertices)
            expect(action.to[id]).toBeLessThanOrEqual(Math.max(parallelism, Math.min(maxParallelism, keyGroups)));
          const { slotsBefore, slotsAfter, slotsToProvide } = action.plan;
          if (slotsAfter <= slotsBefore) return;
          expect(slotsToProvide).toBeLessThanOrEqual(fleet.slotsAddable);
          if (slotsToProvide > 0)
            expect(fleet.dollarsPerHour + slotsToProvide * fleet.dollarsPerSlotHour).toBeLessThanOrEqual(budgetDollarsPerHour + 1e-6);
        },
      ),
      RUNS,
    );
  });

  test.each([
    [
      'the budget',
      { fleet: { slotsFree: 1, dollarsPerHour: 9, dollarsPerSlotHour: 0.5 } },
      { budgetDollarsPerHour: 10 },
      7,
      'the budget of $10 an hour',
    ],
    [
      'the budget, with what volumes take of it',
      { fleet: { slotsFree: 1, dollarsPerHour: 9, volumeDollarsPerHour: 0.1234, dollarsPerSlotHour: 0.5 } },
      { budgetDollarsPerHour: 10 },
      7,
      "the budget of $10 an hour, of which hosts' volumes take $0.12 now",
    ],
    ['the quota', { fleet: { slotsFree: 0, slotsAddable: 2 } }, {}, 6, 'the quota and the largest fleet of the cluster'],
  ])('are named when they hold something back: %s', (_, fields, limits, to, name) => {
    const busy = vertex('v', { busy: 1, pendingRecords: 0, pendingRecordsGrowth: 3_000 });
    const { action, reason, explanation } = decideScaling(observed([busy], fields), settings({ ...AT_ONCE, ...limits }), NOW);
    expect(action).toMatchObject({ kind: 'rescale', to: { v: to } });
    expect(reason).toContain(`23 were wanted, held back by ${name}.`);
    expect(explanation).toContainEqual({ vertex: null, text: `23 slots were wanted, held to ${to} slots by ${name}`, invariant: 'limits' });
  });

  test('of the quota that many ask for at once are named with the place among them, whether something is given or nothing', () => {
    const busy = vertex('v', { busy: 1, pendingRecords: 0, pendingRecordsGrowth: 3_000 });
    const share = '90 of 100 vCPUs are used, 38 more are wanted: Place 2: 2 of 38; the rest waits';
    for (const [slotsAddable, kind] of [
      [2, 'rescale'],
      [0, 'hold'],
    ] as const) {
      const decision = decideScaling(observed([busy], { fleet: { slotsFree: 0, slotsAddable, share } }), settings(AT_ONCE), NOW);
      expect(decision.action.kind).toBe(kind);
      expect(decision.explanation).toContainEqual({ vertex: null, text: share, invariant: 'shared-by-priority' });
      expect(redecide(JSON.parse(JSON.stringify(decision.inputs))).explanation).toEqual(decision.explanation);
    }
    const { explanation } = decideScaling(observed([busy], { fleet: { slotsFree: 0, slotsAddable: 2 } }), settings(AT_ONCE), NOW);
    expect(explanation.map(({ invariant }) => invariant)).not.toContain('shared-by-priority');
  });

  describe('of a vertex that cannot be given more', () => {
    const hot = (fields: object = {}) =>
      vertex('hot', { busy: 0.95, partitions: 4, pendingRecords: 0, pendingRecordsGrowth: 0, ...fields });
    const wide = vertex('wide', { busy: 0.02, parallelism: 40, inputs: from('hot') });

    test('are no reason to keep what another does not need', () => {
      expect(decideScaling(observed([hot(), wide]), settings(AT_ONCE), NOW).action).toMatchObject({
        kind: 'rescale',
        direction: 'in',
        to: { hot: 4, wide: expect.any(Number) },
        plan: { slotsBefore: 40, slotsAfter: expect.any(Number) },
      });
    });

    test.each([
      ['it may still be given some', hot({ partitions: 8 }), AT_ONCE, 'out'],
      ['its lag is over its level', hot({ pendingRecords: 90_000, pendingRecordsGrowth: 100 }), AT_ONCE, undefined],
      ['less was not enough for as long as is asked for', hot(), { ...AT_ONCE, scaleInWindowSeconds: 1_800 }, undefined],
    ])('keep what another does not need where %s', (_, vertex_, desired, direction) => {
      const { action } = decideScaling(observed([vertex_, wide], { fleet: { slotsFree: 40 } }), settings(desired), NOW);
      expect(action.kind === 'rescale' ? action.direction : undefined).toBe(direction);
    });
  });

  describe('of slots move those that others do not need', () => {
    const hot = (fields: object = {}) =>
      vertex('hot', { busy: 0.95, slotSharingGroup: 'a', pendingRecords: 0, pendingRecordsGrowth: 0, ...fields });
    const wide = (fields: object = {}) =>
      vertex('wide', { busy: 0.02, parallelism: 12, slotSharingGroup: 'b', inputs: from('hot'), ...fields });
    const none = { slotsFree: 0, slotsAddable: 0 };
    const decide = (vertices: readonly VertexSeen[], fields: object = {}, desired: object = {}) =>
      decideScaling(observed(vertices, { fleet: none, ...fields }), settings({ ...AT_ONCE, ...desired }), NOW);

    test.each([
      ['the quota', none, {}, 'the quota and the largest fleet of the cluster'],
      [
        'the budget',
        { slotsFree: 0, dollarsPerHour: 10, dollarsPerSlotHour: 0.5 },
        { budgetDollarsPerHour: 10 },
        'the budget of $10 an hour',
      ],
      [
        'EC2',
        { slotsFree: 0, refused: { times: 1, slots: 18, until: later(60), says: 'No capacity.' } },
        {},
        'EC2, which is asked for hosts again',
      ],
    ])('where %s has none, in the same rescale', (_, fleet, desired, name) => {
      const decision = decide([hot(), wide()], { fleet }, desired);
      expect(decision).toMatchObject({
        action: {
          kind: 'rescale',
          direction: 'in',
          to: { hot: 6, wide: 1 },
          plan: { order: 'parallelism-first', slotsBefore: 16, slotsAfter: 7, slotsToProvide: 0 },
        },
        reason: 'Move slots, from 16 to 7 slots: hot can process 1,053/s and 1,000/s come in.',
      });
      const text = expect.stringContaining(`slots that wide did not need for 0 s are used, because of ${name}`);
      expect(decision.explanation).toContainEqual({ vertex: null, text, invariant: 'limits' });
      expect(redecide(JSON.parse(JSON.stringify(decision.inputs)))).toEqual(decision);
    });

    test('as many as there are, and the rest stays held back', () => {
      const { action, reason } = decide([hot({ pendingRecordsGrowth: 9_000 }), wide({ inputs: [], parallelism: 6, busy: 0.3 })]);
      expect(action).toMatchObject({
        kind: 'rescale',
        direction: 'out',
        to: { hot: 6, wide: 4 },
        plan: { order: 'capacity-first', slotsToProvide: 0 },
      });
      expect(reason).toContain('held back by the quota');
    });

    test.each<[string, VertexSeen[], object, object]>([
      ['there are enough', [hot(), wide()], { fleet: { slotsFree: 2 } }, { hot: 6, wide: 12 }],
      [
        'one of theirs is needed by a busy neighbour in the same slots',
        [hot(), wide(), vertex('full', { parallelism: 12, busy: 0.8, slotSharingGroup: 'b', inputs: from('hot') })],
        {},
        {},
      ],
      ['they are saturated', [hot(), wide({ busy: 0.95, recordsIn: 10 })], {}, {}],
      ['they backpressure their inputs', [hot({ backpressured: 0.3 }), wide()], {}, {}],
      ['they are within their band', [hot(), wide({ busy: 0.6 })], {}, {}],
      [
        'fewer were too few in the last hours',
        [hot(), wide()],
        {
          history: [
            past({ at: later(-9_000), from: { wide: 12 }, to: { wide: 1 } }),
            past({ at: later(-6_000), from: { wide: 1 }, to: { wide: 12 } }),
          ],
        },
        {},
      ],
    ])('not where %s', (_, vertices, fields, to) => {
      const { action } = decide(vertices, fields);
      if (Object.keys(to).length > 0) expect(action).toMatchObject({ kind: 'rescale', to });
      else expect(action).toEqual({ kind: 'hold' });
    });

    test('not before the window of a scale-in is over', () => {
      const { action, nextState } = decide([hot(), wide()], {}, { scaleInWindowSeconds: 1_800 });
      expect(action).toEqual({ kind: 'hold' });
      const needed = nextState.needed.map((stretch) => ({ ...stretch, from: later(-1_800) }));
      expect(decide([hot(), wide()], { state: { needed } }, { scaleInWindowSeconds: 1_800 }).action).toMatchObject({
        to: { hot: 6, wide: 1 },
      });
    });

    test('also when that is decided again from the state that it leaves, a moment later', () => {
      const stretch = { from: later(-1_800), to: later(-10), most: { hot: 4, wide: 1 } };
      const desired = settings({ scaleOutWindowSeconds: 60, catchUpSeconds: 0 });
      const state = { outSince: later(-60), needed: [stretch] };
      const first = decideScaling(observed([hot(), wide()], { fleet: none, state }), desired, NOW);
      expect(first.action).toMatchObject({ direction: 'in', to: { hot: 6, wide: 1 } });
      const again = decideScaling(observed([hot(), wide()], { fleet: none, state: first.nextState }), desired, later(2));
      expect(again.action).toEqual(first.action);
    });

    test('nothing that moved comes back by itself: the next decisions keep it', () => {
      const each = { hot: 1_000 / 4 / 0.95, wide: 1_000 / 12 / 0.02 };
      let parallelism = { hot: 4, wide: 12 };
      const changes: unknown[] = [];
      const history: PastRescale[] = [];
      let state: unknown = {};
      for (let pass = 0; pass < 60; pass += 1) {
        const now = later(pass * 60);
        const busy = (id: 'hot' | 'wide') => 1_000 / (each[id] * parallelism[id]);
        const seen = [
          hot({ parallelism: parallelism.hot, busy: busy('hot') }),
          wide({ parallelism: parallelism.wide, busy: busy('wide') }),
        ];
        const fleet = { slotsFree: 16 - parallelism.hot - parallelism.wide, slotsAddable: 0 };
        const decision = decideScaling(
          observed(seen, { state, history, fleet, job: { observedAt: now } }),
          settings({ scaleInWindowSeconds: 600 }),
          now,
        );
        state = decision.nextState;
        if (decision.action.kind !== 'rescale') continue;
        parallelism = { hot: decision.action.to.hot ?? 0, wide: decision.action.to.wide ?? 0 };
        changes.push(decision.action.to);
        history.push(past({ at: now, from: decision.action.from, to: decision.action.to }));
      }
      expect(changes).toEqual([{ hot: 6, wide: 1 }]);
    });
  });

  test('that hold back a vertex are named as its own, whatever holds another', () => {
    const [wide, hot] = [
      vertex('wide', { busy: 0.2, parallelism: 40 }),
      vertex('hot', { busy: 0.95, maxParallelism: 4, inputs: from('wide') }),
    ];
    const { explanation, reason } = decideScaling(observed([wide, hot]), settings({ ...AT_ONCE, scaleInWindowSeconds: 1_800 }), NOW);
    expect(explanation.map(({ text }) => text)).toContain('wide keeps 18: with fewer, the processors would have more to do than they can');
    expect(reason).toBe('More is needed and cannot be given: hot would need 6, held back by its 4 key groups.');
  });

  describe('of hosts that did not come the last times', () => {
    const busy = vertex('v', { busy: 1, pendingRecords: 0, pendingRecordsGrowth: 3_000 });
    const why = `EC2, which is asked for hosts again at ${later(240)}: the last 3 attempts brought none (EC2 has had no capacity for 61 s)`;
    const decide = (slotsFree: number, slots: number) => {
      const refused = { times: 3, slots, until: later(240), says: 'EC2 has had no capacity for 61 s.' };
      return decideScaling(observed([busy], { fleet: { slotsFree, refused } }), settings(AT_ONCE), NOW);
    };

    test('are named when nothing can be given without them', () => {
      const decision = decide(0, 16);
      expect(decision.action).toEqual({ kind: 'hold' });
      expect(decision.reason).toContain(`23 slots are wanted and held back by ${why}.`);
      expect(redecide(JSON.parse(JSON.stringify(decision.inputs)))).toEqual(decision);
    });

    test('are not waited for with what is free', () => {
      const { action, explanation } = decide(3, 16);
      expect(action).toMatchObject({ kind: 'rescale', to: { v: 7 }, plan: { slotsToProvide: 0 } });
      expect(explanation).toContainEqual({ vertex: null, text: `23 slots were wanted, held to 7 slots by ${why}`, invariant: 'limits' });
    });

    test('hold back nothing where half as many slots again are needed', () => {
      expect(decide(0, 15).action).toMatchObject({ kind: 'rescale', to: { v: 23 } });
    });
  });

  test('are the reason when nothing can be given', () => {
    const { action, reason } = decideScaling(observed([vertex('v', { busy: 1 })]), settings({ ...AT_ONCE, maxParallelism: 4 }), NOW);
    expect(action.kind).toBe('hold');
    expect(reason).toBe('More is needed and cannot be given: v would need 6, held back by the highest allowed parallelism of 4.');
  });
});

describe('a decision', () => {
  test('is the same from its stored inputs', () => {
    fc.assert(
      fc.property(anyVertices(true), fc.boolean(), (vertices, atOnce) => {
        const decision = decideScaling(observed(vertices), settings(atOnce ? AT_ONCE : {}), NOW);
        const again = redecide(JSON.parse(JSON.stringify(decision.inputs)));
        expect(JSON.stringify({ ...again, inputs: null })).toBe(JSON.stringify({ ...decision, inputs: null }));
      }),
      RUNS,
    );
  });

  test('changes nothing of what it was given', () => {
    const input = observed([vertex('v', { busy: 1 })]);
    const copy = JSON.stringify(input);
    decideScaling(input, settings(AT_ONCE), NOW);
    expect(JSON.stringify(input)).toBe(copy);
  });

  test('that was stored as something else is refused', () => {
    expect(() => redecide({ observed: {}, now: NOW })).toThrow(expect.objectContaining({ name: 'ZodError' }));
  });

  test('has a sentence and a line for every vertex', () => {
    fc.assert(
      fc.property(anyVertices(true), (vertices) => {
        const { reason, explanation } = decideScaling(observed(vertices), settings(AT_ONCE), NOW);
        expect(reason).toMatch(/^[A-Z0-9].*\.$/s);
        expect(reason).not.toMatch(/NaN|undefined|null|Infinity/);
        for (const { id } of vertices) expect(explanation.some(({ vertex: about }) => about === id)).toBe(true);
        for (const { text } of explanation) expect(text).not.toMatch(/NaN|undefined|Infinity/);
      }),
      RUNS,
    );
  });
});
