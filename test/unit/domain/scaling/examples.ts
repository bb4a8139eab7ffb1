import * as fc from 'fast-check';
import { notTiny } from '../../../../lambdas/contracts/names';
import { type JobRecord, jobRecord } from '../../../../lambdas/contracts/observation';
import {
  type PastRescale,
  type ScalingObserved,
  type ScalingSettings,
  scalingObserved,
  scalingSettings,
  type VertexSeen,
  vertexSeen,
} from '../../../../lambdas/contracts/scaling';

export const NOW = '2026-03-04T12:00:00.000Z';
export const later = (seconds: number, from = NOW): string => new Date(Date.parse(from) + seconds * 1_000).toISOString();

/** A vertex that is busy and backpressured alike in all subtasks. */
export const vertex = (
  id: string,
  {
    busy = 0.7,
    backpressured = 0,
    ...fields
  }: Partial<Omit<VertexSeen, 'busy' | 'backpressured'>> & { busy?: number | null; backpressured?: number } = {},
): VertexSeen =>
  vertexSeen.parse({
    id,
    name: id,
    inputs: [],
    parallelism: 4,
    maxParallelism: 720,
    recordsIn: 1_000,
    recordsOut: 1_000,
    busy: { mean: busy, worst: busy },
    backpressured: { mean: backpressured, worst: backpressured },
    idle: { mean: 0, worst: 0 },
    ...fields,
  });

export const from = (...ids: string[]): VertexSeen['inputs'] => ids.map((id) => ({ vertex: id, ship: 'rebalance' }));

/** A band that figures are easily divided by, whatever the default one is (test/unit/domain/scaling/settings.test.ts has that). */
const BAND = { targetUtilization: 0.7, uMin: 0.5, uMax: 0.9 };

export const settings = (fields: Partial<Record<keyof ScalingSettings, unknown>> = {}): ScalingSettings =>
  scalingSettings.parse({ ...BAND, ...fields });

/** What a job has whose owner says nothing: simulations go by it. */
export const defaults = (fields: Partial<Record<keyof ScalingSettings, unknown>> = {}): ScalingSettings => scalingSettings.parse(fields);

/** Nothing waits for a window, and no backlog is planned for. */
export const AT_ONCE = { catchUpSeconds: 0, scaleOutWindowSeconds: 0, scaleInWindowSeconds: 0 };

type JobFields = Partial<Record<keyof ScalingObserved['job'], unknown>>;

export const observed = (
  vertices: readonly VertexSeen[],
  fields: Partial<Record<Exclude<keyof ScalingObserved, 'job'>, unknown>> & { readonly job?: JobFields } = {},
): ScalingObserved => {
  const { job, ...rest } = fields;
  return scalingObserved.parse({
    job: {
      cluster: 'flights',
      job: 'delays',
      observedAt: NOW,
      windowSeconds: 30,
      state: 'RUNNING',
      vertices,
      restarts: 0,
      checkpoints: { consecutiveFailures: 0, latestAgeSeconds: 10, durationSeconds: 1 },
      taskManagers: { cpuLoad: 0.6, gcShare: 0.02, heapAfterGcShare: 0.3 },
      ...job,
    },
    fleet: { slotsFree: 0 },
    ...rest,
  });
};

export const past = (fields: Partial<PastRescale> & Pick<PastRescale, 'from' | 'to'>): PastRescale => ({
  kind: 'rescale',
  at: later(-3_000),
  before: { rates: {}, restarts: 0, checkpointFailures: 0, gcShare: 0.02 },
  expected: {},
  measured: null,
  ...fields,
});

const share = fc.double({ min: 0, max: 1, noNaN: true });
// None that Flink could have counted, nor the table could keep.
const rate = fc.double({ min: 0, max: 1e6, noNaN: true }).map((value) => (notTiny(value) ? value : 0));

/** Any job, also such as could hardly be: figures need not fit each other. @param broken also with figures that are not known */
export const anyVertices = (broken = false): fc.Arbitrary<VertexSeen[]> => {
  const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => (broken ? fc.option(value, { freq: 8 }) : value);
  const any = fc.record({
    parallelism: fc.integer({ min: 1, max: 64 }),
    maxParallelism: fc.integer({ min: 64, max: 720 }),
    recordsIn: maybe(rate),
    recordsOut: maybe(rate),
    busy: maybe(share),
    skew: share,
    backpressured: fc.oneof(fc.constant(0), share),
    pending: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true })),
    growth: maybe(fc.double({ min: -1e4, max: 1e4, noNaN: true })),
    partitions: fc.option(fc.integer({ min: 64, max: 256 }), { nil: undefined }),
    inputs: fc.array(fc.nat(5), { minLength: 1, maxLength: 2 }),
    ship: fc.constantFrom('hash' as const, 'rebalance' as const, 'forward' as const),
    slotSharingGroup: fc.constantFrom('default', 'default', 'other'),
    source: fc.boolean(),
  });
  return fc.array(any, { minLength: 1, maxLength: 6 }).map((list) =>
    list.map(({ busy, skew, backpressured, pending, growth, partitions, inputs, ship, source, ...rest }, index) => {
      const isSource = index === 0 || (source && index < 3);
      const worst = busy === null ? null : Math.min(1, busy + (1 - busy) * skew);
      return vertexSeen.parse({
        ...rest,
        id: `v${index}`,
        name: `vertex ${index}`,
        busy: { mean: busy, worst },
        backpressured: { mean: backpressured, worst: backpressured },
        idle: { mean: 0, worst: 0 },
        inputs: isSource ? [] : [...new Set(inputs.map((input) => input % index))].map((input) => ({ vertex: `v${input}`, ship })),
        ...(isSource && pending !== null ? { pendingRecords: pending, pendingRecordsGrowth: growth } : {}),
        ...(isSource && partitions !== undefined ? { partitions } : {}),
      });
    }),
  );
};

/** What a pass has stored of a job. */
export const aRecord = (change: Partial<JobRecord> = {}): JobRecord => {
  const observedAt = change.observedAt ?? NOW;
  const cluster = change.cluster ?? 'flights';
  const job = change.job ?? 'delays';
  return jobRecord.parse({
    cluster,
    job,
    jobEpoch: 1,
    flinkJobId: 'b'.repeat(32),
    observedAt,
    observation: observed([vertex('source'), vertex('sink', { inputs: from('source'), busy: null })], { job: { cluster, job, observedAt } })
      .job,
    counters: {
      at: observedAt,
      restarts: 0,
      restartsOfHosts: { known: 0, open: 0 },
      taskManagers: {},
      vertices: {},
      sources: {},
      heap: [],
    },
    scalingState: { outSince: null, needed: [], loads: [] },
    ...change,
  });
};
