import { belongings } from './support/belongings';
import { counterArguments, endlessSql, uploadedCounterJar } from './support/jobs';
import { client, eventually } from './support/twin';

/*
 * The main road, one step after the other on one cluster: each test goes on where the one before has stopped.
 */
const cluster = 'road';
const job = 'count';
let before: Awaited<ReturnType<typeof belongings>>;
let firstSavepoint: string;

const run = (name: string) => client.job(cluster, name);
const running = (name: string, seconds = 30) =>
  eventually(`${name} running`, seconds, async () => (await run(name)).live?.state === 'RUNNING' && (await run(name)));

beforeAll(async () => {
  before = await belongings();
});

test('a cluster launches: JobManager answers, wanted slots registered, every phase recorded', async () => {
  const { operationId } = await client.succeeded(
    await client.launchCluster({
      name: cluster,
      size: 'dev',
      zone: 'us-east-1b',
      overrides: { taskManagers: { min: 1, max: 2 } },
      tags: { team: 'billing' },
    }),
  );
  // Its last phase is closed a moment after the operation itself.
  const operation = await eventually('the end of the last phase', 5, async () => {
    const read = await client.operation(cluster, operationId);
    return read.phases.every((phase) => phase.endedAt !== undefined) && read;
  });
  expect(operation.phases.length).toBeGreaterThan(3);
  expect(operation.phases.every((phase) => phase.outcome === 'ok' && phase.endedAt !== undefined && phase.reason !== '')).toBe(true);
  const seen = await client.cluster(cluster);
  expect(seen).toMatchObject({ status: 'RUNNING', zone: 'us-east-1b', epoch: 1 });
  expect(seen.live).toMatchObject({ taskManagers: 1, slotsTotal: seen.size.slotsPerTaskManager });
}, 240_000);

test('its whole Flink configuration can be read, with a reason for what the control plane has decided', async () => {
  const { status, body } = await client.call<{ taskmanager: { key: string; value: string; source: string; reason?: string }[] }>(
    'GET',
    `/clusters/${cluster}/configuration`,
  );
  expect(status).toBe(200);
  const backend = body.taskmanager.find((entry) => entry.key === 'state.backend.type');
  expect(backend).toMatchObject({ value: 'rocksdb', source: 'control plane' });
  expect(backend?.reason).toBeTruthy();
});

test('a jar runs, under the Flink job id that was stored before', async () => {
  const jar = await uploadedCounterJar();
  const accepted = await client.submitJob(cluster, {
    name: job,
    jar: { ...jar, arguments: counterArguments({ rate: 100 }) },
    parallelism: 1,
    flinkConfiguration: { 'execution.checkpointing.interval': '1 s' },
  });
  const stored = await run(job);
  const operation = await client.succeeded(accepted);
  expect(operation.result?.flinkJobId).toBe(stored.flinkJobId);
  expect(await running(job)).toMatchObject({ status: 'RUNNING', flinkJobId: stored.flinkJobId, epoch: 1, revision: 1 });
  await eventually('a complete checkpoint', 30, async () => ((await run(job)).live?.checkpoints?.completed ?? 0) > 0);
}, 120_000);

test('a SQL script runs beside it', async () => {
  await client.succeeded(await client.submitJob(cluster, { name: 'numbers', sql: { script: endlessSql() }, parallelism: 1 }));
  expect(await running('numbers')).toMatchObject({ status: 'RUNNING' });
  expect((await client.cluster(cluster)).live?.jobs).toHaveLength(2);
}, 120_000);

