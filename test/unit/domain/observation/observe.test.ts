import * as fc from 'fast-check';
import type { JobCounters } from '../../../../lambdas/contracts/observation';
import { jobObservation } from '../../../../lambdas/contracts/scaling';
import { clusterFigures, jobFigures, type Levels, vertexFigures } from '../../../../lambdas/domain/observation/figures';
import { type Observed, observeReading, withHostLoad } from '../../../../lambdas/domain/observation/observe';
import type { ClusterReading, JobReading, VertexReading } from '../../../../lambdas/gateways/flink/metrics.port';
import { clusterReading, jobReading, vertexReading } from '../../../fakes/fake-flink-metrics';
import { later, NOW } from '../scaling/examples';

const at = { cluster: 'flights', job: 'delays' };
const observe = (reading: JobReading, previous?: JobCounters, seconds = 0, cluster: ClusterReading = clusterReading()): Observed =>
  observeReading(at, reading, cluster, previous, later(seconds));
/** Two readings, 10 seconds apart. */
const twice = (first: JobReading, second: JobReading): Observed => observe(second, observe(first).counters, 10);
const sourceOf = (change: Partial<VertexReading> = {}) => vertexReading('source', change);
const sinkOf = (change: Partial<VertexReading> = {}) => vertexReading('sink', { inputs: [{ vertex: 'source', ship: 'hash' }], ...change });

