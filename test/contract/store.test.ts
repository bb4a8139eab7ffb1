import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { type Cluster, NO_RESOURCES } from '../../lambdas/contracts/cluster';
import { AwsUnavailable, InvalidRequest, NotFound, Superseded } from '../../lambdas/contracts/errors';
import type { Job } from '../../lambdas/contracts/job';
import { tableClient } from '../../lambdas/gateways/aws/clients';
import { jobKey, toCursor } from '../../lambdas/gateways/aws/store/keys';
import { createStore } from '../../lambdas/gateways/aws/store.adapter';
import type { Page, PageRequest, StorePort } from '../../lambdas/gateways/aws/store.port';
import { createFakeStore } from '../fakes/fake-store';
import { type Emulator, startEmulator } from './support/emulator';
import { aCluster, aJob, aLease, anOperation, aReserve, at, newOperationId } from './support/samples';
import { createTable } from './support/table';

const NOW = new Date(at(30));
let emulator: Emulator;

beforeAll(async () => {
  emulator = await startEmulator();
}, 60_000);
afterAll(() => emulator.stop());

const allPages = async <T>(list: (page: PageRequest) => Promise<Page<T>>, limit: number): Promise<T[][]> => {
  const pages: T[][] = [];
  let after: string | undefined;
  do {
    const page = await list({ limit, ...(after === undefined ? {} : { after }) });
    pages.push([...page.items]);
    after = page.next;
  } while (after !== undefined);
  return pages;
};

