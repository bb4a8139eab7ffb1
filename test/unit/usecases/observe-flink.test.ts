import type { Cluster } from '../../../lambdas/contracts/cluster';
import { FlinkUnavailable } from '../../../lambdas/contracts/errors';
import type { Job } from '../../../lambdas/contracts/job';
import type { MetricLine } from '../../../lambdas/contracts/metrics';
import { createMetrics } from '../../../lambdas/gateways/aws/metrics.adapter';
import type { JobReading, VertexReading } from '../../../lambdas/gateways/flink/metrics.port';
import { listObservedClusters } from '../../../lambdas/usecases/scaling/list-observed-clusters';
import { observeFlink } from '../../../lambdas/usecases/scaling/observe-flink';
import { aCluster, aJob, aLease, at, newOperationId } from '../../contract/support/samples';
import { FakeFlink, fakeConnector } from '../../fakes/fake-flink';
import { FakeFlinkMetrics, jobReading, vertexReading } from '../../fakes/fake-flink-metrics';
import { createFakeObservations } from '../../fakes/fake-observations';
import { createFakeStore } from '../../fakes/fake-store';
import { past } from '../domain/scaling/examples';

const ADDRESS = '127.64.0.5';
const SCALES: Job['spec']['scaling'] = { enabled: true, priority: 0 };

const aWorld = (changes: { readonly job?: Partial<Job>; readonly cluster?: Partial<Cluster>; readonly perVertex?: boolean } = {}) => {
  let seconds = 0;
  const clock = () => new Date(at(seconds));
  const store = createFakeStore(clock);
  const observations = createFakeObservations(clock);
  const [flink, figures] = [new FakeFlink(), new FakeFlinkMetrics()];
  const published: MetricLine[] = [];
  const deps = {
    clock,
    store,
    observations,
    flink: fakeConnector(new Map([[ADDRESS, flink]])),
    flinkMetrics: () => figures,
    metrics: { publish: (lines: readonly MetricLine[]) => void published.push(...lines) },
    stage: { observation: { intervalSeconds: 10 as const, perVertex: changes.perVertex ?? false } },
  };
  const job = aJob({ statusReason: '2 of 2 tasks run', ...changes.job });
  store.seed({
    clusters: [aCluster({ resources: { taskManagerGroups: [], launchTemplateIds: [], jobManagerAddress: ADDRESS }, ...changes.cluster })],
    jobs: [job],
  });
  return {
    deps,
    store,
    observations,
    flink,
    figures,
    published,
    of: (name: string) => published.filter(({ dimensions }) => dimensions.Job === name && !dimensions.Vertex).map(({ values }) => values),
    stored: () => store.job('flights', 'delays'),
    /** What the source and the sink behind it have counted by then. */
    reads: (change: Partial<VertexReading> = {}, id = job.flinkJobId) =>
      figures.jobs.set(
        id,
        jobReading([
          vertexReading('source', { pendingRecords: 0, idleMs: seconds * 1_000, recordsIn: seconds * 100, ...change }),
          vertexReading('sink', { inputs: [{ vertex: 'source', ship: 'hash' }], idleMs: seconds * 1_000, recordsIn: seconds * 100 }),
        ]),
      ),
    at: (next: number) => {
      seconds = next;
    },
    pass: () => observeFlink(deps, 'flights'),
  };
};

