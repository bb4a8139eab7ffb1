import { endlessSql } from './support/jobs';
import { cancelIfRunning, client, eventually, machines, SHARED, sharedCluster, signalMachine } from './support/twin';

let cluster: string;

beforeAll(async () => {
  cluster = await sharedCluster();
}, 240_000);

const livingJobs = async (name: string) =>
  ((await client.cluster(cluster)).live?.jobs ?? []).filter(
    (one) => one.name === name && !['FAILED', 'CANCELED', 'FINISHED'].includes(one.state),
  );

describe('the same request sent twice at once', () => {
  const job = 'twice';
  afterAll(() => cancelIfRunning(SHARED, job), 60_000);

  test('with one key is one operation and one job', async () => {
    const spec = { name: job, sql: { script: endlessSql() }, parallelism: 1 };
    const [first, second] = await Promise.all([client.submitJob(cluster, spec, 'once-only'), client.submitJob(cluster, spec, 'once-only')]);
    expect(second.operationId).toBe(first.operationId);
    await client.succeeded(first);
    const repeated = await client.submitJob(cluster, spec, 'once-only');
    expect(repeated).toMatchObject({ operationId: first.operationId, status: 'SUCCEEDED' });
    expect(await livingJobs(job)).toHaveLength(1);
    expect((await client.job(cluster, job)).epoch).toBe(1);
  }, 120_000);

  test('with the key of another request is refused', async () => {
    const answer = await client.call('POST', `/clusters/${cluster}/jobs`, {
      body: { name: 'other', sql: { script: endlessSql() }, parallelism: 1 },
      idempotencyKey: 'once-only',
    });
    expect(answer.status).toBe(422);
  });
});

test('two submissions of one name with different keys: one runs, the other is told which operation is in the way', async () => {
  const spec = { name: 'rivals', sql: { script: endlessSql() }, parallelism: 1 };
  const path = `/clusters/${cluster}/jobs`;
  const answers = await Promise.all(
    ['a', 'b'].map((key) =>
      client.call<{ operationId: string; cluster: string; operation?: { operationId: string } }>('POST', path, {
        body: spec,
        idempotencyKey: `rival-${key}`,
      }),
    ),
  );
  const [accepted, refused] = answers.sort((a, b) => a.status - b.status);
  expect(answers.map((answer) => answer.status)).toEqual([202, 409]);
  expect(refused?.body.operation?.operationId).toBe(accepted?.body.operationId);
  await client.succeeded(accepted?.body as never);
  expect(await livingJobs('rivals')).toHaveLength(1);
  await cancelIfRunning(cluster, 'rivals');
  expect(await livingJobs('rivals')).toHaveLength(0);
}, 120_000);

test('a cancellation while a job is being submitted ends the submission, and no job is left', async () => {
  const job = 'regretted';
  const submit = await client.submitJob(cluster, { name: job, sql: { script: endlessSql() }, parallelism: 1 });
  const cancel = await client.changeJob(cluster, job, 'cancel');
  const [submitted, canceled] = await Promise.all([client.ended(submit), client.ended(cancel)]);
  expect(['CANCELED', 'SUCCEEDED']).toContain(submitted.status);
  expect(canceled.status).toBe('SUCCEEDED');
  expect((await client.job(cluster, job)).status).toBe('CANCELED');
  expect(await livingJobs(job)).toHaveLength(0);
}, 120_000);

test('a TaskManager that dies while a job is submitted is replaced, and the job runs, once', async () => {
  const job = 'survivor';
  const [host] = await machines(cluster, 'taskmanager');
  const submit = await client.submitJob(cluster, { name: job, sql: { script: endlessSql() }, parallelism: 1 });
  if (host) await signalMachine(host, 'SIGKILL');
  const operation = await client.ended(submit, 200);
  expect(operation.status).toBe('SUCCEEDED');
  await eventually('the job on a new host', 60, async () => (await client.job(cluster, job)).live?.state === 'RUNNING');
  expect(await livingJobs(job)).toHaveLength(1);
  expect((await machines(cluster, 'taskmanager')).map((one) => one.instanceId)).not.toContain(host?.instanceId);
  await cancelIfRunning(cluster, job);
}, 280_000);
