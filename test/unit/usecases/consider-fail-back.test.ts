import type { Cluster } from '../../../lambdas/contracts/cluster';
import { considerFailBacks, type FailBackDeps } from '../../../lambdas/usecases/failover/consider-fail-back';
import { handleZoneShift } from '../../../lambdas/usecases/failover/consider-failover';
import { aCluster, aJob, anOperation } from '../../contract/support/samples';
import { createFakeFleet } from '../../fakes/fake-fleet';
import { createFakeStore } from '../../fakes/fake-store';
import { createFakeWorkflows } from '../../fakes/fake-workflows';
import { STAGE } from '../../state-machines/support/world';

let now: Date;
const clock = (): Date => now;
const later = (minutes: number): void => {
  now = new Date(now.getTime() + minutes * 60_000);
};
const sample = aCluster();
const AWAY: Cluster = aCluster({
  spec: {
    ...sample.spec,
    zone: 'us-east-1a',
    placement: {
      ...sample.spec.placement,
      failBack: { policy: 'quiet-time', window: { from: '02:00', until: '05:00' }, healthyMinutes: 30 },
    },
  },
  zone: 'us-east-1b',
  epoch: 2,
});

const world = (cluster: Cluster = AWAY) => {
  const store = createFakeStore(clock);
  const { lease: _, ...job } = aJob();
  store.seed({ clusters: [cluster, aCluster({ name: 'manual', zone: 'us-east-1b' })], jobs: [job] });
  return { clock, stage: STAGE, store, workflows: createFakeWorkflows(), fleet: createFakeFleet({ now: clock }) };
};
/** As the schedule does, minute by minute. @returns all that was begun */
const pass = async (deps: FailBackDeps, minutes: number): Promise<readonly string[]> => {
  const begun: string[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    later(1);
    for (const { operationId = [] } of await considerFailBacks(deps)) begun.push(...[operationId].flat());
  }
  return begun;
};

beforeEach(() => {
  now = new Date('2026-03-02T01:00:00.000Z');
});

test('A cluster away from home goes back once, with savepoints, in its quiet time, after its home zone has been well for long enough', async () => {
  const deps = world();
  deps.fleet.zonesInTrouble.set('us-east-1a', 'EC2 says it is impaired');
  expect(await pass(deps, 45)).toEqual([]);
  expect((await deps.store.cluster('flights'))?.home).toMatchObject({ reason: 'us-east-1a is not well: EC2 says it is impaired' });
  deps.fleet.zonesInTrouble.clear();
  expect(await pass(deps, 30)).toEqual([]);
  const begun = await pass(deps, 10);
  expect(begun).toHaveLength(1);
  expect((await deps.store.operation(begun[0] ?? ''))?.request).toMatchObject({
    kind: 'fail-over-cluster',
    mode: 'planned',
    zone: 'us-east-1a',
    trigger: { kind: 'failback', evidence: expect.stringMatching(/has been well for 30 min, and it is quiet time/) },
  });
  expect(await deps.store.cluster('flights')).toMatchObject({ status: 'FAILING_OVER', zone: 'us-east-1a', epoch: 3 });
  expect(deps.workflows.started).toHaveLength(1);
  expect(await deps.store.cluster('manual')).toMatchObject({ zone: 'us-east-1b', epoch: 1 });
});

test('It breaks no operation off, whether that holds a lease or is only open, and goes when it has ended', async () => {
  const deps = world();
  const operation = anOperation({ kind: 'take-savepoint', request: { kind: 'take-savepoint' } });
  const { lease: _, ...job } = aJob();
  const lease = { operationId: operation.operationId, acquiredAt: now.toISOString(), until: '2026-03-03T00:00:00.000Z' };
  deps.store.seed({ jobs: [{ ...job, lease }] });
  expect(await pass(deps, 100)).toEqual([]);
  expect((await deps.store.cluster('flights'))?.home?.reason).toMatch(new RegExp(`but ${operation.operationId} is under way`));
  deps.store.seed({ jobs: [job], operations: [{ ...operation, status: 'RUNNING' }] });
  expect(await pass(deps, 5)).toEqual([]);
  await deps.store.endOperation(operation.operationId, { status: 'SUCCEEDED', reason: 'done' });
  expect(await pass(deps, 2)).toHaveLength(1);
});

test('It does not wait for what is made of a reserve: a move takes that over', async () => {
  const deps = world();
  const request = { kind: 'prepare-reserve', action: 'make', epoch: 3, zone: 'us-east-1c', hosts: 1, reason: 'it lacks one' } as const;
  deps.store.seed({ operations: [anOperation({ kind: 'prepare-reserve', job: undefined, request, status: 'RUNNING' })] });
  expect(await pass(deps, 62)).toHaveLength(1);
});

test('One that takes the lease of a job at the last moment wins', async () => {
  const deps = world();
  await pass(deps, 59);
  const { lease: _, ...job } = aJob();
  const lease = { operationId: 'op-aaaaaaaaaaaaaaaaaaaaaaaaaa', acquiredAt: now.toISOString(), until: '2026-03-03T00:00:00.000Z' };
  const { acceptTakeover } = deps.store;
  deps.store.acceptTakeover = async (...args: Parameters<typeof acceptTakeover>) => {
    deps.store.seed({ jobs: [{ ...job, lease }] });
    return acceptTakeover.apply(deps.store, args);
  };
  expect(await pass(deps, 3)).toEqual([]);
  expect(await deps.store.cluster('flights')).toMatchObject({ status: 'RUNNING', epoch: 2 });
  expect((await deps.store.job('flights', 'delays'))?.lease).toEqual(lease);
});

test('Where AWS shifts traffic away from the home zone of a cluster that is elsewhere, it stays there for hours', async () => {
  const deps = world();
  await pass(deps, 20);
  await handleZoneShift(deps, { zoneId: 'use1-az1', says: 'Autoshift In Progress', saidAt: deps.clock().toISOString(), over: false });
  expect(await pass(deps, 200)).toEqual([]);
  expect((await deps.store.cluster('flights'))?.home?.reason).toMatch(
    /AWS has shifted traffic away from us-east-1a: not before 2026-03-02T07:20/,
  );
});

test('A cluster with a fault, or with something left of an earlier epoch, stays', async () => {
  const fault = { kind: 'members-lost', epoch: 2, since: now.toISOString(), seenAt: now.toISOString() } as const;
  const sick = world({ ...AWAY, fault });
  expect(await pass(sick, 90)).toEqual([]);
  expect((await sick.store.cluster('flights'))?.home?.reason).toMatch(/but it has had a fault since/);
  now = new Date('2026-03-02T01:00:00.000Z');
  const untidy = world({ ...AWAY, former: [{ epoch: 1, zone: 'us-east-1a', resources: AWAY.resources }] });
  expect(await pass(untidy, 90)).toEqual([]);
  expect((await untidy.store.cluster('flights'))?.home?.reason).toMatch(/but epoch 1 is still there/);
});

test('A cluster that cannot be looked at keeps no other from being looked at', async () => {
  const deps = world();
  deps.store.seed({ clusters: [{ ...AWAY, name: 'airports' }] });
  deps.store.failNext('recordHome', new Error('DynamoDB throttles'));
  expect(await considerFailBacks(deps)).toMatchObject([
    { cluster: 'airports', action: 'failed' },
    { cluster: 'flights', action: 'hold' },
  ]);
});
