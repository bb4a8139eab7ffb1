import { randomBytes } from 'node:crypto';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_SETTINGS } from '../../../lambdas/domain/flink-defaults';
import { connectFlink } from '../../../lambdas/gateways/flink/flink.adapter';
import { Session } from '../../../local/flink/session';
import { makeTopics, startKafka } from '../../../local/twin/kafka';
import type { TwinSettings } from '../../../local/twin/settings';
import { JobRest } from './flink-rest';
import { cpuSeconds, machineSeconds } from './machine';
import type { MeasuredRate, MeasuredRescale, Measurements } from './measurements';
import { keys, Records } from './producer';

const JOB_MANAGER = '127.91.1.10';
const TASK_MANAGERS = 2;
const SLOTS = 2;
/** The project's own defaults; what is read through REST is fresh. */
const CONFIGURATION = {
  ...Object.fromEntries(Object.entries(DEFAULT_SETTINGS).map(([key, [value]]) => [key, String(value)])),
  'taskmanager.memory.process.size': '1300m',
  'rest.cache.execution-graph.timeout': '50 ms',
  'rest.cache.checkpoint-statistics.timeout': '50 ms',
  'metrics.fetcher.update-interval': '500 ms',
};
const PARTITIONS = 8;
const KEYS = 720;
const LOOK_MS = 100;
/** What a record costs: so many bytes are hashed for it, twice, because an aggregate takes its last result back. */
const HASHED_BYTES = 360_000;

const script = (bootstrap: string, topic: string): string => `SET 'pipeline.max-parallelism' = '720';
CREATE TABLE events (k INT) WITH ('connector' = 'kafka', 'topic' = '${topic}', 'properties.bootstrap.servers' = '${bootstrap}',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'csv');
CREATE TABLE nowhere (k INT, h STRING) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT k, SHA512(REPEAT(LPAD(CAST(c AS STRING), 12, '0'), ${HASHED_BYTES / 12}))
  FROM (SELECT k, COUNT(*) AS c FROM events GROUP BY k);
`;

interface Job {
  readonly id: string;
  readonly rest: JobRest;
  readonly source: string;
  readonly work: string;
}

type Log = (line: string) => void;

const eventually = async <T>(what: string, look: () => Promise<T | undefined>, seconds = 60): Promise<T> => {
  const deadline = Date.now() + seconds * 1_000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(LOOK_MS);
  }
};

const startJob = async (cluster: Session, bootstrap: string, topic: string, parallelism: number): Promise<Job> => {
  const flink = connectFlink()([cluster.address]);
  const id = randomBytes(16).toString('hex');
  await flink.runSql({
    flinkJobId: id,
    script: script(bootstrap, topic),
    jobName: topic,
    parallelism,
    allowNonRestoredState: false,
    flinkConfiguration: {},
  });
  const rest = new JobRest(cluster.url, id);
  const [source, work] = await eventually('the job', async () => {
    const { state, vertices } = await rest.detail();
    return state === 'RUNNING' && vertices.length === 2 ? vertices.map((vertex) => vertex.id) : undefined;
  });
  if (!source || !work) throw new Error('the job has other vertices than expected');
  await runningAt(rest, [source, work], 0, parallelism);
  return { id, rest, source, work };
};

const cancel = async (cluster: Session, { id }: Job): Promise<void> => {
  const flink = connectFlink()([cluster.address]);
  await flink.cancel(id);
  await eventually('the end of the job', async () => ((await flink.job(id))?.state === 'CANCELED' ? true : undefined));
};

/** When the last task of an execution begun after `since` came to run, as Flink itself noted it. */
const runningAt = async (rest: JobRest, vertices: readonly string[], since: number, parallelism: number): Promise<number> =>
  eventually('all tasks running', async () => {
    const all = await Promise.all(vertices.map((vertex) => rest.times(vertex).catch(() => ({ subtasks: [] }))));
    const times = all.flatMap(({ subtasks }) =>
      subtasks.length === parallelism ? subtasks.map(({ timestamps }) => timestamps.RUNNING ?? 0) : [0],
    );
    return times.every((time) => time > since) ? Math.max(...times) : undefined;
  });

/** How fast it goes with records waiting. */
const rate = async (cluster: Session, job: Job, hotKeyShare: number, seconds = 12): Promise<MeasuredRate> => {
  const look = async () => {
    const { vertices } = await job.rest.detail();
    const work = vertices.find(({ id }) => id === job.work);
    return { at: performance.now() / 1_000, read: work?.metrics['read-records'] ?? 0, parallelism: work?.parallelism ?? 0 };
  };
  const [begin, cpu, machine] = [await look(), cpuSeconds(cluster.pids()), machineSeconds()];
  const busy: number[] = [];
  while (performance.now() / 1_000 < begin.at + seconds) {
    const share = await job.rest.metric(job.work, 'busyTimeMsPerSecond', 'max');
    if (share !== undefined && Number.isFinite(share)) busy.push(share / 1_000);
    await sleep(500);
  }
  const [end, cpuEnd, machineEnd] = [await look(), cpuSeconds(cluster.pids()), machineSeconds()];
  const took = end.at - begin.at;
  return {
    parallelism: end.parallelism,
    hotKeyShare,
    recordsPerSecond: (end.read - begin.read) / took,
    busy: busy.reduce((sum, share) => sum + share, 0) / Math.max(1, busy.length),
    cores: (cpuEnd - cpu) / took,
    idleCores: (machineEnd.idle - machine.idle) / took,
  };
};

