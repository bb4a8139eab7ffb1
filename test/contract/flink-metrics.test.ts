import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Admin, ListOffsetTimestamps } from '@platformatic/kafka';
import { FlinkUnavailable } from '../../lambdas/contracts/errors';
import type { JobCounters } from '../../lambdas/contracts/observation';
import { jobFigures } from '../../lambdas/domain/observation/figures';
import { type Observed, observeReading } from '../../lambdas/domain/observation/observe';
import { connectFlink } from '../../lambdas/gateways/flink/flink.adapter';
import type { FlinkPort } from '../../lambdas/gateways/flink/flink.port';
import { connectFlinkMetrics } from '../../lambdas/gateways/flink/metrics.adapter';
import type { FlinkMetricsPort } from '../../lambdas/gateways/flink/metrics.port';
import type { Session } from '../../local/flink/session';
import { install } from '../../local/install/install';
import type { Component } from '../../local/twin/component';
import { makeTopics, startKafka } from '../../local/twin/kafka';
import { readSettings } from '../../local/twin/settings';
import { eventually } from './support/eventually';
import { startFlink } from './support/flink';
import { allRun, newJobId } from './support/flink-suite';

jest.setTimeout(180_000);
/** The first time, Flink and Kafka are downloaded. */
const INSTALL_MS = 900_000;

const state = resolve('local/.state/test/flink-metrics');
const settings = { ...readSettings(), stateDir: state, logDir: join(state, 'log'), kafkaPort: 4695, kafkaControllerPort: 4696 };
const KAFKA = `'connector' = 'kafka', 'topic' = 'numbers', 'properties.bootstrap.servers' = '127.0.0.1:${settings.kafkaPort}', 'format' = 'json'`;
const GENERATE = `CREATE TABLE made (n BIGINT, k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000', 'fields.k.min' = '0', 'fields.k.max' = '20');
CREATE TABLE numbers (n BIGINT, k INT) WITH (${KAFKA});
INSERT INTO numbers SELECT n, k FROM made;`;
const WINDOWS = `CREATE TABLE numbers (n BIGINT, k INT, ts TIMESTAMP(3) METADATA FROM 'timestamp', WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH (${KAFKA}, 'scan.startup.mode' = 'earliest-offset', 'properties.group.id' = 'windows');
CREATE TABLE nowhere (k INT, t TIMESTAMP(3), c BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT k, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY k, window_start, window_end;`;
/**
 * The text work is behind the exchange, so that the source has to wait for it. It takes about as long as its text's length squared: some 0.3 ms a
 * record, for the source sends thousands in one buffer, and some have to go in every pass.
 */
const SLOW = `CREATE TABLE made (n BIGINT, k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '200000', 'fields.k.min' = '0', 'fields.k.max' = '200');
CREATE TABLE nowhere (k INT, t STRING) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT k, REGEXP_REPLACE(REPEAT(CAST(c AS STRING), 100), '[0-9]+9', 'x') FROM (SELECT k, COUNT(*) AS c FROM made GROUP BY k);`;

/** One source comes to its end, and the other does not. */
const FINISHES = `CREATE TABLE few (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '10');
CREATE TABLE made (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');
CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT n FROM few UNION ALL SELECT n FROM made;`;

/** The text work is chained to the source, which so reads slower than there is to read. */
const SLOW_READER = `CREATE TABLE numbers (n BIGINT, k INT) WITH (${KAFKA}, 'scan.startup.mode' = 'earliest-offset', 'properties.group.id' = 'slow');
CREATE TABLE nowhere (k INT, t STRING) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT k, REGEXP_REPLACE(REPEAT(CAST(n AS STRING), 40), '[0-9]+x', 'x') FROM numbers;`;

/** Flink's answers as those of a connector that has no `pendingRecords`: only the list of names is another. */
const withoutPending = async <T>(run: () => Promise<T>): Promise<T> => {
  const original = globalThis.fetch;
  globalThis.fetch = (async (...args: Parameters<typeof fetch>) => {
    const answer = await original(...args);
    if (!/\/subtasks\/metrics$/.test(String(args[0]))) return answer;
    const names = (await answer.json()) as { readonly id: string }[];
    return Response.json(names.filter(({ id }) => !id.endsWith('.pendingRecords')));
  }) as typeof fetch;
  try {
    return await run();
  } finally {
    globalThis.fetch = original;
  }
};

