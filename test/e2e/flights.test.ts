import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationView } from '../../lambdas/contracts/api';
import { belongingsIn } from '../../local/client/belongings';
import { flights, makeFlightTopics } from './support/flights';
import { cancelIfRunning, client, eventually, machines, SHARED, sharedCluster, signalMachine, twin } from './support/twin';

const job = 'flight-delays';
const FLIGHTS = ['--limit', '60000'];

beforeAll(sharedCluster, 240_000);
afterAll(() => cancelIfRunning(SHARED, job), 60_000);

test('real flights through Kafka and back are counted exactly once, although the TaskManager dies half-way and a lost zone is rehearsed on a copy', async () => {
  await makeFlightTopics();
  const script = await flights('script');
  const flinkConfiguration = { 'execution.checkpointing.interval': '1 s' };
  await client.succeeded(await client.submitJob(SHARED, { name: job, sql: { script }, parallelism: 2, flinkConfiguration }));
  const replayed = flights('replay', ...FLIGHTS, '--rate', '2000');
  await sleep(4_000);
  const [host] = await machines(SHARED, 'taskmanager');
  if (host) await signalMachine(host, 'SIGKILL');
  await eventually('a checkpoint', 60, async () => (await client.job(SHARED, job)).live?.checkpoints?.latestCompleted);
  await rehearse();
  await replayed;
  const compared = JSON.parse(await flights('compare', ...FLIGHTS, '--within', '120')) as Record<string, unknown>;
  expect(compared).toMatchObject({ ok: true, rowsWrong: 0, rowsMissing: 0, rowsDoubled: 0, rowsUnexpected: 0 });
  expect((await machines(SHARED, 'taskmanager')).map((one) => one.instanceId)).not.toContain(host?.instanceId);
}, 420_000);

/** The copy starts from the job's state, and leaves nothing; what it would have written is seen by who compares. */
const rehearse = async (): Promise<void> => {
  const before = await client.job(SHARED, job);
  const accepted = await client.call<OperationView>('POST', `/clusters/${SHARED}/drills`, { body: { on: 'copy' } });
  expect([accepted.status, accepted.body.kind]).toEqual([202, 'drill-on-copy']);
  const { result, phases } = await client.succeeded(accepted.body, 240);
  const seconds = { capacity: expect.any(Number), restore: expect.any(Number), firstRecord: expect.any(Number) };
  expect(result?.failover).toMatchObject({ capacity: 'cold', seconds, reprocessedSeconds: { [job]: expect.any(Number) } });
  expect(result?.failover?.notRehearsed).toBeUndefined();
  const started = phases.find(({ name }) => name === 'Start jobs')?.reason;
  expect(started).toMatch(new RegExp(`from s3://.*/clusters/${SHARED}-drill/jobs/${job}/checkpoints/`));
  const copy = `${SHARED}-drill`;
  expect(await client.cluster(copy)).toMatchObject({ status: 'TERMINATED', copyOf: SHARED });
  expect(await machines(copy)).toEqual([]);
  expect(Object.values(await belongingsIn(twin, copy)).flat()).toEqual([]);
  const after = await client.job(SHARED, job);
  expect([after.flinkJobId, after.live?.state]).toEqual([before.flinkJobId, 'RUNNING']);
};
