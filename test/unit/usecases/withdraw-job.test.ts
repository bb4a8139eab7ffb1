import { Readable } from 'node:stream';
import { withdrawJob } from '../../../lambdas/usecases/jobs/withdraw-job';
import { World } from '../../state-machines/support/world';

/** A submission whose start Flink was asked for this many seconds ago; undefined: it was not asked, or has refused. */
const prepare = async (secondsAgo: number | undefined) => {
  const world = new World();
  await world.acceptLaunch();
  const cluster = await world.cluster();
  const resources = { taskManagerGroups: [], launchTemplateIds: [], jobManagerAddress: '127.64.0.10' };
  world.store.seed({ clusters: [{ ...cluster, status: 'RUNNING', resources }] });
  world.flink.reachable = true;
  world.flink.taskManagers = 1;
  const operation = await world.acceptSubmission(world.jarSpec(1));
  if (secondsAgo !== undefined) {
    const startAsked = { at: new Date(world.now - secondsAgo * 1_000).toISOString(), times: 1 };
    world.store.seed({ jobs: [{ ...(await world.job()), startAsked }] });
  }
  const deps = { store: world.store, flink: () => world.flink, clock: world.clock };
  const withdraw = () =>
    withdrawJob(deps, operation, { operationId: operation.operationId, phase: 'Withdraw job', epoch: 1, jarId: 'a_job.jar' });
  return { world, withdraw };
};

test('a start whose answer was lost may still show: it is waited for', async () => {
  const { withdraw } = await prepare(79);
  expect(await withdraw()).toMatchObject({ ready: false });
});

test('a job that shows late is canceled', async () => {
  const { world, withdraw } = await prepare(5);
  const { flinkJobId } = await world.job();
  const run = { jobName: 'delays', parallelism: 1, allowNonRestoredState: false, flinkConfiguration: {} };
  await world.flink.runSql({ ...run, flinkJobId, script: 'INSERT INTO a SELECT * FROM b' });
  expect(await withdraw()).toMatchObject({ ready: false, reason: expect.stringContaining('being canceled') });
  await world.flink.job(flinkJobId);
  expect(await withdraw()).toMatchObject({ ready: true, reason: 'Epoch 1 is CANCELED' });
  expect((await world.job()).startAsked).toBeUndefined();
});

test('both jars go where the start had to upload its jar to another JobManager', async () => {
  const { world, withdraw } = await prepare(undefined);
  const jarId = await world.flink.uploadJar('job.jar', Readable.from([Buffer.from('jar')]), 3);
  world.store.seed({ jobs: [{ ...(await world.job()), jarId }] });
  expect(await withdraw()).toMatchObject({ ready: true });
  expect(world.flink.calls.filter(({ method }) => method === 'deleteJar').map(({ args }) => args[0])).toEqual(['a_job.jar', jarId]);
});

test('twenty seconds after Flink had to answer nothing is waited for any more', async () => {
  const { world, withdraw } = await prepare(80);
  expect(await withdraw()).toMatchObject({ ready: true });
  expect((await world.job()).startAsked).toBeUndefined();
});

test('a start that Flink was never asked for, or refused, leaves nothing to wait for', async () => {
  const { withdraw } = await prepare(undefined);
  expect(await withdraw()).toMatchObject({ ready: true, reason: 'Flink has no job of epoch 1' });
});
