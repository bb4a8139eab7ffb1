import type { Operation } from '../../lambdas/contracts/operation';
import { enter, observeMinute, run } from './support/functions';
import { violations } from './support/recover';
import { World } from './support/world';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('./support/functions').composition);

let world: World;
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
  await run(await world.acceptLaunch());
  await run(await world.acceptSubmission(world.jarSpec(4)));
});

const failovers = async (): Promise<readonly Operation[]> =>
  (await world.store.operationsOf('flights', { limit: 100 })).items.filter(({ kind }) => kind === 'fail-over-cluster');
/** @returns the minute in which a failover was begun, from 1; undefined: in none of them */
const minuteOfFailover = async (minutes: number): Promise<number | undefined> => {
  for (let minute = 1; minute <= minutes; minute++) {
    expect(await observeMinute('flights')).toBeGreaterThanOrEqual(1);
    if ((await failovers()).length > 0) return minute;
  }
  return undefined;
};

/** Minutes of observation, with what is begun about hosts in them. */
const follow = async (minutes: number): Promise<void> => {
  for (let minute = 0; minute < minutes; minute++) {
    await observeMinute('flights');
    for (const operation of await replacements()) if (operation.status === 'PENDING') await run(operation);
  }
};
const replacements = async (): Promise<readonly Operation[]> =>
  (await world.store.operationsOf('flights', { limit: 100 })).items.filter(({ kind }) => kind === 'replace-host');
const jobManagerHosts = async (): Promise<readonly string[]> =>
  (await world.fleet.observe((await world.cluster()).resources)).hosts
    .filter(({ role, state }) => role === 'jobmanager' && state !== 'leaving')
    .map(({ instanceId }) => instanceId);
/** Its JobManagers stand still, and their hosts are well. */
const hang = async (): Promise<readonly string[]> => {
  await follow(3);
  const hosts = await jobManagerHosts();
  for (const host of hosts) world.hungHosts.add(host);
  await world.pause(1);
  return hosts;
};

describe('A JobManager that hangs while its host is well', () => {
  test('gets another host in its zone after a minute, once, and its jobs go on there', async () => {
    const job = await world.job();
    const [host = ''] = await hang();
    const began = world.now;
    await follow(15);
    const [operation, ...more] = await replacements();
    expect(more).toEqual([]);
    expect((Date.parse(operation?.requestedAt ?? '') - began) / 1_000).toBeLessThanOrEqual(120);
    expect(operation).toMatchObject({
      status: 'SUCCEEDED',
      requestedBy: 'sluice',
      reason: expect.stringMatching(new RegExp(`did not answer. ${host} ended, .*has not answered for \\d+ s though ${host} runs`)),
    });
    expect(await jobManagerHosts()).not.toContain(host);
    expect(await failovers()).toEqual([]);
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1a', epoch: 1 });
    expect((await world.cluster()).fault).toBeUndefined();
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: job.epoch });
    expect(await violations(world)).toEqual([]);
  });

  test('leaves its zone when the other host did not help, and is ended no second time before', async () => {
    await hang();
    world.jobManagerStarts = false;
    const began = world.now;
    for (let minute = 0; minute < 10 && (await failovers()).length === 0; minute++) await follow(1);
    expect(await replacements()).toHaveLength(1);
    expect(await failovers()).toMatchObject([{ request: { mode: 'lost', trigger: { kind: 'jobmanager-unreachable' } } }]);
    expect((world.now - began) / 1_000).toBeLessThanOrEqual(420);
  });

  test('keeps its host when it answers again before that is ended', async () => {
    const [host = ''] = await hang();
    for (let minute = 0; minute < 3 && (await replacements()).length === 0; minute++) await observeMinute('flights');
    world.hungHosts.clear();
    await world.pause(1);
    await follow(3);
    expect(await replacements()).toMatchObject([{ status: 'SUCCEEDED', reason: expect.stringMatching(/answers again/) }]);
    expect(await jobManagerHosts()).toEqual([host]);
  });

  test('keeps its host when it has restarted and recovers its jobs before that is ended', async () => {
    const [host = ''] = await hang();
    for (let minute = 0; minute < 3 && (await replacements()).length === 0; minute++) await observeMinute('flights');
    const [operation] = await replacements();
    const { silentSince: _, ...recovers } = (await world.cluster()).fault ?? ({} as never);
    await world.store.recordFault('flights', 1, recovers);
    await run(operation as Operation);
    expect(await replacements()).toMatchObject([{ status: 'SUCCEEDED', reason: expect.stringMatching(/answers again/) }]);
    expect(await jobManagerHosts()).toEqual([host]);
  });

  test('keeps its host where the operation begins when nobody has looked for minutes', async () => {
    const [host = ''] = await hang();
    for (let minute = 0; minute < 3 && (await replacements()).length === 0; minute++) await observeMinute('flights');
    await world.pause(300);
    const [operation] = await replacements();
    await run(operation as Operation);
    expect(await replacements()).toMatchObject([{ status: 'SUCCEEDED', reason: expect.stringMatching(/nobody has looked/) }]);
    expect(await jobManagerHosts()).toEqual([host]);
  });

  test('is replaced with its stand-by when neither answers', async () => {
    world = enter(new World());
    await run(await world.acceptLaunch({ spec: { highAvailability: { standbyJobManager: true } } }));
    const hosts = await hang();
    expect(hosts).toHaveLength(2);
    await follow(4);
    expect(await replacements()).toHaveLength(1);
    expect(await jobManagerHosts()).toHaveLength(2);
    for (const host of hosts) expect(await jobManagerHosts()).not.toContain(host);
  });
});

