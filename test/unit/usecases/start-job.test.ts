import { Readable } from 'node:stream';
import { ArtifactMissing, AwsUnavailable, FlinkUnavailable, JarMissing, JobRejected } from '../../../lambdas/contracts/errors';
import { flinkJobIdOf } from '../../../lambdas/domain/flink-job-id';
import { startJob } from '../../../lambdas/usecases/jobs/start-job';
import { FakeFlink } from '../../fakes/fake-flink';
import { STAGE, World } from '../../state-machines/support/world';

/** A submission of a name's third epoch, on a cluster that runs. */
const prepare = async () => {
  const world = new World();
  await world.acceptLaunch();
  const resources = { taskManagerGroups: [], launchTemplateIds: [], jobManagerAddress: '127.64.0.10' };
  world.store.seed({ clusters: [{ ...(await world.cluster()), status: 'RUNNING', resources }] });
  world.flink.reachable = true;
  world.flink.taskManagers = 1;
  const operation = await world.acceptSubmission(world.sqlSpec(1));
  const flinkJobId = idOf(3);
  world.store.seed({ jobs: [{ ...(await world.job()), epoch: 3, flinkJobId }] });
  const deps = { store: world.store, artifacts: world.artifacts, flink: () => world.flink, clock: world.clock, stage: STAGE };
  const input = { operationId: operation.operationId, phase: 'Start job', epoch: 3, jarId: null, savepoint: null };
  const start = () => startJob(deps, operation, input);
  const runs = async (id: string) => (await world.flink.jobs()).find((job) => job.flinkJobId === id)?.state;
  return { world, start, runs, flinkJobId };
};
const idOf = (jobEpoch: number, job = 'delays') => flinkJobIdOf({ cluster: 'flights', clusterEpoch: 1, job, jobEpoch });
const run = { parallelism: 1, allowNonRestoredState: false, flinkConfiguration: {}, script: 'INSERT INTO a SELECT * FROM b' };

test('what an earlier start of the job left in Flink ends before the job is started again', async () => {
  const { world, start, runs, flinkJobId } = await prepare();
  await world.flink.runSql({ ...run, jobName: 'whatever the program calls itself', flinkJobId: idOf(1) });
  await expect(start()).rejects.toThrow(
    new FlinkUnavailable(`an earlier start of job delays is still there and being canceled: ${idOf(1)} (CREATED)`),
  );
  expect(await runs(flinkJobId)).toBeUndefined();
  await world.flink.job(idOf(1));
  await start();
  expect(await runs(idOf(1))).toBe('CANCELED');
  expect(await runs(flinkJobId)).toBe('CREATED');
});

test('jobs of other names are left alone, whatever they call themselves in Flink', async () => {
  const { world, start, runs } = await prepare();
  await world.flink.runSql({ ...run, jobName: 'delays', flinkJobId: idOf(1, 'other') });
  await start();
  expect(await runs(idOf(1, 'other'))).toBe('CREATED');
});

test('that Flink is asked is known before it is asked', async () => {
  const { world, start } = await prepare();
  world.flink.failNext('runSql', { when: 'after' });
  await expect(start()).rejects.toThrow(FlinkUnavailable);
  expect(await world.job()).toMatchObject({ startAsked: { at: world.clock().toISOString(), times: 1 } });
});

test('a refusal settles the only request', async () => {
  const { world, start } = await prepare();
  world.flink.behaviour = () => ({ does: 'reject', reason: 'no such table' });
  await expect(start()).rejects.toThrow(JobRejected);
  expect((await world.job()).startAsked).toBeUndefined();
});

test('a refusal does not settle an earlier request whose answer was lost', async () => {
  const { world, start } = await prepare();
  world.flink.failNext('runSql');
  await expect(start()).rejects.toThrow(FlinkUnavailable);
  world.flink.behaviour = () => ({ does: 'reject', reason: 'no such table' });
  await expect(start()).rejects.toThrow(JobRejected);
  expect(await world.job()).toMatchObject({ startAsked: { times: 2 } });
});

test('a script that cannot be read asks Flink for nothing', async () => {
  const { world, start } = await prepare();
  world.artifacts.failNext('getText', new AwsUnavailable('slow down'));
  await expect(start()).rejects.toThrow(AwsUnavailable);
  expect((await world.job()).startAsked).toBeUndefined();
});

describe('a jar that was uploaded to the JobManager that led before', () => {
  const prepareJar = async () => {
    const { world } = await prepare();
    const operation = await world.acceptSubmission(world.jarSpec(1, 'jar', 'fares'));
    const jarId = await world.flink.uploadJar('fares.jar', Readable.from([Buffer.from('jar')]), 3);
    const next = new FakeFlink({ taskManagers: 1, slotsPerTaskManager: 2 });
    const deps = { store: world.store, artifacts: world.artifacts, flink: () => next, clock: world.clock, stage: STAGE };
    const input = { operationId: operation.operationId, phase: 'Start job', epoch: 1, jarId, savepoint: null };
    return { world, next, jarId, start: () => startJob(deps, operation, input) };
  };

  test('is uploaded to the one that leads now, and runs there', async () => {
    const { world, next, jarId, start } = await prepareJar();
    await start();
    const job = await world.job('fares');
    expect(next.started(job.flinkJobId)).toMatchObject({ jarId: job.jarId });
    expect(job.jarId).not.toBe(jarId);
    expect(next.jarIds).toEqual([job.jarId]);
    expect(job.startAsked).toEqual({ at: world.clock().toISOString(), times: 1 });
  });

  test('is uploaded once more at the next try where the lead changes again meanwhile', async () => {
    const { world, next, start } = await prepareJar();
    next.failNext('runJar', { error: new JarMissing('the JobManager has no jar'), times: 2 });
    await expect(start()).rejects.toThrow(FlinkUnavailable);
    await start();
    expect(next.jarIds).toEqual([(await world.job('fares')).jarId]);
  });

  test('that is not in S3 any more is missed', async () => {
    const { world, start } = await prepareJar();
    world.artifacts.failNext('size', new ArtifactMissing('s3://artifacts/jar.jar does not exist'));
    await expect(start()).rejects.toThrow(ArtifactMissing);
  });
});
