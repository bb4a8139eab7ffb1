import { launchFailedEvent, zoneShiftEvent } from '../../../lambdas/contracts/events';
import { fleetSpecOf } from '../../../lambdas/usecases/clusters/fleet-spec';
import {
  type ConsiderFailoverDeps,
  considerFault,
  handleLaunchFailure,
  handleZoneShift,
} from '../../../lambdas/usecases/failover/consider-failover';
import { aCluster } from '../../contract/support/samples';
import { createFakeFleet } from '../../fakes/fake-fleet';
import { createFakeStore } from '../../fakes/fake-store';
import { createFakeWorkflows } from '../../fakes/fake-workflows';
import { STAGE } from '../../state-machines/support/world';

const clock = (): Date => new Date('2026-03-01T12:00:00.000Z');
const from = (awayFrom: string) => ({ version: '0.0.1', data: '', metadata: { awayFrom, notes: '' } });
const event = {
  version: '0',
  'detail-type': 'Autoshift In Progress',
  source: 'aws.arc-zonal-shift',
  time: '2026-03-01T12:00:00Z',
  resources: [],
  detail: from('use1-az1'),
};
const shift = zoneShiftEvent.parse(event);

let deps: ConsiderFailoverDeps & { readonly workflows: ReturnType<typeof createFakeWorkflows> };
beforeEach(() => {
  const store = createFakeStore(clock);
  const running = { status: 'RUNNING', desired: 'RUNNING', epoch: 1, lease: undefined } as const;
  store.seed({
    clusters: [
      aCluster({ ...running, name: 'flights', zone: 'us-east-1a' }),
      aCluster({ ...running, name: 'orders', zone: 'us-east-1a' }),
      aCluster({ ...running, name: 'elsewhere', zone: 'us-east-1b' }),
    ],
  });
  deps = { clock, stage: STAGE, store, workflows: createFakeWorkflows(), fleet: createFakeFleet({ now: clock }) };
});

test('every cluster of a zone that AWS shifts away from is moved, and no other', async () => {
  const considered = await handleZoneShift(deps, shift);
  expect(considered.map(({ cluster, action }) => [cluster, action])).toEqual([
    ['flights', 'move'],
    ['orders', 'move'],
  ]);
  expect(await deps.store.cluster('flights')).toMatchObject({ status: 'FAILING_OVER', epoch: 2, zone: 'us-east-1b' });
  expect(await deps.store.cluster('elsewhere')).toMatchObject({ status: 'RUNNING', zone: 'us-east-1b' });
});

test('a spread cluster is not considered for a zone that it has no hosts in', async () => {
  const stored = aCluster({ status: 'RUNNING', desired: 'RUNNING', name: 'elsewhere', zone: 'us-east-1b' });
  const zones = STAGE.zones.map(({ name }) => name);
  const considered = async (avoidedZones: string[]): Promise<unknown> => {
    (deps.store as ReturnType<typeof createFakeStore>).seed({ clusters: [{ ...stored, zones, avoidedZones }] });
    return (await handleZoneShift(deps, shift)).filter(({ cluster }) => cluster === 'elsewhere');
  };
  expect(await considered(['us-east-1a'])).toEqual([]);
  expect(await considered(['us-east-1c'])).toMatchObject([{ action: 'hold', reason: expect.stringContaining('go on in the slots') }]);
});

test('a cluster that cannot be looked at keeps no other of its zone waiting, and is moved by the next try', async () => {
  (deps.store as ReturnType<typeof createFakeStore>).failNext('operationsOf', new Error('DynamoDB throttles'));
  expect(await handleZoneShift(deps, shift)).toMatchObject([
    { cluster: 'flights', action: 'failed', reason: expect.stringContaining('DynamoDB throttles') },
    { cluster: 'orders', action: 'move' },
  ]);
  expect(await handleZoneShift(deps, shift)).toMatchObject([{ cluster: 'flights', action: 'move' }]);
});

test.each([
  ['one that EC2 says is not well is left out', ['us-east-1b'], 'us-east-1c'],
  ['one that is not well is taken when there is no other', ['us-east-1b', 'us-east-1c'], 'us-east-1b'],
])('of the zones to go to %s', async (_, troubled, zone) => {
  const fleet = deps.fleet as ReturnType<typeof createFakeFleet>;
  for (const one of troubled) fleet.zonesInTrouble.set(one, 'EC2 says it is impaired');
  await handleZoneShift(deps, shift);
  expect(await deps.store.cluster('flights')).toMatchObject({ status: 'FAILING_OVER', zone });
});

