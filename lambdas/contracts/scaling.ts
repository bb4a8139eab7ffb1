import * as z from 'zod';
import { kafkaSeen, MOST_TOPICS } from './kafka';
import { instant, LEAST_NUMBER, notTiny, operationId, resourceName, TINY, timeWindow } from './names';

/** A value read from Flink; null where Flink gave NaN, nothing, or something that is no finite number: not known, and never decided on. */
const measured = z.number().nullable().catch(null);
const vertexId = z.string().min(1).max(100);
const byVertex = <T extends z.ZodType>(value: T) => z.record(vertexId, value);
const parallelism = z.int().min(1).max(32_768);

/**
 * Shares of time, 0 to 1, over all subtasks of a vertex. `worst`: of the subtask that it is worst for, which is the one with the most of busy and backpressured
 * time, and the one with the least of idle time.
 */
const share = z.object({ mean: measured, worst: measured });

/** How records get to a vertex. `hash` goes by key group; vertices joined by `forward` must have the same parallelism. */
export const shipStrategy = z.enum(['hash', 'forward', 'rebalance', 'rescale', 'broadcast', 'other']);
export type ShipStrategy = z.infer<typeof shipStrategy>;

export const vertexSeen = z.object({
  id: vertexId,
  name: z.string().max(500),
  inputs: z.array(z.object({ vertex: vertexId, ship: shipStrategy })),
  /** Slots are shared within a group; groups have slots of their own. */
  slotSharingGroup: z.string().default('default'),
  parallelism,
  /** Key groups. */
  maxParallelism: parallelism,
  /** Records per second over all subtasks; of a source: what it reads. */
  recordsIn: measured,
  recordsOut: measured,
  busy: share,
  backpressured: share,
  idle: share,
  /** Records not read yet. Absent: this vertex is no source, or one that has no such figure. */
  pendingRecords: measured.optional(),
  /** Growth of `pendingRecords`, records per second; negative when it shrinks. */
  pendingRecordsGrowth: measured.optional(),
  /** Partitions of the source: subtasks beyond that have nothing to read. */
  partitions: z.int().min(1).optional(),
  /** Flink marked a counter of this vertex incomplete, or a subtask was missing. */
  incomplete: z.boolean().default(false),
  /** All its subtasks have come to their end, as those of a bounded source do; its counts stand still. */
  finished: z.literal(true).optional(),
});
export type VertexSeen = z.infer<typeof vertexSeen>;

/** What one pass of observation saw of a job. Counters are rates over `windowSeconds` that end at `observedAt`. */
export const jobObservation = z.object({
  cluster: resourceName,
  job: resourceName,
  observedAt: instant,
  windowSeconds: z.number().min(0),
  /** Flink's state of the job; only RUNNING is decided on. */
  state: z.string(),
  incomplete: z.boolean().default(false),
  vertices: z.array(vertexSeen).max(2_000),
  watermarkLagSeconds: measured.optional(),
  /** Restarts since the job was started (`numRestarts`). */
  restarts: measured,
  /** Those among them that came with hosts that left: emptied, taken or lost. */
  restartsOfHosts: z.int().min(0).default(0),
  /** TaskManagers that were there and are not: their processes died and come back, or their hosts have left. */
  taskManagersAway: z.int().min(0).default(0),
  checkpoints: z.object({ consecutiveFailures: measured, latestAgeSeconds: measured, durationSeconds: measured }),
  /** CPU load of a host; of the worst TaskManager the share of time spent on garbage collection. 0 to 1. */
  taskManagers: z.object({ cpuLoad: measured, gcShare: measured, heapAfterGcShare: measured }),
});
export type JobObservation = z.infer<typeof jobObservation>;

export const fleetObservation = z.object({
  /** Registered slots that no job occupies, spare ones included. */
  slotsFree: z.int().min(0),
  /** Slots that may still be added by the cluster's largest fleet and the stage's quota. Absent: unlimited. */
  slotsAddable: z.int().min(0).optional(),
  /** The job's share of the stage's quota among all that ask at once, in words, where it is less than what was wanted. */
  share: z.string().optional(),
  /** EC2 is not asked for hosts before `until`: attempts in a row brought none, the last of them for a job of `slots`. */
  refused: z.object({ times: z.int().min(1), slots: z.int(), until: instant, says: z.string() }).optional(),
  /** What the cluster costs now, and what one more slot costs. */
  dollarsPerHour: z.number().min(0).default(0),
  /** What of that its hosts' volumes cost. Absent: they are not counted. */
  volumeDollarsPerHour: z.number().min(0).optional(),
  dollarsPerSlotHour: z.number().min(0).default(0),
});
export type FleetObservation = z.infer<typeof fleetObservation>;