describe('rates between two passes', () => {
  test('are differences of counts over the time that the subtasks themselves counted', () => {
    const before = sourceOf({ parallelism: 2, recordsIn: 1_000, recordsOut: 500, busyMs: 30_000, backpressuredMs: 10_000, idleMs: 60_000 });
    // Eight seconds of each of two subtasks, whatever the clock of the observer says.
    const after = { ...before, recordsIn: 1_800, recordsOut: 900, busyMs: 34_000, backpressuredMs: 12_000, idleMs: 70_000 };
    const { vertices, windowSeconds } = twice(jobReading([before]), jobReading([after])).observation;
    expect(windowSeconds).toBe(10);
    expect(vertices[0]).toMatchObject({
      recordsIn: 100,
      recordsOut: 50,
      busy: { mean: 0.25 },
      backpressured: { mean: 0.125 },
      idle: { mean: 0.625 },
    });
  });

  test('give the worst subtask what Flink’s averages say it has more than the mean', () => {
    const after = sourceOf({ busyMs: 4_000, idleMs: 6_000, busy: { mean: 0.2, worst: 0.4 } });
    const { vertices } = twice(jobReading([sourceOf()]), jobReading([after])).observation;
    expect(vertices[0]?.busy).toEqual({ mean: 0.4, worst: 0.8 });
  });

  test('give the least idle subtask what Flink’s averages say it has less than the mean, and the most backpressured one what it has more', () => {
    const shares = { backpressured: { mean: 0.1, worst: 0.3 }, idle: { mean: 0.6, worst: 0.15 } };
    const after = sourceOf({ busyMs: 2_000, backpressuredMs: 2_000, idleMs: 6_000, ...shares });
    const { vertices } = twice(jobReading([sourceOf()]), jobReading([after])).observation;
    expect(vertices[0]?.idle).toEqual({ mean: 0.6, worst: expect.closeTo(0.15, 9) });
    expect(vertices[0]?.backpressured).toEqual({ mean: 0.2, worst: expect.closeTo(0.6, 9) });
    // Nobody was idle in the last minute: nothing is known of who is less so now.
    const anew = { ...after, idle: { mean: 0, worst: 0 } };
    expect(twice(jobReading([sourceOf()]), jobReading([anew])).observation.vertices[0]?.idle).toEqual({ mean: 0.6, worst: 0.6 });
  });

  test('of what waits are its growth, also where it shrinks', () => {
    const [before, after] = [sourceOf({ pendingRecords: 5_000 }), sourceOf({ pendingRecords: 4_000, idleMs: 10_000 })];
    expect(twice(jobReading([before]), jobReading([after])).observation.vertices[0]).toMatchObject({
      pendingRecords: 4_000,
      pendingRecordsGrowth: -100,
    });
  });

  test('of a source that does not measure its time are over the observer’s time, and its shares are not known', () => {
    const [before, after] = [sourceOf({ busyMs: null }), sourceOf({ busyMs: null, recordsIn: 50 })];
    expect(twice(jobReading([before]), jobReading([after])).observation.vertices[0]).toMatchObject({
      recordsIn: 5,
      busy: { mean: null, worst: null },
    });
  });

  test('are known where its busy time is lower than before: Flink counts the time in which it waits as busy until that is over', () => {
    const [before, after] = [sourceOf({ busyMs: 70 }), sourceOf({ busyMs: 20, idleMs: 10_050, recordsIn: 600 })];
    expect(twice(jobReading([before]), jobReading([after])).observation.vertices[0]).toMatchObject({
      recordsIn: 60,
      busy: { mean: 0 },
      idle: { mean: 1 },
    });
  });

  test.each([
    ['waited for longer before', { busyMs: 1_000, idleMs: 9_000 }, { busyMs: 11_000, idleMs: 200 }],
    ['was backpressured for longer before', { backpressuredMs: 9_000, idleMs: 1_000 }, { busyMs: 10_000, idleMs: 1_200 }],
    ['was busy for longer before than Flink counts late', { busyMs: 31_000 }, { busyMs: 10_000, idleMs: 21_500 }],
  ])('are not known where a subtask that began anew %s, and Flink counts no restart, as behind a lost JobManager', (_, before, after) => {
    const [first, second] = [sourceOf(before), sourceOf({ ...after, recordsIn: 600 })];
    expect(twice(jobReading([first]), jobReading([second])).observation.vertices[0]).toMatchObject({
      recordsIn: null,
      busy: { mean: null },
      idle: { mean: null },
    });
  });

  test.each([
    ['at the first pass', undefined, {}],
    ['when a count is lower than before, because a subtask began anew', sourceOf({ recordsIn: 900, idleMs: 1 }), {}],
    ['when the parallelism changed', sourceOf({ parallelism: 3 }), {}],
    ['when a figure is not known', sourceOf({ recordsIn: null }), {}],
    ['when the job restarted in between', sourceOf(), { restarts: 1 }],
  ])('are not known %s', (_, before, change) => {
    const after = jobReading([sourceOf({ recordsIn: 100, idleMs: 10_000 })], change);
    const { observation } = before ? twice(jobReading([before]), after) : observe(after);
    expect(observation.vertices[0]?.recordsIn).toBeNull();
    if ('restarts' in change) expect(observation.incomplete).toBe(true);
  });

  test('are not known after an hour without a pass', () => {
    const first = observe(jobReading([sourceOf()]));
    const { observation } = observe(jobReading([sourceOf({ recordsIn: 100, idleMs: 3_600_000 })]), first.counters, 3_600);
    expect(observation.vertices[0]?.recordsIn).toBeNull();
    expect(observation.windowSeconds).toBe(0);
  });

  test('are marked incomplete when Flink has fetched nothing new, or says so', () => {
    const same = sourceOf({ recordsIn: 100, idleMs: 5_000 });
    expect(twice(jobReading([same]), jobReading([same])).observation.vertices[0]).toMatchObject({ incomplete: true, recordsIn: null });
    const partial = sourceOf({ idleMs: 10_000, complete: false });
    expect(twice(jobReading([sourceOf()]), jobReading([partial])).observation.vertices[0]?.incomplete).toBe(true);
  });

  test('fit the contract whatever Flink counts', () => {
    const count = fc.option(fc.double({ min: 0, max: 1e15, noNaN: true }), { freq: 4 });
    const any = fc.record({
      recordsIn: count,
      recordsOut: count,
      busyMs: count,
      backpressuredMs: count,
      idleMs: count,
      pendingRecords: count,
    });
    fc.assert(
      fc.property(any, any, fc.boolean(), (before, after, complete) => {
        const seen = twice(jobReading([sourceOf(before)]), jobReading([sourceOf({ ...after, complete })]));
        expect(jobObservation.parse(seen.observation)).toEqual(seen.observation);
        for (const value of Object.values(jobFigures(seen).values)) expect(Number.isFinite(value)).toBe(true);
      }),
    );
  });
});

