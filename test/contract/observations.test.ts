import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { decideScaling, redecide } from '../../lambdas/domain/scaling/decide-scaling';
import { s3Client, tableClient } from '../../lambdas/gateways/aws/clients';
import { createObservations } from '../../lambdas/gateways/aws/observations.adapter';
import type { ObservationStorePort } from '../../lambdas/gateways/aws/observations.port';
import { observationKey } from '../../lambdas/gateways/aws/store/keys';
import { createFakeObservations } from '../fakes/fake-observations';
import { aRecord, from, later, NOW, observed, past, settings, vertex } from '../unit/domain/scaling/examples';
import { type Emulator, startEmulator } from './support/emulator';
import { newOperationId } from './support/samples';
import { createTable } from './support/table';

const BUCKET = `observations-${process.pid}-${Date.now()}`;
let emulator: Emulator;

beforeAll(async () => {
  emulator = await startEmulator();
  await s3Client().send(new CreateBucketCommand({ Bucket: BUCKET }));
}, 60_000);
afterAll(() => emulator.stop());

const onAws = (tableName: string): ObservationStorePort =>
  createObservations({ client: tableClient(), tableName, s3: s3Client(), bucket: BUCKET, now: () => new Date(NOW) });

describe.each([
  ['fake', async (): Promise<ObservationStorePort> => createFakeObservations(() => new Date(NOW))],
  ['DynamoDB and S3', async (): Promise<ObservationStorePort> => onAws(await createTable())],
])('Observations (%s)', (_, create) => {
  let store: ObservationStorePort;
  beforeEach(async () => {
    store = await create();
  });

  test('the newest observation of a job comes back as it was put, figures that are not known included', async () => {
    expect(await store.latest('flights', 'delays')).toBeUndefined();
    const record = aRecord({
      counters: {
        at: NOW,
        restarts: null,
        restartsOfHosts: { known: 2, open: 1 },
        taskManagers: { 'i-1-1': NOW },
        heap: [0.25],
        vertices: { source: { parallelism: 2, recordsIn: 5, recordsOut: null, busyMs: 1, backpressuredMs: 2, idleMs: 3 } },
        sources: { source: { seenAt: NOW, settled: true, metrics: ['Source__kafka.pendingRecords'], partitions: 12 } },
      },
      decision: { kind: 'rescale', direction: 'out', reason: 'More is needed', at: NOW },
      forecast: [{ at: later(600), recordsPerSecond: 10 }],
    });
    expect(await store.put(record, undefined)).toBe(true);
    expect(await store.latest('flights', 'delays')).toEqual(record);
  });

  test('of two passes that read the same observation one is stored', async () => {
    const first = aRecord();
    expect(await store.put(first, undefined)).toBe(true);
    expect(await store.put(aRecord({ observedAt: later(1) }), undefined)).toBe(false);
    const passes = [2, 3, 4].map((second) => store.put(aRecord({ observedAt: later(second) }), first.observedAt));
    expect((await Promise.all(passes)).filter(Boolean)).toHaveLength(1);
    expect(await store.put(aRecord({ observedAt: later(9) }), first.observedAt)).toBe(false);
    expect((await store.latest('flights', 'delays'))?.observedAt).not.toBe(first.observedAt);
  });

  test('the observations of a cluster are those of its jobs and of no other cluster', async () => {
    for (const [cluster, job] of [
      ['flights', 'delays'],
      ['flights', 'arrivals'],
      ['flights-2', 'delays'],
    ] as const)
      await store.put(aRecord({ cluster, job }), undefined);
    expect((await store.latestOf('flights')).map(({ cluster, job }) => `${cluster}/${job}`)).toEqual([
      'flights/arrivals',
      'flights/delays',
    ]);
    expect(await store.latestOf('nothing')).toEqual([]);
  });

  test('a job of 300 vertices fits', async () => {
    const names = Array.from({ length: 300 }, (__, index) => `${index}`.padStart(32, 'a'));
    const vertices = names.map((name, index) =>
      vertex(name, { recordsIn: Math.random() * 1e6, inputs: from(...names.slice(index - 1, index)) }),
    );
    const record = aRecord({ observation: observed(vertices).job });
    expect(await store.put(record, undefined)).toBe(true);
    expect((await store.latest('flights', 'delays'))?.observation.vertices).toHaveLength(300);
  });

  test('past rescales come back oldest first, each once, with what became known later', async () => {
    const rescale = (seconds: number) => past({ at: later(seconds), from: { source: 1 }, to: { source: 2 } });
    for (const seconds of [-60, -3_000, -60, -600]) await store.appendRescale('flights', 'delays', rescale(seconds));
    await store.appendRescale('flights', 'delays', { ...rescale(-60), to: { source: 9 } });
    await store.appendRescale('flights', 'delays-2', rescale(-10));
    expect(await store.history('flights', 'delays')).toEqual([-3_000, -600, -60].map(rescale));

    const measured = { at: NOW, rates: { source: 2_000, sink: null }, restarts: 1, checkpointFailures: 0, gcShare: null };
    expect(await store.markRescale('flights', 'delays', later(-600), { runningAt: later(-595) })).toBe(true);
    expect(await store.markRescale('flights', 'delays', later(-600), { measured })).toBe(true);
    expect(await store.markRescale('flights', 'delays', later(-601), { measured })).toBe(false);
    expect(await store.history('flights', 'delays')).toEqual([
      rescale(-3_000),
      { ...rescale(-600), runningAt: later(-595), measured },
      rescale(-60),
    ]);
    await store.appendRescale('flights', 'delays', rescale(-600));
    expect((await store.history('flights', 'delays'))[1]?.measured).toEqual(measured);
  });

  test('the history holds the newest 200 rescales', async () => {
    for (let minute = 250; minute > 0; minute -= 1)
      await store.appendRescale('flights', 'delays', past({ at: later(-60 * minute), from: { source: 1 }, to: { source: 2 } }));
    const history = await store.history('flights', 'delays');
    expect(history).toHaveLength(200);
    expect(history[0]?.at).toBe(later(-60 * 200));
    expect(history.at(-1)?.at).toBe(later(-60));
  });

  test('the load keeps the highest rate of each ten minutes, over as many days as are asked for', async () => {
    const rates: readonly (readonly [string, number])[] = [
      ['2026-03-04T11:50:00.000Z', 30],
      ['2026-03-04T11:50:00.000Z', 20],
      ['2026-03-04T12:00:00.000Z', 0],
      ['2026-03-03T00:00:00.000Z', 5],
      ['2026-03-03T23:50:00.000Z', 6.5],
      ['2026-02-20T12:00:00.000Z', 1],
    ];
    for (const [start, recordsPerSecond] of rates) await store.recordLoad('flights', 'delays', { from: start, recordsPerSecond });
    await store.recordLoad('flights', 'other', { from: NOW, recordsPerSecond: 99 });
    const points = async (days: number) =>
      (await store.load('flights', 'delays', days)).map((point) => [point.from, point.recordsPerSecond]);
    expect(await points(0)).toEqual([
      ['2026-03-04T11:50:00.000Z', 30],
      ['2026-03-04T12:00:00.000Z', 0],
    ]);
    expect((await points(1)).slice(0, 2)).toEqual([
      ['2026-03-03T00:00:00.000Z', 5],
      ['2026-03-03T23:50:00.000Z', 6.5],
    ]);
    expect(await points(11)).toHaveLength(4);
    expect(await points(12)).toHaveLength(5);
  });

  test('a decision is kept with its inputs, and the same follows from them again', async () => {
    const inputs = observed([vertex('source', { busy: 0.99, pendingRecords: 90_000, pendingRecordsGrowth: 500 })], {
      fleet: { slotsFree: 20 },
    });
    const decision = decideScaling(inputs, settings(), NOW);
    expect(decision.action.kind).toBe('rescale');
    const operationId = newOperationId();
    expect(await store.decision('flights', operationId)).toBeUndefined();
    expect(await store.putDecision(operationId, decision, true)).toBe(true);
    const stored = await store.decision('flights', operationId);
    expect(stored).toEqual(decision);
    expect(redecide(stored?.inputs)).toEqual(decision);
    expect(await store.decision('other', operationId)).toBeUndefined();
    const other = decideScaling(inputs, settings({ maxParallelism: 1 }), NOW);
    expect(await store.putDecision(operationId, other, true)).toBe(false);
    expect(await store.decision('flights', operationId)).toEqual(decision);
    expect(await store.putDecision(operationId, other)).toBe(true);
    expect(await store.decision('flights', operationId)).toEqual(other);
  });
});

test('An observation of a format of the past is as good as none, and is replaced', async () => {
  const tableName = await createTable();
  await tableClient().send(
    new PutCommand({ TableName: tableName, Item: { ...observationKey('flights', 'delays'), observedAt: NOW, format: 0, record: 'odd' } }),
  );
  const store = onAws(tableName);
  expect(await store.latest('flights', 'delays')).toBeUndefined();
  expect(await store.latestOf('flights')).toEqual([]);
  expect(await store.put(aRecord(), undefined)).toBe(true);
  expect(await store.latest('flights', 'delays')).toEqual(aRecord());
});
