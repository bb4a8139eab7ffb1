import type { Operation } from '../../../lambdas/contracts/operation';
import { beginOperation } from '../../../lambdas/usecases/operations/begin-operation';
import { World } from '../../state-machines/support/world';

const CANCEL = { kind: 'stop-job', mode: 'cancel', drain: false } as const;

/** A cluster that runs, with a job that runs; nobody changes either. */
const prepare = async () => {
  const world = new World();
  await world.acceptLaunch();
  const { lease: _, ...cluster } = await world.cluster();
  const resources = { taskManagerGroups: [], launchTemplateIds: [], jobManagerAddress: '127.64.0.10' };
  world.store.seed({ clusters: [{ ...cluster, status: 'RUNNING', resources }] });
  await world.acceptSubmission(world.sqlSpec(1));
  const { lease: __, ...job } = await world.job();
  world.store.seed({ jobs: [{ ...job, status: 'RUNNING' }] });
  const begin = (operation: Operation) => beginOperation({ store: world.store, clock: world.clock }, operation);
  return { world, begin };
};

describe('a termination', () => {
  test('stops running jobs with a savepoint also when its first step is done twice', async () => {
    const { world, begin } = await prepare();
    const termination = await world.acceptTermination('savepoint');
    expect(await begin(termination)).toMatchObject({ ready: true, plan: 'savepoint' });
    // The answer was lost; the state machine tries again.
    expect(await begin(termination)).toMatchObject({ ready: true, plan: 'savepoint' });
  });

  test('after one that failed stops the jobs that still run with a savepoint', async () => {
    const { world, begin } = await prepare();
    world.store.seed({ clusters: [{ ...(await world.cluster()), status: 'FAILED', desired: 'TERMINATED' }] });
    expect(await begin(await world.acceptTermination('savepoint'))).toMatchObject({ plan: 'savepoint' });
  });

  test('that waited until the cluster was launched again leaves the new one alone', async () => {
    const { world, begin } = await prepare();
    const termination = await world.acceptTermination('cancel');
    world.store.seed({ clusters: [{ ...(await world.cluster()), desired: 'RUNNING', epoch: 2 }] });
    await expect(begin(termination)).rejects.toMatchObject({
      name: 'Superseded',
      message: 'cluster flights was launched again since this was asked',
    });
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', desired: 'RUNNING' });
  });
});

describe('a cancellation', () => {
  test('cancels the job it was asked for', async () => {
    const { world, begin } = await prepare();
    expect(await begin(await world.acceptChange(CANCEL))).toMatchObject({ plan: 'cancel' });
  });

  test('that waited until the job was submitted again leaves the new one alone', async () => {
    const { world, begin } = await prepare();
    const cancellation = await world.acceptChange(CANCEL);
    world.store.seed({ jobs: [{ ...(await world.job()), status: 'STOPPED' }] });
    await world.acceptSubmission(world.sqlSpec(1));
    // While the submission holds the job, and afterwards.
    await expect(begin(cancellation)).rejects.toMatchObject({ name: 'Superseded' });
    const { lease: _, ...job } = await world.job();
    world.store.seed({ jobs: [{ ...job, status: 'RUNNING' }] });
    await expect(begin(cancellation)).rejects.toMatchObject({
      name: 'Superseded',
      message: 'job delays was submitted again since this was asked',
    });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', desired: 'RUNNING' });
  });
});
