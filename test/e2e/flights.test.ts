import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cancelIfRunning, client, machines, SHARED, sharedCluster, signalMachine, twin } from './support/twin';

const root = resolve(__dirname, '../..');
const run = promisify(execFile);

/** In a process of its own, as the Kafka client is an ES module. @returns what it printed */
const node = async (...args: readonly string[]): Promise<string> =>
  (await run(process.execPath, ['--import', 'tsx', ...args], { cwd: root, maxBuffer: 10_000_000 })).stdout;
const example = (...args: readonly string[]): Promise<string> =>
  node('examples/flight-delays/cli.ts', ...args, '--bootstrap', twin.kafkaBootstrap);

const job = 'flight-delays';
const FLIGHTS = ['--limit', '60000'];

beforeAll(sharedCluster, 240_000);
afterAll(() => cancelIfRunning(SHARED, job), 60_000);

test('real flights through Kafka and back are counted exactly once, although the TaskManager dies half-way', async () => {
  const topics = `const { makeTopics } = require('./local/twin/kafka'); const { TOPICS } = require('./examples/flight-delays/job');
    makeTopics(${JSON.stringify(twin.kafkaBootstrap)}, Object.values(TOPICS));`;
  await node('-e', topics);
  const script = await example('script');
  const flinkConfiguration = { 'execution.checkpointing.interval': '1 s' };
  await client.succeeded(await client.submitJob(SHARED, { name: job, sql: { script }, parallelism: 2, flinkConfiguration }));
  const replayed = example('replay', ...FLIGHTS, '--rate', '8000');
  await sleep(4_000);
  const [host] = await machines(SHARED, 'taskmanager');
  if (host) await signalMachine(host, 'SIGKILL');
  await replayed;
  const compared = JSON.parse(await example('compare', ...FLIGHTS, '--within', '120')) as Record<string, unknown>;
  expect(compared).toMatchObject({ ok: true, rowsWrong: 0, rowsMissing: 0, rowsDoubled: 0, rowsUnexpected: 0 });
  expect((await machines(SHARED, 'taskmanager')).map((one) => one.instanceId)).not.toContain(host?.instanceId);
}, 280_000);
