import type { Cluster } from '../../../lambdas/contracts/cluster';
import type { Job } from '../../../lambdas/contracts/job';
import { considerDrills } from '../../../lambdas/usecases/failover/consider-drills';
import { aCluster, aJob } from '../../contract/support/samples';
import { createFakeFleet } from '../../fakes/fake-fleet';
import { createFakeStore } from '../../fakes/fake-store';
import { createFakeWorkflows } from '../../fakes/fake-workflows';
import { STAGE } from '../../state-machines/support/world';

let now: Date;
const clock = (): Date => now;
const sample = aCluster();
const PLANNED: Cluster = aCluster({
  spec: { ...sample.spec, drill: { schedule: 'cron(0 3 ? * MON *)', mode: 'lost' } },
  zone: 'us-east-1a',
});

const world = () => {
  const store = createFakeStore(clock);
  const { lease: _, ...job } = aJob();
  store.seed({ clusters: [PLANNED, aCluster({ name: 'undrilled' })], jobs: [job] });
  return {
    clock,
    stage: STAGE,
    store,
    workflows: createFakeWorkflows(),
    fleet: createFakeFleet({ now: clock }),
  };
};
type World = ReturnType<typeof world>;
const withoutLease = ({ lease: _, ...job }: Job): Job => job;
const pass = async (deps: World, minutes: number) => {
  const begun: string[] = [];
  const held: string[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    now = new Date(now.getTime() + 60_000);
    for (const { operationId, reason } of await considerDrills(deps))
      operationId === undefined ? held.push(reason) : begun.push(operationId);
  }
  return { begun, held };
};
/** The drill is over: the cluster runs in its new zone. */
const settle = async ({ store }: World): Promise<void> => {
  const cluster = await store.cluster('flights');
  if (!cluster) throw new Error('There is no cluster');
  const { lease, former: _, ...rest } = cluster;
  const job = await store.job('flights', 'delays');
  if (lease) await store.endOperation(lease.operationId, { status: 'SUCCEEDED', reason: 'done' });
  const { lease: __, ...free } = job ?? aJob();
  store.seed({ clusters: [{ ...rest, status: 'RUNNING' }], jobs: [free] });
};

beforeEach(() => {
  now = new Date('2026-03-02T02:30:20.000Z');
});

test('A drill by schedule begins once when it is due, as the spec says, and again when it is due the next time', async () => {
  const deps = world();
  const { begun, held } = await pass(deps, 40);
  expect(begun).toHaveLength(1);
  expect(held).toEqual([]);
  expect(await deps.store.operation(begun[0] ?? '')).toMatchObject({
    requestedAt: '2026-03-02T03:00:20.000Z',
    requestedBy: 'sluice',
    request: {
      kind: 'fail-over-cluster',
      from: 'us-east-1a',
      zone: 'us-east-1b',
      mode: 'lost',
      drill: true,
      trigger: { kind: 'drill', evidence: 'a drill by schedule (cron(0 3 ? * MON *)), due at 2026-03-02T03:00:00.000Z' },
    },
  });
  expect(deps.workflows.started).toHaveLength(1);
  await settle(deps);
  // Over within the time in which it could still begin: not twice.
  now = new Date('2026-03-02T03:05:00.000Z');
  expect((await pass(deps, 15)).begun).toEqual([]);
  now = new Date('2026-03-09T02:55:00.000Z');
  expect((await pass(deps, 30)).begun).toHaveLength(1);
  expect(await deps.store.cluster('undrilled')).toMatchObject({ epoch: 1, status: 'RUNNING' });
});

test('A drill that was due before its schedule was set is not made up for', async () => {
  const deps = world();
  deps.store.seed({ clusters: [{ ...PLANNED, drillSince: '2026-03-02T03:02:00.000Z' }] });
  now = new Date('2026-03-02T03:02:20.000Z');
  expect(await pass(deps, 20)).toEqual({ begun: [], held: [] });
  now = new Date('2026-03-09T02:55:00.000Z');
  expect((await pass(deps, 30)).begun).toHaveLength(1);
});

test('A drill goes to no zone that EC2 says is not well while there is another', async () => {
  const deps = world();
  deps.fleet.zonesInTrouble.set('us-east-1b', 'EC2 says it is impaired');
  now = new Date('2026-03-02T03:00:20.000Z');
  await considerDrills(deps);
  expect(await deps.store.cluster('flights')).toMatchObject({ zone: 'us-east-1c', epoch: 2 });
});