test.each([
  ['goes to none that AWS has shifted traffic from before', 'Autoshift In Progress', 'us-east-1c'],
  ['goes to one where the shift has ended', 'Autoshift Completed', 'us-east-1b'],
])('a cluster %s, also where EC2 calls it well', async (_, then, zone) => {
  const said = (type: string, time: string) => zoneShiftEvent.parse({ ...event, 'detail-type': type, time, detail: from('use1-az2') });
  await handleZoneShift(deps, said('Autoshift In Progress', '2026-03-01T09:00:00Z'));
  await handleZoneShift(deps, said(then, '2026-03-01T11:00:00Z'));
  await handleZoneShift(deps, shift);
  expect(await deps.store.cluster('flights')).toMatchObject({ status: 'FAILING_OVER', zone });
});

test('a shift that is told of again after its end moves nothing', async () => {
  const over = zoneShiftEvent.parse({ ...event, 'detail-type': 'Autoshift Completed', time: '2026-03-01T12:30:00Z' });
  expect(await handleZoneShift(deps, over)).toEqual([]);
  expect(await handleZoneShift(deps, shift)).toEqual([]);
});

test('a cluster is moved although EC2 does not say which zones are well', async () => {
  (deps.fleet as ReturnType<typeof createFakeFleet>).failNext('zones', new Error('EC2 does not answer'));
  await handleZoneShift(deps, shift);
  expect(await deps.store.cluster('flights')).toMatchObject({ status: 'FAILING_OVER', zone: 'us-east-1b' });
});

test('a cluster that the control plane is not to move any more stays, also where that is set while it is considered', async () => {
  const fleet = deps.fleet as ReturnType<typeof createFakeFleet>;
  const store = deps.store as ReturnType<typeof createFakeStore>;
  const zones = fleet.zones.bind(fleet);
  fleet.zones = async () => {
    const cluster = aCluster({ status: 'RUNNING', desired: 'RUNNING', epoch: 1, lease: undefined, name: 'flights', zone: 'us-east-1a' });
    const { placement } = cluster.spec;
    const byPerson = { ...placement, failover: { ...placement.failover, automatic: false } };
    store.seed({ clusters: [{ ...cluster, spec: { ...cluster.spec, placement: byPerson }, revision: 1 }] });
    return zones();
  };
  expect(await handleZoneShift(deps, shift)).toMatchObject([
    { cluster: 'flights', action: 'hold', reason: expect.stringContaining('is moved by a person only (placement.failover.automatic)') },
    { cluster: 'orders', action: 'move' },
  ]);
  expect(await store.cluster('flights')).toMatchObject({ status: 'RUNNING', epoch: 1 });
});

test('a storm of events makes one failover of a cluster', async () => {
  await Promise.all(Array.from({ length: 10 }, () => handleZoneShift(deps, shift)));
  await handleZoneShift(deps, shift);
  expect(new Set(deps.workflows.started.map(({ operationId }) => operationId)).size).toBe(2);
  expect(await deps.store.cluster('flights')).toMatchObject({ epoch: 2 });
});

test('an event that comes late, or again, when the cluster has gone from that zone moves nothing', async () => {
  await handleZoneShift(deps, shift);
  for (const name of ['flights', 'orders']) {
    const operationId = (await deps.store.cluster(name))?.lease?.operationId ?? '';
    await deps.store.updateCluster(name, operationId, { status: 'RUNNING' });
    await deps.store.releaseLease({ cluster: name }, operationId);
  }
  const begun = deps.workflows.started.length;
  expect(await handleZoneShift(deps, shift)).toEqual([]);
  expect(deps.workflows.started).toHaveLength(begun);
  expect(await deps.store.cluster('flights')).toMatchObject({ status: 'RUNNING', epoch: 2, zone: 'us-east-1b' });
});

test('a zone that is not of the stage moves nothing', async () => {
  expect(await handleZoneShift(deps, { ...shift, zoneId: 'usw2-az1' })).toEqual([]);
});