/** Records that were ever written to the topic: the ends of its partitions, none of which was emptied. */
const written = async (): Promise<number> => {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [`127.0.0.1:${settings.kafkaPort}`], retries: 20, retryDelay: 250 });
  try {
    const partitions = [0, 1, 2].map((partitionIndex) => ({ partitionIndex, timestamp: ListOffsetTimestamps.LATEST }));
    const [topic] = await admin.listOffsets({ topics: [{ name: 'numbers', partitions }] });
    return Number((topic?.partitions ?? []).reduce((sum, { offset }) => sum + offset, 0n));
  } finally {
    await admin.close();
  }
};

describe('What real Flink tells of its jobs', () => {
  let kafka: Component | undefined;
  let real: Session | undefined;
  let flink: FlinkPort;
  let metrics: FlinkMetricsPort;

  const start = async (script: string, parallelism: number): Promise<string> => {
    const flinkJobId = newJobId();
    const flinkConfiguration = { 'restart-strategy.type': 'fixed-delay', 'restart-strategy.fixed-delay.attempts': '1000' };
    await flink.runSql({ flinkJobId, jobName: 'observed', script, parallelism, allowNonRestoredState: false, flinkConfiguration });
    await eventually(() => flink.job(flinkJobId), allRun, 60_000);
    return flinkJobId;
  };

  /** Passes one after the other, as the observer makes them, until one is as wanted. */
  const observedUntil = async (flinkJobId: string, wanted: (seen: Observed) => boolean, pauseMs = 5_000): Promise<Observed> => {
    let previous: JobCounters | undefined;
    let seen: Observed | undefined;
    for (let pass = 0; pass < 16; pass += 1) {
      const cluster = await metrics.cluster();
      const reading = await metrics.job(flinkJobId, previous?.sources ?? {});
      if (reading) {
        seen = observeReading({ cluster: 'flights', job: 'numbers' }, reading, cluster, previous, new Date().toISOString());
        if (wanted(seen)) return seen;
        previous = seen.counters;
      }
      await sleep(pauseMs);
    }
    throw new Error(`not seen in time; last: ${JSON.stringify(seen)}`);
  };
  const known = (seen: Observed): boolean =>
    seen.observation.vertices.every(({ recordsIn, busy }) => recordsIn !== null && busy.mean !== null);

  beforeAll(async () => {
    rmSync(state, { recursive: true, force: true });
    await install();
    const broker = startKafka(settings, (component) => {
      kafka = component;
    });
    real = await startFlink({
      address: '127.71.6.10',
      restPort: 4683,
      directory: join(state, 'flink'),
      taskManagers: 2,
      configuration: { 'metrics.fetcher.update-interval': '3 s' },
    });
    await broker;
    await makeTopics(`127.0.0.1:${settings.kafkaPort}`, [{ name: 'numbers', partitions: 3 }]);
    flink = connectFlink({ port: 4683 })(['127.71.6.10']);
    metrics = connectFlinkMetrics({ port: 4683 })(['127.71.6.10']);
  }, INSTALL_MS);
  // What a failed try leaves would hold the slots of the next.
  afterEach(async () => {
    const jobs = await flink.jobs().catch(() => []);
    for (const { flinkJobId } of jobs) await flink.cancel(flinkJobId);
    if (jobs.length > 0)
      await eventually(
        () => flink.overview(),
        ({ slotsTotal, slotsFree }) => slotsFree === slotsTotal,
      );
  });
  afterAll(async () => {
    await real?.stop();
    await kafka?.stop();
  });

  it('a job that reads Kafka: rates, lag, watermark, partitions, graph, checkpoints and TaskManagers', async () => {
    const generator = await start(GENERATE, 1);
    const reader = await start(WINDOWS, 2);
    // The reader begins with what was made before it: its rate is the generator's when it has caught up.
    const caughtUp = (each: Observed): boolean => Math.abs((each.observation.vertices[0]?.recordsIn ?? 0) - 1_000) < 500;
    const seen = await observedUntil(
      reader,
      (each) =>
        known(each) &&
        caughtUp(each) &&
        each.observation.watermarkLagSeconds !== undefined &&
        each.observation.vertices[0]?.partitions === 3 &&
        each.observation.vertices[0]?.pendingRecordsGrowth !== undefined &&
        each.observation.vertices[0]?.pendingRecordsGrowth !== null &&
        each.observation.taskManagers.heapAfterGcShare !== null &&
        each.observation.taskManagers.cpuLoad !== null &&
        each.skew !== null,
    );
    const { observation, counters } = seen;
    const [source, windows] = observation.vertices;
    expect(observation).toMatchObject({ state: 'RUNNING', incomplete: false, restarts: 0, checkpoints: { consecutiveFailures: 0 } });
    expect(source).toMatchObject({ inputs: [], parallelism: 2, maxParallelism: 128, partitions: 3, incomplete: false });
    expect(windows).toMatchObject({ inputs: [{ vertex: source?.id, ship: 'hash' }], slotSharingGroup: source?.slotSharingGroup });
    expect(source?.pendingRecords).toBeGreaterThanOrEqual(0);
    // At least one and at most 42 groups go from each window of a second to the next vertex.
    expect(windows?.recordsIn).toBeGreaterThan(1);
    expect(windows?.recordsIn).toBeLessThan(100);
    for (const vertex of observation.vertices) {
      const { busy, idle, backpressured } = vertex;
      expect((busy.mean ?? 0) + (idle.mean ?? 0) + (backpressured.mean ?? 0)).toBeCloseTo(1, 5);
      expect(busy.worst).toBeGreaterThanOrEqual(busy.mean ?? 1);
      expect(backpressured.worst).toBeGreaterThanOrEqual(backpressured.mean ?? 1);
      expect(idle.worst).toBeLessThanOrEqual(idle.mean ?? -1);
    }
    for (const { idle } of (await metrics.job(reader, {}))?.vertices ?? []) {
      expect(idle.worst).toBeGreaterThanOrEqual(0);
      expect(idle.worst).toBeLessThanOrEqual(idle.mean ?? -1);
    }
    expect(observation.watermarkLagSeconds).toBeGreaterThan(1);
    expect(observation.watermarkLagSeconds).toBeLessThan(60);
    expect(observation.checkpoints.latestAgeSeconds).toBeLessThan(30);
    expect(observation.checkpoints.durationSeconds).toBeGreaterThan(0);
    expect(seen.checkpointSizeBytes).toBeGreaterThan(0);
    expect(seen.skew).toBeGreaterThanOrEqual(1);
    for (const share of Object.values(observation.taskManagers))
      expect([share, share !== null && share >= 0 && share <= 1]).toEqual([share, true]);
    expect(counters.peak?.recordsPerSecond).toBeGreaterThanOrEqual(source?.recordsIn ?? Number.NaN);
    expect(await metrics.cluster()).toMatchObject({
      taskManagers: 2,
      taskManagerIds: [expect.any(String), expect.any(String)],
      slotsTotal: 4,
      slotsFree: 1,
    });

    // Only the sources' names are asked for beyond the three calls and one for each vertex, and they are remembered.
    const asked: string[] = [];
    const original = globalThis.fetch;
    globalThis.fetch = (async (...args: Parameters<typeof fetch>) => {
      asked.push(String(args[0]));
      return original(...args);
    }) as typeof fetch;
    try {
      await metrics.job(reader, counters.sources);
    } finally {
      globalThis.fetch = original;
    }
    expect(asked).toHaveLength(5);

    // Nothing is read any more: the source is idle, and an old watermark is not late.
    await flink.cancel(generator);
    const idle = await observedUntil(
      reader,
      ({ observation: each }) => each.vertices[0]?.recordsIn === 0 && each.vertices[0].pendingRecords === 0,
    );
    expect(idle.observation.watermarkLagSeconds).toBeUndefined();
    await flink.cancel(reader);
    await eventually(
      () => flink.overview(),
      ({ slotsFree }) => slotsFree === 4,
    );
  });

  it('a source without `pendingRecords`: what its Kafka consumers are behind stands in for it', async () => {
    const generator = await start(GENERATE, 1);
    const id = await start(SLOW_READER, 2);
    const behind = ({ observation: { vertices } }: Observed): boolean => (vertices[0]?.pendingRecords ?? 0) > 2_000;
    await observedUntil(id, (seen) => known(seen) && behind(seen));
    await flink.cancel(generator);
    const waiting = (await metrics.job(id, {}))?.vertices[0]?.pendingRecords ?? 0;
    const lower = await withoutPending(() =>
      observedUntil(id, (seen) => known(seen) && behind(seen) && (seen.observation.vertices[0]?.pendingRecordsGrowth ?? null) !== null),
    );
    const names = Object.values(lower.counters.sources).flatMap(({ metrics: each }) => each);
    expect(names.filter((name) => name.endsWith('.KafkaConsumer.records-lag-max'))).not.toHaveLength(0);
    expect(names.filter((name) => name.endsWith('.pendingRecords'))).toHaveLength(0);
    const bound = lower.counters.vertices[lower.observation.vertices[0]?.id ?? '']?.pendingRecords ?? 0;
    // Of a subtask with two partitions only the worse counts, and of that the most of the last minute: at the most all that was ever written.
    expect(bound).toBeGreaterThan(waiting / 3);
    expect(bound).toBeLessThanOrEqual(await written());
  });

  it('a job with backpressure: the vertex that holds it up is busy, and its source waits', async () => {
    const id = await start(SLOW, 1);
    const seen = await observedUntil(
      id,
      ({
        observation: {
          vertices: [first, second],
        },
      }) => (first?.backpressured.mean ?? 0) > 0.5 && (first?.recordsIn ?? 0) > 0 && (second?.busy.mean ?? null) !== null,
    );
    const [source, slow] = seen.observation.vertices;
    expect(slow?.busy.mean).toBeGreaterThan(0.8);
    expect(slow?.backpressured.mean).toBeLessThan(0.1);
    // A source of the old interface measures neither its time nor what it reads: the one is not known, the other is what it sends.
    expect(source?.busy).toEqual({ mean: null, worst: null });
    expect(source?.recordsIn).toBeGreaterThan(0);
    expect(source?.pendingRecords).toBeUndefined();

    // Its TaskManagers die: from then on nothing is known of it, and that is said.
    await real?.killTaskManagers();
    const lost = await observedUntil(id, ({ observation }) => observation.state !== 'RUNNING', 500);
    expect(lost.observation.incomplete).toBe(true);
    await real?.killJobManager();
    await expect(metrics.cluster()).rejects.toBeInstanceOf(FlinkUnavailable);
    await expect(metrics.job(id, {})).rejects.toBeInstanceOf(FlinkUnavailable);
  });

  it('a vertex that has finished, as a bounded source does: it is told as such, and holds back no share of the job', async () => {
    const other = await startFlink({ address: '127.71.7.10', restPort: 4684, directory: join(state, 'bounded'), taskManagers: 2 });
    try {
      [flink, metrics] = [connectFlink({ port: 4684 })(['127.71.7.10']), connectFlinkMetrics({ port: 4684 })(['127.71.7.10'])];
      const id = await start(FINISHES, 1);
      const finished = ({ observation: { vertices } }: Observed): boolean => vertices.some((vertex) => vertex.finished);
      const seen = await observedUntil(id, (each) => finished(each) && jobFigures(each).values.Busy !== undefined, 6_000);
      expect(seen.observation.vertices.map(({ name, finished: ended = false }) => [/few/.test(name), ended]).sort()).toEqual([
        [false, false],
        [false, false],
        [true, true],
      ]);
      // Of what still reads; the counts of what has ended stand still.
      expect(jobFigures(seen).values.InputRate).toBeGreaterThan(0);
    } finally {
      await other.stop();
    }
  });

  it('a job that is not there', async () => {
    const other = await startFlink({ address: '127.71.7.10', restPort: 4684, directory: join(state, 'other'), taskManagers: 1 });
    try {
      const there = connectFlinkMetrics({ port: 4684 })(['127.71.7.10']);
      expect(await there.job(newJobId(), {})).toBeUndefined();
      expect(await there.cluster()).toMatchObject({ taskManagers: 1, slotsFree: 2, jobs: [] });
    } finally {
      await other.stop();
    }
  });
});
