import { operationView } from '../../../lambdas/contracts/api';
import { CHANGEABLE } from '../../../lambdas/contracts/cluster-change';
import { fleetSpecOf } from '../../../lambdas/usecases/clusters/fleet-spec';
import { nextEpoch } from '../../../lambdas/usecases/failover/accept-failover';
import { aReserve } from '../../contract/support/samples';
import { ANA, AT_CLUSTER, AT_JOB, type Call, call, givenCluster, givenJob, resetWorld, world } from './world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('./world').environment);
beforeEach(resetWorld);
afterEach(() => jest.restoreAllMocks());

const [ZONE_B, ZONE_C] = ['eu-central-1b', 'eu-central-1c'];
const change = (body: unknown, more: Call = {}) => call('change-cluster', { path: AT_CLUSTER, body, ...more });
const stored = async () => {
  const cluster = await world.store.cluster('flights');
  if (!cluster) throw new Error('There is no cluster');
  return cluster;
};
/** Something else is done right before a write of the store, once. */
const beforeWrite = (method: 'acceptClusterChange' | 'acceptTakeover', intrude: () => Promise<unknown>): void => {
  const { store } = world;
  world.store = new Proxy(store, {
    get: (target, key) => {
      if (key !== method) return Reflect.get(target, key);
      return async (...given: unknown[]) => {
        world.store = store;
        await intrude();
        // Its own call has let go of the log.
        jest.spyOn(console, 'log').mockImplementation(() => undefined);
        return (Reflect.get(target, method) as (...all: unknown[]) => unknown)(...given);
      };
    },
  });
};
const launchedWith = async (body: object): Promise<void> => {
  await call('create-cluster', { body: { name: 'flights', size: 'small', ...body } });
  const { lease: _, ...cluster } = await stored();
  world.store.seed({ clusters: [{ ...cluster, status: 'RUNNING' }] });
};