/** Figures by which a rescale is judged afterwards. `rates`: true processing rate of each vertex, records per second. */
export const scalingEffect = z.object({
  rates: byVertex(measured),
  /** Without those that came with hosts that left. */
  restarts: measured,
  checkpointFailures: measured,
  gcShare: measured,
});
export type ScalingEffect = z.infer<typeof scalingEffect>;

export const pastRescale = z.object({
  kind: z.enum(['rescale', 'roll-back']),
  at: instant,
  /** When all tasks ran again. Absent: `restartSeconds` after `at`. */
  runningAt: instant.optional(),
  from: byVertex(parallelism),
  to: byVertex(parallelism),
  /** A service level that was broken asked for it: no part of a day's course, so that it is not counted among a day's rescales, nor is the way back. */
  urgent: z.literal(true).optional(),
  before: scalingEffect,
  /** True processing rates that the decision expected. */
  expected: byVertex(z.number()),
  /** Null until it was measured. */
  measured: scalingEffect.extend({ at: instant }).nullable(),
});
export type PastRescale = z.infer<typeof pastRescale>;

/** What all sources together read, or are expected to. */
export const forecastPoint = z.object({ at: instant, recordsPerSecond: z.number().min(0) });
export type ForecastPoint = z.infer<typeof forecastPoint>;

/** What the next decision has to know of this one. */
export const scalingState = z.object({
  /** Since when more was needed at every decision. */
  outSince: instant.nullable().default(null),
  /** Parallelism that was needed, the highest in each stretch of time, oldest first; at most six stretches. */
  needed: z.array(z.object({ from: instant, to: instant, most: byVertex(z.int()) })).default([]),
  /** What came in at the last observations, oldest first; at most twelve. Null: not known. */
  loads: z.array(forecastPoint.extend({ recordsPerSecond: z.number().min(0).nullable() })).default([]),
});
export type ScalingState = z.infer<typeof scalingState>;

export const scalingObserved = z.object({
  job: jobObservation,
  fleet: fleetObservation,
  state: scalingState.prefault({}),
  /** Oldest first; the last week's is enough. */
  history: z.array(pastRescale).max(200).default([]),
  /** Oldest first. */
  forecast: z.array(forecastPoint).max(2_000).default([]),
  /** Absent: the job does not say that it reads from MSK. */
  kafka: kafkaSeen.optional(),
});
export type ScalingObserved = z.infer<typeof scalingObserved>;

export const scheduledFloor = z.object({
  ...timeWindow.shape,
  parallelism: parallelism.describe('No vertex of the job runs with less in this time'),
});
export type ScheduledFloor = z.infer<typeof scheduledFloor>;

/** A year. */
const MOST_SECONDS = 31_536_000;

export const serviceLevels = z.object({
  maxLagSeconds: z
    .number()
    .min(LEAST_NUMBER)
    .max(MOST_SECONDS)
    .default(60)
    .describe(
      'Highest lag, seconds: records that wait in a source over what it reads a second. While it is higher and grows, the job is scaled out at once',
    ),
  maxWatermarkLagSeconds: z
    .number()
    .min(LEAST_NUMBER)
    .max(MOST_SECONDS)
    .optional()
    .describe('Highest time, seconds, by which the slowest watermark may be behind the clock. Default: it is not looked at'),
  maxBackpressure: z
    .number()
    .min(0)
    .max(1)
    .refine(notTiny, TINY)
    .default(0.5)
    .describe('Highest share of time, 0 to 1, for which the worst subtask of a vertex may be backpressured. 1: it is not looked at'),
});

interface Band {
  readonly targetUtilization: number;
  readonly uMin: number;
  readonly uMax: number;
}

/** With this a fleet costs less than by the operator's 0.7 within 0.4 and 1, for fewer minutes outside (docs/adr/0017-what-a-rescale-can-bring.md). */
const BAND: Band = { targetUtilization: 0.82, uMin: 0.65, uMax: 0.97 };
/** Where the edges lie, as shares of another target, and the upper one of what a target leaves. */
const [FROM, TO, LEFT] = [0.8, BAND.uMax / BAND.targetUtilization, (1 - BAND.uMax) / (1 - BAND.targetUtilization)];

/**
 * What is not given lies where it can beside what is given: a target as far from an edge as it is by default, or in the middle where the edges are closer than that; a lower edge at its
 * share of a lower target, and the upper one as far into what a target leaves as the default's.
 */
