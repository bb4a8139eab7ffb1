import type { Interrupted } from '../../../lambdas/usecases/clusters/accept-interruption';
import { enter, run } from '../../state-machines/support/functions';
import { STAGE, World } from '../../state-machines/support/world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/fleet', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/volumes', () => jest.requireActual('../../state-machines/support/functions').composition);

const { handler } = require('../../../lambdas/handlers/events/handle-interruption.handler') as {
  handler: (event: unknown) => Promise<readonly Interrupted[]>;
};

let world: World;
let host: string;
let jobManager: string;
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
  await run(await world.acceptLaunch());
  const { hosts } = await world.fleet.observe((await world.cluster()).resources);
  host = hosts.find(({ role }) => role === 'taskmanager')?.instanceId ?? '';
  jobManager = hosts.find(({ role }) => role === 'jobmanager')?.instanceId ?? '';
});

const event = (type: string, detail: object, source = 'aws.ec2') => ({
  version: '0',
  id: '12345678-1234-1234-1234-123456789012',
  'detail-type': type,
  source,
  account: '000000000000',
  time: '2026-03-01T12:00:05Z',
  region: 'us-east-1',
  resources: [],
  detail,
});
const interruption = (instanceId: unknown) =>
  event('EC2 Spot Instance Interruption Warning', { 'instance-id': instanceId, 'instance-action': 'terminate' });
const rebalance = (instanceId: string) => event('EC2 Instance Rebalance Recommendation', { 'instance-id': instanceId });
const retirement = (entities: object[], more: object = {}) =>
  event(
    'AWS Health Event',
    {
      service: 'EC2',
      eventTypeCode: 'AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED',
      eventTypeCategory: 'scheduledChange',
      affectedEntities: entities,
      ...more,
    },
    'aws.health',
  );
const open = () => world.store.openOperations();

test('an interruption warning begins the replacement of the host, with the time at which it goes', async () => {
  const [answer] = await handler(interruption(host));
  expect(answer).toMatchObject({ action: 'replace' });
  expect(await open()).toEqual([
    expect.objectContaining({
      kind: 'replace-host',
      cluster: 'flights',
      request: { kind: 'replace-host', instanceId: host, epoch: 1, notice: 'interruption', goneAt: '2026-03-01T12:02:05.000Z' },
      requestedBy: 'ec2',
    }),
  ]);
  expect(world.workflows.started.map(({ operationId }) => operationId)).toContain((await open())[0]?.operationId);
});

test('the same notice again, also later, is the same operation', async () => {
  await handler(interruption(host));
  await handler({ ...interruption(host), id: 'another', time: '2026-03-01T12:00:45Z' });
  expect(await open()).toHaveLength(1);
});

test('a warning after a recommendation is an operation of its own: it knows when the host goes', async () => {
  await handler(rebalance(host));
  await handler(interruption(host));
  expect((await open()).map(({ request }) => request)).toEqual(
    expect.arrayContaining([
      { kind: 'replace-host', instanceId: host, epoch: 1, notice: 'rebalance' },
      expect.objectContaining({ notice: 'interruption' }),
    ]),
  );
});

test('a retirement replaces each instance that it names, and leaves what is no instance or over', async () => {
  const answers = await handler(
    retirement([
      { entityValue: host, status: 'PENDING' },
      { entityValue: 'vol-0123456789abcdef0' },
      { entityValue: jobManager, status: 'RESOLVED' },
    ]),
  );
  expect(answers).toEqual([expect.objectContaining({ action: 'replace' })]);
  expect((await open())[0]?.request).toMatchObject({ notice: 'retirement' });
});

test.each([
  'AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED',
  'AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_EXPEDITED',
  'AWS_EC2_INSTANCE_STOP_SCHEDULED',
  'AWS_EC2_INSTANCE_TERMINATION_SCHEDULED',
])('%s takes a host as well, days ahead', async (eventTypeCode) => {
  expect(await handler(retirement([{ entityValue: host }], { eventTypeCode }))).toEqual([expect.objectContaining({ action: 'replace' })]);
});

test.each([
  ['an instance of somebody else', () => interruption('i-0123456789abcdef0')],
  ['a Spot notice of a JobManager, which is bought on demand', () => interruption(jobManager)],
])('%s is left alone', async (_, make) => {
  expect(await handler(make())).toEqual([expect.objectContaining({ action: 'ignore' })]);
  expect(await open()).toEqual([]);
});