test('a failed launch moves a cluster that has no host left; one of a group that is not ours, whose host before it is still ending, or whose instance profile EC2 does not know yet, moves nothing', async () => {
  const failed = (AutoScalingGroupName: string, StatusMessage = 'We currently do not have sufficient capacity') =>
    launchFailedEvent.parse({
      source: 'aws.autoscaling',
      'detail-type': 'EC2 Instance Launch Unsuccessful',
      detail: { StatusCode: 'Failed', AutoScalingGroupName, StatusMessage },
    }).detail;
  expect(await handleLaunchFailure(deps, failed('somebody-elses'))).toEqual([]);
  const ending = failed('sluice-test-flights-e1-jobmanager', 'Interface: [eni-0a1] in use. Launching EC2 instance failed.');
  expect(await handleLaunchFailure(deps, ending)).toEqual([]);
  const profile =
    'Value (arn:aws:iam::1:instance-profile/n) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN';
  expect(await handleLaunchFailure(deps, failed('sluice-test-flights-e1-jobmanager', profile))).toEqual([]);
  expect(await handleLaunchFailure(deps, failed('sluice-test-flights-e1-taskmanager-us-east-1a'))).toMatchObject([
    { cluster: 'flights', action: 'move' },
  ]);
});

describe('a cluster whose zone lacks the type of its JobManager', () => {
  const fleet = () => deps.fleet as ReturnType<typeof createFakeFleet>;
  const group = 'sluice-test-flights-e1-jobmanager';
  const lacking = (type: string) =>
    `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (us-east-1a).`;
  const failed = (type: string) => handleLaunchFailure(deps, { AutoScalingGroupName: group, StatusMessage: lacking(type) });
  beforeEach(async () => {
    const stored = aCluster({ status: 'RUNNING', desired: 'RUNNING', name: 'flights', zone: 'us-east-1a' });
    const size = { ...stored.size, jobManager: { ...stored.size.jobManager, alternatives: ['c6i.large'] } };
    const cluster = { ...stored, size };
    const spec = fleetSpecOf(cluster);
    const access = { ...cluster.resources, ...(await fleet().prepareAccess(spec)) };
    const resources = { ...access, ...(await fleet().createGroups(spec, access, 0)) };
    for (let look = 0; look < 3; look += 1) await fleet().observe(resources);
    (deps.store as ReturnType<typeof createFakeStore>).seed({ clusters: [{ ...cluster, resources }] });
    fleet().typesWithoutCapacity.add('us-east-1a c5.large');
    for (const { instanceId } of fleet().instances()) fleet().loseHost(instanceId);
  });

  test('gets a JobManager of another type there, and stays', async () => {
    expect(await failed('c5.large')).toEqual([
      { cluster: 'flights', action: 'hold', reason: 'EC2 has no c5.large for a JobManager host now: it is asked for as c6i.large' },
    ]);
    expect(fleet().instances()).toMatchObject([{ role: 'jobmanager', zone: 'us-east-1a', state: 'pending' }]);
    expect(deps.workflows.started).toEqual([]);
  });

  test('gets one also where only the silence is noticed', async () => {
    const fault = {
      kind: 'jobmanager-unreachable',
      epoch: 1,
      since: '2026-03-01T11:58:00.000Z',
      seenAt: '2026-03-01T12:00:00.000Z',
    } as const;
    await deps.store.recordFault('flights', 1, fault);
    expect(await considerFault(deps, 'flights')).toMatchObject({ action: 'hold' });
    expect(fleet().instances()).toMatchObject([{ role: 'jobmanager', zone: 'us-east-1a' }]);
  });

  test('stays where only its instance profile is not known yet, for as long as a replacement may take', async () => {
    fleet().typesWithoutCapacity.clear();
    fleet().launchesWithoutProfile = 10;
    for (const { instanceId } of fleet().instances()) fleet().loseHost(instanceId);
    const since = '2026-03-01T11:58:00.000Z';
    await deps.store.recordFault('flights', 1, { kind: 'jobmanager-unreachable', epoch: 1, since, seenAt: '2026-03-01T12:00:00.000Z' });
    expect(await considerFault(deps, 'flights')).toMatchObject({
      action: 'hold',
      reason: expect.stringMatching(/180 s more to be replaced/),
    });
  });

  test('is moved where the zone has none of its types', async () => {
    fleet().typesWithoutCapacity.add('us-east-1a c6i.large');
    expect(await failed('c5.large')).toMatchObject([{ action: 'hold' }]);
    expect(await failed('c6i.large')).toMatchObject([{ cluster: 'flights', action: 'move' }]);
  });
});