describe('a change of settings', () => {
  test('is an operation that has ended when it is answered, and says who changed what from what to what', async () => {
    await givenCluster();
    const started = world.workflows.started.length;
    const answer = await change({ placement: { failover: { zones: [ZONE_C, ZONE_B] } } });
    expect(answer.status).toBe(202);
    const changes = [{ field: 'placement.failover.zones', to: [ZONE_C, ZONE_B], takesEffect: 'next-move' }];
    expect(operationView.parse(answer.body)).toMatchObject({
      kind: 'change-cluster',
      status: 'SUCCEEDED',
      requestedBy: ANA,
      request: { kind: 'change-cluster', changes },
      endedAt: world.now.toISOString(),
      reason: `placement.failover.zones from the default to ["${ZONE_C}","${ZONE_B}"], with the next move of the cluster.`,
    });
    expect(answer.log).toEqual([
      expect.objectContaining({ audit: true, caller: ANA, action: 'change-cluster', cluster: 'flights', changes }),
    ]);
    const { operationId } = answer.body;
    expect(answer.headers.location).toBe(`/clusters/flights/operations/${operationId}`);
    expect((await call('describe-operation', { path: { ...AT_CLUSTER, operation: operationId } })).body).toEqual(answer.body);
    expect(await stored()).toMatchObject({ revision: 1, spec: { placement: { failover: { zones: [ZONE_C, ZONE_B] } } } });
    // Nobody has to look after it.
    expect(world.workflows.started).toHaveLength(started);
    expect(await world.store.openOperations()).not.toContainEqual(expect.objectContaining({ operationId }));
  });

  test('leaves what is not named as it was, and puts what is null back to its default', async () => {
    await launchedWith({ placement: { failover: { zones: [ZONE_C], objectiveSeconds: 60, volumeSnapshots: {} } }, tags: { team: 'a' } });
    const before = await stored();
    const answer = await change({ placement: { failover: { zones: null, volumeSnapshots: { keep: 5 } } } });
    expect(answer.body.request.changes).toEqual([
      { field: 'placement.failover.zones', from: [ZONE_C], takesEffect: 'next-move' },
      { field: 'placement.failover.volumeSnapshots', from: { keep: 2, days: 7 }, to: { keep: 5, days: 7 }, takesEffect: 'next-move' },
    ]);
    const { zones: _, ...failover } = before.spec.placement.failover;
    const placement = { ...before.spec.placement, failover: { ...failover, volumeSnapshots: { keep: 5, days: 7 } } };
    expect(await stored()).toEqual({ ...before, revision: 1, spec: { ...before.spec, placement } });
  });

  test('to what is there already changes nothing', async () => {
    await givenCluster();
    const before = await stored();
    for (const body of [{}, { placement: { failover: { capacity: 'cold' } } }, { drill: null }])
      expect(await change(body)).toMatchObject({ status: 202, body: { status: 'SUCCEEDED', request: { changes: [] } } });
    expect(await stored()).toEqual(before);
  });

  test('is made once however often it is sent with the same key, and not again over what came after it', async () => {
    await givenCluster();
    const body = { drill: { schedule: 'rate(7 days)' } };
    const first = await change(body, { key: 'k' });
    await change({ drill: null });
    expect((await change(body, { key: 'k' })).body).toEqual(first.body);
    expect((await stored()).spec.drill).toBeUndefined();
    expect(await change({ drill: null }, { key: 'k' })).toMatchObject({ status: 422 });
  });

  test.each<[string, object]>([
    ['placement.failover.automatic', { placement: { failover: { automatic: false } } }],
    ['placement.failover.zones', { placement: { failover: { zones: [ZONE_C] } } }],
    ['placement.failover.objectiveSeconds', { placement: { failover: { objectiveSeconds: 30 } } }],
    ['placement.failover.capacity', { placement: { failover: { capacity: 'warm' } } }],
    ['placement.failover.volumeSnapshots', { placement: { failover: { volumeSnapshots: {} } } }],
    ['placement.failBack', { placement: { failBack: { policy: 'quiet-time', window: { from: '01:00', until: '04:00' } } } }],
    ['drill', { drill: { schedule: 'cron(0 3 ? * MON *)' } }],
    ['observation', { observation: { intervalSeconds: 10 } }],
    ['overrides.taskManagers.max', { overrides: { taskManagers: { max: 16 } } }],
    ['purchase.instanceTypes', { purchase: { instanceTypes: ['c6id.2xlarge'] } }],
    ['overrides.jobManager.instanceTypes', { overrides: { jobManager: { instanceTypes: ['c7i.2xlarge'] } } }],
  ])('of %s says when it counts', async (field, body) => {
    await givenCluster();
    expect(await change(body)).toMatchObject({
      status: 202,
      body: { request: { changes: [{ field, takesEffect: CHANGEABLE[field as keyof typeof CHANGEABLE] }] } },
    });
  });

  test.each<[string, object]>([
    ['name', { name: 'planes' }],
    ['size', { size: 'large' }],
    ['flinkVersion', { flinkVersion: '2.2.0' }],
    ['zone', { zone: ZONE_B }],
    ['zone', { zone: null }],
    ['overrides.instanceType', { overrides: { instanceType: 'c5.2xlarge' } }],
    ['overrides.taskManagers.min', { overrides: { taskManagers: { min: 4 } } }],
    ['overrides.jobManager.memoryMiB', { overrides: { jobManager: { memoryMiB: 2_048 } } }],
    ['network', { network: { allowSlow: true } }],
    ['spareSlots', { spareSlots: 4 }],
    ['placement.mode', { placement: { mode: 'spread' } }],
    ['placement.zones', { placement: { zones: [ZONE_B, ZONE_C] } }],
    ['flinkConfiguration', { flinkConfiguration: { 'state.backend.type': 'rocksdb' } }],
    ['highAvailability', { highAvailability: { standbyJobManager: true } }],
    ['tags', { tags: { team: 'b' } }],
  ])('of %s is refused: it is set when the cluster is launched', async (path, body) => {
    await givenCluster();
    const before = await stored();
    const answer = await change(body);
    expect(answer).toMatchObject({ status: 422 });
    expect(answer.body.errors).toEqual([{ path, message: expect.stringContaining('is set when the cluster is launched') }]);
    expect(await stored()).toEqual(before);
  });

  test.each<[string, string, unknown]>([
    ['a field that is unknown', 'colour', { colour: 'red' }],
    ['a field that is unknown inside', 'placement.failover.colour', { placement: { failover: { colour: 'red' } } }],
    ['nothing in the place of what can be changed in part only', 'placement', { placement: null }],
    ['a zone that the stage does not have', 'placement.failover.zones', { placement: { failover: { zones: ['us-west-2a'] } } }],
    ['no zone but its own', 'placement.failover.zones', { placement: { failover: { zones: [ZONE_B] } } }],
    ['no zone at all', 'placement.failover.zones', { placement: { failover: { zones: [] } } }],
    ['drills without a schedule', 'drill.schedule', { drill: { mode: 'lost' } }],
    ['drills every minute', 'drill.schedule', { drill: { schedule: 'cron(* * * * ? *)' } }],
    ['drills in a zone that the stage does not have', 'drill.zone', { drill: { schedule: 'rate(7 days)', zone: 'us-west-2a' } }],
    ['a way home without a window', 'placement.failBack.window', { placement: { failBack: { policy: 'quiet-time' } } }],
    ['more TaskManagers than the stage allows', 'overrides.taskManagers.max', { overrides: { taskManagers: { max: 101 } } }],
    ['a largest fleet under the smallest', 'overrides.taskManagers.max', { overrides: { taskManagers: { max: 1 } } }],
    ['a largest fleet that is all spare', 'overrides.taskManagers.max', { overrides: { taskManagers: { max: 3 } } }],
    ['Spot where there was none', 'purchase.spotPercent', { purchase: { spotPercent: 50 } }],
    ['more than all hosts as Spot', 'purchase.spotPercent', { purchase: { spotPercent: 101 } }],
    ['a type that does not fit', 'purchase.instanceTypes', { purchase: { instanceTypes: ['c5.large'] } }],
    [
      'a JobManager type that does not fit',
      'overrides.jobManager.instanceTypes',
      { overrides: { jobManager: { instanceTypes: ['t3.micro'] } } },
    ],
    ['no object', 'body', [1]],
  ])('to %s is refused, with the field', async (_, path, body) => {
    await launchedWith({ spareSlots: 16 });
    const before = await stored();
    const answer = await change(body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toContainEqual({ path, message: expect.any(String) });
    expect(await stored()).toEqual(before);
  });

  test('of one setting is not held to what the stage has come to be since for others', async () => {
    await givenCluster();
    const cluster = await stored();
    const failover = { ...cluster.spec.placement.failover, zones: ['eu-central-1z'] };
    world.store.seed({ clusters: [{ ...cluster, spec: { ...cluster.spec, placement: { ...cluster.spec.placement, failover } } }] });
    expect(await change({ observation: { intervalSeconds: 60 } })).toMatchObject({ status: 202 });
  });
});

test('a change of the zones to move to goes by the home zone, as at a launch, wherever the cluster is now', async () => {
  await launchedWith({ zone: ZONE_B });
  world.store.seed({ clusters: [{ ...(await stored()), zone: ZONE_C }] });
  expect(await change({ placement: { failover: { zones: [ZONE_B] } } })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'placement.failover.zones', message: `names none but the home zone ${ZONE_B}, so there is nowhere to go` }] },
  });
  expect(await change({ placement: { failover: { zones: [ZONE_C] } } })).toMatchObject({ status: 202 });
});