describe('a pass over a cluster', () => {
  test('stores what it saw, publishes it, and the next one knows the rates', async () => {
    const world = aWorld({ perVertex: true });
    world.reads();
    expect(await world.pass()).toEqual({
      cluster: 'flights',
      consider: [],
      considerFailover: false,
      idle: false,
      reason: '1 jobs observed',
    });
    world.at(10);
    world.reads();
    await world.pass();
    expect((await world.observations.latest('flights', 'delays'))?.observation.vertices[0]).toMatchObject({ recordsIn: 100 });
    expect(world.of('delays').at(-1)).toMatchObject({ InputRate: 100, LagRecords: 0 });
    expect(world.published.filter(({ dimensions }) => dimensions.Vertex)).not.toHaveLength(0);
    expect(world.published.filter(({ dimensions }) => !dimensions.Job).map(({ values }) => values.JobManagerUp)).toEqual([1, 1]);
  });

  test('of a cluster whose jobs are over says that it is idle, and publishes what tells whether it is there', async () => {
    const world = aWorld({ job: { status: 'STOPPED' } });
    expect(await world.pass()).toMatchObject({ idle: true, reason: '0 jobs observed' });
    expect(world.published.map(({ values }) => Object.keys(values).sort())).toEqual([
      ['JobManagerUp', 'SlotsFree', 'SlotsTotal', 'TaskManagers'],
    ]);
    expect(await aWorld({ job: { status: 'SUBMITTING' } }).pass()).toMatchObject({ idle: false });
  });

  test('says that a JobManager does not answer, and nothing else', async () => {
    const world = aWorld();
    world.figures.reachable = false;
    expect(await world.pass()).toMatchObject({ consider: [], reason: 'The JobManager did not answer' });
    expect(world.published).toEqual([{ dimensions: { Cluster: 'flights' }, at: at(0), values: { JobManagerUp: 0 } }]);
    expect(await world.stored()).toMatchObject({ status: 'RUNNING' });
  });

  test.each([
    ['does not answer', 'jobmanager-unreachable'],
    ['has no TaskManager', 'members-lost'],
  ])('keeps since when a JobManager %s, and has its hosts looked at once that lasts', async (_, kind) => {
    const world = aWorld();
    const [reachable, taskManagers] = kind === 'members-lost' ? [true, 0] : [false, 1];
    Object.assign(world.figures, { reachable, seen: { ...world.figures.seen, taskManagers } });
    const fault = async () => (await world.store.cluster('flights'))?.fault;
    expect(await world.pass()).toMatchObject({ considerFailover: false });
    for (const second of [30, 60]) {
      world.at(second);
      expect(await world.pass()).toMatchObject({ considerFailover: second === 60 });
    }
    expect(await fault()).toMatchObject({ kind, since: at(0), seenAt: at(60) });
    Object.assign(world.figures, { reachable: true, seen: { ...world.figures.seen, taskManagers: 1 } });
    world.at(70);
    expect(await world.pass()).toMatchObject({ considerFailover: false });
    expect(await fault()).toBeUndefined();
  });

  test('tells a JobManager that recovers its jobs from one that is silent', async () => {
    const world = aWorld();
    const fault = async () => (await world.store.cluster('flights'))?.fault;
    world.figures.recovering = true;
    expect((await world.pass()).reason).toBe('The JobManager is not well: GET /overview: answered 503');
    expect(await fault()).toMatchObject({ kind: 'jobmanager-unreachable' });
    expect(await fault()).not.toHaveProperty('silentSince');
    Object.assign(world.figures, { recovering: false, reachable: false });
    await world.pass();
    expect(await fault()).toHaveProperty('silentSince');
  });

  test('of a cluster that does not run, or is to be terminated, looks at nothing', async () => {
    for (const cluster of [{ status: 'LAUNCHING' }, { desired: 'TERMINATED' }] as const) {
      const world = aWorld({ cluster });
      expect((await world.pass()).consider).toEqual([]);
      expect(world.published).toEqual([]);
    }
  });

  test('that fails for one job observes the others', async () => {
    const world = aWorld();
    const other = aJob({ name: 'arrivals', flinkJobId: 'd'.repeat(32), statusReason: '2 of 2 tasks run' });
    world.store.seed({ jobs: [other] });
    world.figures.jobs.set(aJob().flinkJobId, new FlinkUnavailable('GET /jobs: no answer within 5000 ms'));
    world.reads({}, other.flinkJobId);
    expect((await world.pass()).reason).toBe('1 jobs observed; not observed: delays: GET /jobs: no answer within 5000 ms');
    expect(world.of('arrivals')).toHaveLength(1);
    expect(world.of('delays')).toEqual([]);
  });

  test('that overlaps with another stores and publishes once', async () => {
    const world = aWorld();
    world.reads();
    await Promise.all([world.pass(), world.pass(), world.pass()]);
    expect(world.of('delays')).toHaveLength(1);
  });

  test('that comes right after another, as of two executions that overlap, is left out: the next one compares over a whole interval', async () => {
    const world = aWorld();
    for (const [seconds, pendingRecords] of [
      [0, 0],
      [10, 0],
      [10.5, 400],
      [20, 500],
    ] as const) {
      world.at(seconds);
      world.reads({ pendingRecords });
      await world.pass();
      const latest = await world.observations.latest('flights', 'delays');
      if (seconds === 10.5)
        expect(latest).toMatchObject({ observedAt: at(10), observation: { vertices: [{ pendingRecordsGrowth: 0 }, {}] } });
    }
    const latest = await world.observations.latest('flights', 'delays');
    expect(latest).toMatchObject({ observedAt: at(20), observation: { windowSeconds: 10, vertices: [{ pendingRecordsGrowth: 50 }, {}] } });
    expect(world.of('delays')).toHaveLength(3);
  });

  test('does not compare with what an earlier start of the job counted', async () => {
    const world = aWorld();
    world.reads();
    await world.pass();
    world.store.seed({ jobs: [aJob({ epoch: 2, flinkJobId: 'e'.repeat(32) })] });
    world.at(10);
    world.reads({}, 'e'.repeat(32));
    await world.pass();
    const latest = await world.observations.latest('flights', 'delays');
    expect(latest).toMatchObject({ jobEpoch: 2, observation: { vertices: [{ recordsIn: null }, {}] } });
  });
});