describe.each([
  ['fake', async (): Promise<StorePort> => createFakeStore(() => NOW)],
  ['DynamoDB', async (): Promise<StorePort> => createStore({ client: tableClient(), tableName: await createTable(), now: () => NOW })],
])('The store (%s)', (_, create) => {
  let store: StorePort;
  beforeEach(async () => {
    store = await create();
  });

  const launched = async (change: Partial<Cluster> = {}): Promise<Cluster> => {
    const cluster = aCluster(change);
    await store.acceptLaunch(
      anOperation({ kind: 'launch-cluster', cluster: cluster.name, request: { kind: 'launch-cluster' }, job: undefined }),
      cluster,
    );
    return cluster;
  };
  const submitted = async (change: Partial<Job> = {}): Promise<Job> => {
    const operation = anOperation();
    const job = aJob({ lease: aLease(operation.operationId), ...change });
    expect(await store.acceptJobChange(operation, job, undefined)).toEqual({ outcome: 'created' });
    return job;
  };

  describe('accepting operations', () => {
    test('a launch stores the operation and the cluster together', async () => {
      const operation = anOperation({ kind: 'launch-cluster', request: { kind: 'launch-cluster' } });
      const cluster = aCluster({ status: 'LAUNCHING', lease: aLease(operation.operationId) });
      expect(await store.acceptLaunch(operation, cluster)).toEqual({ outcome: 'created' });
      expect(await store.operation(operation.operationId)).toEqual(operation);
      expect(await store.cluster('flights')).toEqual(cluster);
    });

    test('a repeated launch finds the first operation and changes nothing', async () => {
      const operation = anOperation({ kind: 'launch-cluster', request: { kind: 'launch-cluster' } });
      await store.acceptLaunch(operation, aCluster());
      expect(await store.acceptLaunch({ ...operation, reason: 'again' }, aCluster({ epoch: 2 }))).toEqual({
        outcome: 'repeated',
        operation,
      });
      expect(await store.cluster('flights')).toEqual(aCluster());
    });

    test('a name in use blocks a launch and leaves no operation behind', async () => {
      await launched();
      const second = anOperation({ kind: 'launch-cluster', request: { kind: 'launch-cluster' } });
      expect(await store.acceptLaunch(second, aCluster({ epoch: 2 }))).toEqual({ outcome: 'blocked', by: 'cluster' });
      expect(await store.operation(second.operationId)).toBeUndefined();
      expect((await store.openOperations()).map(({ operationId }) => operationId)).not.toContain(second.operationId);
    });

    test.each([
      [4, 'created'],
      [5, 'blocked'],
      [3, 'blocked'],
    ])('the name of a terminated cluster of epoch 3 can be used again at epoch %i: %s', async (epoch, outcome) => {
      await launched({ status: 'TERMINATED', desired: 'TERMINATED', epoch: 3 });
      const again = anOperation({ kind: 'launch-cluster', request: { kind: 'launch-cluster' } });
      expect(await store.acceptLaunch(again, aCluster({ epoch, status: 'LAUNCHING' }))).toMatchObject({ outcome });
      expect((await store.cluster('flights'))?.epoch).toBe(outcome === 'created' ? epoch : 3);
    });

    test('of many launches of one name at the same time exactly one is created', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, () =>
          store.acceptLaunch(anOperation({ kind: 'launch-cluster', request: { kind: 'launch-cluster' } }), aCluster()),
        ),
      );
      expect(outcomes.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
      expect(outcomes.filter(({ outcome }) => outcome === 'blocked')).toHaveLength(7);
      expect(await store.openOperations()).toHaveLength(1);
    });

    test('a launch begins the next turn of those, and one whose clusters were counted at an earlier turn is blocked', async () => {
      await launched({ name: 'uncounted' });
      expect(await store.launchTurn()).toBe(0);
      for (const turn of [0, 1]) {
        const names = [`a${turn}`, `b${turn}`];
        const launch = (cluster: string) => anOperation({ kind: 'launch-cluster', cluster, request: { kind: 'launch-cluster' } });
        const outcomes = await Promise.all(names.map((name) => store.acceptLaunch(launch(name), aCluster({ name }), turn)));
        expect(outcomes).toContainEqual({ outcome: 'created' });
        expect(outcomes).toContainEqual({ outcome: 'blocked', by: 'launches' });
        expect((await Promise.all(names.map((name) => store.cluster(name)))).filter(Boolean)).toHaveLength(1);
        expect(await store.launchTurn()).toBe(turn + 1);
      }
      expect(await store.quotaTurn()).toBe(0);
    });

    test('the same launch sent many times at once is created once and repeated otherwise', async () => {
      const operation = anOperation({ kind: 'launch-cluster', request: { kind: 'launch-cluster' } });
      const outcomes = await Promise.all(Array.from({ length: 6 }, () => store.acceptLaunch(operation, aCluster())));
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
        'created',
        'repeated',
        'repeated',
        'repeated',
        'repeated',
        'repeated',
      ]);
    });

    test('a termination is accepted while another operation holds the lease, and the lease stays', async () => {
      const launch = newOperationId();
      await launched({ status: 'LAUNCHING', lease: aLease(launch) });
      const termination = anOperation({
        kind: 'terminate-cluster',
        request: { kind: 'terminate-cluster', jobs: 'cancel' },
        requestedAt: at(5),
      });
      expect(await store.acceptTermination(termination)).toEqual({ outcome: 'created' });
      expect(await store.cluster('flights')).toMatchObject({
        desired: 'TERMINATED',
        status: 'LAUNCHING',
        lease: aLease(launch),
        updatedAt: at(5),
      });
    });

    test('a termination of no cluster, or of a terminated one, is blocked', async () => {
      const termination = () => anOperation({ kind: 'terminate-cluster', request: { kind: 'terminate-cluster', jobs: 'cancel' } });
      expect(await store.acceptTermination(termination())).toEqual({ outcome: 'blocked', by: 'cluster' });
      await launched({ status: 'TERMINATED' });
      expect(await store.acceptTermination(termination())).toEqual({ outcome: 'blocked', by: 'cluster' });
    });

    const replacement = (epoch: number) =>
      anOperation({ kind: 'replace-host', request: { kind: 'replace-host', instanceId: 'i-1', epoch, notice: 'rebalance' } });

    test('the replacement of a host is accepted whoever holds the cluster, once', async () => {
      await launched({ lease: aLease(newOperationId()) });
      const operation = replacement(1);
      expect(await store.acceptReplacement(operation, 1)).toEqual({ outcome: 'created' });
      expect(await store.acceptReplacement(operation, 1)).toMatchObject({ outcome: 'repeated' });
      // Beside the launch, of which nobody has told the end here.
      expect((await store.openOperations()).map(({ kind }) => kind).sort()).toEqual(['launch-cluster', 'replace-host']);
    });

    const givenBack = { epoch: 3, resources: { ...NO_RESOURCES, epoch: 1 } };
    test('the replacement of a host is accepted by the epoch of the hosts where a move was given back', async () => {
      await launched(givenBack);
      expect(await store.acceptReplacement(replacement(1), 1)).toEqual({ outcome: 'created' });
    });

    test('the replacement of a host that a cluster is moving to is accepted', async () => {
      await launched({ status: 'FAILING_OVER', epoch: 2 });
      expect(await store.acceptReplacement(replacement(2), 2)).toEqual({ outcome: 'created' });
    });

    test.each([
      ['is being launched', { status: 'LAUNCHING' }, 1],
      ['is being moved away from', { status: 'FAILING_OVER', epoch: 2 }, 1],
      ['is being moved, and is to be terminated', { status: 'FAILING_OVER', desired: 'TERMINATED' }, 1],
      ['is to be terminated', { desired: 'TERMINATED' }, 1],
      ['is at another epoch', {}, 2],
      ['has hosts of an earlier epoch again', givenBack, 3],
    ] as const)('the replacement of a host of a cluster that %s is blocked', async (_why, change, epoch) => {
      await launched(change);
      expect(await store.acceptReplacement(replacement(epoch), epoch)).toEqual({ outcome: 'blocked', by: 'cluster' });
    });

    test.each([
      ['does not exist', undefined],
      ['is being launched', { status: 'LAUNCHING' }],
      ['is to be terminated', { desired: 'TERMINATED' }],
    ] as const)('a job on a cluster that %s is blocked by the cluster', async (_why, change) => {
      if (change) await launched(change);
      expect(await store.acceptJobChange(anOperation(), aJob(), undefined)).toEqual({ outcome: 'blocked', by: 'cluster' });
      expect(await store.job('flights', 'delays')).toBeUndefined();
    });

    test('a new job is stored with its lease, and one of that name blocks a second', async () => {
      await launched();
      const job = await submitted();
      expect(await store.job('flights', 'delays')).toEqual(job);
      expect(await store.acceptJobChange(anOperation(), aJob(), undefined)).toEqual({ outcome: 'blocked', by: 'job' });
    });

    test('two submissions of one name at once: one is created, the other is blocked by the job', async () => {
      await launched();
      const outcomes = await Promise.all([1, 2].map(() => store.acceptJobChange(anOperation(), aJob(), undefined)));
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['blocked', 'created']);
    });

    test('what takes of the quota begins its next turn, and what was read at an earlier one is blocked', async () => {
      await launched();
      expect(await store.quotaTurn()).toBe(0);
      await submitted();
      expect(await store.quotaTurn()).toBe(0);
      for (const turn of [0, 1]) {
        const names = [`a${turn}`, `b${turn}`];
        const outcomes = await Promise.all(
          names.map((name) => store.acceptJobChange(anOperation(), aJob({ name }), undefined, { room: 'any', quota: turn })),
        );
        expect(outcomes).toContainEqual({ outcome: 'created' });
        expect(outcomes).toContainEqual({ outcome: 'blocked', by: 'quota' });
        expect((await Promise.all(names.map((name) => store.job('flights', name)))).filter(Boolean)).toHaveLength(1);
        expect(await store.quotaTurn()).toBe(turn + 1);
      }
    });

    test("what takes of a cluster's room begins its next turn, and what was read at an earlier one is blocked", async () => {
      await launched();
      const turnOf = async () => (await store.cluster('flights'))?.turn;
      await submitted();
      expect(await turnOf()).toBeUndefined();
      for (const room of [0, 1]) {
        const names = [`a${room}`, `b${room}`];
        const outcomes = await Promise.all(names.map((name) => store.acceptJobChange(anOperation(), aJob({ name }), undefined, { room })));
        expect(outcomes).toContainEqual({ outcome: 'created' });
        expect(outcomes).toContainEqual({ outcome: 'blocked', by: 'cluster' });
        expect(await turnOf()).toBe(room + 1);
      }
      expect(await store.acceptJobChange(anOperation(), aJob({ name: 'c' }), undefined, { room: 'any' })).toEqual({ outcome: 'created' });
      expect(await turnOf()).toBe(3);
      expect(await store.quotaTurn()).toBe(0);
    });

    test("the end of hosts begins a turn of the cluster's room too: who has read another is told so, and what was decided at it is blocked", async () => {
      expect(await store.beginTurn('flights', 0)).toBe(false);
      await launched();
      for (const turn of [0, 1]) {
        expect((await Promise.all([1, 2].map(() => store.beginTurn('flights', turn)))).sort()).toEqual([false, true]);
        expect((await store.cluster('flights'))?.turn).toBe(turn + 1);
      }
      expect(await store.acceptJobChange(anOperation(), aJob(), undefined, { room: 1 })).toEqual({ outcome: 'blocked', by: 'cluster' });
      expect(await store.acceptJobChange(anOperation(), aJob(), undefined, { room: 2 })).toEqual({ outcome: 'created' });
    });

    test('a change of a job replaces it when nothing has happened since it was read', async () => {
      await launched();
      const first = await submitted();
      const change = aJob({ revision: 2, epoch: 2, lease: aLease(newOperationId(), 100) });
      expect(await store.acceptJobChange(anOperation({ kind: 'upgrade-job' }), change, first)).toEqual({ outcome: 'created' });
      expect(await store.job('flights', 'delays')).toEqual(change);
    });

    test.each([
      ['epoch', { epoch: 2 }],
      ['revision', { revision: 2 }],
      ['lease', { lease: aLease('op-00000000000000000000000000') }],
      ['absence of a lease', { lease: undefined }],
      ['wish', { desired: 'STOPPED' }],
      ['savepoint', { latestSavepoint: 's3://state/other' }],
    ] as const)('a change of a job is blocked when its %s is no longer the one that was read', async (_what, change) => {
      await launched();
      const stored = await submitted();
      const outcome = await store.acceptJobChange(anOperation(), { ...stored, revision: 9 }, { ...stored, ...change } as Job);
      expect(outcome).toEqual({ outcome: 'blocked', by: 'job' });
      expect(await store.job('flights', 'delays')).toEqual(stored);
    });

    test('a repeated job change is recognised although the job now carries its own lease', async () => {
      await launched();
      const operation = anOperation();
      const job = aJob({ lease: aLease(operation.operationId) });
      await store.acceptJobChange(operation, job, undefined);
      expect(await store.acceptJobChange(operation, job, undefined)).toEqual({ outcome: 'repeated', operation });
    });

    test('a cancellation is accepted while the submission holds the lease', async () => {
      await launched();
      const job = await submitted({ status: 'SUBMITTING' });
      const cancel = anOperation({ kind: 'stop-job', request: { kind: 'stop-job', mode: 'cancel', drain: false }, requestedAt: at(7) });
      expect(await store.acceptCancellation(cancel)).toEqual({ outcome: 'created' });
      expect(await store.job('flights', 'delays')).toEqual({ ...job, desired: 'STOPPED', updatedAt: at(7) });
    });

    test('a cancellation leaves nothing to be made good', async () => {
      await launched();
      await submitted({ brokenOff: newOperationId() });
      expect(await store.acceptCancellation(anOperation())).toEqual({ outcome: 'created' });
      expect((await store.job('flights', 'delays'))?.brokenOff).toBeUndefined();
    });

    test.each([
      ['is on its way to another zone', { status: 'FAILING_OVER' }],
      ['waits for its next move', { status: 'FAILED' }],
      ['is to be terminated', { desired: 'TERMINATED' }],
    ] as const)('a cancellation on a cluster that %s is blocked by the cluster', async (_why, change) => {
      await launched();
      const job = await submitted();
      const held = aLease(newOperationId());
      await store.acquireLease({ cluster: 'flights' }, held);
      if ('status' in change) await store.updateCluster('flights', held.operationId, change);
      else await store.acceptTermination(anOperation({ kind: 'terminate-cluster', job: undefined }));
      expect(await store.acceptCancellation(anOperation())).toEqual({ outcome: 'blocked', by: 'cluster' });
      expect(await store.job('flights', 'delays')).toEqual(job);
    });

    test('a cancellation of a job that does not exist is blocked', async () => {
      await launched();
      expect(await store.acceptCancellation(anOperation())).toEqual({ outcome: 'blocked', by: 'job' });
    });
  });

  const takeover = () =>
    anOperation({
      kind: 'fail-over-cluster',
      job: undefined,
      request: {
        kind: 'fail-over-cluster',
        from: 'us-east-1a',
        zone: 'us-east-1b',
        trigger: { kind: 'person', evidence: 'a test wants it' },
      },
    });

  describe('taking a cluster over', () => {
    const next = (cluster: Cluster, operationId: string): Cluster => ({
      ...cluster,
      epoch: cluster.epoch + 1,
      zone: 'us-east-1b',
      status: 'FAILING_OVER',
      lease: aLease(operationId),
      resources: { taskManagerGroups: [], launchTemplateIds: [] },
      former: [{ epoch: cluster.epoch, zone: cluster.zone, resources: cluster.resources }],
    });

    test('raises the epoch, keeps what the former one owns, and breaks the leases of cluster and jobs in one go', async () => {
      const cluster = await launched({ status: 'RUNNING' });
      const job = await submitted();
      const operation = takeover();
      const taken = next(cluster, operation.operationId);
      expect(await store.acceptTakeover(operation, taken, cluster, [job.name])).toEqual({ outcome: 'created' });
      expect(await store.cluster(cluster.name)).toMatchObject({
        epoch: taken.epoch,
        zone: 'us-east-1b',
        status: 'FAILING_OVER',
        former: taken.former,
        lease: { operationId: operation.operationId },
      });
      expect((await store.job(job.cluster, job.name))?.lease?.operationId).toBe(operation.operationId);
      await expect(store.updateJob(job.cluster, job.name, job.lease?.operationId ?? '', { status: 'RUNNING' })).rejects.toThrow(Superseded);
    });

    test('that can wait is blocked while somebody holds a job, and by nobody whose time is over', async () => {
      const cluster = await launched({ status: 'RUNNING' });
      const job = await submitted();
      const waits = takeover();
      expect(await store.acceptTakeover(waits, next(cluster, waits.operationId), cluster, [job.name], true)).toMatchObject({
        outcome: 'blocked',
        by: 'job',
      });
      expect(await store.cluster(cluster.name)).toMatchObject({ epoch: cluster.epoch, status: 'RUNNING' });
      await store.releaseLease({ cluster: cluster.name, job: job.name }, job.lease?.operationId ?? '');
      expect(await store.acceptTakeover(waits, next(cluster, waits.operationId), cluster, [job.name], true)).toEqual({
        outcome: 'created',
      });
    });

    test('of two at once one is created and the other is blocked', async () => {
      const cluster = await launched({ status: 'RUNNING' });
      const outcomes = await Promise.all(
        [takeover(), takeover()].map((operation) => store.acceptTakeover(operation, next(cluster, operation.operationId), cluster, [])),
      );
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['blocked', 'created']);
    });

    test('is blocked once the cluster is to be terminated', async () => {
      const cluster = await launched({ status: 'RUNNING' });
      await store.acceptTermination(
        anOperation({ kind: 'terminate-cluster', job: undefined, request: { kind: 'terminate-cluster', jobs: 'cancel' } }),
      );
      const operation = takeover();
      expect(await store.acceptTakeover(operation, next(cluster, operation.operationId), cluster, [])).toMatchObject({
        outcome: 'blocked',
      });
    });

    test('is blocked when the reserve is no longer what it was, and stores what becomes of it and of avoided zones', async () => {
      const cluster = await launched({ status: 'RUNNING' });
      const by = newOperationId();
      const making = aReserve({ by });
      const given = { kind: 'prepare-reserve', action: 'make', epoch: 2, zone: 'us-east-1b', hosts: 1, reason: 'it lacks one' } as const;
      const preparing = anOperation({ operationId: by, kind: 'prepare-reserve', job: undefined, request: given });
      expect(await store.acceptReserve(preparing, making, cluster)).toEqual({ outcome: 'created' });
      const stale = takeover();
      expect(await store.acceptTakeover(stale, next(cluster, stale.operationId), cluster, [])).toMatchObject({ outcome: 'blocked' });
      const seen = (await store.cluster('flights')) as Cluster;
      const operation = takeover();
      const taken = { ...next(seen, operation.operationId), avoidedZones: ['us-east-1a'], reserve: undefined };
      expect(await store.acceptTakeover(operation, taken as Cluster, seen, [])).toEqual({ outcome: 'created' });
      const after = await store.cluster('flights');
      expect(after).toMatchObject({ avoidedZones: ['us-east-1a'] });
      expect(after?.reserve).toBeUndefined();
      await expect(store.updateReserve('flights', by, making)).rejects.toThrow(Superseded);
    });

    test('that leaves the reserve as it is writes none, so that what is made of it meanwhile stays on record', async () => {
      const cluster = await launched({ status: 'RUNNING' });
      const by = newOperationId();
      const given = { kind: 'prepare-reserve', action: 'make', epoch: 2, zone: 'us-east-1b', hosts: 1, reason: 'it lacks one' } as const;
      const preparing = anOperation({ operationId: by, kind: 'prepare-reserve', job: undefined, request: given });
      await store.acceptReserve(preparing, aReserve({ by }), cluster);
      const seen = (await store.cluster(cluster.name)) as Cluster;
      const resources = { taskManagerGroups: [{ name: 'sluice-test-flights-e2', zone: 'us-east-1b' }], launchTemplateIds: ['lt-2'] };
      await store.updateReserve(cluster.name, by, aReserve({ by, resources }));
      const operation = takeover();
      expect(await store.acceptTakeover(operation, { ...seen, lease: aLease(operation.operationId) }, seen, [])).toEqual({
        outcome: 'created',
      });
      expect((await store.cluster(cluster.name))?.reserve?.resources).toEqual(resources);
    });

    test('uses up the role that was made for its epoch, and leaves one that is recorded meanwhile', async () => {
      const cluster = await launched({ status: 'RUNNING' });
      const first = takeover();
      await store.acceptTakeover(first, { ...cluster, lease: aLease(first.operationId) }, cluster, []);
      const holder = first.operationId;
      const seen = await store.updateCluster(cluster.name, holder, { nextRole: { epoch: 2, roleName: 'sluice-test-flights-e2' } });
      expect(seen.nextRole).toEqual({ epoch: 2, roleName: 'sluice-test-flights-e2' });
      const tidies = takeover();
      await store.updateCluster(cluster.name, holder, { nextRole: { epoch: 2, roleName: 'r', instanceProfileArn: 'p' } });
      await store.acceptTakeover(tidies, { ...seen, lease: aLease(tidies.operationId) }, seen, []);
      const kept = (await store.cluster(cluster.name)) as Cluster;
      expect(kept.nextRole).toEqual({ epoch: 2, roleName: 'r', instanceProfileArn: 'p' });
      const moves = takeover();
      await store.acceptTakeover(moves, { ...next(kept, moves.operationId), nextRole: undefined }, kept, []);
      expect((await store.cluster(cluster.name))?.nextRole).toBeUndefined();
    });

    test('only the holder of the cluster takes further jobs', async () => {
      const cluster = await launched({ status: 'RUNNING' });
      const job = await submitted();
      const operation = takeover();
      await expect(store.takeJobOver(cluster.name, job.name, aLease(operation.operationId))).rejects.toThrow(Superseded);
      await store.acceptTakeover(operation, next(cluster, operation.operationId), cluster, []);
      await store.takeJobOver(cluster.name, job.name, aLease(operation.operationId));
      expect((await store.job(job.cluster, job.name))?.lease?.operationId).toBe(operation.operationId);
    });
  });

  describe('a job of a copy', () => {
    test('is put by the operation that holds the copy, once, in place of what an earlier drill has left', async () => {
      const by = newOperationId();
      await launched({ name: 'copied', copyOf: 'flights', lease: aLease(by) });
      const job = aJob({ cluster: 'copied', lease: aLease(by), epoch: 1 });
      await expect(store.copyJob({ ...job, lease: aLease(newOperationId()) })).rejects.toThrow(Superseded);
      expect(await store.job('copied', job.name)).toBeUndefined();
      await store.copyJob(job);
      await store.updateJob('copied', job.name, by, { epoch: 2 });
      await store.copyJob(job);
      expect(await store.job('copied', job.name)).toMatchObject({ epoch: 2 });
      expect(await store.cluster('copied')).toMatchObject({ copyOf: 'flights' });

      await store.releaseLease({ cluster: 'copied', job: job.name }, by);
      await store.copyJob({ ...job, epoch: 3 });
      expect(await store.job('copied', job.name)).toMatchObject({ epoch: 3, lease: { operationId: by } });
      await store.releaseLease({ cluster: 'copied' }, by);
      await expect(store.copyJob({ ...job, epoch: 4 })).rejects.toThrow(Superseded);
    });
  });

  describe('a reserve', () => {
    const preparing = (by: string) =>
      anOperation({
        operationId: by,
        kind: 'prepare-reserve',
        job: undefined,
        request: { kind: 'prepare-reserve', action: 'make', epoch: 2, zone: 'us-east-1b', hosts: 1, reason: 'it lacks one' },
      });

    test('is written by its own operation, whoever holds the cluster, and by nobody else', async () => {
      const holder = newOperationId();
      const cluster = await launched({ lease: aLease(holder) });
      const by = newOperationId();
      expect(await store.acceptReserve(preparing(by), aReserve({ by }), cluster)).toEqual({ outcome: 'created' });
      await store.updateReserve('flights', by, aReserve({ by, status: 'ready' }));
      expect((await store.cluster('flights'))?.reserve).toEqual(aReserve({ by, status: 'ready' }));
      await expect(store.updateReserve('flights', holder, aReserve())).rejects.toThrow(Superseded);
      await store.updateReserve('flights', by, aReserve({ status: 'gone' }));
      expect((await store.cluster('flights'))?.reserve).toEqual(aReserve({ status: 'gone' }));
      await store.updateCluster('flights', holder, { reserve: undefined });
      expect((await store.cluster('flights'))?.reserve).toBeUndefined();
    });

    test('of two that are begun at once one is created and the other is blocked', async () => {
      const cluster = await launched();
      const outcomes = await Promise.all(
        [newOperationId(), newOperationId()].map((by) => store.acceptReserve(preparing(by), aReserve({ by }), cluster)),
      );
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['blocked', 'created']);
    });

    test.each([
      ['is being moved', { status: 'FAILING_OVER' }, {}],
      ['is to be terminated', { desired: 'TERMINATED' }, {}],
      ['is at another epoch by now', {}, { epoch: 7 }],
    ] as const)('of a cluster that %s is blocked', async (_why, change, read) => {
      const cluster = await launched(change);
      const by = newOperationId();
      expect(await store.acceptReserve(preparing(by), aReserve({ by }), { ...cluster, ...read })).toEqual({
        outcome: 'blocked',
        by: 'cluster',
      });
    });
  });

  describe('settings of a cluster', () => {
    const changing = () => {
      const request = {
        kind: 'change-cluster' as const,
        changes: [{ field: 'drill' as const, to: { mode: 'lost' }, takesEffect: 'now' as const }],
      };
      return anOperation({ kind: 'change-cluster', job: undefined, request, status: 'SUCCEEDED', endedAt: at(1), requestedAt: at(1) });
    };
    const changed = (cluster: Cluster): Cluster => ({
      ...cluster,
      spec: { ...cluster.spec, drill: { schedule: 'rate(7 days)', mode: 'lost' } },
      size: { ...cluster.size, taskManagers: { min: 2, max: 8 } },
      revision: (cluster.revision ?? 0) + 1,
      drillSince: at(1),
      turn: (cluster.turn ?? 0) + 1,
    });

    test('are written with an operation that has ended, and that nobody looks after', async () => {
      const lease = aLease(newOperationId());
      const cluster = await launched({ lease });
      const operation = changing();
      const open = (await store.openOperations()).length;
      expect(await store.acceptClusterChange(operation, changed(cluster), cluster)).toEqual({ outcome: 'created' });
      expect(await store.cluster('flights')).toEqual({ ...changed(cluster), updatedAt: at(1) });
      expect(await store.operation(operation.operationId)).toEqual(operation);
      expect(await store.openOperations()).toHaveLength(open);
      expect((await store.operationsOf('flights', { limit: 10 })).items[0]).toEqual(operation);
      expect(await store.acceptClusterChange(operation, changed(cluster), cluster)).toEqual({ outcome: 'repeated', operation });
    });

    test('leave what others write meanwhile, and count no turn where they take none', async () => {
      const cluster = await launched();
      const fault = { kind: 'members-lost' as const, epoch: 1, since: at(1), seenAt: at(1) };
      await store.recordFault('flights', 1, fault);
      await store.beginTurn('flights', 0);
      const { turn: _, drillSince: __, ...next } = changed(cluster);
      expect(await store.acceptClusterChange(changing(), next, cluster)).toEqual({ outcome: 'created' });
      expect(await store.cluster('flights')).toMatchObject({ ...next, updatedAt: at(1), fault, turn: 1 });
    });

    test('of two that are changed at once one is created and the other is blocked', async () => {
      const cluster = await launched();
      const outcomes = await Promise.all([1, 2].map(() => store.acceptClusterChange(changing(), changed(cluster), cluster)));
      expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['blocked', 'created']);
    });

    test.each([
      ['is being moved', { status: 'FAILING_OVER' }, {}],
      ['is to be terminated', { desired: 'TERMINATED' }, {}],
      ['is at another epoch by now', {}, { epoch: 7 }],
      ['was changed since', { revision: 3 }, { revision: 2 }],
      ['has another reserve by now', { reserve: aReserve() }, { reserve: undefined }],
      ['has begun another turn', { turn: 4 }, { turn: 3 }],
    ] as const)('of a cluster that %s are not changed', async (_why, change, read) => {
      const { reserve, ...cluster } = { reserve: undefined, ...(await launched(change)), status: 'RUNNING' as const };
      const previous: Cluster = { ...cluster, ...(reserve ? { reserve } : {}), ...read };
      const operation = changing();
      expect(await store.acceptClusterChange(operation, changed(previous), previous)).toEqual({ outcome: 'blocked', by: 'cluster' });
      expect(await store.operation(operation.operationId)).toBeUndefined();
    });

    test('keep a move that was decided by others from beginning', async () => {
      const cluster = await launched();
      await store.acceptClusterChange(changing(), changed(cluster), cluster);
      const move = takeover();
      const next: Cluster = { ...cluster, epoch: 2, status: 'FAILING_OVER', lease: aLease(move.operationId) };
      expect(await store.acceptTakeover(move, next, cluster, [])).toEqual({ outcome: 'blocked', by: 'cluster' });
      const now = (await store.cluster('flights')) as Cluster;
      expect(await store.acceptTakeover(move, { ...next, revision: 1 }, now, [])).toEqual({ outcome: 'created' });
      expect(await store.cluster('flights')).toMatchObject({ epoch: 2, revision: 1, spec: changed(cluster).spec });
    });
  });

  describe('following operations', () => {
    test('an operation starts, and starts again without a new start time, until it has ended', async () => {
      await launched();
      const operation = anOperation();
      await store.acceptJobChange(operation, aJob(), undefined);
      expect(await store.markRunning(operation.operationId, at(1))).toBe(true);
      expect(await store.markRunning(operation.operationId, at(2))).toBe(true);
      expect(await store.operation(operation.operationId)).toMatchObject({ status: 'RUNNING', startedAt: at(1) });
      await store.endOperation(operation.operationId, { status: 'SUCCEEDED', endedAt: at(9), reason: 'The job is running' });
      expect(await store.markRunning(operation.operationId, at(10))).toBe(false);
      expect(await store.markRunning(newOperationId(), at(1))).toBe(false);
    });

    test('the first end of an operation stays', async () => {
      await launched();
      const operation = anOperation();
      await store.acceptJobChange(operation, aJob(), undefined);
      const end = {
        status: 'FAILED',
        endedAt: at(9),
        reason: 'No such class',
        error: { name: 'JobRejected', message: 'No such class' },
      } as const;
      expect(await store.endOperation(operation.operationId, end)).toBe(true);
      expect(await store.endOperation(operation.operationId, { status: 'SUCCEEDED', endedAt: at(10), reason: 'Well' })).toBe(false);
      expect(await store.operation(operation.operationId)).toEqual({ ...operation, ...end });
    });

    test('an operation lets go of its lease with its end, never of the lease of another', async () => {
      await launched();
      const [first, second] = [anOperation(), anOperation({ job: 'other' })];
      const end = { status: 'SUCCEEDED', endedAt: at(9), reason: 'Done' } as const;
      await store.acceptJobChange(first, aJob({ lease: aLease(first.operationId) }), undefined);
      await store.acceptJobChange(second, aJob({ name: 'other', lease: aLease(newOperationId()) }), undefined);
      expect(await store.endOperation(first.operationId, end, { cluster: first.cluster, job: 'delays' })).toBe(true);
      expect(await store.endOperation(second.operationId, end, { cluster: second.cluster, job: 'other' })).toBe(true);
      expect((await store.job(first.cluster, 'delays'))?.lease).toBeUndefined();
      expect((await store.job(second.cluster, 'other'))?.lease).toBeDefined();
    });

    test('ending or noting a phase of an operation that does not exist is an error', async () => {
      await expect(store.endOperation(newOperationId(), { status: 'FAILED', endedAt: at(1), reason: '' })).rejects.toThrow(NotFound);
      await expect(store.recordPhase(newOperationId(), { name: 'Start', startedAt: at(1), outcome: 'ok', reason: '' })).rejects.toThrow(
        NotFound,
      );
    });

    test('phases come back in the order of their starts, with the first start and the newest look', async () => {
      await launched();
      const operation = anOperation();
      await store.acceptJobChange(operation, aJob(), undefined);
      const record = (
        name: string,
        startedAt: string,
        rest: { endedAt?: string; outcome: 'running' | 'ok' | 'waiting' | 'failed'; reason: string },
      ) => store.recordPhase(operation.operationId, { name, startedAt, ...rest });
      await record('Wait for slots. All there?', at(5), { outcome: 'waiting', reason: '0 of 4' });
      await record('Upload', at(2), { outcome: 'running', reason: '' });
      await record('Upload', at(2), { outcome: 'ok', endedAt: at(3), reason: 'Uploaded' });
      await record('Wait for slots. All there?', at(6), { outcome: 'ok', endedAt: at(7), reason: '4 of 4' });
      expect((await store.operation(operation.operationId))?.phases).toEqual([
        { name: 'Upload', startedAt: at(2), endedAt: at(3), outcome: 'ok', reason: 'Uploaded', attempts: 1 },
        { name: 'Wait for slots. All there?', startedAt: at(5), endedAt: at(7), outcome: 'ok', reason: '4 of 4', attempts: 2 },
      ]);
    });

    test('an attempt that began and never reported its end is counted', async () => {
      await launched();
      const operation = anOperation();
      await store.acceptJobChange(operation, aJob(), undefined);
      for (const second of [1, 2])
        await store.recordPhase(operation.operationId, { name: 'Start job', startedAt: at(second), outcome: 'running', reason: '' });
      await store.recordPhase(operation.operationId, {
        name: 'Start job',
        startedAt: at(2),
        endedAt: at(3),
        outcome: 'ok',
        reason: 'Started',
      });
      expect((await store.operation(operation.operationId))?.phases).toMatchObject([{ attempts: 2, startedAt: at(1) }]);
    });

    test('writers at the same time lose no phase and no attempt', async () => {
      await launched();
      const operation = anOperation();
      await store.acceptJobChange(operation, aJob(), undefined);
      const names = ['One', 'Two', 'Three', 'Four'];
      await Promise.all(
        [...names, ...names].map((name, second) =>
          store.recordPhase(operation.operationId, { name, startedAt: at(second), outcome: 'ok', reason: '' }),
        ),
      );
      const phases = (await store.operation(operation.operationId))?.phases ?? [];
      expect(phases.map(({ name }) => name).sort()).toEqual([...names].sort());
      expect(phases.every(({ attempts }) => attempts === 2)).toBe(true);
    });

    test('open operations are those that have not ended', async () => {
      await launched();
      const [open, ended] = [anOperation({ job: 'one' }), anOperation({ job: 'two' })];
      await store.acceptJobChange(open, aJob({ name: 'one' }), undefined);
      await store.acceptJobChange(ended, aJob({ name: 'two' }), undefined);
      await store.endOperation(ended.operationId, { status: 'SUCCEEDED', endedAt: at(2), reason: 'Done' });
      const found = (await store.openOperations()).map(({ operationId }) => operationId);
      expect(found).toContain(open.operationId);
      expect(found).not.toContain(ended.operationId);
    });

    test('operations of a cluster are listed newest first, page by page, others left out', async () => {
      await launched({ name: 'other' });
      await launched();
      const made = [1, 2, 3, 4].map((second) => anOperation({ requestedAt: at(second), job: `job-${second}` }));
      for (const operation of made) await store.acceptJobChange(operation, aJob({ name: operation.job as string }), undefined);
      const pages = await allPages((page) => store.operationsOf('flights', page), 2);
      expect(pages.map((page) => page.map(({ requestedAt }) => requestedAt))).toEqual([[at(4), at(3)], [at(2), at(1)], [at(0)]]);
    });
  });

  describe('lists', () => {
    test('clusters and jobs are listed by name, page by page, and a full last page has no next one', async () => {
      for (const name of ['beta', 'alpha', 'flights', 'delta']) await launched({ name });
      for (const name of ['j3', 'j1', 'j2']) await submitted({ name });
      expect((await allPages((page) => store.clusters(page), 2)).map((page) => page.map(({ name }) => name))).toEqual([
        ['alpha', 'beta'],
        ['delta', 'flights'],
      ]);
      expect((await allPages((page) => store.jobs('flights', page), 3)).map((page) => page.map(({ name }) => name))).toEqual([
        ['j1', 'j2', 'j3'],
      ]);
      expect(await store.jobs('alpha', { limit: 5 })).toEqual({ items: [] });
    });

    const snapshot = (second: number) => ({
      cluster: 'flights',
      job: 'delays',
      location: `s3://state/savepoint-${second}`,
      kind: 'savepoint' as const,
      origin: newOperationId(),
      flinkJobId: 'c'.repeat(32),
      takenAt: at(second),
    });

    test('snapshots of a job are listed newest first, and one that is recorded twice appears once', async () => {
      const all = [1, 2, 3].map(snapshot);
      for (const one of all) await store.putSnapshot(one);
      await store.putSnapshot({ ...(all[0] as (typeof all)[0]), takenAt: at(50) });
      await store.putSnapshot({ ...snapshot(9), job: 'delays-2' });
      const pages = await allPages((page) => store.snapshots('flights', 'delays', page), 2);
      expect(pages).toEqual([[all[2], all[1]], [all[0]]]);
    });

    test('a snapshot that is deleted is listed no more, others stay, and one that is not there is not missed', async () => {
      const all = [1, 2, 3].map(snapshot);
      const sibling = { ...snapshot(2), job: 'delays-2' };
      for (const one of [...all, sibling]) await store.putSnapshot(one);
      for (let time = 0; time < 2; time++) await store.deleteSnapshot('flights', 'delays', 's3://state/savepoint-2');
      await store.deleteSnapshot('flights', 'delays', 's3://state/savepoint');
      await store.deleteSnapshot('alpha', 'delays', 's3://state/savepoint-3');
      expect(await store.snapshots('flights', 'delays', { limit: 5 })).toEqual({ items: [all[2], all[0]] });
      expect(await store.snapshots('flights', 'delays-2', { limit: 5 })).toEqual({ items: [sibling] });
      // A savepoint that is written to the same place again is a new one.
      const again = { ...snapshot(2), takenAt: at(60) };
      await store.putSnapshot(again);
      expect(await store.snapshots('flights', 'delays', { limit: 5 })).toEqual({ items: [again, all[2], all[0]] });
    });
  });

  describe('leases', () => {
    const targets = [
      ['cluster', { cluster: 'flights' }],
      ['job', { cluster: 'flights', job: 'delays' }],
    ] as const;
    const [first, second] = ['op-00000000000000000000000001', 'op-00000000000000000000000002'] as const;
    const leaseOf = async (target: { cluster: string; job?: string }) =>
      (target.job ? await store.job(target.cluster, target.job) : await store.cluster(target.cluster))?.lease;
    beforeEach(async () => {
      await launched();
      await submitted({ lease: undefined });
    });

    test.each(targets)('of a %s: taken when free, renewed by its holder, refused to others until it has run out', async (_what, target) => {
      expect(await store.acquireLease(target, aLease(first, 0))).toBe(true);
      expect(await store.acquireLease(target, aLease(second, 30))).toBe(false);
      expect(await store.acquireLease(target, aLease(first, 40))).toBe(true);
      expect(await store.acquireLease(target, aLease(second, 90))).toBe(false);
      expect(await leaseOf(target)).toEqual(aLease(first, 40));
      expect(await store.acquireLease(target, aLease(second, 101))).toBe(true);
      expect(await leaseOf(target)).toEqual(aLease(second, 101));
    });

    test.each(targets)('of a %s: given back by its holder only', async (_what, target) => {
      await store.acquireLease(target, aLease(first));
      await store.releaseLease(target, second);
      expect(await leaseOf(target)).toEqual(aLease(first));
      await store.releaseLease(target, first);
      await store.releaseLease(target, first);
      expect(await leaseOf(target)).toBeUndefined();
    });

    test('of what does not exist cannot be taken, and giving it back makes nothing', async () => {
      await expect(store.acquireLease({ cluster: 'nowhere' }, aLease(first))).rejects.toThrow(NotFound);
      await store.releaseLease({ cluster: 'nowhere' }, first);
      expect(await store.cluster('nowhere')).toBeUndefined();
    });

    test('of many takers at once exactly one gets it', async () => {
      const taken = await Promise.all(
        Array.from({ length: 8 }, () => store.acquireLease({ cluster: 'flights' }, aLease(newOperationId()))),
      );
      expect(taken.filter(Boolean)).toHaveLength(1);
    });
  });

  describe('what operations write', () => {
    const [holder, other] = ['op-00000000000000000000000001', 'op-00000000000000000000000002'] as const;
    beforeEach(async () => {
      await launched();
      await submitted({ lease: aLease(holder), jarId: 'jar-1' });
      await store.acquireLease({ cluster: 'flights' }, aLease(holder));
    });

    test('a cluster is changed by the holder of its lease and by nobody else', async () => {
      const resources = { securityGroupId: 'sg-1', taskManagerGroups: [{ name: 'tm', zone: 'us-east-1a' }], launchTemplateIds: ['lt-1'] };
      const changed = await store.updateCluster('flights', holder, { status: 'TERMINATING', statusReason: 'Asked', resources });
      expect(changed).toEqual({
        ...aCluster({ lease: aLease(holder) }),
        status: 'TERMINATING',
        statusReason: 'Asked',
        resources,
        updatedAt: NOW.toISOString(),
      });
      expect(await store.cluster('flights')).toEqual(changed);
      await expect(store.updateCluster('flights', other, { status: 'FAILED' })).rejects.toThrow(Superseded);
      await expect(store.updateCluster('nowhere', holder, { status: 'FAILED' })).rejects.toThrow(Superseded);
      expect(await store.cluster('flights')).toEqual(changed);
    });

    test('a job is changed by the holder of its lease and by nobody else; a key set to undefined is removed', async () => {
      const changed = await store.updateJob('flights', 'delays', holder, {
        status: 'STOPPED',
        jarId: undefined,
        latestSavepoint: 's3://state/sp-1',
      });
      expect(changed).toMatchObject({ status: 'STOPPED', latestSavepoint: 's3://state/sp-1', updatedAt: NOW.toISOString() });
      expect('jarId' in changed).toBe(false);
      expect(await store.job('flights', 'delays')).toEqual(changed);
      await expect(store.updateJob('flights', 'delays', other, { status: 'FAILED' })).rejects.toThrow(Superseded);
      await expect(store.updateJob('flights', 'nothing', holder, { status: 'FAILED' })).rejects.toThrow(Superseded);
      await expect(store.updateJob('flights', 'delays', holder, { status: 'FAILED' }, changed.epoch - 1)).rejects.toThrow(Superseded);
      expect(await store.updateJob('flights', 'delays', holder, { status: 'FAILED' }, changed.epoch)).toMatchObject({ status: 'FAILED' });
    });

    test('what is seen of a job is written only between operations and only of its present epoch', async () => {
      const seen = { status: 'FAILED', statusReason: 'A TaskManager is gone' } as const;
      // The clock stands at 30 s: a lease until 60 s is held, one until 20 s has run out.
      expect(await store.recordJobSeen('flights', 'delays', 1, seen)).toBe(false);
      await store.releaseLease({ cluster: 'flights', job: 'delays' }, holder);
      expect(await store.recordJobSeen('flights', 'delays', 2, seen)).toBe(false);
      expect(await store.recordJobSeen('flights', 'nothing', 1, seen)).toBe(false);
      expect(await store.recordJobSeen('flights', 'delays', 1, seen)).toBe(true);
      expect(await store.job('flights', 'delays')).toMatchObject(seen);
      await store.acquireLease({ cluster: 'flights', job: 'delays' }, aLease(other, 0, 20));
      expect(await store.recordJobSeen('flights', 'delays', 1, { ...seen, status: 'RUNNING' })).toBe(true);
    });

    test('what is wrong with a cluster is recorded whoever changes it, of its present epoch only, until it is well again', async () => {
      const fault = { kind: 'members-lost', epoch: 1, since: at(5), seenAt: at(20) } as const;
      expect(await store.recordFault('flights', 2, { ...fault, epoch: 2 })).toBe(false);
      expect(await store.recordFault('nothing', 1, fault)).toBe(false);
      expect(await store.recordFault('flights', 1, fault)).toBe(true);
      expect((await store.cluster('flights'))?.fault).toEqual(fault);
      expect(await store.recordFault('flights', 1, undefined)).toBe(true);
      expect((await store.cluster('flights'))?.fault).toBeUndefined();
    });

    test('what was found of the home zone is recorded whoever changes the cluster, of its present epoch only', async () => {
      const home = { wellSince: at(5), seenAt: at(20), reason: 'It is no quiet time' };
      expect(await store.recordHome('flights', 2, home)).toBe(false);
      expect(await store.recordHome('nothing', 1, home)).toBe(false);
      expect(await store.recordHome('flights', 1, home)).toBe(true);
      expect((await store.cluster('flights'))?.home).toEqual(home);
      expect(await store.recordHome('flights', 1, { seenAt: at(30), reason: 'It is not well' })).toBe(true);
      expect((await store.cluster('flights'))?.home).toEqual({ seenAt: at(30), reason: 'It is not well' });
    });

    test('why it stays in a zone is recorded whoever changes the cluster, of its present epoch only', async () => {
      const held = { epoch: 1, zone: 'us-east-1a', saidAt: at(5), reason: 'A person moves it' };
      expect(await store.recordHeldShift('flights', { ...held, epoch: 2 })).toBe(false);
      expect(await store.recordHeldShift('nothing', held)).toBe(false);
      for (const one of [held, { ...held, reason: 'It is being stopped' }]) {
        expect(await store.recordHeldShift('flights', one)).toBe(true);
        expect((await store.cluster('flights'))?.heldShift).toEqual(one);
      }
    });

    test('what AWS says of a zone is kept, one for each; what comes twice, late or out of order changes nothing', async () => {
      expect(await store.shiftedZones()).toEqual([]);
      const begun = { zone: 'us-east-1a', says: 'Autoshift In Progress', saidAt: at(5), heardAt: at(6), over: false };
      expect(await store.recordShift(begun)).toBe(true);
      expect(await store.recordShift({ ...begun, heardAt: at(9) })).toBe(false);
      expect(await store.recordShift({ ...begun, zone: 'us-east-1b', saidAt: at(4) })).toBe(true);
      const over = { ...begun, says: 'Autoshift Completed', saidAt: at(20), heardAt: at(21), over: true };
      expect(await store.recordShift(over)).toBe(true);
      expect(await store.recordShift({ ...begun, saidAt: at(10), heardAt: at(22) })).toBe(false);
      expect(await store.shiftedZones()).toEqual([over, { ...begun, zone: 'us-east-1b', saidAt: at(4) }]);
      expect((await store.clusters({ limit: 10 })).items).toHaveLength(1);
    });

    test('an alarm is recorded whoever changes the job; one that comes twice or too late changes nothing', async () => {
      const raised = { state: 'ALARM', since: at(20), reason: 'Threshold crossed' } as const;
      expect(await store.recordAlarm('flights', 'delays', 'lag', raised)).toBe(true);
      expect(await store.recordAlarm('flights', 'delays', 'busy', { ...raised, since: at(5) })).toBe(true);
      expect(await store.recordAlarm('flights', 'delays', 'lag', raised)).toBe(false);
      expect(await store.recordAlarm('flights', 'delays', 'lag', { ...raised, state: 'OK', since: at(10) })).toBe(false);
      expect(await store.recordAlarm('flights', 'nothing', 'lag', raised)).toBe(false);
      expect((await store.job('flights', 'delays'))?.alarms).toEqual({ lag: raised, busy: { ...raised, since: at(5) } });
    });

    test('alarms that a job has no more are forgotten, and no other', async () => {
      expect(await store.forgetAlarms('flights', 'delays', ['lag'])).toBe(false);
      for (const kind of ['lag', 'busy', 'watermark'] as const)
        await store.recordAlarm('flights', 'delays', kind, { state: 'ALARM', since: at(20), reason: 'Threshold crossed' });
      expect(await store.forgetAlarms('flights', 'delays', ['lag', 'watermark', 'idle'])).toBe(true);
      expect(Object.keys((await store.job('flights', 'delays'))?.alarms ?? {})).toEqual(['busy']);
      expect(await store.forgetAlarms('flights', 'nothing', ['lag'])).toBe(false);
    });

    test('an alarm that is raised while a change is being accepted is not lost', async () => {
      await store.releaseLease({ cluster: 'flights', job: 'delays' }, holder);
      const previous = await store.job('flights', 'delays');
      await store.recordAlarm('flights', 'delays', 'lag', { state: 'ALARM', since: at(20), reason: 'Threshold crossed' });
      const operation = anOperation({ kind: 'rescale-job', request: { kind: 'rescale-job', parallelism: 3 } });
      const job = { ...aJob(), ...previous, lease: aLease(operation.operationId) };
      expect(await store.acceptJobChange(operation, job, previous)).toEqual({ outcome: 'blocked', by: 'job' });
      const again = await store.job('flights', 'delays');
      const second = { ...aJob(), ...again, lease: aLease(operation.operationId) };
      expect(await store.acceptJobChange(operation, second, again)).toEqual({ outcome: 'created' });
    });

    test('the newest decision about its scale is kept, of its present epoch and after the one that was known only', async () => {
      const decision = { at: at(20), kind: 'hold', trigger: 'lag', reason: 'Nothing is decided.' } as const;
      expect(await store.recordDecision('flights', 'delays', 2, decision, undefined)).toBe(false);
      expect(await store.recordDecision('flights', 'nothing', 1, decision, undefined)).toBe(false);
      expect(await store.recordDecision('flights', 'delays', 1, { ...decision, at: at(10) }, undefined)).toBe(true);
      expect(await store.recordDecision('flights', 'delays', 1, decision, undefined)).toBe(false);
      expect(await store.recordDecision('flights', 'delays', 1, decision, { ...decision, at: at(10) })).toBe(true);
      const carriedOut = { ...decision, operationId: holder };
      expect(await store.recordDecision('flights', 'delays', 1, { ...decision, at: at(30) }, carriedOut)).toBe(false);
      expect((await store.job('flights', 'delays'))?.lastDecision).toEqual(decision);
    });
  });
});

