import * as z from 'zod';
import { cluster, clusterSpec, placement } from './cluster';
import { changeClusterBody } from './cluster-patch';
import { drillOn, failoverMode, onlyWhereItBelongs, rehearsalArguments } from './drill';
import { allowSpot, jarProgram, job, jobSpec, retentionPolicy, snapshot, sqlProgram } from './job';
import { jobSource } from './kafka';
import { operationId, plainText, resourceName, zoneName } from './names';
import { operation } from './operation';
import { jobScaling } from './scaling';

/*
 * What goes in and out of the API. The OpenAPI document is made from these schemas (`contracts/openapi.ts`), requests are parsed with them
 * (`middleware/api.ts`); descriptions are written for the API's users.
 */

/** Largest request body, bytes: a SQL script of 1 MB with every character escaped, and room. Lambda takes 6 MB, API Gateway 10. */
export const BODY_MAX_BYTES = 2_500_000;

export const clusterPath = z.object({ cluster: resourceName.describe('Name of the cluster') });
export const jobPath = clusterPath.extend({ job: resourceName.describe('Name of the job') });
/** As in the list of a job's snapshots. Not a path: it names no other directory. */
export const snapshotId = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,199}$/, 'must be the id of a snapshot, as the list of them has it');
export const snapshotPath = jobPath.extend({ snapshot: snapshotId.describe('Id of the snapshot, as the list of them has it') });
export const operationPath = clusterPath.extend({
  operation: operationId.describe('Id of the operation, as the change was answered with it'),
});

/** A cursor is opaque to callers; it must be text in base64url, or an earlier page cannot have given it. */
const cursor = z
  .string()
  .max(800)
  .refine((value) => /^[A-Za-z0-9_-]+$/.test(value) && /^[\x20-\x7e]+$/.test(Buffer.from(value, 'base64url').toString('utf8')), {
    message: 'is not a cursor that an earlier page gave',
  });

export const pageQuery = z.strictObject({
  limit: z.coerce.number('must be a whole number').int().min(1).max(100).default(25).describe('Items a page'),
  after: cursor.optional().describe('Value of `next` of the page before'),
});

export const terminateQuery = z.strictObject({
  jobs: z
    .enum(['savepoint', 'cancel'])
    .default('savepoint')
    .describe('What becomes of running jobs: each is stopped with a savepoint first, or canceled'),
});

/** Value of the header `Idempotency-Key`. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
  .describe(
    'Any value of your own, or of the role that you act in. The same key with the same request gives the same operation, however often it is sent.',
  );

export const createClusterBody = clusterSpec;
export { changeClusterBody };
export const submitJobBody = jobSpec;
export const stopBody = z.strictObject({
  drain: z
    .boolean()
    .default(false)
    .describe('Emit the maximum watermark before the savepoint: closes all windows, for a job that will not go on'),
});
export const failoverBody = z.strictObject({
  zone: zoneName.optional().describe('Zone to go to; default: the next one that the placement of the cluster allows'),
  mode: failoverMode
    .optional()
    .describe(
      'planned: each job stops with a savepoint first; lost: without waiting for that. Default: planned when the JobManager answers',
    ),
  reason: plainText.min(1).max(300).optional().describe('Kept with the operation'),
  insteadOf: operationId
    .optional()
    .describe(
      'Id of a move of the cluster that is under way: it is broken off, and this one goes on in its place, by default to the zone after its own. Without it such a move is in the way (409)',
    ),
});
const rehearsal = z
  .strictObject({
    arguments: rehearsalArguments
      .optional()
      .describe(
        'Arguments in place of those of its jar, with which the program reads the same input and writes nowhere. It must have no transactional sink at all: one that writes elsewhere still takes over, with its state, the transactions of the running job. A source of Kafka should not commit offsets (`commit.offsets.on.checkpoint` false)',
      ),
    script: sqlProgram.shape.script
      .optional()
      .describe(
        'Script in place of its own, where that cannot be used as it is: it may have several INSERTs, functions and other sources, for which you answer. Its sinks become black holes all the same',
      ),
  })
  .refine((body) => (body.arguments === undefined) !== (body.script === undefined), {
    path: ['arguments'],
    message: 'give exactly one of arguments and script',
  });
export const drillBody = z
  .strictObject({
    on: drillOn
      .optional()
      .describe(
        'cluster: the running cluster is moved. copy: its jobs are started from their latest checkpoints on a copy of the cluster in the other zone, which reads the same input and is taken away at the end; the cluster itself runs on untouched. A copy costs as much as the cluster for some minutes. Default: cluster',
      ),
    zone: failoverBody.shape.zone,
    mode: failoverMode
      .optional()
      .describe(
        'planned: jobs stop with a savepoint first; lost: as if the zone were lost, so that what came after the last checkpoint is processed again. Goes with on: "cluster"; on a copy it is always as if the zone were lost. Default: planned',
      ),
    jobs: z
      .record(resourceName, rehearsal)
      .optional()
      .describe(
        'How jobs are run on a copy, by name. A SQL job with one INSERT needs nothing: the table that its script inserts into becomes a black hole. One that is not run so is left out, and the report says why. A jar is left out unless it is here, since it writes where its arguments say. Goes with on: "copy"',
      ),
  })
  .superRefine(onlyWhereItBelongs);
export type DrillBody = z.infer<typeof drillBody>;
export const emptyBody = z.strictObject({});
export const rescaleBody = z.strictObject({ parallelism: z.int().min(1).max(32_768).describe('Parallelism of every vertex from now on') });
/** Replaces all: what is not given has its default. */
export const scalingBody = jobScaling;