describe('the status of a job', () => {
  const started = async (world: ReturnType<typeof aWorld>) => {
    world.flink.looks = 1;
    const jarId = await world.flink.uploadJar('job.jar', (await import('node:stream')).Readable.from([Buffer.from('x')]), 1);
    await world.flink.runJar({
      jarId,
      flinkJobId: aJob().flinkJobId,
      jobName: 'delays',
      arguments: [],
      parallelism: 2,
      allowNonRestoredState: false,
      flinkConfiguration: {},
    });
    await world.flink.job(aJob().flinkJobId);
  };

  test('follows what Flink shows', async () => {
    const world = aWorld();
    await started(world);
    world.flink.breakJob(aJob().flinkJobId, 'RESTARTING', 'a TaskManager is gone');
    world.figures.jobs.set(aJob().flinkJobId, jobReading([], { state: 'RESTARTING' }));
    await world.pass();
    expect(await world.stored()).toMatchObject({ status: 'RUNNING', statusReason: 'RESTARTING: a TaskManager is gone' });
    world.flink.breakJob(aJob().flinkJobId, 'FAILED', 'NullPointerException');
    world.figures.jobs.set(aJob().flinkJobId, jobReading([], { state: 'FAILED' }));
    world.at(10);
    await world.pass();
    expect(await world.stored()).toMatchObject({ status: 'FAILED', statusReason: 'NullPointerException' });
  });

  test('is left alone while an operation holds the job', async () => {
    const world = aWorld({ job: { lease: aLease(newOperationId(), 0, 600) } });
    await started(world);
    world.flink.breakJob(aJob().flinkJobId, 'FAILED', 'NullPointerException');
    world.figures.jobs.set(aJob().flinkJobId, jobReading([], { state: 'FAILED' }));
    await world.pass();
    expect(await world.stored()).toMatchObject({ status: 'RUNNING' });
  });

  test('is not that of an ended one until a JobManager that came back has had a minute to recover the job', async () => {
    const world = aWorld();
    world.reads();
    await world.pass();
    world.figures.jobs.clear();
    world.at(30);
    await world.pass();
    expect(await world.stored()).toMatchObject({ status: 'RUNNING' });
    world.at(70);
    await world.pass();
    expect(await world.stored()).toMatchObject({ status: 'FAILED' });
  });
});

describe('a job that is stored as failed', () => {
  const pass = async (change: Partial<Job>, state: 'RUNNING' | 'FAILED') => {
    const world = aWorld({ job: { status: 'FAILED', statusReason: 'Flink does not know the job', ...change } });
    const { flinkJobId } = aJob();
    const jarId = await world.flink.uploadJar('job.jar', (await import('node:stream')).Readable.from([Buffer.from('x')]), 1);
    const request = { flinkJobId, jobName: 'delays', arguments: [], parallelism: 2, allowNonRestoredState: false, flinkConfiguration: {} };
    await world.flink.runJar({ jarId, ...request });
    await world.flink.job(flinkJobId);
    if (state === 'FAILED') world.flink.breakJob(flinkJobId, 'FAILED', 'NullPointerException');
    world.figures.jobs.set(flinkJobId, jobReading([], { state }));
    await world.pass();
    return (await world.stored())?.status;
  };

  test('runs, where its JobManager shows it running after all; one that ended, or is to be stopped, stays as it is', async () => {
    expect(await pass({}, 'RUNNING')).toBe('RUNNING');
    expect(await pass({}, 'FAILED')).toBe('FAILED');
    expect(await pass({ desired: 'STOPPED' }, 'RUNNING')).toBe('FAILED');
    expect(await pass({ lease: aLease(newOperationId(), 0, 600) }, 'RUNNING')).toBe('FAILED');
  });
});

