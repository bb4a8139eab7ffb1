import type { MetricLine } from '../../../lambdas/contracts/metrics';
import { aCluster } from '../../contract/support/samples';
import { enter, event, run } from '../../state-machines/support/functions';
import { World } from '../../state-machines/support/world';

const mockPublished: MetricLine[] = [];
jest.mock('../../../lambdas/composition/environment', () => ({
  ...jest.requireActual('../../state-machines/support/functions').composition,
  metrics: () => ({ publish: (lines: readonly MetricLine[]) => void mockPublished.push(...lines) }),
}));
jest.mock('../../../lambdas/composition/fleet', () => jest.requireActual('../../state-machines/support/functions').composition);

const sample = aCluster();
const warm = { ...sample.spec.placement, failover: { ...sample.spec.placement.failover, capacity: 'warm' as const } };
/** Both are to have hosts that stand by. */
const CLUSTERS = ['airports', 'flights'].map((name) => aCluster({ name, spec: { ...sample.spec, name, placement: warm } }));
const shift = {
  version: '0',
  'detail-type': 'Autoshift In Progress',
  source: 'aws.arc-zonal-shift',
  time: '2026-03-01T12:00:00Z',
  resources: [],
  detail: { version: '0.0.1', data: '', metadata: { awayFrom: 'use1-az1', notes: '' } },
};

let world: World;
beforeEach(() => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
  world.store.seed({ clusters: CLUSTERS });
});

describe.each([
  ['the sweep of every minute', 'sweep-operations', {}, 'acceptReserve', 'prepare-reserve'],
  ['an event of a zone', 'handle-zone-event', shift, 'acceptTakeover', 'fail-over-cluster'],
] as const)('%s', (_, name, payload, method, kind) => {
  test('does what it can for all clusters when it fails for one, says so, and has it done when it is tried again', async () => {
    world.store.failNext(method, new Error('DynamoDB throttles'));
    await expect(event(name, payload)).rejects.toThrow('airports could not be looked at: Error: DynamoDB throttles');
    const begun = async () => (await world.store.openOperations()).filter((one) => one.kind === kind).map(({ cluster }) => cluster);
    expect(await begun()).toEqual(['flights']);
    await event(name, payload);
    expect((await begun()).sort()).toEqual(['airports', 'flights']);
  });

  test('names all that it has failed for', async () => {
    for (const { name: cluster } of CLUSTERS) world.store.failNext(method, new Error(`DynamoDB throttles ${cluster}`));
    await expect(event(name, payload)).rejects.toThrow(/airports could not .*; .*flights could not/);
  });
});

test('hosts that nobody wants are given back also while those of another cluster cannot be looked at, and both are said', async () => {
  world = enter(new World());
  await run(await world.acceptLaunch());
  const { resources, zone } = await world.cluster();
  await world.fleet.setHosts(resources, zone, 3);
  await world.pause(120);
  // It comes before the other.
  const airports = aCluster({ name: 'airports', resources: { ...resources, securityGroupId: 'sg-airports' } });
  world.store.seed({ clusters: [airports] });
  const { observe } = world.fleet;
  Object.assign(world.fleet, {
    observe: async (seen: typeof resources) => {
      if (seen.securityGroupId === 'sg-airports') throw new Error('EC2 throttles');
      return observe(seen);
    },
  });
  const logged = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  await expect(event('sweep-operations', {})).rejects.toThrow('airports could not be looked at: Error: EC2 throttles');
  const [given] = await world.store.openOperations();
  expect(given).toMatchObject({ kind: 'replace-host', cluster: 'flights' });
  const lines = logged.mock.calls.map(([line]) => JSON.parse(line as string) as object);
  expect(lines).toContainEqual(expect.objectContaining({ cluster: 'flights', operationId: given?.operationId }));
  expect(lines).toContainEqual(expect.objectContaining({ level: 'ERROR', cluster: 'airports' }));
});

describe('an operation whose workflow has died', () => {
  const ended = (operationId: string) => ({
    source: 'aws.states',
    'detail-type': 'Step Functions Execution Status Change',
    detail: { name: operationId, status: 'TIMED_OUT' },
  });
  beforeEach(() => {
    mockPublished.length = 0;
    world = enter(new World());
  });

  test.each([
    ['by the sweep', () => ({})],
    ['by its event', ended],
  ])('is counted once, found %s, for the alarm on it', async (_, payload) => {
    const { kind, operationId } = await world.acceptLaunch();
    world.workflows.end(kind, operationId);
    for (const _time of [1, 2]) await event('sweep-operations', payload(operationId));
    expect(mockPublished).toEqual([{ dimensions: {}, at: expect.any(String), values: { OperationsInterrupted: 1 } }]);
  });

  test.each([
    ['by the sweep', () => ({})],
    ['by its event', ended],
  ])('is counted, found %s, also where what takes away its remains cannot be started at once', async (_, payload) => {
    const { kind, operationId } = await world.acceptLaunch();
    world.workflows.end(kind, operationId);
    world.workflows.failNext('start', new Error('Step Functions throttles'));
    await expect(event('sweep-operations', payload(operationId))).rejects.toThrow('Step Functions throttles');
    await event('sweep-operations', payload(operationId));
    expect(mockPublished).toEqual([{ dimensions: {}, at: expect.any(String), values: { OperationsInterrupted: 1 } }]);
  });

  test('is not counted where it has ended, and only the index of open operations does not know it yet', async () => {
    const operation = await world.acceptLaunch();
    world.workflows.end(operation.kind, operation.operationId);
    await world.store.endOperation(
      operation.operationId,
      { status: 'SUCCEEDED', endedAt: world.clock().toISOString(), reason: 'Done.', error: undefined, result: undefined },
      { cluster: operation.cluster },
    );
    Object.assign(world.store, { openOperations: async () => [operation] });
    expect(await event('sweep-operations', {})).toEqual([]);
    expect(mockPublished).toEqual([]);
  });
});
