import { AwsUnavailable } from '../../../lambdas/contracts/errors';
import { enter, run } from '../../state-machines/support/functions';
import { World } from '../../state-machines/support/world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/fleet', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/volumes', () => jest.requireActual('../../state-machines/support/functions').composition);

const SOURCE = { msk: { clusterName: 'events', consumerGroup: 'delays', topics: ['flights'] } };
const BEHIND = { read: 1_000, busy: 0.9, waiting: 100_000, growth: 200 };
let world: World;
const submit = async (source?: typeof SOURCE) =>
  run(await world.acceptSubmission({ ...world.jarSpec(2), ...(source ? { source } : {}), scaling: { enabled: true, priority: 0 } }));
const brokers = (cpu: number) => ({ at: new Date(world.now - 60_000).toISOString(), cpu, disk: 0.4 });
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
  await run(await world.acceptLaunch());
});

test('a decision about a job that reads from MSK asks CloudWatch once, and holds what brokers without CPU could not feed', async () => {
  await submit(SOURCE);
  world.kafkaMetrics.show({ brokers: brokers(0.87) });
  await world.observe({ ...BEHIND, busy: 0.85 });
  const considered = await world.consider();
  expect(considered).toMatchObject({ outcome: 'kept', reason: expect.stringContaining("the brokers' CPU on events is at 87 %") });
  expect(world.kafkaMetrics.calls).toEqual([{ method: 'read', args: [SOURCE.msk, world.clock().toISOString()] }]);
  expect((await world.job()).lastDecision?.reason).toContain("the brokers' CPU on events is at 87 %");
});

test('what MSK told is kept with the operation, and is in its explanation', async () => {
  await submit(SOURCE);
  world.kafkaMetrics.show({ brokers: brokers(0.4) });
  await world.observe(BEHIND);
  const { outcome, operationId = '' } = await world.consider();
  expect(outcome).toBe('started');
  expect((await world.observations.decision('flights', operationId))?.inputs.observed.kafka).toMatchObject({
    clusterName: 'events',
    brokers: { cpu: 0.4 },
  });
  const operation = await world.store.operation(operationId);
  expect(JSON.stringify(operation?.request)).toContain("the busiest broker's CPU is at 40 %");
});

test('without an answer of CloudWatch the job scales by what Flink knows, and that is said', async () => {
  await submit(SOURCE);
  world.kafkaMetrics.failNext('read', new AwsUnavailable('GetMetricData: Rate exceeded'));
  await world.observe(BEHIND);
  const { outcome, operationId = '' } = await world.consider();
  expect(outcome).toBe('started');
  expect(JSON.stringify((await world.store.operation(operationId))?.request)).toContain('could not be read: GetMetricData: Rate exceeded');
});

test('a job that does not say where it reads from asks nobody', async () => {
  await submit();
  await world.observe(BEHIND);
  expect((await world.consider()).outcome).toBe('started');
  expect(world.kafkaMetrics.calls).toEqual([]);
});

test('brokers that have got full before the rescale is carried out end it', async () => {
  await submit(SOURCE);
  world.kafkaMetrics.show({ brokers: brokers(0.4) });
  await world.observe({ ...BEHIND, busy: 0.85 });
  await world.consider();
  const operation = world.workflows.started.find(({ kind }) => kind === 'scale-job');
  world.now += 30_000;
  await world.observe({ ...BEHIND, busy: 0.85 });
  world.kafkaMetrics.show({ brokers: brokers(0.9) });
  const begun = await world.store.operation(operation?.operationId ?? '');
  if (!begun) throw new Error('nothing was started');
  await run(begun);
  const ended = await world.store.operation(begun.operationId);
  expect(ended?.status).toBe('SUCCEEDED');
  expect(JSON.stringify(ended?.phases)).toContain("the brokers' CPU on events is at 90 %");
  expect((await world.job()).spec.scaled).toBeUndefined();
});