describe('A cluster that passes of observation cannot reach', () => {
  test('is moved once nobody has answered for longer than a replacement takes, though nobody else has said a word', async () => {
    const job = await world.job();
    const checkpoint = world.flink.completeCheckpoint(job.flinkJobId, 's3://state/clusters/flights/jobs/delays/checkpoints');
    expect(await minuteOfFailover(3)).toBeUndefined();
    world.lostZones.add('us-east-1a');
    await world.pause(1);
    const began = world.now;
    expect(await minuteOfFailover(10)).toBeDefined();
    const [operation, ...more] = await failovers();
    expect(more).toEqual([]);
    const silent = (Date.parse(operation?.requestedAt ?? '') - began) / 1_000;
    expect(silent).toBeGreaterThanOrEqual(300);
    expect(silent).toBeLessThanOrEqual(300 + 60);
    expect(operation?.request).toMatchObject({ mode: 'lost', from: 'us-east-1a', trigger: { kind: 'jobmanager-unreachable' } });
    // Observed further while it is moved: nothing comes of that.
    expect(await observeMinute('flights')).toBe(0);

    expect(await run(operation as Operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1b', epoch: 2 });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: job.epoch + 1, restoredFrom: checkpoint });
    expect(await violations(world)).toEqual([]);
    const { result } = (await failovers())[0] as Operation;
    // Detection is most of what a silence costs, and the report says so.
    expect(result?.failover?.seconds.detect).toBeGreaterThanOrEqual(300);
    expect(result?.failover).toMatchObject({ objectiveMet: false });
  });

  test('is left where it is when it answers again in time, however often that happens', async () => {
    for (let time = 0; time < 3; time++) {
      world.lostZones.add('us-east-1a');
      expect(await minuteOfFailover(4)).toBeUndefined();
      world.lostZones.clear();
      expect(await minuteOfFailover(2)).toBeUndefined();
    }
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1a', epoch: 1 });
    expect((await world.cluster()).fault).toBeUndefined();
  });

  test('is moved by a person only, where its placement says so', async () => {
    const cluster = await world.cluster();
    const failover = { ...cluster.spec.placement.failover, automatic: false };
    world.store.seed({ clusters: [{ ...cluster, spec: { ...cluster.spec, placement: { ...cluster.spec.placement, failover } } }] });
    world.lostZones.add('us-east-1a');
    expect(await minuteOfFailover(12)).toBeUndefined();
    expect((await world.cluster()).fault).toMatchObject({ kind: 'jobmanager-unreachable' });
  });
});
