import { enter, invoke, run } from '../../state-machines/support/functions';
import { World } from '../../state-machines/support/world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/fleet', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/volumes', () => jest.requireActual('../../state-machines/support/functions').composition);

let world: World;
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
  await run(await world.acceptLaunch());
  await run(await world.acceptSubmission(world.jarSpec(2)));
});

/** The state `Record ended jobs` of another job's start. */
const recordEnded = async (): Promise<unknown> => {
  const { operationId } = await world.acceptSubmission(world.jarSpec(1, 'other', 'other'));
  return invoke('RecordJobs', { operationId, phase: 'Record ended jobs' });
};

test('a job that has failed by itself is recorded by the start of another', async () => {
  world.flink.breakJob((await world.job()).flinkJobId, 'FAILED', 'NullPointerException');
  expect(await recordEnded()).toEqual({ reason: 'Ended by themselves: delays (FAILED)' });
});

test('a job that its JobManager does not show just after it has come back is not recorded as failed', async () => {
  await world.observe({ read: 1_000, busy: 0.5 });
  world.flink.restart();
  await world.pause(30);
  expect(await recordEnded()).toEqual({ reason: 'No other job has ended' });
  expect((await world.job()).status).toBe('RUNNING');
});

test('a job that its JobManager has not shown for long has failed', async () => {
  await world.observe({ read: 1_000, busy: 0.5 });
  world.flink.restart();
  await world.pause(120);
  expect(await recordEnded()).toEqual({ reason: 'Ended by themselves: delays (FAILED)' });
});
