import * as z from 'zod';
import { lease } from './cluster';
import { jobSource } from './kafka';
import { flinkJobId, instant, operationId, resourceName, s3Uri, settingValue, sha256 } from './names';
import { alarmKind, alarmSeen, jobScaling, lastDecision } from './scaling';

/** API Gateway and DynamoDB allow more and less than this; a script is kept in S3, so its limit is a choice: 1 MB. */
export const SQL_SCRIPT_MAX_BYTES = 1_000_000;

export const jarProgram = z.strictObject({
  uri: s3Uri.describe("In the stage's artifact bucket, or below `clusters/<cluster>/` of its state bucket"),
  sha256: sha256.describe('SHA-256 of the jar, compared with what is uploaded to Flink'),
  entryClass: z
    .string()
    .max(500)
    .regex(/^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$/, 'must be a Java class name')
    .optional()
    .describe('Default: Main-Class of the manifest'),
  arguments: z
    .array(z.string().max(10_000))
    .max(200)
    .default([])
    .describe('Arguments of its `main`; `{{sluice.start}}` in one becomes a name of the start of the job, as Kafka transactions need it'),
});

export const sqlProgram = z.strictObject({
  script: z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= SQL_SCRIPT_MAX_BYTES, `must be at most ${SQL_SCRIPT_MAX_BYTES} bytes`)
    .describe(
      `Statements of Flink SQL, at most ${SQL_SCRIPT_MAX_BYTES} bytes; \`{{sluice.start}}\` becomes a name of the start of the job, as Kafka transactions need it`,
    ),
});

export const restorePolicy = z
  .strictObject({
    from: z
      .enum(['latest', 'savepoint', 'none'])
      .default('latest')
      .describe(
        'latest: newest state of the job of this name by which its results count, if there is one: the savepoint it was stopped with, or a checkpoint; a savepoint that it went on from only where there is no checkpoint',
      ),
    savepoint: s3Uri.optional().describe("Below `clusters/<cluster>/` of the stage's state bucket"),
    allowNonRestoredState: z.boolean().default(false).describe('Start although state has no operator in the program; it is lost then'),
  })
  .refine((policy) => (policy.from === 'savepoint') === (policy.savepoint !== undefined), {
    path: ['savepoint'],
    message: 'goes with from: "savepoint", and only with it',
  });

/** How many snapshots of a job are kept, and for how long; the newest that can be restored always is. */
export const retentionPolicy = z.strictObject({
  count: z.int().min(1).max(1_000).describe('So many snapshots at most, besides the checkpoints of the running start'),
  days: z.int().min(1).max(3_650).describe('None older than this, but the newest that can be restored and the newest savepoint'),
});

export const allowSpot = z
  .boolean()
  .optional()
  .describe(
    "Whether it may run on hosts that EC2 takes back at two minutes' notice: a cluster with Spot hosts (`purchase.spotPercent`) takes no other job. Default: true for a batch job, by `execution.runtime-mode` of its script, its settings or its cluster, else false",
  );

const jobFields = {
  jar: jarProgram.optional().describe('A program in a jar'),
  sql: sqlProgram.optional().describe('A script in Flink SQL'),
  parallelism: z.int().min(1).max(32_768).optional().describe('Parallelism of its vertices. Default: parallelism.default of the cluster'),
  flinkConfiguration: z
    .record(z.string().min(1).max(200), settingValue)
    .default({})
    .describe('Flink settings of the job by key, over those of the cluster'),
  restore: restorePolicy.prefault({}).describe('Which state it starts from'),
  allowSpot,
  retention: retentionPolicy.optional().describe("How many snapshots are kept, and for how long. Default: the stage's"),
  source: jobSource.optional().describe("Where its records come from: Kafka's own figures then join Flink's in decisions about scaling"),
  scaling: jobScaling.optional().describe('Absent: the job is observed, and neither has alarms nor scales by itself'),
};

/** What a caller submits. Exactly one of `jar` and `sql`. */
export const jobSpec = z
  .strictObject({ name: resourceName.describe('Name of the job within its cluster; one that has ended can be used again'), ...jobFields })
  .refine((spec) => (spec.jar === undefined) !== (spec.sql === undefined), { path: ['jar'], message: 'give exactly one of jar and sql' });
export type JobSpec = z.infer<typeof jobSpec>;