describe('what follows from a pass', () => {
  /** Work that piles up at a source which is busy all the time. */
  const late = (seconds: number): Partial<VertexReading> => ({
    idleMs: 0,
    busyMs: seconds * 1_000,
    recordsIn: seconds * 100,
    pendingRecords: 20_000 + seconds * 500,
    busy: { mean: 1, worst: 1 },
  });
  const passes = async (world: ReturnType<typeof aWorld>) => {
    for (const seconds of [0, 10]) {
      world.at(seconds);
      world.reads(late(seconds));
      await world.pass();
    }
    world.at(20);
    world.reads(late(20));
    return world.pass();
  };

  test('is a decision where a service level is not kept', async () => {
    const world = aWorld({ job: { spec: { ...aJob().spec, scaling: SCALES } } });
    const { consider } = await passes(world);
    expect(consider).toEqual([
      {
        cluster: 'flights',
        job: 'delays',
        trigger: expect.stringMatching(/^service level: the lag of source is over its level of 60 s and grows$/),
      },
    ]);
    expect((await world.observations.latest('flights', 'delays'))?.decision).toMatchObject({ kind: 'rescale', direction: 'out' });
  });

  test.each([
    ['a job without settings for scaling', undefined],
    ['a job that does not scale by itself', { enabled: false, priority: 0 }],
  ])('is nothing for %s', async (_, scaling) => {
    const spec = { ...aJob().spec, ...(scaling === undefined ? {} : { scaling }) };
    expect((await passes(aWorld({ job: { spec } }))).consider).toEqual([]);
  });

  test.each([
    ['rings', 'ALARM', ['alarm kafka-lag-1']],
    ['is over', 'OK', []],
  ] as const)(
    'of a lag that only MSK knows is left to who can read it, as long as the alarm on it rings: it %s',
    async (_, state, triggers) => {
      const alarms = { 'kafka-lag-1': { state, since: at(0), reason: '' } };
      const world = aWorld({ job: { spec: { ...aJob().spec, scaling: SCALES }, alarms } });
      for (const seconds of [10, 20]) {
        world.at(seconds);
        world.reads();
        const { pendingRecords: _waiting, ...source } = vertexReading('source', { idleMs: seconds * 1_000, recordsIn: seconds * 100 });
        world.figures.jobs.set(aJob().flinkJobId, jobReading([source]));
        expect((await world.pass()).consider.map(({ trigger }) => trigger)).toEqual(triggers);
      }
    },
  );

  test.each([
    ['a job that has alarms', SCALES, 1],
    ['one that has none', undefined, undefined],
  ])('while a vertex is silent is the load of the others where it is over the level of %s', async (_, scaling, busiest) => {
    const spec = { ...aJob().spec, ...(scaling === undefined ? {} : { scaling }) };
    const world = aWorld({ job: { spec } });
    for (const seconds of [0, 10]) {
      world.at(seconds);
      world.reads(late(seconds));
      const { vertices } = world.figures.jobs.get(aJob().flinkJobId) as JobReading;
      world.figures.jobs.set(aJob().flinkJobId, jobReading(vertices.map((one) => (one.id === 'sink' ? { ...one, complete: false } : one))));
      await world.pass();
    }
    expect(world.of('delays').at(-1)?.BusyWorst).toBe(busiest);
    expect(world.of('delays').at(-1)).not.toHaveProperty('Busy');
  });

  test('is nothing while an operation changes the job', async () => {
    const spec = { ...aJob().spec, scaling: SCALES };
    expect((await passes(aWorld({ job: { spec, lease: aLease(newOperationId(), 0, 600) } }))).consider).toEqual([]);
  });

  test('is no way back from a good rescale when hosts leave it, and is one when the job itself keeps restarting', async () => {
    const world = aWorld({ job: { spec: { ...aJob().spec, scaling: SCALES } } });
    const rescale = past({ at: at(0), runningAt: at(5), from: { source: 2, sink: 1 }, to: { source: 1, sink: 1 } });
    await world.observations.appendRescale('flights', 'delays', rescale);
    const pass = async (seconds: number, taskManagerIds: readonly string[], restarts: number) => {
      world.at(seconds);
      world.reads();
      world.figures.seen = { ...world.figures.seen, taskManagerIds };
      world.figures.jobs.set(aJob().flinkJobId, { ...(world.figures.jobs.get(aJob().flinkJobId) as JobReading), restarts });
      const { consider } = await world.pass();
      return consider.map(({ trigger }) => trigger);
    };
    const asked: string[] = [];
    // Three hosts leave one after the other, each with a restart, and new ones come in their place.
    for (let seconds = 0; seconds < 900; seconds += 10) {
      const gone = Math.min(3, Math.floor(seconds / 200));
      asked.push(...(await pass(seconds, ['a', 'b', 'c', 'd', 'e', 'f'].slice(gone, gone + 3), gone)));
    }
    expect(asked).toEqual([]);
    expect(await pass(910, ['d', 'e', 'f'], 6)).toEqual(['roll-back']);
  });

  test('is the measured effect of the last rescale, once it has run for two minutes', async () => {
    const world = aWorld({ job: { spec: { ...aJob().spec, scaling: SCALES } } });
    const rescale = past({ at: at(0), runningAt: at(5), from: { source: 2, sink: 1 }, to: { source: 1, sink: 1 } });
    await world.observations.appendRescale('flights', 'delays', rescale);
    for (const seconds of [100, 110, 130, 140]) {
      world.at(seconds);
      world.reads({ busyMs: seconds * 500, idleMs: seconds * 500, recordsIn: seconds * 100 });
      await world.pass();
      const [seen] = await world.observations.history('flights', 'delays');
      expect([seconds, seen?.measured?.rates.source ?? null]).toEqual([seconds, seconds === 140 ? 200 : null]);
    }
  });

  test('is a load of every ten minutes, from which the forecast is made', async () => {
    const world = aWorld({ job: { spec: { ...aJob().spec, scaling: SCALES } } });
    for (const day of [1, 2])
      for (let slot = 0; slot < 144; slot += 1)
        await world.observations.recordLoad('flights', 'delays', { from: at(slot * 600 - day * 86_400), recordsPerSecond: 50 });
    for (const seconds of [0, 10, 300, 599, 605]) {
      world.at(seconds);
      world.reads();
      await world.pass();
    }
    expect((await world.observations.load('flights', 'delays', 0))[0]).toEqual({ from: at(0), recordsPerSecond: 100 });
    const { forecast } = (await world.observations.latest('flights', 'delays')) ?? { forecast: [] };
    expect(forecast).toHaveLength(144);
    world.at(615);
    world.reads();
    world.observations.failNext('load', new Error('is not read again before ten minutes are over'));
    await world.pass();
    expect((await world.observations.latest('flights', 'delays'))?.forecast).toEqual(forecast);
  });
});

