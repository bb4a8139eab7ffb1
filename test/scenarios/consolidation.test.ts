import { flights, makeFlightTopics } from '../e2e/support/flights';
import { cancelIfRunning, client, eventually, machines } from '../e2e/support/twin';

const cluster = 'packed';
const job = 'flight-delays';
const FLIGHTS = ['--limit', '40000'];

beforeAll(async () => {
  await client.succeeded(await client.launchCluster({ name: cluster, size: 'dev', overrides: { taskManagers: { min: 1, max: 3 } } }));
}, 240_000);
afterAll(async () => {
  await cancelIfRunning(cluster, job);
  await client.succeeded(await client.terminateCluster(cluster, 'cancel'));
}, 240_000);

const checkpointOf = (location: string | undefined): number => Number(/chk-(\d+)$/.exec(location ?? '')?.[1] ?? 0);

test('a job that is made smaller on two hosts leaves one, counts each flight once, and goes on from the newest checkpoint', async () => {
  await makeFlightTopics();
  const script = await flights('script');
  const flinkConfiguration = { 'execution.checkpointing.interval': '1 s' };
  await client.succeeded(await client.submitJob(cluster, { name: job, sql: { script }, parallelism: 6, flinkConfiguration }));
  expect(await machines(cluster, 'taskmanager')).toHaveLength(2);
  const replayed = flights('replay', ...FLIGHTS, '--rate', '1500');
  await eventually('a checkpoint', 30, async () => (await client.job(cluster, job)).live?.checkpoints?.latestCompleted);
  const before = checkpointOf((await client.job(cluster, job)).live?.checkpoints?.latestCompleted?.location);

  const operation = await client.succeeded(await client.changeJob(cluster, job, 'rescale', { parallelism: 2 }));
  // Where Flink happened to put both tasks on one host, none had to be emptied.
  const phases = operation.phases.map(({ name, reason }) => `${name}: ${reason}`);
  expect([phases, operation.reason]).toEqual([phases, `Job ${job} runs at parallelism 2.`]);
  await eventually('one host', 30, async () => (await machines(cluster, 'taskmanager')).length === 1);
  const after = await client.job(cluster, job);
  expect(after.live).toMatchObject({ state: 'RUNNING', parallelism: 2 });

  const restored = checkpointOf(await newestRestore(after.flinkJobId));
  expect(restored).toBeGreaterThan(before);
  const emptied = operation.phases.find(({ name }) => name === 'Take a checkpoint');
  const taken = Number(/checkpoint (\d+) is complete/.exec(emptied?.reason ?? '')?.[1] ?? 0);
  expect(restored).toBeGreaterThanOrEqual(taken);

  await replayed;
  const compared = JSON.parse(await flights('compare', ...FLIGHTS, '--within', '120')) as Record<string, unknown>;
  expect(compared).toMatchObject({ ok: true, rowsWrong: 0, rowsMissing: 0, rowsDoubled: 0, rowsUnexpected: 0 });
}, 400_000);

/** The checkpoint that the job's last restart went on from. */
const newestRestore = async (flinkJobId: string): Promise<string | undefined> => {
  const { resources } = await client.cluster(cluster);
  const answer = await fetch(`http://${resources.jobManagerAddress}:8081/jobs/${flinkJobId}/checkpoints`);
  const { latest } = (await answer.json()) as { latest: { restored?: { external_path?: string } } };
  return latest.restored?.external_path;
};