describe('a spread cluster with a JobManager in one zone and a stand-by in another', () => {
  const fleet = () => deps.fleet as ReturnType<typeof createFakeFleet>;
  const zones = STAGE.zones.map(({ name }) => name);
  beforeEach(async () => {
    const stored = aCluster({ status: 'RUNNING', desired: 'RUNNING', name: 'flights', zone: 'us-east-1a', zones });
    const cluster = { ...stored, spec: { ...stored.spec, highAvailability: { standbyJobManager: true } } };
    const spec = fleetSpecOf(cluster);
    const access = { ...cluster.resources, ...(await fleet().prepareAccess(spec)) };
    const resources = { ...access, ...(await fleet().createGroups(spec, access, 3)) };
    for (let look = 0; look < 3; look += 1) await fleet().observe(resources);
    (deps.store as ReturnType<typeof createFakeStore>).seed({ clusters: [{ ...cluster, resources }] });
  });
  /** A zone goes with its hosts, and EC2 has none to give there. */
  const lose = (zone: string): void => {
    fleet().zonesWithoutCapacity.add(zone);
    for (const host of fleet().instances()) if (host.zone === zone) fleet().loseHost(host.instanceId);
  };
  const failed = (group: string) =>
    handleLaunchFailure(deps, { AutoScalingGroupName: `sluice-test-flights-e1-${group}`, StatusMessage: 'no capacity' });
  const shiftFrom = async (id: string) =>
    (await handleZoneShift(deps, { ...shift, zoneId: id })).find(({ cluster }) => cluster === 'flights');

  test('stays when the zone of its JobManager is lost, whoever tells it first', async () => {
    lose('us-east-1a');
    expect(await shiftFrom('use1-az1')).toMatchObject({
      action: 'hold',
      reason: expect.stringContaining('stand-by JobManager in us-east-1b leads on'),
    });
    expect(await failed('jobmanager')).toMatchObject([{ action: 'hold', reason: expect.stringContaining('in us-east-1b leads on') }]);
    expect(deps.workflows.started.map(({ kind }) => kind)).toEqual(['fail-over-cluster']); // of «orders», which has no stand-by
  });

  test('stays when the zone of its stand-by is lost', async () => {
    lose('us-east-1b');
    expect(await shiftFrom('use1-az2')).toMatchObject({
      action: 'hold',
      reason: expect.stringContaining('its JobManager in us-east-1a leads on'),
    });
    expect(await failed('jobmanager-standby')).toMatchObject([
      { action: 'hold', reason: expect.stringContaining('in us-east-1a leads on') },
    ]);
  });

  test('is moved when the zone of the one that is left is lost too', async () => {
    lose('us-east-1a');
    lose('us-east-1b');
    expect(await shiftFrom('use1-az2')).toMatchObject({ action: 'move' });
    expect(await deps.store.cluster('flights')).toMatchObject({ status: 'FAILING_OVER', zone: 'us-east-1c' });
  });

  test('is moved when neither host of its JobManagers can be launched', async () => {
    lose('us-east-1a');
    lose('us-east-1b');
    expect(await failed('jobmanager-standby')).toMatchObject([{ action: 'move' }]);
  });
});