describe('the largest fleet', () => {
  test('can be raised: what a job may have follows, and all else of the size stays', async () => {
    await givenJob();
    expect(await call('rescale-job', { path: AT_JOB, body: { parallelism: 100 } })).toMatchObject({ status: 422 });
    const { size, turn = 0 } = await stored();
    expect(await change({ overrides: { taskManagers: { max: 16 } } })).toMatchObject({ status: 202 });
    expect(await stored()).toMatchObject({ size: { ...size, taskManagers: { min: 2, max: 16 } }, turn: turn + 1 });
    expect(await call('rescale-job', { path: AT_JOB, body: { parallelism: 100 } })).toMatchObject({ status: 202 });
  });

  test('is not lowered under what its jobs need', async () => {
    await givenJob({}, { parallelism: 20 });
    expect(await change({ overrides: { taskManagers: { max: 2 } } })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'overrides.taskManagers.max', message: expect.stringContaining('need 20 slots') }] },
    });
    expect(await change({ overrides: { taskManagers: { max: 4 } } })).toMatchObject({ status: 202 });
  });

  test('is decided again when a job becomes larger between the look and the write', async () => {
    await givenJob();
    beforeWrite('acceptClusterChange', () => call('rescale-job', { path: AT_JOB, body: { parallelism: 60 } }));
    expect(await change({ overrides: { taskManagers: { max: 4 } } })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'overrides.taskManagers.max' }] },
    });
    expect((await stored()).size.taskManagers.max).toBe(8);
  });
});