test('Two passes at the same moment begin one drill', async () => {
  const deps = world();
  now = new Date('2026-03-02T03:00:20.000Z');
  await Promise.all([considerDrills(deps), considerDrills(deps), considerDrills(deps)]);
  expect(new Set(deps.workflows.started.map(({ operationId }) => operationId)).size).toBe(1);
  expect(await deps.store.cluster('flights')).toMatchObject({ epoch: 2 });
});

test('While another operation runs a drill waits; one that cannot begin in time is left out', async () => {
  const deps = world();
  const { lease: _, ...job } = aJob();
  const lease = { operationId: `op-${'b'.repeat(26)}`, acquiredAt: now.toISOString(), until: '2026-03-02T03:10:00.000Z' };
  deps.store.seed({ jobs: [{ ...job, lease }] });
  const { begun, held } = await pass(deps, 40);
  expect(held[0]).toMatch(/^The drill of flights that was due at 2026-03-02T03:00:00.000Z waits: op-b+ is under way/);
  expect(begun).toHaveLength(1);
  expect((await deps.store.operation(begun[0] ?? ''))?.requestedAt).toBe('2026-03-02T03:10:20.000Z');

  const never = world();
  never.store.seed({ jobs: [{ ...job, lease: { ...lease, until: '2026-03-10T00:00:00.000Z' } }] });
  now = new Date('2026-03-02T02:59:20.000Z');
  const { begun: none, held: waits } = await pass(never, 60);
  expect(none).toEqual([]);
  expect(waits).toHaveLength(15);
});

test('A cluster that has a fault is not drilled', async () => {
  const deps = world();
  await deps.store.recordFault('flights', 1, { kind: 'members-lost', epoch: 1, since: now.toISOString(), seenAt: now.toISOString() });
  const { begun, held } = await pass(deps, 60);
  expect(begun).toEqual([]);
  expect(held[0]).toMatch(/it has had a fault since/);
});

test('A cluster that cannot be looked at keeps no drill of another waiting', async () => {
  const deps = world();
  deps.store.seed({ clusters: [{ ...PLANNED, name: 'airports' }] });
  now = new Date('2026-03-02T03:00:20.000Z');
  deps.store.failNext('operation', new Error('DynamoDB throttles'));
  expect(await considerDrills(deps)).toMatchObject([
    { cluster: 'airports', action: 'failed' },
    { cluster: 'flights', action: 'move' },
  ]);
});

test('A drill on a copy, too, begins once when it is due, and moves nothing', async () => {
  const deps = world();
  const job = withoutLease(aJob());
  const program = { kind: 'jar' as const, uri: 's3://artifacts/a.jar', sha256: 'a'.repeat(64), arguments: [] };
  const drill = { schedule: 'cron(0 3 ? * MON *)', on: 'copy' as const, jobs: { delays: { arguments: ['--out', '-'] } } };
  deps.store.seed({
    clusters: [{ ...PLANNED, spec: { ...PLANNED.spec, drill } }],
    jobs: [{ ...job, status: 'RUNNING', spec: { ...job.spec, program } }],
  });
  const { begun, held } = await pass(deps, 40);
  expect([begun.length, held]).toEqual([1, []]);
  expect(await deps.store.operation(begun[0] ?? '')).toMatchObject({
    kind: 'drill-on-copy',
    cluster: 'flights',
    request: { copy: 'flights-drill', zone: 'us-east-1b', rehearsals: { delays: { arguments: ['--out', '-'] } } },
  });
  expect(await deps.store.cluster('flights')).toMatchObject({ zone: 'us-east-1a', epoch: 1, status: 'RUNNING' });
  expect(await deps.store.cluster('flights-drill')).toMatchObject({ copyOf: 'flights', zone: 'us-east-1b' });
});

test('A drill on a copy that cannot be held says why each minute, until it is left out', async () => {
  const deps = world();
  const drill = { schedule: 'cron(0 3 ? * MON *)', on: 'copy' as const };
  deps.store.seed({
    clusters: [{ ...PLANNED, spec: { ...PLANNED.spec, drill } }],
    jobs: [{ ...withoutLease(aJob()), status: 'FINISHED' }],
  });
  const { begun, held } = await pass(deps, 60);
  expect(begun).toEqual([]);
  expect(held).toHaveLength(15);
  expect(held[0]).toContain('no job of flights runs');
});
