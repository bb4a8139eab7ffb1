import { belongings, countOf } from './support/belongings';
import { counterArguments, uploadedCounterJar } from './support/jobs';
import {
  cancelIfRunning,
  client,
  eventually,
  type Fault,
  faultHits,
  machines,
  SHARED,
  sharedCluster,
  signalMachine,
  withFaults,
} from './support/twin';

/*
 * AWS answers 500 to the first calls of a kind, then works again, once during each workflow. That every single call of every workflow may fail is
 * tested on fakes (test/state-machines); here the deployed whole goes through a bad day.
 */
const job = 'steady';
let cluster: string;
let jar: { uri: string; sha256: string };

beforeAll(async () => {
  cluster = await sharedCluster();
  jar = await uploadedCounterJar();
}, 240_000);
afterAll(() => cancelIfRunning(SHARED, job), 60_000);

const failing = (service: string, action: string, count: number): Fault => ({ service, action, status: 500, code: 'InternalError', count });
const badDay: readonly Fault[] = [
  failing('dynamodb', 'UpdateItem', 3),
  failing('dynamodb', 'GetItem', 3),
  failing('s3', 'GetObject', 2),
  { ...failing('lambda', 'Invoke', 1), code: 'ServiceException' },
];

const livingJobs = async () =>
  ((await client.cluster(cluster)).live?.jobs ?? []).filter(
    (one) => one.name === job && !['FAILED', 'CANCELED', 'FINISHED'].includes(one.state),
  );

/** The call itself is accepted on a good day: what follows has the bad one. */
const onABadDay = async (start: () => ReturnType<typeof client.changeJob>) => {
  const accepted = await start();
  return withFaults(badDay, async () => {
    // Reading goes through the same table: a look that fails says nothing.
    const operation = await eventually('the end of the operation', 150, async () => {
      const seen = await client.operation(accepted.cluster, accepted.operationId).catch(() => undefined);
      return seen && ['SUCCEEDED', 'FAILED', 'CANCELED'].includes(seen.status) && seen;
    });
    expect((await faultHits()).some((fault) => fault.hits > 0)).toBe(true);
    return operation;
  });
};

test('a submission survives, and the job runs once', async () => {
  const spec = { name: job, jar: { ...jar, arguments: counterArguments({ rate: 50 }) }, parallelism: 1 };
  expect(await onABadDay(() => client.submitJob(cluster, spec))).toMatchObject({ status: 'SUCCEEDED' });
  expect(await livingJobs()).toHaveLength(1);
}, 200_000);

test.each([
  ['a savepoint', () => client.changeJob(SHARED, job, 'savepoints')],
  ['an upgrade', () => client.changeJob(SHARED, job, 'upgrade', { parallelism: 2 })],
  ['a rescale', () => client.changeJob(SHARED, job, 'rescale', { parallelism: 1 })],
])(
  '%s survives, and the job runs once',
  async (_, start) => {
    expect(await onABadDay(start)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await livingJobs()).toHaveLength(1);
  },
  200_000,
);

test('a JobManager that does not answer for some seconds delays a savepoint, no more', async () => {
  const [host] = await machines(cluster, 'jobmanager');
  const savepoint = await client.changeJob(cluster, job, 'savepoints');
  if (host) await signalMachine(host, 'SIGSTOP');
  setTimeout(() => host && void signalMachine(host, 'SIGCONT'), 4_000);
  expect(await client.ended(savepoint, 150)).toMatchObject({ status: 'SUCCEEDED' });
  await eventually('the job running', 60, async () => (await client.job(cluster, job)).live?.state === 'RUNNING');
  expect(await livingJobs()).toHaveLength(1);
}, 240_000);

test('a stop survives, with its savepoint', async () => {
  const operation = await onABadDay(() => client.changeJob(cluster, job, 'stop'));
  expect(operation).toMatchObject({ status: 'SUCCEEDED' });
  expect(operation.result?.savepoint).toMatch(/^s3:/);
  expect(await livingJobs()).toHaveLength(0);
}, 200_000);

test('a launch and a termination survive, and nothing is left', async () => {
  const name = 'stormy';
  const aws = [
    failing('ec2', 'CreateLaunchTemplate', 1),
    failing('autoscaling', 'CreateAutoScalingGroup', 1),
    failing('iam', 'CreateRole', 1),
  ];
  const launch = await client.launchCluster({ name, size: 'dev', overrides: { taskManagers: { min: 1, max: 1 } } });
  expect(await withFaults(aws, () => client.ended(launch))).toMatchObject({ status: 'SUCCEEDED' });
  const gone = [
    failing('autoscaling', 'DeleteAutoScalingGroup', 1),
    failing('ec2', 'DeleteSecurityGroup', 2),
    failing('ec2', 'DeleteNetworkInterface', 1),
    failing('iam', 'DeleteRole', 1),
  ];
  const terminate = await client.terminateCluster(name, 'cancel');
  expect(await withFaults(gone, () => client.ended(terminate))).toMatchObject({ status: 'SUCCEEDED' });
  expect(countOf(await belongings(name))).toBe(0);
}, 300_000);
