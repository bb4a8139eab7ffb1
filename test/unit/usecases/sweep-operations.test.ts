import { later } from '../../../lambdas/domain/clock';
import { sweepOperations } from '../../../lambdas/usecases/operations/sweep-operations';
import { STAGE, World } from '../../state-machines/support/world';

const prepare = () => {
  const world = new World();
  const publish = jest.fn();
  const { store, workflows, clock } = world;
  const sweep = (only?: string) =>
    sweepOperations({ store, workflows, stage: STAGE, clock, metrics: { publish }, told: () => undefined }, only);
  return { world, sweep, publish };
};

test('an operation that was accepted but not started is started, once', async () => {
  const { world, sweep, publish } = prepare();
  const operation = await world.acceptLaunch();
  expect(await sweep()).toEqual([]);
  world.now += 31_000;
  expect(await sweep()).toEqual([expect.objectContaining({ operationId: operation.operationId, action: 'start' })]);
  expect(await sweep()).toEqual([]);
  expect(world.workflows.started).toEqual([{ kind: 'launch-cluster', operationId: operation.operationId }]);
  expect(publish).not.toHaveBeenCalled();
});

test('a launch whose workflow was interrupted ends, and the control plane itself takes away what it may have left', async () => {
  const { world, sweep, publish } = prepare();
  const operation = await world.acceptLaunch();
  world.workflows.end('launch-cluster', operation.operationId);
  const [swept] = await sweep();
  expect(swept).toMatchObject({ action: 'end', cleaning: expect.stringMatching(/^op-/) });
  expect(publish.mock.calls).toEqual([[[{ dimensions: {}, at: world.clock().toISOString(), values: { OperationsInterrupted: 1 } }], 60]]);
  expect(await world.store.operation(operation.operationId)).toMatchObject({ status: 'FAILED', error: { name: 'WorkflowInterrupted' } });
  expect(await world.cluster()).toMatchObject({ status: 'FAILED', desired: 'TERMINATED', lease: undefined });
  expect(world.workflows.started).toEqual([{ kind: 'terminate-cluster', operationId: swept?.cleaning }]);
  expect(await world.store.operation(swept?.cleaning ?? '')).toMatchObject({ requestedBy: 'sluice' });
});

test('a clean-up that was interrupted itself is followed by another, the third of them by a person', async () => {
  const { world, sweep } = prepare();
  const operation = await world.acceptLaunch();
  world.workflows.end('launch-cluster', operation.operationId);
  for (const times of [1, 2, 3]) {
    const [swept] = await sweep();
    const cleaning = await world.store.operation(swept?.cleaning ?? '');
    expect(cleaning).toMatchObject({ cleansUp: { after: swept?.operationId, times } });
    world.workflows.end('terminate-cluster', swept?.cleaning ?? '');
  }
  expect(await sweep()).toEqual([expect.not.objectContaining({ cleaning: expect.anything() })]);
  expect(await sweep()).toEqual([]);
  expect(await world.cluster()).toMatchObject({ status: 'FAILED' });
});

test('what the control plane has begun by itself is cleaned up after like what a person has', async () => {
  const { world, sweep } = prepare();
  await world.acceptLaunch();
  const cluster = await world.cluster();
  world.store.seed({ clusters: [{ ...cluster, status: 'RUNNING', lease: undefined }], operations: [] });
  const failover = { ...(await world.acceptFailover()), requestedBy: 'sluice' };
  world.store.seed({ operations: [failover] });
  world.workflows.end('fail-over-cluster', failover.operationId);
  const swept = (await sweep()).find(({ operationId }) => operationId === failover.operationId);
  expect(await world.store.operation(swept?.cleaning ?? '')).toMatchObject({ kind: 'fail-over-cluster', status: 'PENDING' });
  expect(await world.cluster()).toMatchObject({ status: 'FAILING_OVER', lease: { operationId: swept?.cleaning } });
});

test('a replacement that waits for a move and is interrupted is begun again, with as much time as it had', async () => {
  const { world, sweep } = prepare();
  await world.acceptLaunch();
  world.store.seed({ clusters: [{ ...(await world.cluster()), status: 'RUNNING', lease: undefined }], operations: [] });
  await world.acceptFailover();
  const { epoch } = await world.cluster();
  const waiting = world.operation({ kind: 'replace-host', instanceId: 'i-1', epoch, notice: 'rebalance' });
  const operation = { ...waiting, deadline: later(waiting.deadline, 3_600) };
  expect(await world.store.acceptReplacement(operation, epoch)).toEqual({ outcome: 'created' });
  world.workflows.end('replace-host', operation.operationId);
  const swept = (await sweep()).find(({ operationId }) => operationId === operation.operationId);
  expect(await world.store.operation(swept?.cleaning ?? '')).toMatchObject({ kind: 'replace-host', deadline: operation.deadline });
});

test('a cancellation that was interrupted is asked for again: the job is to end', async () => {
  const { world, sweep } = prepare();
  const at = world.clock().toISOString();
  await world.acceptLaunch();
  world.store.seed({ clusters: [{ ...(await world.cluster()), status: 'RUNNING', lease: undefined }] });
  const submission = await world.acceptSubmission(world.jarSpec(2));
  world.store.seed({ jobs: [{ ...(await world.job()), status: 'RUNNING' }] });
  await world.store.endOperation(
    submission.operationId,
    { status: 'SUCCEEDED', endedAt: at, reason: '' },
    { cluster: 'flights', job: 'delays' },
  );
  const cancellation = await world.acceptChange({ kind: 'stop-job', mode: 'cancel', drain: false });
  world.workflows.end('stop-job', cancellation.operationId);
  const swept = (await sweep()).find(({ operationId }) => operationId === cancellation.operationId);
  expect(await world.store.operation(swept?.cleaning ?? '')).toMatchObject({
    kind: 'stop-job',
    request: { mode: 'cancel' },
    status: 'PENDING',
  });
});

test('at the end of an execution only its own operation is looked at', async () => {
  const { world, sweep } = prepare();
  const operation = await world.acceptLaunch();
  world.now += 31_000;
  expect(await sweep(`op-${'b'.repeat(26)}`)).toEqual([]);
  expect(await sweep(operation.operationId)).toHaveLength(1);
});

test('what has ended lets go of its lease at the latest when its workflow ends', async () => {
  const { world, sweep } = prepare();
  const operation = await world.acceptLaunch();
  const end = { status: 'SUCCEEDED', endedAt: world.clock().toISOString(), reason: 'done' } as const;
  await world.store.endOperation(operation.operationId, end);
  await sweep(operation.operationId);
  expect((await world.cluster()).lease).toBeUndefined();
});

test('an operation that cannot be swept does not keep the sweeper from those behind it, and is said', async () => {
  const { world, sweep } = prepare();
  const first = await world.acceptLaunch();
  const second = await world.acceptTermination();
  world.now += 31_000;
  world.workflows.failNext('state', new Error('AccessDenied'));
  await expect(sweep()).rejects.toThrow(`1 operations could not be swept: launch-cluster ${first.operationId}: Error: AccessDenied`);
  expect(world.workflows.started).toEqual([{ kind: 'terminate-cluster', operationId: second.operationId }]);
});
