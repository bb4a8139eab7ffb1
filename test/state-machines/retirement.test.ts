import type { Operation } from '../../lambdas/contracts/operation';
import { enter, run } from './support/functions';
import { recover, violations } from './support/recover';
import { World } from './support/world';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('./support/functions').composition);

let world: World;
const begin = async (standbyJobManager: boolean): Promise<void> => {
  world = enter(new World());
  await run(await world.acceptLaunch({ spec: { highAvailability: { standbyJobManager } } }));
  await run(await world.acceptSubmission(world.jarSpec(2)));
  // Whatever runs has been there for long.
  await world.pause(600);
};
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
});

const jobManagers = async (): Promise<readonly string[]> =>
  (await world.fleet.observe((await world.cluster()).resources)).hosts
    .filter(({ role, state }) => role === 'jobmanager' && state === 'running')
    .map(({ instanceId }) => instanceId);
const retire = async (instanceId: string): Promise<Operation> => {
  const evidence = 'AWS Health says AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED';
  const operation = world.operation({ kind: 'replace-host', instanceId, epoch: 1, notice: 'retirement', role: 'jobmanager', evidence });
  expect(await world.store.acceptReplacement(operation, 1)).toEqual({ outcome: 'created' });
  return operation;
};
const ended = async ({ operationId }: Operation): Promise<Operation> => (await world.store.operation(operationId)) as Operation;
const phase = ({ phases }: Operation, name: string) => phases.find((one) => one.name === name);

test('A JobManager whose host EC2 retires gets another host before, behind a checkpoint, and its jobs go on there', async () => {
  await begin(false);
  const [host = ''] = await jobManagers();
  const operation = await retire(host);
  await run(operation);
  expect(await ended(operation)).toMatchObject({
    status: 'SUCCEEDED',
    reason: expect.stringMatching(
      new RegExp(
        `The JobManager of cluster flights has left host ${host} before EC2 takes it. Its jobs go on from .*: i-\\d+ runs a JobManager.`,
      ),
    ),
  });
  expect((await ended(operation)).phases.map(({ name }) => name)).toEqual([
    'Begin replacement',
    'Take a checkpoint of the jobs',
    'Replace JobManager',
    'End operation',
  ]);
  expect(phase(await ended(operation), 'Begin replacement')?.reason).toBe(
    `Relieves the JobManager on ${host}: AWS Health says AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED`,
  );
  expect(phase(await ended(operation), 'Take a checkpoint of the jobs')?.reason).toMatch(/checkpoint 1 is complete/);
  expect(await jobManagers()).not.toContain(host);
  expect(await jobManagers()).toHaveLength(1);
  expect(await world.cluster()).toMatchObject({ status: 'RUNNING', epoch: 1 });
  expect(await violations(world)).toEqual([]);
});

test('It is relieved while nothing else is under way, and after an hour in any case, behind a checkpoint then too', async () => {
  await begin(false);
  const [host = ''] = await jobManagers();
  const holder = world.operation({ kind: 'rescale-job', parallelism: 4 }).operationId;
  const until = new Date(world.now + 7_200_000).toISOString();
  await world.store.acquireLease({ cluster: 'flights', job: 'delays' }, { operationId: holder, acquiredAt: until, until });
  const operation = await retire(host);
  const pause = world.pause.bind(world);
  world.pause = async (seconds) => {
    await pause(seconds);
    if ((await ended(operation)).status === 'RUNNING' && world.now - Date.parse(operation.requestedAt) < 3_500_000)
      expect(await jobManagers()).toEqual([host]);
  };
  await run(operation);
  expect(await ended(operation)).toMatchObject({ status: 'SUCCEEDED' });
  expect(phase(await ended(operation), 'Begin replacement')?.attempts).toBeGreaterThan(100);
  expect(phase(await ended(operation), 'Take a checkpoint of the jobs')?.reason).toMatch(/checkpoint 1 is complete/);
  expect(await jobManagers()).not.toContain(host);
  const waited =
    (Date.parse(phase(await ended(operation), 'Replace JobManager')?.startedAt ?? '') - Date.parse(operation.requestedAt)) / 1_000;
  expect(waited).toBeGreaterThanOrEqual(3_600);
  expect(waited).toBeLessThan(3_700);
});