const band = ({ targetUtilization, uMin, uMax }: { readonly [K in keyof Band]?: number | undefined }): Band => {
  const [low, high] = [uMin ?? 0, uMax ?? ((uMin ?? 0) < BAND.uMax ? BAND.uMax : 1)];
  const middle = (low + high) / 2;
  const between = Math.max(Math.min(low / FROM, middle), Math.min(Math.max(high / TO, middle), BAND.targetUtilization));
  const target = targetUtilization ?? between;
  const from = Math.min(BAND.uMin, target, Math.round(target * FROM * 1_000) / 1_000);
  const to = targetUtilization === undefined ? high : Math.round((1 - (1 - target) * LEFT) * 1_000) / 1_000;
  return { targetUtilization: target, uMin: uMin ?? from, uMax: uMax ?? Math.max(to, target) };
};

const settingFields = {
  targetUtilization: z.number().min(LEAST_NUMBER).max(1).optional().meta({
    description:
      'Share of its time, 0 to 1, for which the busiest subtask of a vertex is to be busy. Where only `uMin` or `uMax` is given it lies as far from that as it does by default',
    default: BAND.targetUtilization,
  }),
  uMin: z.number().min(0).max(1).refine(notTiny, TINY).optional().meta({
    description:
      'A vertex whose busiest subtask is busy for less of its time, 0 to 1, has too much. Lower by default beside a lower target',
    default: BAND.uMin,
  }),
  uMax: z.number().min(LEAST_NUMBER).max(1).optional().meta({
    description:
      'A vertex whose busiest subtask is busy for more of its time, 0 to 1, needs more. Higher by default beside a higher target',
    default: BAND.uMax,
  }),
  catchUpSeconds: z
    .number()
    .min(0)
    .max(MOST_SECONDS)
    .refine(notTiny, TINY)
    .default(600)
    .describe('Time, seconds, in which a backlog is to be worked off beside what comes in. 0: no catch-up is planned for'),
  restartSeconds: z
    .number()
    .min(0)
    .max(MOST_SECONDS)
    .refine(notTiny, TINY)
    .default(10)
    .describe('How long, seconds, a rescale stops the job; what comes in meanwhile is reckoned with'),
  minParallelism: parallelism.default(1).describe('Lowest parallelism of any vertex'),
  maxParallelism: parallelism
    .default(32_768)
    .describe("Highest parallelism of any vertex; key groups, partitions and the cluster's largest fleet limit it besides"),
  highLagSeconds: z
    .number()
    .min(0)
    .max(MOST_SECONDS)
    .refine(notTiny, TINY)
    .default(30)
    .describe('From this lag on, seconds, what a source reads counts as the most that it can read'),
  staleAfterSeconds: z
    .number()
    .min(LEAST_NUMBER)
    .max(MOST_SECONDS)
    .default(120)
    .describe('Age, seconds, from which nothing is decided by an observation'),
  scaleOutWindowSeconds: z
    .number()
    .min(0)
    .max(MOST_SECONDS)
    .refine(notTiny, TINY)
    .default(60)
    .describe('More has to be needed for so long, seconds, before the job is scaled out while all service levels hold'),
  scaleInWindowSeconds: z
    .number()
    .min(0)
    .max(MOST_SECONDS)
    .refine(notTiny, TINY)
    .default(1_800)
    .describe('Less has to be enough for so long, seconds, before the job is scaled in'),
  flapSeconds: z
    .number()
    .min(0)
    .max(MOST_SECONDS)
    .refine(notTiny, TINY)
    .default(21_600)
    .describe('For so long, seconds, a job does not go back to a size that it was scaled in to and then out of again'),
  rescalesPerDay: z.int().min(1).default(4).describe('Rescales in 24 hours, beyond which only a broken service level leads to another'),
  repeatAfterSeconds: z
    .number()
    .min(0)
    .max(MOST_SECONDS)
    .refine(notTiny, TINY)
    .default(86_400)
    .describe('For so long, seconds, a rescale that did not help, or was rolled back, is not made again'),
  forecastLeadSeconds: z
    .number()
    .min(0)
    .max(MOST_SECONDS)
    .refine(notTiny, TINY)
    .default(1_800)
    .describe(
      'So long, seconds, before a forecast peak, or before a floor begins, the capacity for it is there. 0, and `forecastHoldSeconds` 0 as well: no forecast is looked at for anything',
    ),
  forecastHoldSeconds: z
    .number()
    .min(0)
    .max(MOST_SECONDS)
    .refine(notTiny, TINY)
    .default(7_200)
    .describe(
      'A job is not scaled in when the forecast would take that back within this time, seconds. 0, and `forecastLeadSeconds` 0 as well: no forecast is looked at for anything',
    ),
  serviceLevels: serviceLevels.prefault({}),
  budgetDollarsPerHour: z
    .number()
    .min(0)
    .max(1_000_000)
    .refine(notTiny, TINY)
    .optional()
    .describe(
      'Most that the whole cluster may cost, dollars an hour by the prices of the stage, its hosts with their volumes; the job is not scaled out beyond it. Default: no limit',
    ),
  spareSlots: z.int().min(0).default(0),
  floors: z
    .array(scheduledFloor)
    .max(100)
    .default([])
    .describe('Times of day with a lowest parallelism, for peaks that are known beforehand'),
};

