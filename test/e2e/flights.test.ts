import { setTimeout as sleep } from 'node:timers/promises';
import { flights, makeFlightTopics } from './support/flights';
import { cancelIfRunning, client, machines, SHARED, sharedCluster, signalMachine } from './support/twin';

const job = 'flight-delays';
const FLIGHTS = ['--limit', '60000'];

beforeAll(sharedCluster, 240_000);
afterAll(() => cancelIfRunning(SHARED, job), 60_000);

test('real flights through Kafka and back are counted exactly once, although the TaskManager dies half-way', async () => {
  await makeFlightTopics();
  const script = await flights('script');
  const flinkConfiguration = { 'execution.checkpointing.interval': '1 s' };
  await client.succeeded(await client.submitJob(SHARED, { name: job, sql: { script }, parallelism: 2, flinkConfiguration }));
  const replayed = flights('replay', ...FLIGHTS, '--rate', '8000');
  await sleep(4_000);
  const [host] = await machines(SHARED, 'taskmanager');
  if (host) await signalMachine(host, 'SIGKILL');
  await replayed;
  const compared = JSON.parse(await flights('compare', ...FLIGHTS, '--within', '120')) as Record<string, unknown>;
  expect(compared).toMatchObject({ ok: true, rowsWrong: 0, rowsMissing: 0, rowsDoubled: 0, rowsUnexpected: 0 });
  expect((await machines(SHARED, 'taskmanager')).map((one) => one.instanceId)).not.toContain(host?.instanceId);
}, 280_000);
