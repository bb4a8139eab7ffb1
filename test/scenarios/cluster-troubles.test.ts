import type { OperationView } from '../../lambdas/contracts/api';
import { belongings, countOf } from '../e2e/support/belongings';
import { client, eventually, machines, signalMachine, withFaults } from '../e2e/support/twin';

/** Each cluster here comes to nothing: what matters is that nothing of it stays. */
const dev = (name: string, zone: string) => ({ name, size: 'dev' as const, zone, overrides: { taskManagers: { min: 1, max: 1 } } });

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

test('a JobManager that never answers ends the launch at its deadline, and nothing is left', async () => {
  const operation = await client.ended(silent, 330);
  expect(operation).toMatchObject({ status: 'FAILED', error: { name: 'DeadlineExceeded' } });
  expect(operation.reason).toMatch(/JobManager/);
  expect(countOf(await belongings('silent'))).toBe(0);
}, 360_000);
