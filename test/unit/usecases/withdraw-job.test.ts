import type { Operation } from '../../../lambdas/contracts/operation';
import type { Caught } from '../../../lambdas/contracts/workflow';
import { withdrawJob } from '../../../lambdas/usecases/withdraw-job';
import { World } from '../../state-machines/support/world';

const LOST: Caught = { Error: 'FlinkUnavailable', Cause: 'no answer' };
const REFUSED: Caught = { Error: 'JobRejected', Cause: 'no such class' };

/** A submission whose start was tried this many seconds ago. */
const prepare = async (secondsAgo: number) => {
  const world = new World();
  await world.acceptLaunch();
  const cluster = await world.cluster();
  const resources = { taskManagerGroups: [], launchTemplateIds: [], jobManagerAddress: '127.64.0.10' };
  world.store.seed({ clusters: [{ ...cluster, status: 'RUNNING', resources }] });
  world.flink.reachable = true;
  world.flink.taskManagers = 1;
  const accepted = await world.acceptSubmission(world.jarSpec(1));
  const at = new Date(world.now - secondsAgo * 1_000).toISOString();
  const phases = [{ name: 'Start job', startedAt: at, endedAt: at, outcome: 'failed' as const, reason: 'no answer', attempts: 7 }];
  const operation: Operation = { ...accepted, phases };
  const deps = { store: world.store, flink: () => world.flink, clock: world.clock };
  const withdraw = (error: Caught) =>
    withdrawJob(deps, operation, { operationId: operation.operationId, phase: 'Withdraw job', epoch: 1, jarId: 'a_job.jar', error });
  return { world, withdraw };
};

test('a start whose answer was lost may still show: it is waited for', async () => {
  const { withdraw } = await prepare(5);
  expect(await withdraw(LOST)).toMatchObject({ ready: false });
});

test('a job that shows late is canceled', async () => {
  const { world, withdraw } = await prepare(5);
  const { flinkJobId } = await world.job();
  const run = { jobName: 'delays', parallelism: 1, allowNonRestoredState: false, flinkConfiguration: {} };
  await world.flink.runSql({ ...run, flinkJobId, script: 'INSERT INTO a SELECT * FROM b' });
  expect(await withdraw(LOST)).toMatchObject({ ready: false, reason: expect.stringContaining('being canceled') });
  await world.flink.job(flinkJobId);
  expect(await withdraw(LOST)).toMatchObject({ ready: true, reason: 'Epoch 1 is CANCELED' });
});

test('after twenty seconds nothing is waited for any more', async () => {
  const { withdraw } = await prepare(21);
  expect(await withdraw(LOST)).toMatchObject({ ready: true });
});

test('a program that was refused leaves nothing to wait for', async () => {
  const { withdraw } = await prepare(0);
  expect(await withdraw(REFUSED)).toMatchObject({ ready: true, reason: 'Flink has no job of epoch 1' });
});