describe('The store on DynamoDB', () => {
  test('leaves an item that does not fit its schema out of a list and reports it by its key', async () => {
    const tableName = await createTable();
    const reports: unknown[] = [];
    const store = createStore({ client: tableClient(), tableName, now: () => NOW, reportUnreadable: (report) => reports.push(report) });
    await store.acceptLaunch(anOperation({ kind: 'launch-cluster', request: { kind: 'launch-cluster' } }), aCluster());
    await store.acceptJobChange(anOperation({ job: 'good' }), aJob({ name: 'good' }), undefined);
    await tableClient().send(new PutCommand({ TableName: tableName, Item: { ...jobKey('flights', 'bad'), name: 'bad', status: 'ODD' } }));
    expect((await store.jobs('flights', { limit: 10 })).items.map(({ name }) => name)).toEqual(['good']);
    expect(reports).toMatchObject([{ pk: 'CLUSTER#flights', sk: 'JOB#bad' }]);
    await expect(store.job('flights', 'bad')).rejects.toThrow();
  });

  test('refuses a cursor that no page of what is listed has given, before DynamoDB fails on it', async () => {
    const store = createStore({ client: tableClient(), tableName: await createTable(), now: () => NOW });
    await store.acceptLaunch(anOperation({ kind: 'launch-cluster', request: { kind: 'launch-cluster' } }), aCluster());
    await expect(store.jobs('flights', { limit: 5, after: toCursor('OBSERVATION#delays') })).rejects.toThrow(InvalidRequest);
    await expect(store.operationsOf('flights', { limit: 5, after: toCursor('OBSERVATION') })).rejects.toThrow(InvalidRequest);
  });

  describe('on a bad day', () => {
    let store: StorePort;
    beforeEach(async () => {
      store = createStore({ client: tableClient(), tableName: await createTable(), now: () => NOW });
    });
    afterEach(() => emulator.twin('DELETE', 'faults'));
    const fault = (action: string, rest: object) => emulator.twin('POST', 'faults', [{ service: 'dynamodb', action, ...rest }]);

    test('outlives two failures and one answer that comes too late', async () => {
      await store.acceptLaunch(anOperation({ kind: 'launch-cluster', request: { kind: 'launch-cluster' } }), aCluster());
      await fault('GetItem', { status: 500, code: 'InternalServerError', count: 2 });
      expect(await store.cluster('flights')).toEqual(aCluster());
      await fault('GetItem', { delayMs: 4_000, count: 1 });
      expect(await store.cluster('flights')).toEqual(aCluster());
    }, 20_000);

    test('accepts an operation once although the first answer came too late', async () => {
      const operation = anOperation({ kind: 'launch-cluster', request: { kind: 'launch-cluster' } });
      await fault('TransactWriteItems', { delayMs: 4_000, count: 1 });
      expect(['created', 'repeated']).toContain((await store.acceptLaunch(operation, aCluster())).outcome);
      expect(await store.openOperations()).toEqual([operation]);
    }, 20_000);

    test('says AwsUnavailable when the table stays away, and has written nothing', async () => {
      const operation = anOperation({ kind: 'launch-cluster', request: { kind: 'launch-cluster' } });
      await fault('TransactWriteItems', { status: 503, code: 'ServiceUnavailable' });
      await expect(store.acceptLaunch(operation, aCluster())).rejects.toThrow(AwsUnavailable);
      await emulator.twin('DELETE', 'faults');
      expect(await store.operation(operation.operationId)).toBeUndefined();
    });
  });
});