test('Clusters that run are observed at the interval of their spec, or else of the stage, as often as that fits into a minute', async () => {
  const world = aWorld();
  const spec = { ...aCluster().spec, observation: { intervalSeconds: 30 as const } };
  world.store.seed({ clusters: [aCluster({ name: 'slow', spec }), aCluster({ name: 'gone', status: 'TERMINATED' })] });
  expect(await listObservedClusters(world.deps)).toEqual({
    groups: [
      {
        afterSeconds: 0,
        clusters: [
          { cluster: 'flights', everySeconds: 10, passes: 6 },
          { cluster: 'slow', everySeconds: 30, passes: 2 },
        ],
      },
    ],
  });
});

test('Figures leave as one line each in the embedded metric format, by the second when they come more often than every minute', () => {
  const lines: string[] = [];
  const metrics = createMetrics({ stage: 'dev', write: (line) => lines.push(line) });
  const line: MetricLine = { dimensions: { Cluster: 'flights', Job: 'delays' }, at: at(0), values: { LagSeconds: 3, Busy: 0.5 } };
  metrics.publish([line, { ...line, values: {} }], 10);
  metrics.publish([line], 60);
  expect(lines.map((text) => JSON.parse(text))).toEqual(
    [{ StorageResolution: 1 }, {}].map((resolution) => ({
      _aws: {
        Timestamp: Date.parse(at(0)),
        CloudWatchMetrics: [
          {
            Namespace: 'Sluice',
            Dimensions: [['Stage', 'Cluster', 'Job']],
            Metrics: [
              { Name: 'LagSeconds', Unit: 'Seconds', ...resolution },
              { Name: 'Busy', Unit: 'None', ...resolution },
            ],
          },
        ],
      },
      Stage: 'dev',
      Cluster: 'flights',
      Job: 'delays',
      LagSeconds: 3,
      Busy: 0.5,
    })),
  );
});
