import { AwsUnavailable } from '../../../lambdas/contracts/errors';
import { alarmChangedEvent } from '../../../lambdas/contracts/events';
import type { Operation } from '../../../lambdas/contracts/operation';
import { handler } from '../../../lambdas/handlers/events/handle-alarm.handler';
import { handleAlarm } from '../../../lambdas/usecases/scaling/handle-alarm';
import { enter, run } from '../../state-machines/support/functions';
import { STAGE, World } from '../../state-machines/support/world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/fleet', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/volumes', () => jest.requireActual('../../state-machines/support/functions').composition);

const NAME = 'sluice-test-flights.delays.lag';
let world: World;
let considered: string[];
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  considered = [];
  world = enter(new World());
  await run(await world.acceptLaunch());
  await run(await world.acceptSubmission({ ...world.jarSpec(2), scaling: { enabled: true, priority: 0 } }));
});

/** As CloudWatch writes it. */
const event = (changes: { name?: string; value?: string; secondsAgo?: number; reason?: string } = {}) => {
  const { name = NAME, value = 'ALARM', secondsAgo = 0, reason = 'Threshold Crossed: …' } = changes;
  const timestamp = new Date(world.now - secondsAgo * 1_000).toISOString().replace('Z', '+0000');
  return {
    version: '0',
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    detail: { alarmName: name, state: { value, reason, timestamp }, previousState: { value: 'OK' }, configuration: { metrics: [] } },
  };
};
const handle = (given = event()) =>
  handleAlarm(
    {
      store: world.store,
      stage: STAGE,
      clock: world.clock,
      considerScaling: async ({ cluster, job }, trigger) => {
        considered.push(`${cluster} ${job}: ${trigger}`);
        return { outcome: 'kept', reason: 'Busy, but not for long enough' };
      },
    },
    alarmChangedEvent.parse(given).detail,
  );

test('an alarm that rings is recorded on its job, and asks whether to scale', async () => {
  expect(await handle()).toMatchObject({
    outcome: 'considered',
    subject: { cluster: 'flights', job: 'delays', kind: 'lag' },
    reason: 'lag is ALARM (Threshold Crossed: …): Busy, but not for long enough',
    decided: { outcome: 'kept' },
  });
  const since = new Date(world.now).toISOString();
  expect((await world.job()).alarms).toEqual({ lag: { state: 'ALARM', since, reason: 'Threshold Crossed: …' } });
  expect(considered).toEqual(['flights delays: alarm lag']);
});

test('an alarm that is over is recorded and asks nothing', async () => {
  await handle(event({ secondsAgo: 60 }));
  expect(await handle(event({ value: 'OK' }))).toMatchObject({ outcome: 'recorded' });
  expect(await handle(event({ name: 'sluice-test-flights.delays.busy', value: 'INSUFFICIENT_DATA' }))).toMatchObject({
    outcome: 'recorded',
  });
  expect((await world.job()).alarms).toMatchObject({ lag: { state: 'OK' }, busy: { state: 'INSUFFICIENT_DATA' } });
  expect(considered).toHaveLength(1);
});

test('events that come out of order leave the newest state', async () => {
  await handle(event({ value: 'OK' }));
  expect(await handle(event({ secondsAgo: 60 }))).toMatchObject({ outcome: 'ignored', reason: expect.stringContaining('a later change') });
  expect((await world.job()).alarms?.lag?.state).toBe('OK');
  expect(considered).toEqual([]);
});

test('a repeated event is considered again, because the first time may not have come so far', async () => {
  await handle();
  expect(await handle()).toMatchObject({ outcome: 'considered' });
  expect(considered).toHaveLength(2);
});

test('a job that does not scale by itself has its alarms recorded only', async () => {
  await run(await world.acceptSubmission({ ...world.jarSpec(1, 'jar', 'other'), scaling: { enabled: false, priority: 0 } }));
  expect(await handle(event({ name: 'sluice-test-flights.other.lag' }))).toMatchObject({ outcome: 'recorded' });
  expect((await world.job('other')).alarms?.lag?.state).toBe('ALARM');
  expect(considered).toEqual([]);
});

test.each([
  ['of another stage', { name: 'sluice-prod-flights.delays.lag' }, 'is no alarm of a job of this stage'],
  ['that is no job’s', { name: 'sluice-test-dead-letters' }, 'is no alarm of a job of this stage'],
  ['with a name made to harm', { name: 'sluice-test-flights.__proto__.lag' }, 'is no alarm of a job of this stage'],
  ['of an unknown cluster', { name: 'sluice-test-ghosts.delays.lag' }, 'cluster ghosts does not run'],
  ['of an unknown job', { name: 'sluice-test-flights.ghost.lag' }, 'job ghost does not run'],
  ['from the future', { secondsAgo: -3_600 }, 'is in the future'],
])('an alarm %s is ignored', async (_, changes, reason) => {
  expect(await handle(event(changes))).toMatchObject({ outcome: 'ignored', reason: expect.stringContaining(reason) });
  expect((await world.job()).alarms ?? {}).toEqual({});
  expect(considered).toEqual([]);
});