test('a savepoint is taken while the job goes on, and is listed', async () => {
  const operation = await client.succeeded(await client.changeJob(cluster, job, 'savepoints'));
  firstSavepoint = operation.result?.savepoint ?? '';
  expect(firstSavepoint).toMatch(/^s3:\/\/.*\/clusters\/road\/jobs\/count\/savepoints\//);
  const { body } = await client.call<{ items: { location: string; kind: string }[] }>('GET', `/clusters/${cluster}/jobs/${job}/snapshots`);
  expect(body.items).toContainEqual(expect.objectContaining({ location: firstSavepoint, kind: 'savepoint' }));
  expect((await run(job)).live?.state).toBe('RUNNING');
}, 120_000);

test('an upgrade goes on from a new savepoint, as the next epoch and revision', async () => {
  const jar = await uploadedCounterJar();
  const operation = await client.succeeded(
    await client.changeJob(cluster, job, 'upgrade', { jar: { ...jar, arguments: counterArguments({ rate: 200 }) } }),
  );
  const after = await running(job);
  expect(after).toMatchObject({ status: 'RUNNING', epoch: 2, revision: 2 });
  expect(after.restoredFrom).toBe(operation.result?.savepoint ?? after.latestSavepoint);
  expect(after.restoredFrom).not.toBe(firstSavepoint);
}, 120_000);

test('an upgrade to a program that fails goes back to the old one, from the same savepoint, and says why', async () => {
  const jar = await uploadedCounterJar();
  const operation = await client.ended(
    await client.changeJob(cluster, job, 'upgrade', { jar: { ...jar, arguments: counterArguments({ mode: 'main-fails' }) } }),
  );
  expect(operation.status).toBe('FAILED');
  expect(operation.reason).toContain('the orders table is not there');
  const after = await running(job);
  expect(after).toMatchObject({ status: 'RUNNING' });
  expect(JSON.stringify(after.spec.program)).toContain('200');
  expect((await client.cluster(cluster)).live?.jobs.filter((one) => one.name === job && one.state === 'RUNNING')).toHaveLength(1);
}, 180_000);

test('a rescale brings capacity first, then the parallelism', async () => {
  const { size } = await client.cluster(cluster);
  const parallelism = size.slotsPerTaskManager + 1;
  const operation = await client.succeeded(await client.changeJob(cluster, job, 'rescale', { parallelism }));
  expect(operation.result?.parallelism).toBe(parallelism);
  await eventually('the job at its new parallelism', 30, async () => (await run(job)).live?.parallelism === parallelism);
  expect((await client.cluster(cluster)).live).toMatchObject({ taskManagers: 2 });
}, 240_000);

test('a stop takes a savepoint, and the same job submitted again goes on from it', async () => {
  const stop = await client.succeeded(await client.changeJob(cluster, job, 'stop'));
  expect(await run(job)).toMatchObject({ status: 'STOPPED', latestSavepoint: stop.result?.savepoint });
  const jar = await uploadedCounterJar();
  const { epoch } = await run(job);
  await client.succeeded(
    await client.submitJob(cluster, { name: job, jar: { ...jar, arguments: counterArguments({ rate: 100 }) }, parallelism: 1 }),
  );
  expect(await running(job)).toMatchObject({ status: 'RUNNING', epoch: epoch + 1, restoredFrom: stop.result?.savepoint });
}, 180_000);

test('every change is an operation with its caller', async () => {
  const { body } = await client.call<{ items: { kind: string; requestedBy: string; status: string }[] }>(
    'GET',
    `/clusters/${cluster}/operations?limit=100`,
  );
  expect(new Set(body.items.map((one) => one.kind))).toEqual(
    new Set(['launch-cluster', 'submit-job', 'take-savepoint', 'upgrade-job', 'rescale-job', 'stop-job']),
  );
  expect(body.items.every((one) => one.requestedBy.startsWith('arn:aws:'))).toBe(true);
});

test('termination stops each job with a savepoint and leaves nothing in the account', async () => {
  await client.succeeded(await client.terminateCluster(cluster));
  expect(await client.cluster(cluster)).toMatchObject({ status: 'TERMINATED', live: null });
  expect((await run(job)).status).toBe('STOPPED');
  expect((await run('numbers')).latestSavepoint).toBeDefined();
  expect(await belongings()).toEqual(before);
}, 240_000);
