import middy from '@middy/core';
import { AwsUnavailable, JobRejected, Superseded } from '../../../lambdas/contracts/errors';
import type { Operation } from '../../../lambdas/contracts/operation';
import { taskInput } from '../../../lambdas/contracts/workflow';
import { type Task, workflow } from '../../../lambdas/middleware/workflow';
import { createFakeStore } from '../../fakes/fake-store';

const OPERATION_ID = `op-${'a'.repeat(26)}`;
const EVENT = { operationId: OPERATION_ID, phase: 'Start job' };
const context = { getRemainingTimeInMillis: () => 30_000 } as never;

const prepare = (change: Partial<Operation> = {}) => {
  let now = Date.parse('2026-03-01T12:00:00.000Z');
  const clock = (): Date => {
    now += 500;
    return new Date(now);
  };
  const store = createFakeStore(clock);
  const at = '2026-03-01T12:00:00.000Z';
  const operation = {
    operationId: OPERATION_ID,
    kind: 'submit-job',
    cluster: 'flights',
    job: 'delays',
    request: { kind: 'submit-job' },
    status: 'RUNNING',
    requestedBy: 'arn',
    requestedAt: at,
    deadline: at,
    phases: [],
    reason: '',
    ...change,
  } as Operation;
  store.seed({ operations: [operation] });
  const handler = (run: (task: Task<typeof EVENT>) => Promise<{ reason: string; ready?: boolean }>, evenIfEnded = false) =>
    middy(run).use(workflow(taskInput, { store, clock, evenIfEnded })) as unknown as (event: unknown, context: never) => Promise<unknown>;
  const phases = async () => (await store.operation(OPERATION_ID))?.phases;
  return { store, handler, phases };
};

let lines: string[] = [];
beforeEach(() => {
  lines = [];
  jest.spyOn(console, 'log').mockImplementation((line: string) => lines.push(line));
});

test('a task becomes a phase with its times, its outcome and its reason', async () => {
  const { handler, phases } = prepare();
  await handler(async () => ({ reason: 'Flink has accepted it' }))(EVENT, context);
  expect(await phases()).toEqual([
    {
      name: 'Start job',
      outcome: 'ok',
      reason: 'Flink has accepted it',
      attempts: 1,
      startedAt: expect.any(String),
      endedAt: expect.any(String),
    },
  ]);
});

test('a wait stays one phase, and counts its looks', async () => {
  const { handler, phases } = prepare();
  const look = handler(async () => ({ ready: false, reason: '3 of 4 tasks run' }));
  await look(EVENT, context);
  await look(EVENT, context);
  expect(await phases()).toMatchObject([{ outcome: 'waiting', reason: '3 of 4 tasks run', attempts: 2 }]);
});

test('an error keeps its name, and is a failed phase', async () => {
  const { handler, phases } = prepare();
  const run = handler(async () => {
    throw new JobRejected('no such class');
  });
  await expect(run(EVENT, context)).rejects.toMatchObject({ name: 'JobRejected', message: 'no such class' });
  expect(await phases()).toMatchObject([{ outcome: 'failed', reason: 'no such class' }]);
});

test('a message is short enough for a state machine', async () => {
  const { handler } = prepare();
  const run = handler(async () => {
    throw new JobRejected('x'.repeat(90_000));
  });
  const error = await run(EVENT, context).then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  expect(error?.message.length).toBeLessThanOrEqual(2_000);
});

test('a task of an operation that has ended does nothing', async () => {
  const { handler } = prepare({ status: 'CANCELED', reason: 'Cluster flights was terminated.' });
  let ran = false;
  const run = handler(async () => {
    ran = true;
    return { reason: '' };
  });
  await expect(run(EVENT, context)).rejects.toBeInstanceOf(Superseded);
  expect(ran).toBe(false);
});

test('the task that ends an operation also runs when it has ended', async () => {
  const { handler } = prepare({ status: 'CANCELED' });
  await expect(handler(async () => ({ reason: 'again' }), true)(EVENT, context)).resolves.toEqual({ reason: 'again' });
});

test('work goes on when its phase cannot be recorded', async () => {
  const { handler, store } = prepare();
  store.failNext('recordPhase', new AwsUnavailable('throttled'));
  store.failNext('recordPhase', new AwsUnavailable('throttled'));
  await expect(handler(async () => ({ reason: 'done' }))(EVENT, context)).resolves.toEqual({ reason: 'done' });
});

test('each task writes one line of JSON that names operation, cluster, job and phase', async () => {
  const { handler } = prepare();
  await handler(async () => ({ reason: 'done' }))(EVENT, context);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      level: 'INFO',
      message: 'done',
      outcome: 'ok',
      operationId: OPERATION_ID,
      kind: 'submit-job',
      cluster: 'flights',
      job: 'delays',
      phase: 'Start job',
      durationMs: expect.any(Number),
    }),
  ]);
});

test('an input that is not one is refused before anything is done', async () => {
  const { handler } = prepare();
  await expect(handler(async () => ({ reason: '' }))({ operationId: 'x' }, context)).rejects.toThrow();
});