describe('how hosts are bought', () => {
  test('is changed for the hosts of the next epoch', async () => {
    await launchedWith({ overrides: { instanceType: 'c5.2xlarge' }, purchase: { spotPercent: 80 } });
    const before = await stored();
    await change({
      purchase: { spotPercent: 40, instanceTypes: ['c7i.2xlarge'] },
      overrides: { jobManager: { instanceTypes: ['c7i.2xlarge'] } },
    });
    const after = fleetSpecOf(nextEpoch(await stored(), ZONE_B, []));
    expect(after).toMatchObject({
      epoch: 2,
      spotPercent: 40,
      size: { alternatives: ['c7i.2xlarge'], jobManager: { alternatives: ['c7i.2xlarge'] } },
    });
    expect(after.size).toEqual({
      ...before.size,
      alternatives: ['c7i.2xlarge'],
      jobManager: { ...before.size.jobManager, alternatives: ['c7i.2xlarge'] },
    });
  });

  test.each([
    ['overrides.jobManager.instanceTypes', { overrides: { jobManager: { instanceTypes: ['c7i.2xlarge'] } } }],
    ['purchase.spotPercent', { purchase: { spotPercent: 40 } }],
  ])('leaves the types of TaskManager hosts as they were chosen where %s is what changes', async (field, body) => {
    await launchedWith({ overrides: { instanceType: 'c5.2xlarge' }, purchase: { spotPercent: 80 } });
    const cluster = await stored();
    // By what the stage and EC2 were at the launch.
    const purchase = { ...cluster.spec.purchase, instanceTypes: ['c5.large'] };
    const size = { ...cluster.size, alternatives: ['c5.large'] };
    world.store.seed({ clusters: [{ ...cluster, spec: { ...cluster.spec, purchase }, size }] });
    expect(await change(body)).toMatchObject({ status: 202, body: { request: { changes: [{ field }] } } });
    expect((await stored()).size.alternatives).toEqual(['c5.large']);
  });

  test('stays Spot where it is Spot: jobs were taken by that', async () => {
    await launchedWith({ purchase: { spotPercent: 80 } });
    for (const spotPercent of [0, null])
      expect(await change({ purchase: { spotPercent } })).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'purchase.spotPercent' }] },
      });
    expect(await change({ purchase: { spotPercent: 10 } })).toMatchObject({ status: 202 });
  });

  test('is not changed while a reserve is made of it', async () => {
    const by = 'op-abcdefghijklmnopqrstuvwxyz';
    await givenCluster({ reserve: aReserve({ by }) });
    expect(await change({ purchase: { instanceTypes: ['c6id.2xlarge'] } })).toMatchObject({
      status: 409,
      body: { operation: { operationId: by } },
    });
    expect(await change({ placement: { failover: { automatic: false } } })).toMatchObject({ status: 202 });
  });
});