export const scalingSettings = z
  .object(settingFields)
  .transform((given) => ({ ...given, ...band(given) }))
  .refine(({ uMin, uMax }) => uMin <= uMax, { path: ['uMin'], message: 'must not be above uMax' })
  .refine(({ uMin, targetUtilization, uMax }) => uMin > uMax || (uMin <= targetUtilization && targetUtilization <= uMax), {
    path: ['targetUtilization'],
    message: 'must lie between uMin and uMax',
  })
  .refine(({ minParallelism, maxParallelism }) => minParallelism <= maxParallelism, {
    path: ['minParallelism'],
    message: 'must not be above maxParallelism',
  });
export type ScalingSettings = z.infer<typeof scalingSettings>;

type Setting = z.ZodDefault | z.ZodPrefault | z.ZodOptional;
type Asked<T> = { [K in keyof T]: T[K] extends { unwrap(): infer U extends z.ZodType } ? z.ZodOptional<U> : never };

/** The same field, which does not have to be given. It says what it is and what it is by default, and the parser fills nothing in. */
const notFilledIn = (field: Setting): z.ZodType => {
  const byDefault = field instanceof z.ZodDefault ? { default: field.def.defaultValue } : {};
  return (field.unwrap() as z.ZodType).optional().meta({ ...field.meta(), ...byDefault });
};

/** What is not given is stored as not given, so that a better default reaches every job. */
const asked = <T extends Readonly<Record<string, Setting>>>(fields: T): Asked<T> =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, notFilledIn(field)])) as Asked<T>;

/** How a job scales, as a caller says it and as it is stored. */
export const jobScaling = z
  .strictObject({
    enabled: z.boolean().default(true).describe('false: alarms are made for the service levels, and nothing changes by itself'),
    priority: z.int().min(-100).max(100).default(0).describe("The higher goes first when many jobs want the stage's capacity at once"),
    ...asked(settingFields),
    serviceLevels: z
      .strictObject(asked(serviceLevels.shape))
      .optional()
      .describe('What the job has to keep; each has an alarm, and a broken one is a reason to scale out at once'),
    spareSlots: settingFields.spareSlots
      .unwrap()
      .optional()
      .describe("Slots that stay free when the job is scaled out, for TaskManagers that are lost. Default: the cluster's `spareSlots`"),
  })
  .superRefine((scaling, context) => {
    // The rules between fields hold with the defaults filled in.
    for (const { code, path, message } of scalingSettings.safeParse(scaling).error?.issues ?? [])
      if (code === 'custom' && message !== TINY) context.addIssue({ code, path, message });
  });
export type JobScaling = z.infer<typeof jobScaling>;

/** MSK's lag of one topic, by its place among `source.msk.topics`: many a topic's name is too long for a part of an alarm's. */
export type KafkaLagKind = `kafka-lag-${number}`;
export const kafkaLagKind = (index: number): KafkaLagKind => `kafka-lag-${index + 1}`;

/** What raises an alarm of a job. */
export const alarmKind = z.enum([
  'lag',
  'watermark',
  'backpressure',
  'busy',
  'idle',
  ...Array.from({ length: MOST_TOPICS }, (_, index) => kafkaLagKind(index)),
]);
export type AlarmKind = z.infer<typeof alarmKind>;

/** An alarm as it last changed. */
export const alarmSeen = z.object({ state: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']), since: instant, reason: z.string().max(2_000) });
export type AlarmSeen = z.infer<typeof alarmSeen>;

/** One line of why. */
export const explanationLine = z.object({
  /** Null: about the job. */
  vertex: z.string().nullable(),
  text: z.string(),
  /** The rule beyond the arithmetic that acted (`domain/scaling/explain.ts`). */
  invariant: z.string().optional(),
});

/** The newest decision about a job's scale. */
export const lastDecision = z.object({
  at: instant,
  kind: z.enum(['none', 'hold', 'rescale', 'roll-back']),
  direction: z.enum(['out', 'in']).optional(),
  /** What asked for it. */
  trigger: z.string(),
  reason: z.string(),
  /** The operation that it became. */
  operationId: operationId.optional(),
  /** Hosts that the stage's quota has no room for now; it gets them in turn with the others who wait. */
  waitsFor: z.object({ vcpus: z.int().min(1), least: z.int().min(1), since: instant }).optional(),
});
export type LastDecision = z.infer<typeof lastDecision>;

/** All that a decision follows from; stored with it. */
export const scalingInputs = z.object({ observed: scalingObserved, desired: scalingSettings, now: instant });
export type ScalingInputs = z.infer<typeof scalingInputs>;