/** What is not given stays as it is. Whatever is given, the job stops with a savepoint and goes on from it. */
export const upgradeBody = z
  .strictObject({
    jar: jarProgram.optional().describe('Replaces the program by one in a jar'),
    sql: sqlProgram.optional().describe('Replaces the program by a script in Flink SQL'),
    parallelism: z.int().min(1).max(32_768).optional().describe('Parallelism of every vertex from now on'),
    flinkConfiguration: jobSpec.shape.flinkConfiguration.removeDefault().optional().describe('Replaces all Flink settings of the job'),
    scaling: jobScaling.optional().describe('Replaces how the job scales; also to be changed without a restart (`PUT …/scaling`)'),
    source: jobSource.optional().describe('Replaces where its records come from'),
    allowSpot: allowSpot.describe(
      'Replaces whether it may run on Spot hosts; a program that is replaced goes by what was given before, else by its own mode',
    ),
    retention: retentionPolicy.optional().describe('Replaces how many snapshots are kept, and for how long'),
    allowNonRestoredState: z.boolean().default(false).describe('Start although state of the savepoint has no operator in the new program'),
  })
  .refine((body) => body.jar === undefined || body.sql === undefined, { path: ['jar'], message: 'give at most one of jar and sql' })
  .refine(({ allowNonRestoredState: _, ...changed }) => Object.values(changed).some((part) => part !== undefined), {
    message: 'give something to change: jar, sql, parallelism, flinkConfiguration, scaling, source, allowSpot or retention',
  });
export type UpgradeBody = z.infer<typeof upgradeBody>;

/** Where an operation can be followed. */
export const operationLink = z.object({ operationId, href: z.string() });

/** RFC 9457. `type` is `about:blank` where the status says it all. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('One sentence for a person'),
  instance: z.string().describe('Path of the request'),
  requestId: z.string().describe('Finds the request in the log'),
  errors: z
    .array(z.object({ path: z.string().describe('As in `jar.sha256`'), message: z.string() }))
    .optional()
    .describe('What is wrong with which field'),
  operation: operationLink.optional().describe('The operation in the way'),
});
export type Problem = z.infer<typeof problem>;

export const operationView = operation.omit({ requestHash: true }).extend({ href: z.string() });
export type OperationView = z.infer<typeof operationView>;

/** Why there is no live part: Flink did not answer, or there is nothing to ask. */
const liveReason = z.string().optional().describe('Why `live` is null');

export const clusterView = cluster.omit({ lease: true, turn: true, heldShift: true }).extend({
  operation: operationLink.optional().describe('The operation under way on the cluster itself'),
});
export type ClusterView = z.infer<typeof clusterView>;

const placedZones = z.object({
  mode: placement.shape.mode.unwrap(),
  zones: z.array(z.string()).describe("Where TaskManager hosts may be, the JobManager's zone first"),
  crossZoneShare: z
    .number()
    .describe('Share of what tasks send each other that crosses a zone, when every task sends alike to every other'),
  slotsAfterZoneLoss: z.int().describe('Slots that are left when the zone with the most hosts is lost'),
});

