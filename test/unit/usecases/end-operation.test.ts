import type { Cluster } from '../../../lambdas/contracts/cluster';
import type { Operation } from '../../../lambdas/contracts/operation';
import type { EndOperationInput } from '../../../lambdas/contracts/workflow';
import { endOperation } from '../../../lambdas/usecases/operations/end-operation';
import { World } from '../../state-machines/support/world';

const end = (world: World, operation: Operation, input: Omit<EndOperationInput, 'operationId' | 'phase'>) =>
  endOperation({ store: world.store, clock: world.clock }, operation, {
    operationId: operation.operationId,
    phase: 'End operation',
    ...input,
  });
const holding = (operation: Operation): Pick<Cluster, 'lease'> => ({
  lease: { operationId: operation.operationId, acquiredAt: operation.requestedAt, until: operation.deadline },
});

/** A cluster that is being terminated. */
const terminating = async () => {
  const world = new World();
  const launch = await world.acceptLaunch();
  await world.store.endOperation(launch.operationId, { status: 'SUCCEEDED', endedAt: launch.requestedAt, reason: 'done' });
  world.store.seed({ clusters: [{ ...(await world.cluster()), status: 'RUNNING' }] });
  const termination = await world.acceptTermination();
  world.store.seed({ clusters: [{ ...(await world.cluster()), status: 'TERMINATING', ...holding(termination) }] });
  return { world, termination };
};

test('the end of a termination that is told twice does not strike the cluster that was launched in between', async () => {
  const { world, termination } = await terminating();
  // The first try dies after the cluster is TERMINATED, before the operation has ended.
  world.store.failNext('endOperation', new Error('killed'));
  await expect(end(world, termination, { outcome: 'succeeded' })).rejects.toThrow('killed');
  const { lease: _, ...terminated } = await world.cluster();
  expect(terminated.status).toBe('TERMINATED');
  const relaunch = world.operation({ kind: 'launch-cluster' });
  const again: Cluster = { ...terminated, status: 'LAUNCHING', desired: 'RUNNING', epoch: 2, ...holding(relaunch) };
  expect(await world.store.acceptLaunch(relaunch, again)).toEqual({ outcome: 'created' });
  await end(world, termination, { outcome: 'succeeded' });
  expect(await world.store.operation(relaunch.operationId)).toMatchObject({ status: 'PENDING' });
  expect(await world.cluster()).toMatchObject({ status: 'LAUNCHING', desired: 'RUNNING', ...holding(relaunch) });
  expect(await world.store.operation(termination.operationId)).toMatchObject({ status: 'SUCCEEDED' });
});

test('a termination that gave way to a new launch says so, and writes nothing on the cluster', async () => {
  const { world, termination } = await terminating();
  world.store.seed({ clusters: [{ ...(await world.cluster()), status: 'RUNNING', desired: 'RUNNING' }] });
  const error = { Error: 'Superseded', Cause: JSON.stringify({ errorMessage: 'cluster flights was launched again since this was asked' }) };
  await end(world, termination, { outcome: 'failed', error });
  expect(await world.cluster()).toMatchObject({ status: 'RUNNING', desired: 'RUNNING', lease: undefined });
  expect(await world.store.operation(termination.operationId)).toMatchObject({
    status: 'CANCELED',
    reason: 'Cluster flights was launched again since this was asked.',
  });
});