describe('restarts', () => {
  /** TaskManagers that Flink shows at each pass, and how often the job has restarted by then. Ten seconds lie between two. */
  const after = (...passes: readonly (readonly [string, number | null])[]) => {
    let seen: Observed | undefined;
    for (const [pass, [ids, restarts]] of passes.entries())
      seen = observe(
        jobReading([sourceOf()], { restarts }),
        seen?.counters,
        pass * 10,
        clusterReading({ taskManagerIds: ids === '' ? [] : ids.split(' ') }),
      );
    const { restarts, restartsOfHosts, taskManagersAway } = (seen as Observed).observation;
    return { restarts, restartsOfHosts, taskManagersAway };
  };
  const times = <T>(count: number, what: T): readonly T[] => Array.from({ length: count }, () => what);

  test.each([
    [
      'that come while all TaskManagers are there are the job’s own',
      [
        ['a b', 0],
        ['a b', 4],
      ],
      4,
      0,
      0,
    ],
    ['before the first pass are the job’s own', [['a b', 4]], 4, 0, 0],
    [
      'while a TaskManager is away are nobody’s yet',
      [
        ['a b', 0],
        ['a', 2],
      ],
      2,
      0,
      1,
    ],
    ['of a TaskManager that comes back are the job’s own', [['a b', 0], ['a', 2], ['a b', 3], ...times(14, ['a b', 3] as const)], 3, 0, 0],
    ['of one that does not come back are those of its host', [['a b', 0], ...times(13, ['a', 2] as const)], 2, 2, 0],
    ['also where another host came in its place', [['a b', 0], ['a', 1], ...times(13, ['a c', 2] as const)], 2, 2, 0],
    ['of two that leave one after the other are counted once', [['a b c', 0], ['a b', 1], ...times(20, ['a', 2] as const)], 2, 2, 0],
    ['after the host has left are the job’s own again', [['a b', 0], ...times(13, ['a', 2] as const), ['a', 6]], 6, 2, 0],
    ['that a new JobManager counts anew are of no host that left before', [['a b', 0], ...times(13, ['a', 2] as const), ['a', 1]], 1, 0, 0],
    ['that are not told change nothing', [['a b', 1], ['a', null], ...times(13, ['a', 2] as const)], 2, 0, 0],
  ] as const)('%s', (_, passes, restarts, restartsOfHosts, taskManagersAway) => {
    expect(after(...passes)).toEqual({ restarts, restartsOfHosts, taskManagersAway });
  });
});

describe('the watermark lag', () => {
  const mark = (seconds: number) => Date.parse(later(-seconds));
  const lagOf = (source: Partial<VertexReading>, sink: Partial<VertexReading>) => {
    const vertices = [sourceOf({ idleMs: 10_000, ...source }), sinkOf({ idleMs: 10_000, ...sink })];
    return twice(jobReading([sourceOf(), sinkOf()]), jobReading(vertices)).observation.watermarkLagSeconds;
  };

  test('is that of the slowest vertex', () => {
    expect(lagOf({ recordsIn: 5, outputWatermark: mark(1) }, { inputWatermark: mark(30) })).toBe(40);
  });
  test('is none while no source reads and nothing waits', () => {
    expect(lagOf({ recordsIn: 0, pendingRecords: 0, outputWatermark: mark(1_000) }, { inputWatermark: mark(1_000) })).toBeUndefined();
  });
  test('counts when a source reads nothing although records wait', () => {
    expect(lagOf({ recordsIn: 0, pendingRecords: 7, outputWatermark: mark(1_000) }, { inputWatermark: mark(1_000) })).toBe(1_010);
  });
  test('leaves out what an idle source holds back', () => {
    const busy = vertexReading('other', { recordsIn: 9, idleMs: 10_000, outputWatermark: mark(2) });
    const idle = sourceOf({ idleMs: 10_000, pendingRecords: 0, outputWatermark: mark(5_000) });
    const inputs = ['source', 'other'].map((vertex) => ({ vertex, ship: 'hash' as const }));
    const sink = sinkOf({ inputs, idleMs: 10_000, inputWatermark: mark(5_000) });
    const first = jobReading([sourceOf({ pendingRecords: 0 }), vertexReading('other'), sinkOf({ inputs })]);
    expect(twice(first, jobReading([idle, busy, sink])).observation.watermarkLagSeconds).toBe(12);
  });
  test('is none without watermarks', () => {
    expect(lagOf({ recordsIn: 5 }, {})).toBeUndefined();
  });
});