describe('a cluster', () => {
  test('that is not there is said to be so', async () => {
    expect(await change({ drill: null })).toMatchObject({ status: 404 });
  });

  test.each([
    ['is launched', { status: 'LAUNCHING' }],
    ['moves', { status: 'FAILING_OVER' }],
    ['failed to launch', { status: 'FAILED' }],
    ['is terminated', { status: 'TERMINATED', desired: 'TERMINATED' }],
    ['is being terminated', { desired: 'TERMINATED' }],
  ])('that %s is not changed', async (_, fields) => {
    await givenCluster(fields);
    expect(await change({ placement: { failover: { zones: [ZONE_B] } } })).toMatchObject({ status: 409 });
  });

  test('whose move has failed can be changed before it is tried again', async () => {
    const former = [{ epoch: 1, zone: 'eu-central-1a', resources: { taskManagerGroups: [], launchTemplateIds: [] } }];
    await givenCluster({ status: 'FAILED', former });
    expect(await change({ placement: { failover: { zones: [ZONE_C] } } })).toMatchObject({ status: 202 });
  });
});

describe('between the look at a cluster and the write', () => {
  const body = { placement: { failover: { zones: [ZONE_C] } } };

  test('another change is kept, and both are made', async () => {
    await givenCluster();
    beforeWrite('acceptClusterChange', () => change({ placement: { failover: { objectiveSeconds: 30 } } }));
    expect(await change(body)).toMatchObject({ status: 202 });
    expect(await stored()).toMatchObject({ revision: 2, spec: { placement: { failover: { zones: [ZONE_C], objectiveSeconds: 30 } } } });
  });

  test('a move wins, and the change says what is in the way', async () => {
    await givenCluster();
    beforeWrite('acceptClusterChange', () => call('fail-over-cluster', { path: AT_CLUSTER, body: { zone: ZONE_B } }));
    const answer = await change(body);
    const { lease, spec, zone } = await stored();
    expect(answer).toMatchObject({ status: 409, body: { operation: { operationId: lease?.operationId } } });
    expect(zone).toBe(ZONE_B);
    expect(spec.placement.failover.zones).toBeUndefined();
  });

  test('a termination wins', async () => {
    await givenCluster();
    beforeWrite('acceptClusterChange', () => call('terminate-cluster', { path: AT_CLUSTER }));
    expect(await change(body)).toMatchObject({ status: 409 });
    expect((await stored()).spec.placement.failover.zones).toBeUndefined();
  });

  test('a launch under the same name is another cluster, which is not made of the former one’s settings', async () => {
    await givenCluster();
    beforeWrite('acceptClusterChange', async () => {
      const { epoch, ...cluster } = await stored();
      const spec = { ...cluster.spec, tags: { team: 'new' } };
      world.store.seed({ clusters: [{ ...cluster, spec, epoch: epoch + 1 }] });
    });
    expect(await change(body)).toMatchObject({ status: 202 });
    expect((await stored()).spec).toMatchObject({ tags: { team: 'new' }, placement: { failover: { zones: [ZONE_C] } } });
  });

  test('of a move a change is seen: it goes where the cluster is to go now', async () => {
    await givenCluster({ zone: 'eu-central-1a' });
    const answers: unknown[] = [];
    beforeWrite('acceptTakeover', async () => answers.push(await change(body)));
    expect(await call('fail-over-cluster', { path: AT_CLUSTER })).toMatchObject({ status: 202, body: { request: { zone: ZONE_C } } });
    expect(answers).toEqual([expect.objectContaining({ status: 202 })]);
    expect(await stored()).toMatchObject({ zone: ZONE_C, spec: { placement: { failover: { zones: [ZONE_C] } } } });
  });
});

describe('a reserve in a zone that the cluster is not to move to any more', () => {
  test('is not what a move goes to', async () => {
    await givenCluster({ zone: 'eu-central-1a', reserve: aReserve({ status: 'ready', zone: ZONE_B }) });
    await change({ placement: { failover: { zones: [ZONE_C] } } });
    expect(await call('fail-over-cluster', { path: AT_CLUSTER })).toMatchObject({ status: 202, body: { request: { zone: ZONE_C } } });
  });
});

test('drills by another schedule are those that are due from then on', async () => {
  await launchedWith({ drill: { schedule: 'rate(7 days)' } });
  await change({ observation: { intervalSeconds: 60 } });
  expect(await stored()).not.toHaveProperty('drillSince');
  await change({ drill: { schedule: 'cron(0 3 ? * MON *)' } });
  expect(await stored()).toMatchObject({ drillSince: world.now.toISOString() });
});
