import type { Cluster } from '../../../lambdas/contracts/cluster';
import type { OperationRequest } from '../../../lambdas/contracts/operation';
import { acceptFailover } from '../../../lambdas/usecases/failover/accept-failover';
import { nextZone } from '../../../lambdas/usecases/failover/next-zone';
import { retryFailovers } from '../../../lambdas/usecases/failover/retry-failovers';
import { aCluster, anOperation } from '../../contract/support/samples';
import { createFakeFleet } from '../../fakes/fake-fleet';
import { createFakeStore } from '../../fakes/fake-store';
import { createFakeWorkflows } from '../../fakes/fake-workflows';
import { STAGE } from '../../state-machines/support/world';

let now: Date;
const clock = (): Date => now;
const later = (seconds: number): void => {
  now = new Date(now.getTime() + seconds * 1_000);
};
let deps: ReturnType<typeof world>;
const world = () => ({
  clock,
  stage: STAGE,
  store: createFakeStore(clock),
  workflows: createFakeWorkflows(),
  fleet: createFakeFleet({ now: clock }),
});
beforeEach(() => {
  now = new Date('2026-03-01T12:00:00.000Z');
  deps = world();
  const { lease: _, ...cluster } = aCluster({ zone: 'us-east-1a', epoch: 1 });
  deps.store.seed({ clusters: [cluster] });
});

const cluster = async (): Promise<Cluster> => (await deps.store.cluster('flights')) as Cluster;
/** The move that holds the cluster fails behind its fence. */
const fails = async (): Promise<void> => {
  const operationId = (await cluster()).lease?.operationId ?? '';
  await deps.store.updateCluster('flights', operationId, { status: 'FAILED', statusReason: 'a function ran into its time limit' });
  await deps.store.endOperation(operationId, { status: 'FAILED', endedAt: now.toISOString(), reason: 'it failed' }, { cluster: 'flights' });
};
const moves = (change: { readonly impaired?: readonly string[] } = {}) =>
  acceptFailover(deps, { requestedBy: 'anna', operationId: `op-${'a'.repeat(26)}`, requestHash: 'a' }, 'flights', {
    trigger: { kind: 'zone-event', evidence: 'AWS says so' },
    ...change,
  });
/** As the schedule does, minute by minute. @returns how many seconds after the failure the move was begun again */
const waits = async (): Promise<number> => {
  for (let seconds = 60; seconds <= 7_200; seconds += 60) {
    later(60);
    if ((await retryFailovers(deps)).some(({ action }) => action === 'move')) return seconds;
  }
  return Number.POSITIVE_INFINITY;
};
const requestOf = async (): Promise<OperationRequest | undefined> =>
  (await deps.store.operation((await cluster()).lease?.operationId ?? ''))?.request;