test('an alarm of a job that has ended, or of a cluster that is to go, is ignored', async () => {
  await run(await world.acceptChange({ kind: 'stop-job', mode: 'cancel', drain: false }));
  expect(await handle()).toMatchObject({ outcome: 'ignored', reason: 'job delays does not run' });
  await world.acceptTermination();
  expect(await handle()).toMatchObject({ outcome: 'ignored', reason: 'cluster flights does not run' });
});

test('a reason of any length is kept short', async () => {
  await handle(event({ reason: 'x'.repeat(100_000) }));
  expect((await world.job()).alarms?.lag?.reason.length).toBeLessThanOrEqual(2_000);
});

test('what passes by itself is thrown, so that Lambda tries once more', async () => {
  world.store.failNext('recordAlarm', new AwsUnavailable('answered 500'));
  await expect(handle()).rejects.toThrow(AwsUnavailable);
  expect(await handle()).toMatchObject({ outcome: 'considered' });
});

describe('the function', () => {
  test('records an alarm', async () => {
    expect(await handler(event())).toMatchObject({ subject: { kind: 'lag' } });
    expect((await world.job()).alarms?.lag?.state).toBe('ALARM');
  });

  describe('tells', () => {
    const told = async (): Promise<Record<string, string>> => {
      const logged = jest.spyOn(console, 'log').mockImplementation(() => undefined);
      logged.mockClear();
      await handler(event());
      return logged.mock.calls.map(([line]) => JSON.parse(line as string) as Record<string, string>).at(-1) ?? {};
    };

    test('which operation it has begun, and why', async () => {
      await world.observe({ read: 1_000, busy: 1, waiting: 100_000, growth: 200 });
      const line = await told();
      const [open] = await world.store.openOperations();
      expect(line).toMatchObject({ outcome: 'considered', cluster: 'flights', decided: 'started', operationId: open?.operationId });
      expect(open?.request.kind === 'scale-job' && line.message?.includes(open.request.reason)).toBe(true);
    });

    test('that another operation changes the job', async () => {
      const { operationId } = await world.acceptChange({ kind: 'take-savepoint' });
      expect(await told()).toMatchObject({ decided: 'held', message: expect.stringContaining(`${operationId} changes job delays`) });
    });

    test('why nothing could be decided', async () => {
      expect(await told()).toMatchObject({ decided: 'ignored', message: expect.stringContaining('Job delays was not observed yet') });
    });
  });

  test('makes one operation of a storm of alarms, however often and in whatever order they come', async () => {
    await world.observe({ read: 1_000, busy: 1, waiting: 100_000, growth: 200 });
    const storm = ['lag', 'busy', 'backpressure', 'watermark'].flatMap((kind) =>
      [0, 2, 1, 0].map((secondsAgo) => event({ name: `sluice-test-flights.delays.${kind}`, secondsAgo })),
    );
    const handled = await Promise.all(storm.map((one) => handler(one)));
    expect(handled.filter(({ outcome }) => outcome === 'considered').length).toBeGreaterThan(4);
    const open = await world.store.openOperations();
    expect(open.map(({ kind, job }) => ({ kind, job }))).toEqual([{ kind: 'scale-job', job: 'delays' }]);
    expect(world.workflows.started.filter(({ kind }) => kind === 'scale-job')).toHaveLength(1);
    expect(Object.keys((await world.job()).alarms ?? {}).sort()).toEqual(['backpressure', 'busy', 'lag', 'watermark']);
  });

  test('makes one operation of each job of a cluster when alarms of both storm in at once', async () => {
    await run(await world.acceptSubmission({ ...world.jarSpec(2, 'other', 'arrivals'), scaling: { enabled: true, priority: 0 } }));
    for (const job of ['delays', 'arrivals']) await world.observe({ read: 1_000, busy: 1, waiting: 100_000, growth: 200 }, job);
    const storm = ['lag', 'busy', 'backpressure', 'lag'].flatMap((kind) =>
      ['delays', 'arrivals', 'arrivals', 'delays'].map((job) => event({ name: `sluice-test-flights.${job}.${kind}` })),
    );
    await Promise.all(storm.map((one) => handler(one)));
    const open = await world.store.openOperations();
    expect(open.map(({ kind, job }) => `${kind} ${job}`).sort()).toEqual(['scale-job arrivals', 'scale-job delays']);
    for (const { operationId } of open) await run((await world.store.operation(operationId)) as Operation);
    expect(await Promise.all(['delays', 'arrivals'].map(async (job) => (await world.job(job)).spec.parallelism))).toEqual([4, 4]);
  });

  test('promises no host twice when alarms of two jobs storm in that want more than the largest fleet has', async () => {
    await run(await world.acceptSubmission({ ...world.jarSpec(2, 'other', 'arrivals'), scaling: { enabled: true, priority: 0 } }));
    for (const job of ['delays', 'arrivals']) await world.observe({ read: 1_000, busy: 1, waiting: 100_000, growth: 900 }, job);
    const storm = ['lag', 'busy', 'backpressure'].flatMap((kind) =>
      ['delays', 'arrivals'].map((job) => event({ name: `sluice-test-flights.${job}.${kind}` })),
    );
    await Promise.all(storm.map((one) => handler(one)));
    const open = await world.store.openOperations();
    for (const { operationId } of open) await run((await world.store.operation(operationId)) as Operation);
    const slots = await Promise.all(['delays', 'arrivals'].map(async (job) => (await world.job(job)).spec.parallelism));
    // Six are wanted of each, and there are eight.
    expect(slots.toSorted()).toEqual([2, 6]);
    expect(await Promise.all(open.map(async ({ operationId }) => (await world.store.operation(operationId))?.status))).toEqual([
      'SUCCEEDED',
    ]);
  });

  describe('of a job of which only MSK knows the lag', () => {
    const msk = { clusterName: 'events', consumerGroup: 'arrivals', topics: ['flights'] };
    const ring = () => handler(event({ name: 'sluice-test-flights.arrivals.kafka-lag-1' }));
    beforeEach(async () => {
      const scaling = { enabled: true, priority: 0 };
      await run(await world.acceptSubmission({ ...world.jarSpec(2, 'other', 'arrivals'), source: { msk }, scaling }));
      await world.observe({ read: 1_000, busy: 0.7, silent: true }, 'arrivals');
      const at = new Date(world.now - 60_000).toISOString();
      world.kafkaMetrics.show({ lag: { at, records: 90_000, growth: 500, seconds: 90, worstPartition: 50_000 } });
    });

    test('scales it by what MSK says: the alarm came with the job, and goes with it', async () => {
      const alarm = world.alarms.settings('flights', 'arrivals').find(({ kind }) => kind === 'kafka-lag-1');
      expect(alarm).toMatchObject({ of: { clusterName: 'events', consumerGroup: 'arrivals', topic: 'flights' }, threshold: 60 });
      expect(await ring()).toMatchObject({ outcome: 'considered', subject: { job: 'arrivals', kind: 'kafka-lag-1' } });
      const [open] = await world.store.openOperations();
      const operation = (await world.store.operation(open?.operationId ?? '')) as Operation;
      expect(operation.request).toMatchObject({
        kind: 'scale-job',
        direction: 'out',
        trigger: 'alarm kafka-lag-1',
        reason: expect.stringContaining('the lag of Source -> Sink is over its level of 60 s and grows'),
      });
      await run(operation);
      expect((await world.job('arrivals')).spec.parallelism).toBeGreaterThan(2);
      await run(await world.acceptChange({ kind: 'stop-job', mode: 'cancel', drain: false }, 'arrivals'));
      expect(world.alarms.settings('flights', 'arrivals')).toEqual([]);
    });

    test('is told to the job that an operation changes just then, for the next pass to ask again', async () => {
      await world.acceptChange({ kind: 'take-savepoint' }, 'arrivals');
      await ring();
      expect(world.workflows.started.filter(({ kind }) => kind === 'scale-job')).toEqual([]);
      expect((await world.job('arrivals')).alarms?.['kafka-lag-1']?.state).toBe('ALARM');
    });
  });

  test.each([
    undefined,
    null,
    'alarm',
    {},
    { source: 'aws.cloudwatch' },
    { ...event_(), source: 'me' },
    { ...event_(), detail: { alarmName: 'x' } },
    { ...event_(), detail: { alarmName: NAME, state: { value: 'ON', reason: '', timestamp: '2026-03-01T12:00:00.000+0000' } } },
    { ...event_(), detail: { alarmName: NAME, state: { value: 'ALARM', reason: '', timestamp: 'yesterday' } } },
    { ...event_(), detail: { alarmName: NAME, state: { value: 'ALARM', reason: '', timestamp: '2026-99-99T12:00:00.000+0000' } } },
  ])('ignores what is no change of an alarm (%#)', async (given) => {
    expect(await handler(given)).toMatchObject({ outcome: 'ignored' });
  });
});

function event_() {
  return { source: 'aws.cloudwatch', 'detail-type': 'CloudWatch Alarm State Change', detail: {} };
}
