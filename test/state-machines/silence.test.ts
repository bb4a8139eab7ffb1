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