/** One of the two ways to place a cluster's hosts. */
const placementChoice = placedZones.extend({
  chosen: z.boolean().describe('Whether the cluster was launched so'),
  unavailable: z.string().optional().describe('Why this cluster could not have it'),
  costs: z.string().describe('Traffic between zones, and hosts that wait in reserve'),
  latency: z.string().describe('Typical round trips between hosts'),
  recovery: z.string().describe('What the loss of a zone leaves, and in which time jobs go on'),
});

const placementView = placedZones.extend({
  crossZoneDollarsPerGB: z.number().describe('By list price: where it leaves a zone and where it arrives together'),
  slots: z.int(),
  costs: z.string(),
  gives: z.string(),
  standby: z
    .object({ zone: z.string().optional().describe('Absent: no JobManager stands by'), costs: z.string(), gives: z.string() })
    .describe('The stand-by JobManager: what it costs and gives, or would'),
  choices: z.array(placementChoice).describe('Both placements side by side: all hosts in one zone, or spread over several'),
});

export const clusterDescription = clusterView.extend({
  placement: placementView.describe('What the placement of the cluster costs and gives'),
  live: z
    .object({
      taskManagers: z.int(),
      slotsTotal: z.int(),
      slotsFree: z.int(),
      jobs: z.array(z.object({ name: z.string(), flinkJobId: z.string(), state: z.string() })),
    })
    .nullable()
    .describe('As the JobManager sees it now'),
  liveReason,
});
export type ClusterDescription = z.infer<typeof clusterDescription>;

export const jobView = job.omit({ lease: true, jarId: true, startAsked: true }).extend({
  operation: operationLink.optional().describe('The operation under way on the job'),
});
export type JobView = z.infer<typeof jobView>;

export const jobDescription = jobView.extend({
  live: z
    .object({
      state: z.string(),
      parallelism: z.int(),
      tasks: z.object({ total: z.int(), running: z.int(), finished: z.int() }),
      startedAt: z.string(),
      failure: z.string().optional().describe('Root cause of the last failure'),
      checkpoints: z
        .object({
          completed: z.int(),
          failed: z.int(),
          latestCompleted: z.object({ location: z.string(), at: z.string(), sizeBytes: z.number(), durationMs: z.number() }).optional(),
        })
        .nullable(),
    })
    .nullable()
    .describe('As Flink sees it now'),
  liveReason,
});
export type JobDescription = z.infer<typeof jobDescription>;

export const configurationEntry = z.object({
  key: z.string(),
  value: z.string(),
  source: z.enum(['control plane', 'stage', 'cluster']).describe('Who decided the value'),
  reason: z.string().optional().describe('Why the control plane sets it so'),
});
export const configurationView = z.object({
  cluster: resourceName,
  epoch: z.int(),
  jobmanager: z.array(configurationEntry),
  taskmanager: z.array(configurationEntry),
});
export type ConfigurationView = z.infer<typeof configurationView>;

const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().optional().describe('Give it as `after` to get the next page; missing on the last') });
export const clusterPage = pageOf(clusterView);
export const jobPage = pageOf(jobView);
export const operationPage = pageOf(operationView);

export const snapshotView = snapshot.omit({ origin: true, flinkJobId: true, takenAt: true }).extend({
  id: snapshotId,
  origin: snapshot.shape.origin.optional().describe('Operation that asked for it; missing for what Flink made by itself'),
  flinkJobId: snapshot.shape.flinkJobId.optional().describe('Flink job that made it; missing where that is not known'),
  epoch: z.int().optional().describe('Start of the job that made it'),
  takenAt: snapshot.shape.takenAt.optional().describe('When it was complete; missing where it is gone and nobody has recorded it'),
  ageSeconds: z.int().optional(),
  sizeBytes: z.int().describe('All its files together, those that it shares with others included'),
  files: z.int().describe('How many files it consists of'),
  restorable: z
    .enum(['yes', 'no', 'unknown'])
    .describe(
      'yes: every file that its metadata names is there in its size. unknown: its metadata is of a form that only a newer Flink knows',
    ),
  reason: z.string().describe('Why it can or cannot be restored'),
});
export type SnapshotView = z.infer<typeof snapshotView>;
export const snapshotPage = pageOf(snapshotView);

export const snapshotDeletion = z.object({
  id: snapshotId,
  location: snapshot.shape.location,
  deleted: z.boolean().describe('false: it was gone before'),
  objects: z.int().describe('How many objects were deleted'),
  freedBytes: z.int(),
  reason: z.string(),
});
export type SnapshotDeletionView = z.infer<typeof snapshotDeletion>;
