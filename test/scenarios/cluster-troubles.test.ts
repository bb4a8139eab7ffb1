import type { OperationView } from '../../lambdas/contracts/api';
import { control } from '../../local/client/control';
import { belongings, countOf } from '../e2e/support/belongings';
import { client, eventually, machines, signalMachine, twin, withFaults } from '../e2e/support/twin';

/** Each cluster here comes to nothing: what matters is that nothing of it stays. */
const dev = (name: string, zone: string) => ({ name, size: 'dev' as const, zone, overrides: { taskManagers: { min: 1, max: 1 } } });

interface Instance {
  readonly state: string;
  readonly instanceType: string;
  readonly privateIp: string;
  readonly tags: Readonly<Record<string, string>>;
}

// Its deadline takes minutes to come: the other tests pass meanwhile.
let silent: OperationView;

beforeAll(async () => {
  silent = await client.launchCluster(dev('silent', 'us-east-1b'));
  const [host] = await eventually('its host', 60, async () => {
    const found = await machines('silent', 'jobmanager');
    return found.length > 0 && found;
  });
  if (host) await signalMachine(host, 'SIGSTOP');
}, 90_000);

test('a termination during the launch ends the launch, and nothing is left', async () => {
  const launch = await client.launchCluster(dev('unwanted', 'us-east-1a'));
  await eventually('a host of it', 60, async () => (await machines('unwanted')).length > 0);
  const terminate = await client.terminateCluster('unwanted');
  const [launched, terminated] = await Promise.all([client.ended(launch), client.ended(terminate)]);
  expect(['CANCELED', 'SUCCEEDED']).toContain(launched.status);
  expect(terminated.status).toBe('SUCCEEDED');
  expect((await client.cluster('unwanted')).status).toBe('TERMINATED');
  expect(countOf(await belongings('unwanted'))).toBe(0);
}, 240_000);

test('a job for a cluster that is terminated is refused', async () => {
  const answer = await client.call('POST', '/clusters/unwanted/jobs', { body: { name: 'late', sql: { script: 'SELECT 1' } } });
  expect(answer.status).toBe(409);
});

test('a zone without capacity ends the launch with a sentence that says so, and nothing is left', async () => {
  const fault = { service: 'ec2', action: 'RunInstances', zone: 'us-east-1a', code: 'InsufficientInstanceCapacity' };
  const operation = await withFaults([fault], async () => client.ended(await client.launchCluster(dev('no-room', 'us-east-1a')), 260));
  expect(operation).toMatchObject({ status: 'FAILED', error: { name: 'InsufficientCapacity' } });
  expect(operation.reason).toMatch(/capacity/i);
  // Failed, and taken away: the name can be used again.
  expect((await client.cluster('no-room')).status).toBe('TERMINATED');
  expect(countOf(await belongings('no-room'))).toBe(0);
}, 300_000);

test('where its zone lacks the type of the JobManager, it is launched as another one, and so it is when its host is lost later', async () => {
  const [name, zone] = ['other-type', 'us-east-1c'];
  const lacking = (instanceType: string) => [
    { service: 'ec2', action: 'RunInstances', zone, instanceType, code: 'InsufficientInstanceCapacity' },
  ];
  const leader = async () => {
    const all = await control<readonly Instance[]>(twin.awsEndpoint, 'GET', 'instances');
    return all.find(({ state, tags }) => state === 'running' && tags['sluice:cluster'] === name && tags['sluice:role'] === 'jobmanager');
  };
  await withFaults(lacking('c5.large'), async () => client.succeeded(await client.launchCluster(dev(name, zone))));
  const first = await leader();
  expect(first?.instanceType).toBe('c6i.large');
  await withFaults(lacking('c6i.large'), async () => {
    const [host] = await machines(name, 'jobmanager');
    if (host) await signalMachine(host, 'SIGKILL');
    await eventually('another JobManager host', 60, async () => (await leader())?.instanceType === 'c5.large');
  });
  expect((await leader())?.privateIp).toBe(first?.privateIp);
  await eventually('a JobManager that answers', 90, async () => (await client.cluster(name)).live?.taskManagers === 1);
  expect(await client.cluster(name)).toMatchObject({ status: 'RUNNING', zone, epoch: 1 });
  await client.succeeded(await client.terminateCluster(name));
  expect(countOf(await belongings(name))).toBe(0);
}, 300_000);

test('a JobManager that never answers ends the launch at its deadline, and nothing is left', async () => {
  const operation = await client.ended(silent, 330);
  expect(operation).toMatchObject({ status: 'FAILED', error: { name: 'DeadlineExceeded' } });
  expect(operation.reason).toMatch(/JobManager/);
  expect(countOf(await belongings('silent'))).toBe(0);
}, 360_000);