const rescale = async (cluster: Session, job: Job, to: number, recordsPerSecond: number): Promise<MeasuredRescale> => {
  const flink = connectFlink()([cluster.address]);
  const { vertices } = await job.rest.detail();
  const from = vertices[0]?.parallelism ?? 0;
  const triggered = new Map<number, number>();
  const note = async (): Promise<number | undefined> => {
    const { history = [], latest } = await job.rest.checkpoints();
    for (const { id, trigger_timestamp } of history) triggered.set(id, trigger_timestamp);
    return latest?.restored ? triggered.get(latest.restored.id) : undefined;
  };
  await note();
  const asked = Date.now();
  await flink.setParallelism(job.id, to);
  const stopped = await eventually('the stop of the job', async () => {
    await note();
    const { state, vertices: now } = await job.rest.detail();
    const all = await job.rest.subtasks(job.work).catch(() => ({ subtasks: [] }));
    const runs = state === 'RUNNING' && now[0]?.parallelism === from && all.subtasks.every(({ status }) => status === 'RUNNING');
    return runs ? undefined : Date.now();
  });
  const running = await runningAt(job.rest, [job.source, job.work], asked, to);
  const restored = await eventually('the restored checkpoint', note);
  return {
    from,
    to,
    recordsPerSecond,
    waited: (stopped - asked) / 1_000,
    down: (running - stopped) / 1_000,
    replayed: (stopped - restored) / 1_000,
  };
};

/** Starts Kafka and Flink, rescales jobs, and ends both. About eight minutes. */
export const measure = async (base: TwinSettings, log: Log, stops: (stop: () => Promise<void>) => void): Promise<Measurements> => {
  const stateDir = `${base.stateDir}/fleet-measure`;
  const settings: TwinSettings = { ...base, stateDir, logDir: `${stateDir}/log`, kafkaPort: 29_192, kafkaControllerPort: 29_193 };
  const bootstrap = `127.0.0.1:${settings.kafkaPort}`;
  const kafka = await startKafka(settings, (component) => stops(() => component.stop()));
  await makeTopics(
    bootstrap,
    ['even', 'skewed', 'steady'].map((name) => ({ name, partitions: PARTITIONS })),
  );
  const cluster = await Session.start({
    address: JOB_MANAGER,
    directory: join(settings.stateDir, 'flink'),
    taskManagers: TASK_MANAGERS,
    slots: SLOTS,
    configuration: CONFIGURATION,
  });
  stops(() => cluster.stop());
  log('Kafka and Flink run');
  const flink = connectFlink()([JOB_MANAGER]);
  const rates: MeasuredRate[] = [];
  const rescales: MeasuredRescale[] = [];
  for (const [topic, hotKeyShare, sizes] of [
    ['even', 0, [1, 2, 4]],
    ['skewed', 0.5, [2, 4]],
  ] as const) {
    const records = new Records(bootstrap, topic, PARTITIONS, keys(KEYS, hotKeyShare));
    await records.send(150_000);
    await records.close();
    const job = await startJob(cluster, bootstrap, topic, sizes[0]);
    for (const size of sizes) {
      const asked = Date.now();
      if (size !== sizes[0]) {
        await flink.setParallelism(job.id, size);
        await runningAt(job.rest, [job.source, job.work], asked, size);
      }
      await sleep(size === sizes[0] ? 20_000 : 8_000);
      rates.push(await rate(cluster, job, hotKeyShare));
      log(JSON.stringify(rates.at(-1)));
    }
    await cancel(cluster, job);
  }
  const alone = rates[0]?.recordsPerSecond ?? 0;
  const flow = new AbortController();
  const records = new Records(bootstrap, 'steady', PARTITIONS, keys(KEYS));
  const load = Math.round(alone * 0.4);
  const flowing = records.flow(load, flow.signal);
  const job = await startJob(cluster, bootstrap, 'steady', 1);
  await sleep(15_000);
  for (const size of [2, 4, 2, 1, 2, 4, 1]) {
    rescales.push(await rescale(cluster, job, size, load));
    log(JSON.stringify(rescales.at(-1)));
    await sleep(6_000);
  }
  flow.abort();
  await flowing;
  await records.close();
  await cancel(cluster, job);
  await cluster.stop();
  await kafka.stop();
  return {
    at: new Date().toISOString(),
    machine: { cores: cpus().length, loadAverage: loadavg()[0] ?? 0 },
    flink: '2.3.0',
    checkpointIntervalSeconds: 10,
    rates,
    rescales,
  };
};