test('the retirement of a JobManager’s host is an operation that says so, with more time than others, to find a quiet moment', async () => {
  const event = retirement([{ entityValue: jobManager }], { startTime: 'Wed, 6 Jan 2027 09:00:00 GMT' });
  expect(await handler(event)).toEqual([expect.objectContaining({ action: 'replace' })]);
  await handler({ ...event, id: 'another' });
  const [operation, ...more] = await open();
  expect(more).toEqual([]);
  expect(operation?.request).toEqual({
    kind: 'replace-host',
    instanceId: jobManager,
    epoch: 1,
    notice: 'retirement',
    role: 'jobmanager',
    evidence: 'AWS Health says AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED from Wed, 6 Jan 2027 09:00:00 GMT on',
  });
  expect(Date.parse(operation?.deadline ?? '') - world.now).toBe((STAGE.deadlines.rescaleSeconds + 3_600) * 1_000);
});

test('a host of a cluster whose move came to nothing is replaced: it has its hosts of before the move again', async () => {
  for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
  await run(await world.acceptFailover());
  expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1a', epoch: 3, resources: { epoch: 1 } });
  expect(await handler(interruption(host))).toEqual([expect.objectContaining({ action: 'replace' })]);
  const [operation] = await open();
  if (!operation) throw new Error('there is no operation');
  expect(operation.request).toMatchObject({ kind: 'replace-host', epoch: 1 });
  await run(operation);
  expect(await world.store.operation(operation.operationId)).toMatchObject({ status: 'SUCCEEDED' });
});

test('a notice for a host that its cluster is moving to is remembered until the move has ended', async () => {
  const move = await world.acceptFailover();
  const moving = run(move);
  let remembered: Promise<readonly Interrupted[]> | undefined;
  world.onCall = () => {
    const next = world.fleet
      .instances()
      .find(({ role, zone, state }) => role === 'taskmanager' && zone === 'us-east-1b' && state === 'running');
    if (!next) return;
    world.onCall = () => undefined;
    remembered = handler(rebalance(next.instanceId));
  };
  await moving;
  expect(await remembered).toEqual([expect.objectContaining({ action: 'replace' })]);
  const [operation] = (await open()).filter(({ kind }) => kind === 'replace-host');
  if (!operation) throw new Error('there is no operation');
  expect(operation.request).toMatchObject({ epoch: 2, notice: 'rebalance' });
  expect(await run(operation)).toMatchObject({ status: 'SUCCEEDED' });
  expect(await world.store.operation(operation.operationId)).toMatchObject({ status: 'SUCCEEDED' });
});

test('a replacement waits while its cluster moves', async () => {
  await world.acceptFailover();
  const cluster = await world.cluster();
  const operation = world.operation({ kind: 'replace-host', instanceId: host, epoch: cluster.epoch, notice: 'rebalance' });
  expect(await world.store.acceptReplacement(operation, cluster.epoch)).toEqual({ outcome: 'created' });
  const pause = world.pause.bind(world);
  let waited = 0;
  world.pause = async (seconds) => {
    await pause(seconds);
    waited += 1;
    if (waited === 3) world.store.seed({ clusters: [{ ...(await world.cluster()), status: 'RUNNING' }] });
  };
  await run(operation);
  const begun = (await world.store.operation(operation.operationId))?.phases.find(({ name }) => name === 'Begin replacement');
  expect(begun).toMatchObject({ outcome: 'ok', attempts: 4 });
});

test('a notice that comes when the cluster is being terminated is left alone', async () => {
  await world.acceptTermination('cancel');
  expect(await handler(interruption(host))).toEqual([expect.objectContaining({ action: 'ignore' })]);
  expect((await open()).map(({ kind }) => kind)).toEqual(['terminate-cluster']);
});

test.each([
  ['nothing', undefined],
  ['a text', 'EC2 Spot Instance Interruption Warning'],
  ['no instance', event('EC2 Spot Instance Interruption Warning', {})],
  ['an instance id that is none', interruption('i-../../x')],
  ['a number for an instance', interruption(7)],
  ['a time that is none', { ...interruption('i-1'), time: 'soon' }],
  ['another source', { ...interruption('i-1'), source: 'somebody.else' }],
  ['a Health event of another kind', retirement([], { eventTypeCode: 'AWS_EC2_OPERATIONAL_ISSUE' })],
  ['a host that keeps its place', retirement([{ entityValue: 'i-1' }], { eventTypeCode: 'AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED' })],
])('what is hostile or unknown is said and left: %s', async (_, hostile) => {
  expect(await handler(hostile)).toEqual([]);
  expect(await open()).toEqual([]);
});