describe('what is kept for the next pass', () => {
  test('is the highest input rate of ten minutes', () => {
    let seen = observe(jobReading([sourceOf()]));
    for (const [seconds, recordsIn] of [
      [10, 100],
      [20, 400],
      [30, 450],
    ] as const)
      seen = observe(jobReading([sourceOf({ recordsIn, idleMs: seconds * 1_000 })]), seen.counters, seconds);
    expect(seen.counters.peak).toEqual({ from: NOW, recordsPerSecond: 30 });
    seen = observe(jobReading([sourceOf({ recordsIn: 460, idleMs: 40_000 })]), { ...seen.counters, at: later(590) }, 600);
    expect(seen.counters.peak).toEqual({ from: later(600), recordsPerSecond: 1 });
  });

  test('is the heap of the last passes, the lowest of which is about what a collection leaves', () => {
    let seen: Observed | undefined;
    for (const [pass, heapUsed] of [0.5, 0.8, 0.3, 0.6].entries()) {
      seen = observe(jobReading([sourceOf()]), seen?.counters, pass * 10, clusterReading({ heapUsed }));
      expect(seen.observation.taskManagers.heapAfterGcShare).toBe(pass < 2 ? null : 0.3);
    }
  });
});

describe('what is published', () => {
  const before = jobReading([sourceOf({ pendingRecords: 0 }), sinkOf()]);
  const after = jobReading(
    [
      sourceOf({ recordsIn: 1_000, busyMs: 2_000, backpressuredMs: 5_000, idleMs: 3_000, pendingRecords: 4_000 }),
      sinkOf({ recordsIn: 1_000, busyMs: 8_000, idleMs: 2_000, busy: { mean: 0.5, worst: 0.6 } }),
    ],
    { checkpoints: { failures: 3, consecutiveFailures: 1, latest: { completedAt: later(4), durationMs: 250, sizeBytes: 9_000 } } },
  );

  test('is what was seen, by the names of the contract', () => {
    expect(jobFigures(twice(before, after))).toEqual({
      dimensions: { Cluster: 'flights', Job: 'delays' },
      at: later(10),
      values: {
        LagRecords: 4_000,
        LagSeconds: 40,
        InputRate: 100,
        // The sink is busy for 0.96 of its worst subtask's time, and the source, which lags, reads what it can: 100 / (1 - 0.5) = 200.
        ProcessingRate: expect.closeTo(100 / 0.96, 5),
        Busy: 0.8,
        BusyWorst: expect.closeTo(0.96, 5),
        Backpressure: 0.5,
        Idle: 0.2,
        CheckpointAgeSeconds: 6,
        CheckpointDurationSeconds: 0.25,
        CheckpointSizeBytes: 9_000,
        CheckpointFailures: 3,
        Restarts: 0,
      },
    });
  });

  test('of a job that restarts is what does not come from its vertices', () => {
    const values = jobFigures(twice(before, { ...after, state: 'RESTARTING' })).values;
    expect(Object.keys(values).sort()).toEqual(
      ['CheckpointAgeSeconds', 'CheckpointDurationSeconds', 'CheckpointFailures', 'CheckpointSizeBytes', 'Restarts'].sort(),
    );
    expect(vertexFigures(twice(before, { ...after, state: 'RESTARTING' }))).toEqual([]);
  });

  describe('of a job with a vertex of which nothing is known', () => {
    /** A source that is busy for 0.9 of its time and backpressured for the rest, and a sink for 0.1. */
    const busy = sourceOf({ recordsIn: 1_000, busyMs: 9_000, backpressuredMs: 1_000, pendingRecords: 0 });
    const calm = sinkOf({ recordsIn: 1_000, busyMs: 1_000, idleMs: 9_000 });
    const figures = (source: VertexReading, sink: VertexReading, levels?: Levels, first: JobReading = before) =>
      jobFigures(twice(first, jobReading([source, sink])), levels).values;
    const SHARES = ['Busy', 'BusyWorst', 'Backpressure', 'Idle'];
    const sharesIn = (values: object): readonly string[] => SHARES.filter((name) => name in values);

    test.each<[string, VertexReading, JobReading]>([
      ['because Flink says so', { ...busy, complete: false }, before],
      ['because Flink has fetched nothing new of it', sourceOf({ pendingRecords: 0 }), before],
      ['because it began anew', busy, jobReading([sourceOf({ idleMs: 60_000, busyMs: 60_000 }), sinkOf()])],
    ])('%s are no shares of time, which that vertex may be above or below', (_, source, first) => {
      const values = figures(source, calm, undefined, first);
      expect(sharesIn(values)).toEqual([]);
      expect(values).not.toHaveProperty('ProcessingRate');
    });

    test('are those of the others that are over a level, for that is so whatever the one does', () => {
      const levels = { uMax: 0.8, serviceLevels: { maxLagSeconds: 60, maxBackpressure: 0.05 } };
      const unknown = { ...calm, complete: false };
      expect(figures(busy, unknown, levels)).toMatchObject({ BusyWorst: 0.9, Backpressure: 0.1, InputRate: 100, LagSeconds: 0 });
      expect(sharesIn(figures(busy, unknown, levels))).toEqual(['BusyWorst', 'Backpressure']);
      expect(sharesIn(figures(busy, unknown, { uMax: 0.9, serviceLevels: { maxLagSeconds: 60, maxBackpressure: 0.1 } }))).toEqual([]);
    });

    test('are those of all others where it has finished, or never measures its time', () => {
      const finished = sourceOf({ recordsIn: 1_000, busyMs: 9_000, pendingRecords: 0, finished: true });
      expect(figures(finished, calm, undefined, jobReading([finished, sinkOf()]))).toMatchObject({ Busy: 0.1, Idle: 0.9, Backpressure: 0 });
      const unmeasured = sourceOf({ busyMs: null, backpressuredMs: null, idleMs: null, recordsIn: 1_000 });
      expect(figures(unmeasured, calm, undefined, jobReading([{ ...unmeasured, recordsIn: 0 }, sinkOf()]))).toMatchObject({
        Busy: 0.1,
        BusyWorst: 0.1,
      });
    });
  });

  test('of a job of which one source has finished are those of what still runs', () => {
    const ended = vertexReading('bounded', { recordsIn: 5_000, busyMs: 9_000, pendingRecords: 0, finished: true });
    const read = { recordsIn: 1_000, busyMs: 5_000, idleMs: 5_000, pendingRecords: 300 };
    const reading = (change: Partial<VertexReading>) => jobReading([ended, sourceOf(change)]);
    const { values } = jobFigures(twice(reading({ pendingRecords: 0 }), reading(read)));
    expect(values).toMatchObject({ InputRate: 100, ProcessingRate: 200, LagRecords: 300, LagSeconds: 3 });
  });

  test('of a source that reads nothing of what waits is a lag of a week, because CloudWatch takes no infinity', () => {
    const stuck = jobReading([sourceOf({ idleMs: 10_000, pendingRecords: 10 })]);
    expect(jobFigures(twice(before, stuck)).values.LagSeconds).toBe(604_800);
  });

  test('of vertices has names that CloudWatch takes', () => {
    const odd = sourceOf({ name: `Source: «Bestellungen»\n${'x'.repeat(400)}`, id: 'ab'.repeat(16) });
    const [line] = vertexFigures(twice(jobReading([odd]), jobReading([{ ...odd, idleMs: 10_000 }])));
    expect(line?.dimensions.Vertex).toMatch(/^Source: Bestellungen x+ abababab$/);
    expect(line?.dimensions.Vertex?.length).toBeLessThan(255);
  });

  test('of a cluster that does not answer is that, and nothing else', () => {
    expect(clusterFigures('flights', undefined, null, NOW).values).toEqual({ JobManagerUp: 0 });
    expect(clusterFigures('flights', clusterReading({ cpuLoad: null }), 0.3, NOW).values).toEqual({
      JobManagerUp: 1,
      SlotsFree: 2,
      SlotsTotal: 4,
      TaskManagers: 1,
      HeapAfterGc: 0.3,
      GcShare: 0.01,
    });
  });

  test('of a cluster without a job are those that tell whether it is there', () => {
    expect(Object.keys(clusterFigures('flights', clusterReading(), 0.3, NOW, true).values).sort()).toEqual([
      'JobManagerUp',
      'SlotsFree',
      'SlotsTotal',
      'TaskManagers',
    ]);
  });
});

test.each([
  ['one TaskManager on a host tells the load of all of it', 0.6, 0.4, 1, 0.6],
  ['two of them tell half each', 0.45, 0.4, 2, 0.8],
  ['together they have no more than all of it', 0.6, 0.55, 2, 1],
  ['the worst is told where it alone is more than the mean host', 0.7, 0.2, 2, 0.7],
  ['what is not known stays unknown', 0.7, null, 2, 0.7],
])('load of a host: %s', (_, cpuLoad, cpuMean, taskManagersPerHost, load) => {
  expect(withHostLoad(clusterReading({ cpuLoad, cpuMean }), taskManagersPerHost).cpuLoad).toBeCloseTo(load);
});
