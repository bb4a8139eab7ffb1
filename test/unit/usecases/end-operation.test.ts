import type { Cluster } from '../../../lambdas/contracts/cluster';
import type { FailoverTrigger, Operation } from '../../../lambdas/contracts/operation';
import type { EndOperationInput } from '../../../lambdas/contracts/workflow';
import { INTERRUPTED } from '../../../lambdas/domain/operation-end';
import { endOperation } from '../../../lambdas/usecases/operations/end-operation';
import { World } from '../../state-machines/support/world';

const publish = jest.fn();
beforeEach(() => publish.mockReset());
const end = (world: World, operation: Operation, input: Omit<EndOperationInput, 'operationId' | 'phase'>) =>
  endOperation({ store: world.store, clock: world.clock, metrics: { publish } }, operation, {
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

describe('a move that has failed is counted, for the alarm on it,', () => {
  const NO_HOSTS = { Error: 'InsufficientCapacity', Cause: JSON.stringify({ errorMessage: 'no zone has hosts' }) };
  const SUPERSEDED = { Error: 'Superseded', Cause: JSON.stringify({ errorMessage: 'flights is to be terminated' }) };
  const DIED = { Error: INTERRUPTED, Cause: 'the workflow was interrupted and ended without a result' };
  type Wish = {
    readonly kind?: FailoverTrigger['kind'];
    readonly by?: string;
    readonly change?: Partial<Cluster>;
    readonly error?: { readonly Error: string; readonly Cause: string };
    readonly cleansOnly?: boolean;
  };
  const failed = async (wish: Wish): Promise<unknown> => {
    const { kind = 'zone-event', by = 'sluice', change = {}, error = NO_HOSTS, cleansOnly = false } = wish;
    const world = new World();
    await world.acceptLaunch();
    world.store.seed({ clusters: [{ ...(await world.cluster()), status: 'RUNNING', lease: undefined }] });
    const accepted = await world.acceptFailover({ trigger: { kind, evidence: 'a test wants it' } });
    const operation = {
      ...accepted,
      requestedBy: by,
      request: { ...accepted.request, ...(cleansOnly ? { cleansOnly } : {}) },
    } as Operation;
    world.store.seed({ operations: [operation], clusters: [{ ...(await world.cluster()), ...change }] });
    await end(world, operation, { outcome: 'failed', error });
    const ended = (await world.store.operation(operation.operationId)) as Operation;
    await end(world, ended, { outcome: 'failed', error });
    expect(ended.status).toBe(error === SUPERSEDED ? 'CANCELED' : 'FAILED');
    return publish.mock.calls;
  };
  const ONCE = [[[{ dimensions: {}, at: '2026-03-01T12:00:00.000Z', values: { FailoversFailed: 1 } }], 60]];

  test.each<[string, Wish]>([
    ['where the control plane began it', {}],
    ['where it was given back', { change: { status: 'RUNNING' } }],
    ['where it was tried again', { kind: 'recovery' }],
    ['where it was a drill by schedule', { kind: 'drill', change: { status: 'RUNNING' } }],
    ['where it was to go home, and its jobs wait', { kind: 'failback' }],
  ])('once %s', async (_, wish) => {
    expect(await failed(wish)).toEqual(ONCE);
  });

  test.each([
    ['sluice', 1],
    ['arn:somebody', 0],
  ])('once or not at all where it was a drill on a copy, which %s began', async (by, times) => {
    const world = new World();
    const request = { copy: 'flights-drill', from: 'us-east-1a', zone: 'us-east-1b', rehearsals: {} };
    const trigger = { kind: 'drill', evidence: 'a test wants it' } as const;
    const operation = { ...world.operation({ kind: 'drill-on-copy', ...request, trigger }), requestedBy: by };
    world.store.seed({ operations: [operation] });
    await end(world, operation, { outcome: 'failed', error: NO_HOSTS });
    expect(publish).toHaveBeenCalledTimes(times);
  });

  test.each<[string, Wish]>([
    ['where a person did, who sees it', { kind: 'person', by: 'arn:somebody' }],
    ['where its workflow died, and another operation goes on with it', { error: DIED }],
    ['where it gave way', { change: { desired: 'TERMINATED' }, error: SUPERSEDED }],
    ['where it was to go home, and stays where it is well', { kind: 'failback', change: { status: 'RUNNING' } }],
    ['where it only took away what was left', { kind: 'recovery', cleansOnly: true }],
  ])('not %s', async (_, wish) => {
    expect(await failed(wish)).toEqual([]);
  });
});