test('a move that fails again and again is tried again after pauses that grow to an hour, in the zones that are not lost in turn', async () => {
  await moves({ impaired: ['us-east-1a'] });
  const pauses: number[] = [];
  const zones: string[] = [];
  for (let time = 0; time < 8; time++) {
    await fails();
    pauses.push(await waits());
    zones.push((await cluster()).zone.slice(-1));
    later(90);
  }
  expect(pauses).toEqual([60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
  // The first was lost, and is avoided for six hours.
  expect(zones.join('')).toBe('cbcbcbcb');
  expect(await requestOf()).toMatchObject({
    kind: 'fail-over-cluster',
    again: 9,
    trigger: {
      kind: 'recovery',
      evidence: expect.stringMatching(/^8 moves in a row have failed, the last .* in us-east-1b, after 3600 s$/),
    },
  });
  expect(await cluster()).toMatchObject({ status: 'FAILING_OVER', epoch: 10 });
});

test('is begun once, however many look at it at the same moment, and not while it runs', async () => {
  await moves();
  await fails();
  later(61);
  const considered = (await Promise.all(Array.from({ length: 5 }, () => retryFailovers(deps)))).flat();
  expect(new Set(considered.flatMap(({ operationId = [] }) => operationId)).size).toBe(1);
  expect(await cluster()).toMatchObject({ epoch: 3 });
  expect(await retryFailovers(deps)).toEqual([]);
});

test('a cluster that a person moves, or that is to go, is left alone', async () => {
  const { spec } = await cluster();
  const byPerson = { ...spec, placement: { ...spec.placement, failover: { ...spec.placement.failover, automatic: false } } };
  await moves();
  await fails();
  deps.store.seed({ clusters: [{ ...(await cluster()), spec: byPerson }] });
  later(7_200);
  expect(await retryFailovers(deps)).toMatchObject([{ action: 'hold', reason: expect.stringContaining('by a person only') }]);
  deps.store.seed({ clusters: [{ ...(await cluster()), spec, desired: 'TERMINATED' }] });
  expect(await retryFailovers(deps)).toEqual([]);
});

test.each([
  ['none other is wished', ['us-east-1b']],
  ['the stage has the other no more', ['us-east-1b', 'us-east-1c']],
])('where there is no other zone it is tried again in the same: %s', async (_, zones) => {
  deps = { ...deps, stage: { ...STAGE, zones: STAGE.zones.slice(0, 2) } };
  const { spec } = await cluster();
  const placement = { ...spec.placement, failover: { ...spec.placement.failover, zones } };
  deps.store.seed({ clusters: [{ ...(await cluster()), spec: { ...spec, placement } }] });
  await moves();
  await fails();
  await waits();
  expect(await cluster()).toMatchObject({ status: 'FAILING_OVER', zone: 'us-east-1b', epoch: 3 });
});

test('breaks off what only tidies up, and waits for anything else', async () => {
  await moves();
  await fails();
  later(61);
  const held = async (cleansOnly: boolean) => {
    const operationId = `op-${(cleansOnly ? 'c' : 'b').repeat(26)}`;
    const request = {
      kind: 'fail-over-cluster' as const,
      from: 'us-east-1a',
      zone: 'us-east-1b',
      trigger: { kind: 'recovery' as const, evidence: '' },
    };
    const lease = { operationId, acquiredAt: now.toISOString(), until: '2026-03-02T00:00:00.000Z' };
    const operation = anOperation({ operationId, kind: 'fail-over-cluster', status: 'RUNNING', request: { ...request, cleansOnly } });
    deps.store.seed({ clusters: [{ ...(await cluster()), lease }], operations: [operation] });
  };
  await held(false);
  expect(await retryFailovers(deps)).toMatchObject([{ action: 'hold', reason: expect.stringMatching(/^op-b+ is under way$/) }]);
  await held(true);
  expect(await retryFailovers(deps)).toMatchObject([{ action: 'move' }]);
});

test('zones that had no capacity for the move that failed are asked again', async () => {
  await moves();
  const first = await deps.store.operation((await cluster()).lease?.operationId ?? '');
  if (!first) throw new Error('it was accepted');
  await nextZone(deps, first);
  await expect(nextZone(deps, first)).rejects.toThrow(/no zone is left/);
  await fails();
  await waits();
  const again = await deps.store.operation((await cluster()).lease?.operationId ?? '');
  if (!again) throw new Error('it was accepted');
  const asked = [(await cluster()).zone];
  await nextZone(deps, again);
  asked.push((await cluster()).zone);
  await expect(nextZone(deps, again)).rejects.toThrow(/no zone is left/);
  expect(asked.map((zone) => zone.slice(-1))).toEqual(['a', 'b']);
});

test('a cluster that cannot be looked at keeps no other waiting', async () => {
  await moves();
  await fails();
  const { lease: _, ...stranded } = await cluster();
  deps.store.seed({ clusters: [{ ...stranded, name: 'airports' }] });
  later(61);
  deps.store.failNext('operationsOf', new Error('DynamoDB throttles'));
  expect(await retryFailovers(deps)).toMatchObject([
    { cluster: 'airports', action: 'failed' },
    { cluster: 'flights', action: 'move' },
  ]);
});

test('it is tried again in no zone that EC2 says is not well while there is another', async () => {
  await moves();
  await fails();
  later(61);
  deps.fleet.zonesInTrouble.set('us-east-1c', 'EC2 says it is impaired');
  await retryFailovers(deps);
  expect(await cluster()).toMatchObject({ status: 'FAILING_OVER', zone: 'us-east-1a', epoch: 3 });
});

test('after a zone without capacity one that was said to be impaired comes last', async () => {
  const fourth = { name: 'us-east-1d', subnetId: 'subnet-4' };
  deps = { ...deps, stage: { ...STAGE, zones: [...STAGE.zones, fourth] } };
  await moves({ impaired: ['us-east-1c'] });
  const operation = await deps.store.operation((await cluster()).lease?.operationId ?? '');
  if (!operation) throw new Error('it was accepted');
  const asked = [(await cluster()).zone];
  for (let time = 0; time < 2; time++) {
    await nextZone(deps, operation);
    asked.push((await cluster()).zone);
  }
  expect(asked.map((zone) => zone.slice(-1))).toEqual(['b', 'd', 'c']);
});