/** A job's spec as stored: a SQL script is in S3, found by its hash. */
export const storedJobSpec = z.object({
  name: resourceName,
  program: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('jar'), uri: s3Uri, sha256, entryClass: z.string().optional(), arguments: z.array(z.string()) }),
    z.object({ kind: z.literal('sql'), uri: s3Uri, sha256 }),
  ]),
  parallelism: z.int(),
  flinkConfiguration: z.record(z.string(), z.string()),
  restore: restorePolicy,
  /** As it was given. */
  allowSpot: z.boolean().optional(),
  retention: retentionPolicy.optional(),
  source: jobSource.optional(),
  scaling: jobScaling.optional(),
  /** What a scaling decision made of it: parallelism by vertex, and the slots that the job occupies then. Absent: every vertex has `parallelism`. */
  scaled: z.object({ vertices: z.record(z.string(), z.int().min(1)), slots: z.int().min(1) }).optional(),
});
export type StoredJobSpec = z.infer<typeof storedJobSpec>;

export const jobStatus = z.enum(['SUBMITTING', 'RUNNING', 'STOPPING', 'FINISHED', 'STOPPED', 'CANCELED', 'FAILED']);
export type JobStatus = z.infer<typeof jobStatus>;

export const job = z.object({
  cluster: resourceName,
  name: resourceName,
  spec: storedJobSpec,
  /** The spec before the upgrade under way, to go back to. */
  previousSpec: storedJobSpec.optional(),
  /** Counts the specs of this job, from 1. */
  revision: z.int().min(1),
  /** Counts the starts of this job, from 1, over all clusters' epochs; part of the Flink job id. */
  epoch: z.int().min(1),
  /** Derived from cluster, cluster epoch, job and epoch (`domain/flink-job-id`), stored before Flink is asked to run it. */
  flinkJobId,
  status: jobStatus,
  desired: z.enum(['RUNNING', 'STOPPED']),
  /** Why the job is in its status, for a person. */
  statusReason: z.string(),
  lease: lease.optional(),
  /**
   * Flink was asked to start this epoch, last at this instant and so many times, and what came of it is not known yet.
   * Absent: it was not asked, or it has refused, or the job was seen running, or was withdrawn.
   */
  startAsked: z.object({ at: instant, times: z.int().min(1) }).optional(),
  /** Operation that asked Flink to end this epoch with a savepoint: Flink shows a job that was stopped so as FINISHED, like one that did all its work. */
  stopAskedBy: operationId.optional(),
  /** Where the running epoch was restored from. */
  restoredFrom: s3Uri.optional(),
  /** Epoch that began without state, as was wanted: what starts before it have left does not come back. */
  fromNothingAt: z.int().min(1).optional(),
  /** When the state of `restoredFrom` was complete, where a failover took the newest that was left: what came later was processed again. */
  restoredStateAt: instant.optional(),
  /** Newest savepoint known to be complete. */
  latestSavepoint: s3Uri.optional(),
  /** A failover has taken the job from its hosts and has to start it again; absent once it runs there. */
  interrupted: z
    .object({
      by: operationId,
      at: instant,
      /** Savepoint with which it was stopped, where that could still be had. */
      savepoint: s3Uri.optional(),
      /** Why there is no such savepoint. */
      without: z.string().optional(),
      /** Epoch that the failover starts it as. */
      epoch: z.int().optional(),
      /** How many of its starts there failed before they had tasks. */
      failedStarts: z.int().min(1).optional(),
      /**
       * What the job was, for when the cluster is given back. `since`: when it was taken over; `gaveWay`: the new version of an upgrade that nobody saw running;
       * `brokenOff`: what an earlier move had broken off, and nobody had made good yet.
       */
      was: z.object({ status: jobStatus, since: instant, gaveWay: storedJobSpec.optional(), brokenOff: operationId.optional() }).optional(),
    })
    .optional(),
  /** Of a job on a copy. */
  rehearsed: z
    .object({
      /** When the state that it goes on from was complete, where that is known, and when it was chosen: what came between would have been processed again. */
      stateAt: instant.optional(),
      stateChosenAt: instant,
      /** Operators whose state its program has not taken over, by name and size. */
      stateNotTaken: z.array(z.string()).optional(),
    })
    .optional(),
  /** Operation that a move broke off before its cluster was given back; absent once its clean-up is accepted, or another move takes the job over. */
  brokenOff: operationId.optional(),
  /** Id of the program in the JobManager's jar store, of the current epoch. */
  jarId: z.string().optional(),
  /** Alarms that CloudWatch told of, as each last changed. */
  alarms: z.partialRecord(alarmKind, alarmSeen).optional(),
  lastDecision: lastDecision.optional(),
  createdAt: instant,
  updatedAt: instant,
});
export type Job = z.infer<typeof job>;

export const snapshot = z.object({
  cluster: resourceName,
  job: resourceName,
  location: s3Uri,
  kind: z.enum(['savepoint', 'checkpoint']),
  origin: z.string().describe('Operation that asked for it'),
  flinkJobId,
  takenAt: instant,
});
export type Snapshot = z.infer<typeof snapshot>;