test('It is not ended while tasks move away from another host', async () => {
  await begin(false);
  const [host = ''] = await jobManagers();
  const taskManager = world.fleet.instances().find(({ role }) => role === 'taskmanager')?.instanceId ?? '';
  const moving = await world.acceptReplacement(taskManager);
  const operation = await retire(host);
  let whileMoving = 0;
  world.onCall = (_, method) => {
    if (method !== 'replaceHosts') return;
    whileMoving += world.fleet.instances().some(({ instanceId, state }) => instanceId === taskManager && state !== 'leaving') ? 1 : 0;
  };
  await Promise.all([run(operation), run(moving)]);
  expect([await ended(moving), await ended(operation)]).toMatchObject([{ status: 'SUCCEEDED' }, { status: 'SUCCEEDED' }]);
  expect(phase(await ended(operation), 'Begin replacement')?.attempts).toBeGreaterThan(1);
  expect(whileMoving).toBe(0);
  expect(await jobManagers()).not.toContain(host);
});

describe('With a stand-by', () => {
  beforeEach(() => begin(true));

  test('that is up it leads on, and nobody waits for the host that is launched', async () => {
    const [host = '', standby = ''] = await jobManagers();
    const operation = await retire(host);
    await run(operation);
    expect(await ended(operation)).toMatchObject({ status: 'SUCCEEDED', reason: expect.stringContaining(`${standby} runs a JobManager`) });
    expect((Date.parse((await ended(operation)).endedAt ?? '') - Date.parse(operation.requestedAt)) / 1_000).toBeLessThan(30);
    expect(await jobManagers()).not.toContain(host);
    expect(await jobManagers()).toContain(standby);
  });

  test('that boots it is waited for', async () => {
    const [host = '', standby = ''] = await jobManagers();
    world.fleet.loseHost(standby);
    const launched = world.now;
    const operation = await retire(host);
    let endedAt = 0;
    world.onCall = (_, method) => {
      if (method === 'replaceHosts') endedAt = world.now;
    };
    await run(operation);
    expect(await ended(operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect((endedAt - launched) / 1_000).toBeGreaterThanOrEqual(180);
  });

  test('whose host is retired too one follows the other, and one of them is always up', async () => {
    const hosts = await jobManagers();
    const operations = await Promise.all(hosts.map((host) => retire(host)));
    const up: number[] = [];
    world.onCall = () => {
      const old = world.fleet
        .instances()
        .filter(
          ({ role, state, launchedAt = '' }) =>
            role === 'jobmanager' && state === 'running' && world.now - Date.parse(launchedAt) >= 180_000,
        );
      up.push(old.length);
    };
    await Promise.all(operations.map((operation) => run(operation)));
    for (const operation of operations) expect(await ended(operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(Math.min(...up)).toBeGreaterThanOrEqual(1);
    for (const host of hosts) expect(await jobManagers()).not.toContain(host);
  });
});

test('A host that has gone by itself is not ended, nor the one in its place', async () => {
  await begin(false);
  const [host = ''] = await jobManagers();
  world.fleet.loseHost(host);
  const operation = await retire(host);
  await run(operation);
  const now = await jobManagers();
  expect(await ended(operation)).toMatchObject({ status: 'SUCCEEDED' });
  await world.pause(600);
  expect(await jobManagers()).toEqual(now);
  expect(now).toHaveLength(1);
});

test('After whichever task it is interrupted, the JobManager has another host in the end, and is replaced once', async () => {
  for (let tasks = 0, stopped = true; stopped; tasks++) {
    await begin(false);
    const [host = ''] = await jobManagers();
    const operation = await retire(host);
    stopped = (await run(operation, tasks)).cause?.includes('the execution was stopped') ?? false;
    await recover(world, operation.operationId);
    expect([tasks, await jobManagers()]).not.toEqual([tasks, [host]]);
    const made = world.fleet
      .instances()
      .filter(({ role }) => role === 'jobmanager')
      .map(({ instanceId }) => instanceId);
    expect([tasks, made.length]).toEqual([tasks, 1]);
    expect(await violations(world)).toEqual([]);
  }
});