describe('a cluster whose JobManager has not answered', () => {
  const fault = (seconds: number) => {
    const since = new Date(clock().getTime() - seconds * 1_000).toISOString();
    const seenAt = clock().toISOString();
    return deps.store.recordFault('flights', 1, { kind: 'jobmanager-unreachable', epoch: 1, since, silentSince: since, seenAt });
  };

  test('for a minute stays where it is', async () => {
    await fault(60);
    expect(await considerFault(deps, 'flights')).toMatchObject({
      action: 'hold',
      reason: expect.stringMatching(/240 s more to be replaced/),
    });
    expect(deps.workflows.started).toEqual([]);
  });

  test('for longer than a replacement takes is moved once, however often it is asked, and the outage counts from the first silence', async () => {
    await fault(300);
    const considered = await Promise.all(Array.from({ length: 10 }, () => considerFault(deps, 'flights')));
    const moved = considered.flatMap(({ operationId = [] }) => operationId);
    expect(new Set(moved).size).toBe(1);
    expect(deps.workflows.started.map(({ operationId }) => operationId)).toEqual(expect.arrayContaining([moved[0]]));
    expect(new Set(deps.workflows.started.map(({ operationId }) => operationId)).size).toBe(1);
    expect(await deps.store.cluster('flights')).toMatchObject({ epoch: 2, status: 'FAILING_OVER', zone: 'us-east-1b' });
    expect((await deps.store.operation(moved[0] ?? ''))?.request).toMatchObject({
      mode: 'lost',
      trigger: { kind: 'jobmanager-unreachable', detectedAt: '2026-03-01T11:55:00.000Z' },
    });
    expect(await considerFault(deps, 'flights')).toMatchObject({ action: 'hold' });
  });

  describe('though its host runs', () => {
    const replaced = async () =>
      (await deps.store.operationsOf('flights', { limit: 10 })).items.filter(({ kind }) => kind === 'replace-host');
    beforeEach(async () => {
      const fleet = createFakeFleet({ now: () => new Date(clock().getTime() - 600_000) });
      const cluster = aCluster({ status: 'RUNNING', desired: 'RUNNING', epoch: 1, lease: undefined, name: 'flights', zone: 'us-east-1a' });
      const access = { ...cluster.resources, ...(await fleet.prepareAccess(fleetSpecOf(cluster))) };
      const resources = { ...access, ...(await fleet.createGroups(fleetSpecOf(cluster), access, 1)) };
      for (let look = 0; look < 3; look += 1) await fleet.observe(resources);
      (deps.store as ReturnType<typeof createFakeStore>).seed({ clusters: [{ ...cluster, resources }] });
      deps = { ...deps, fleet };
    });

    test('is moved from a zone of whose hosts EC2 tells nothing, as from one that has none', async () => {
      (deps.fleet as ReturnType<typeof createFakeFleet>).zonesUntold.add('us-east-1a');
      await fault(299);
      expect(await considerFault(deps, 'flights')).toMatchObject({
        action: 'hold',
        reason: expect.stringMatching(/1 s more to be replaced/),
      });
      await fault(300);
      expect(await considerFault(deps, 'flights')).toMatchObject({ action: 'move' });
      expect(await replaced()).toEqual([]);
    });

    test('gets another host once, however often it is asked, and the reason says why', async () => {
      await fault(60);
      const considered = await Promise.all(Array.from({ length: 10 }, () => considerFault(deps, 'flights')));
      expect(considered.filter(({ action }) => action === 'replace').length).toBeGreaterThan(0);
      expect(await considerFault(deps, 'flights')).toMatchObject({ action: 'hold' });
      expect(await replaced()).toMatchObject([
        {
          request: {
            notice: 'silence',
            epoch: 1,
            silentSince: '2026-03-01T11:59:00.000Z',
            evidence: expect.stringMatching(/for 60 s though i-/),
          },
        },
      ]);
    });

    test('keeps its host while the JobManager of another cluster does not answer either', async () => {
      await fault(60);
      const now = clock().toISOString();
      await deps.store.recordFault('orders', 1, { kind: 'jobmanager-unreachable', epoch: 1, since: now, silentSince: now, seenAt: now });
      expect(await considerFault(deps, 'flights')).toMatchObject({ action: 'hold', reason: expect.stringContaining('nor that of orders') });
      expect(await replaced()).toEqual([]);
    });
  });

  test('at any time is left alone when it answers again', async () => {
    await fault(900);
    await deps.store.recordFault('flights', 1, undefined);
    expect(await considerFault(deps, 'flights')).toMatchObject({ action: 'hold' });
  });

  test('while AWS says that its zone is impaired and launches fail is moved once', async () => {
    await fault(300);
    const failed = { AutoScalingGroupName: 'sluice-test-flights-e1-taskmanager-us-east-1a', StatusMessage: 'no capacity' };
    const storm = () => [handleZoneShift(deps, shift), handleLaunchFailure(deps, failed), considerFault(deps, 'flights')];
    await Promise.all(Array.from({ length: 5 }, storm).flat());
    await Promise.all(storm());
    const moves = (await deps.store.operationsOf('flights', { limit: 10 })).items.map(({ kind }) => kind);
    expect(moves).toEqual(['fail-over-cluster']);
    expect(await deps.store.cluster('flights')).toMatchObject({ epoch: 2 });
  });
});
