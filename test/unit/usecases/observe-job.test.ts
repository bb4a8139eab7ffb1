import { observeJob } from '../../../lambdas/usecases/jobs/observe-job';
import { stopJob } from '../../../lambdas/usecases/jobs/savepoints';
import { STAGE, World } from '../../state-machines/support/world';

/** A cancellation that holds a job which Flink was asked to start this many seconds ago, without an answer so far. */
const prepare = async (secondsAgo: number) => {
  const world = new World();
  await world.acceptLaunch();
  const resources = { taskManagerGroups: [], launchTemplateIds: [], jobManagerAddress: '127.64.0.10' };
  world.store.seed({ clusters: [{ ...(await world.cluster()), status: 'RUNNING', resources }] });
  world.flink.reachable = true;
  world.flink.taskManagers = 1;
  await world.acceptSubmission(world.sqlSpec(1));
  const cancellation = await world.acceptChange({ kind: 'stop-job', mode: 'cancel', drain: false });
  const lease = { operationId: cancellation.operationId, acquiredAt: cancellation.requestedAt, until: cancellation.deadline };
  const startAsked = { at: new Date(world.now - secondsAgo * 1_000).toISOString(), times: 1 };
  world.store.seed({ jobs: [{ ...(await world.job()), status: 'STOPPING', lease, startAsked }] });
  const deps = { store: world.store, flink: () => world.flink, clock: world.clock, stage: STAGE };
  const input = {
    operationId: cancellation.operationId,
    phase: 'Look whether the job has ended',
    until: 'ended',
    restoring: false,
  } as const;
  return { world, look: () => observeJob(deps, cancellation, input) };
};

test('a job that Flink does not show has not ended while its start may still come', async () => {
  const { world, look } = await prepare(79);
  expect(await look()).toMatchObject({ ready: false, reason: expect.stringContaining('still working on') });
  world.now += 1_000;
  expect(await look()).toEqual({ ready: true, reason: 'Flink does not know the job any more' });
});

test('a job that shows after its cancellation was asked for is canceled too', async () => {
  const { world, look } = await prepare(5);
  const { flinkJobId } = await world.job();
  const run = { jobName: 'delays', parallelism: 1, allowNonRestoredState: false, flinkConfiguration: {} };
  await world.flink.runSql({ ...run, flinkJobId, script: 'INSERT INTO a SELECT * FROM b' });
  expect(await look()).toMatchObject({ ready: false });
  expect(await look()).toMatchObject({ ready: false, reason: 'The job is still CANCELLING' });
  expect(await look()).toEqual({ ready: true, reason: 'The job is CANCELED' });
});

test('a job that a lost JobManager brings back after its savepoint is stopped once more, and the later savepoint counts', async () => {
  const { world } = await prepare(60);
  const { flinkJobId } = await world.job();
  const stop = await world.acceptChange({ kind: 'stop-job', mode: 'savepoint', drain: false });
  const lease = { operationId: stop.operationId, acquiredAt: stop.requestedAt, until: stop.deadline };
  world.store.seed({ jobs: [{ ...(await world.job()), desired: 'RUNNING', status: 'STOPPING', lease, startAsked: undefined }] });
  await world.flink.runSql({
    jobName: 'delays',
    parallelism: 1,
    allowNonRestoredState: false,
    flinkConfiguration: {},
    flinkJobId,
    script: 'INSERT INTO a SELECT * FROM b',
  });
  const deps = { store: world.store, flink: () => world.flink, clock: world.clock, stage: STAGE };
  const look = () => observeJob(deps, stop, { operationId: stop.operationId, phase: 'p', until: 'ended', restoring: false });
  await world.flink.job(flinkJobId);
  await stopJob(deps, stop);
  world.flink.recover();
  expect(await look()).toMatchObject({ ready: false, reason: expect.stringContaining('stop once more') });
  let seen = await look();
  for (let looks = 0; looks < 5 && !seen.ready; looks += 1) seen = await look();
  expect(seen).toEqual({ ready: true, reason: 'The job is FINISHED' });
  expect(world.flink.calls.filter(({ method }) => method === 'stopWithSavepoint')).toHaveLength(2);
  expect((await world.job()).latestSavepoint).toMatch(/savepoints/);
});

describe('a job that was asked to stop by an operation that was broken off', () => {
  const begin = async () => {
    const { world } = await prepare(60);
    const { flinkJobId } = await world.job();
    const stop = await world.acceptChange({ kind: 'stop-job', mode: 'savepoint', drain: false });
    const lease = { operationId: stop.operationId, acquiredAt: stop.requestedAt, until: stop.deadline };
    world.store.seed({ jobs: [{ ...(await world.job()), desired: 'RUNNING', status: 'STOPPING', lease, startAsked: undefined }] });
    const run = { jobName: 'delays', parallelism: 1, allowNonRestoredState: false, flinkConfiguration: {} };
    await world.flink.runSql({ ...run, flinkJobId, script: 'INSERT INTO a SELECT * FROM b' });
    await world.flink.job(flinkJobId);
    const deps = { store: world.store, flink: () => world.flink, clock: world.clock, stage: STAGE };
    world.flink.looks = 3;
    await stopJob(deps, stop);
    const rescale = await world.acceptChange({ kind: 'rescale-job', parallelism: 1 });
    const look = (until: 'known' | 'running') =>
      observeJob(deps, rescale, { operationId: rescale.operationId, phase: 'Look at the job', until, restoring: false });
    const asker = async (): Promise<string | undefined> => (await world.job()).stopAskedBy;
    return { world, flinkJobId, stop, look, asker };
  };

  test.each(['known', 'running'] as const)('is not taken for finished when it ends with the savepoint (until it is %s)', async (until) => {
    const { world, flinkJobId, stop, look } = await begin();
    while ((await world.flink.job(flinkJobId))?.state !== 'FINISHED');
    expect(await look(until)).toMatchObject({ ready: true });
    expect(await world.job()).toMatchObject({
      status: 'STOPPED',
      statusReason: `Stopped with the savepoint that ${stop.operationId} asked for`,
    });
  });

  test.each(['known', 'running'] as const)('is remembered as such while the savepoint is being written (until it is %s)', async (until) => {
    const { world, stop, look, asker } = await begin();
    expect(await look(until)).toMatchObject({ ready: true });
    expect((await world.job()).status).toBe('RUNNING');
    expect(await asker()).toBe(stop.operationId);
  });

  test('is no longer once the savepoint has failed', async () => {
    const { world, flinkJobId, look, asker } = await begin();
    world.flink.savepoints = 'fail';
    for (let looks = 0; looks < 3; looks += 1) await world.flink.job(flinkJobId);
    await look('running');
    expect(await asker()).toBeUndefined();
  });
});
