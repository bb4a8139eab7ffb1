import * as z from 'zod';
import { flinkJobId, instant, resourceName } from './names';
import { forecastPoint, jobObservation, scalingEffect, scalingInputs, scalingState } from './scaling';

const count = z.number().min(0).nullable();

/** Flink's own counts of one vertex at one instant, summed over its subtasks. Times in ms since each subtask began; together they are its clock. */
export const vertexCounters = z.object({
  parallelism: z.int().min(1),
  recordsIn: count,
  recordsOut: count,
  busyMs: count,
  backpressuredMs: count,
  idleMs: count,
  pendingRecords: count.optional(),
});

export type VertexCounters = z.infer<typeof vertexCounters>;

/** What one pass keeps for the next: rates are differences between two passes, because Flink's own are averages of a whole minute. */
export const jobCounters = z.object({
  at: instant,
  /** Counts before and after a restart have nothing to do with each other. */
  restarts: z.number().nullable(),
  /** Of them those that came with hosts that left, and those since a TaskManager is away of which that is not known yet. */
  restartsOfHosts: z.object({ known: z.int().min(0), open: z.int().min(0) }).default({ known: 0, open: 0 }),
  /** When each TaskManager was seen last, by its id; of those that are there, or may come back. */
  taskManagers: z.record(z.string(), instant).default({}),
  vertices: z.record(z.string(), vertexCounters).default({}),
  /** Names of the metrics that sources have beyond those of every vertex; they hold the operators' names, so they have to be asked for. */
  sources: z
    .record(
      z.string(),
      z.object({
        seenAt: instant,
        settled: z.boolean().default(false),
        metrics: z.array(z.string()),
        partitions: z.int().min(1).optional(),
      }),
    )
    .default({}),
  /** Heap in use on the fullest TaskManager at the last passes, newest last, shares of its maximum: the lowest is about what is left after a collection. */
  heap: z.array(z.number()).max(20).default([]),
  /** Highest input rate so far in the ten minutes that began at `from`. */
  peak: z.object({ from: instant, recordsPerSecond: z.number().min(0) }).optional(),
});

export type JobCounters = z.infer<typeof jobCounters>;

/** The newest observation of a job and what the next one starts from. */
export const jobRecord = z.object({
  cluster: resourceName,
  job: resourceName,
  /** `Job.epoch` when it was observed: an observation of an earlier start says nothing about this one. */
  jobEpoch: z.int().min(1),
  flinkJobId,
  observedAt: instant,
  observation: jobObservation,
  counters: jobCounters,
  scalingState,
  /** What the job is expected to read in the next day, made anew every ten minutes. */
  forecast: z.array(forecastPoint).max(2_000).default([]),
  /** The decision of this pass, which does nothing by itself. */
  decision: z
    .object({
      kind: z.enum(['none', 'hold', 'rescale', 'roll-back']),
      direction: z.enum(['out', 'in']).optional(),
      reason: z.string(),
      at: instant,
    })
    .optional(),
});
export type JobRecord = z.infer<typeof jobRecord>;

/** Highest input rate of a job, all sources together, in the ten minutes that began at `from`. */
export const loadPoint = z.object({ from: instant, recordsPerSecond: z.number().min(0) });
export type LoadPoint = z.infer<typeof loadPoint>;

/** Rules of the decision that go beyond the arithmetic; each is named where it acts. */
const scalingInvariant = z.enum([
  'saturated-never-scaled-in',
  'undecidable-holds-only-what-it-touches',
  'capacity-before-parallelism',
  'spike-on-evidence',
  'calm',
  'learning',
  'limits',
  'shared-by-priority',
]);
export type ScalingInvariant = z.infer<typeof scalingInvariant>;

const parallelisms = z.record(z.string(), z.int().min(1));
const change = {
  from: parallelisms,
  to: parallelisms,
  plan: z.object({
    order: z.enum(['capacity-first', 'parallelism-first']),
    slotsBefore: z.int(),
    slotsAfter: z.int(),
    slotsToProvide: z.int(),
    spareSlots: z.int(),
  }),
};

/** `ScalingDecision` of `domain/scaling/decision.ts` as it is kept; its inputs are all that it follows from. */
export const storedDecision = z.object({
  action: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('none') }),
    z.object({ kind: z.literal('hold') }),
    z.object({
      kind: z.literal('rescale'),
      ...change,
      direction: z.enum(['out', 'in']),
      urgent: z.literal(true).optional(),
      before: scalingEffect,
      expected: z.record(z.string(), z.number()),
    }),
    z.object({ kind: z.literal('roll-back'), ...change, undoes: instant }),
  ]),
  nextState: scalingState,
  reason: z.string(),
  inputs: scalingInputs,
  explanation: z.array(z.object({ vertex: z.string().nullable(), text: z.string(), invariant: scalingInvariant.optional() })),
});
