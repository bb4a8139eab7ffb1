import { endlessSql } from './support/jobs';
import { client, eventually, machines, signalMachine, withFaults } from './support/twin';

/*
 * Hosts with two TaskManagers, each on an address of its own, which the host gets after its launch.
 */
const cluster = 'pairs';
const LAUNCH = {
  name: cluster,
  size: 'dev',
  zone: 'us-east-1c',
  overrides: { taskManagersPerHost: 2, taskManagers: { min: 2, max: 2 } },
} as const;

const processes = async (): Promise<{ addresses: readonly string[]; pids: readonly number[] }[]> =>
  (await machines(cluster, 'taskmanager')).map(({ status }) => ({
    addresses: status.addresses,
    pids: status.processes.flatMap(({ pid }) => pid ?? []),
  }));

afterAll(async () => {
  await client.succeeded(await client.terminateCluster(cluster));
  expect(await machines(cluster)).toEqual([]);
}, 120_000);

test('a launch has both TaskManagers of its host, on addresses of their own', async () => {
  await client.succeeded(await client.launchCluster(LAUNCH));
  const { live, size } = await client.cluster(cluster);
  expect(live).toMatchObject({ taskManagers: 2, slotsTotal: 2 * size.slotsPerTaskManager });
  const [host, ...others] = await processes();
  expect(others).toEqual([]);
  expect([new Set(host?.addresses).size, host?.pids.length]).toEqual([2, 2]);
}, 240_000);

test('a job uses the slots of both, and goes on after the host was replaced while EC2 gave its successor no address at first', async () => {
  const { size } = await client.cluster(cluster);
  const parallelism = 2 * size.slotsPerTaskManager;
  await client.succeeded(await client.submitJob(cluster, { name: 'wide', sql: { script: endlessSql() }, parallelism }));
  const [host] = await machines(cluster, 'taskmanager');
  if (!host) throw new Error('there is no host');
  const refused = { service: 'ec2', action: 'AssignPrivateIpAddresses', code: 'InsufficientFreeAddressesInSubnet' };
  const pid = await withFaults([refused], async () => {
    await signalMachine(host, 'SIGKILL');
    // One TaskManager works meanwhile.
    const alone = await eventually('the successor with its first TaskManager', 60, async () => {
      const [next] = (await machines(cluster, 'taskmanager')).filter(({ instanceId }) => instanceId !== host.instanceId);
      return next?.status.processes.find((one) => one.pid !== null)?.pid ?? undefined;
    });
    await eventually('one TaskManager', 60, async () => (await client.cluster(cluster)).live?.taskManagers === 1);
    return alone;
  });
  // The sweep looks each minute.
  await eventually('both TaskManagers', 150, async () => (await client.cluster(cluster)).live?.taskManagers === 2);
  await eventually('the job in all slots', 60, async () => {
    const { live } = await client.job(cluster, 'wide');
    return live?.state === 'RUNNING' && live.parallelism === parallelism;
  });
  const [after] = await processes();
  expect(after?.pids).toContain(pid);
  expect(after?.pids).toHaveLength(2);
}, 400_000);

test('its largest fleet is raised while the job runs, which then gets a second host', async () => {
  const { size } = await client.cluster(cluster);
  const parallelism = 4 * size.slotsPerTaskManager;
  expect((await client.call('POST', `/clusters/${cluster}/jobs/wide/rescale`, { body: { parallelism } })).status).toBe(422);
  const change = await client.changeCluster(cluster, { overrides: { taskManagers: { max: 4 } } });
  expect(change).toMatchObject({ kind: 'change-cluster', status: 'SUCCEEDED' });
  expect(await client.operation(cluster, change.operationId)).toEqual(change);
  await client.succeeded(await client.changeJob(cluster, 'wide', 'rescale', { parallelism }));
  expect((await client.cluster(cluster)).live).toMatchObject({ taskManagers: 4 });
  const refused = await client.call('PATCH', `/clusters/${cluster}`, { body: { tags: { team: 'b' } } });
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'tags' }] } });
}, 240_000);
