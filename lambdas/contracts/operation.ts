import * as z from 'zod';
import { clusterSettingChange } from './cluster-change';
import { failoverMode } from './drill';
import { storedJobSpec } from './job';
import { instant, operationId, resourceName, s3Uri, sha256 } from './names';
import { explanationLine, jobScaling } from './scaling';

/** Each kind but `change-cluster` is a state machine of the same name under `state-machines/`. */
export const operationKind = z.enum([
  'launch-cluster',
  'terminate-cluster',
  'submit-job',
  'stop-job',
  'take-savepoint',
  'upgrade-job',
  'rescale-job',
  'scale-job',
  'replace-host',
  'set-scaling',
  'fail-over-cluster',
  'prepare-reserve',
  'drill-on-copy',
  'change-cluster',
]);
export type OperationKind = z.infer<typeof operationKind>;
/** Kinds with a workflow. The others are done by the write that accepts them. */
export const workflowKind = operationKind.exclude(['change-cluster']);
export type WorkflowKind = z.infer<typeof workflowKind>;

/** Why a cluster is moved, and what was seen. */
export const failoverTrigger = z.object({
  kind: z.enum(['person', 'drill', 'failback', 'recovery', 'zone-event', 'members-lost', 'jobmanager-unreachable', 'launch-failures']),
  evidence: z.string().max(500),
  /** When the fault was seen first. */
  detectedAt: instant.optional(),
});
export type FailoverTrigger = z.infer<typeof failoverTrigger>;

const byVertex = z.record(z.string(), z.int().min(1));

/** EBS snapshot of a volume that a move has left behind. */
export const volumeSnapshot = z.object({ snapshotId: z.string(), volumeId: z.string(), zone: z.string(), sizeGB: z.number() });

const failoverReport = z.object({
  /**
   * Seconds by part: `detect`, `decide`, `capacity`, `state`, `fence`, `restore`, and, both from when all jobs ran on, `firstRecord` and
   * `firstCheckpoint`. They may overlap. The first record is seen up to 4 s late, since Flink gathers its figures every 3 s.
   */
  seconds: z.record(z.string(), z.number()),
  /**
   * From the loss (of a planned move: from when its jobs were asked to stop) until all jobs had processed a record, or, where one had none to process,
   * until all ran with all their tasks.
   */
  outageSeconds: z.number().optional(),
  /** By job: how much of its input, in seconds before it stopped, it had to process again. 0: it was stopped with a savepoint. Missing: it had no state. */
  reprocessedSeconds: z.record(z.string(), z.number()).optional(),
  objectiveSeconds: z.number(),
  objectiveMet: z.boolean().optional(),
  /** `warm`: the hosts of a reserve were taken over. `cold`: they had to boot. */
  capacity: z.enum(['cold', 'warm']).optional(),
  /** As evidence, where the cluster asks for it. */
  volumeSnapshots: z.array(volumeSnapshot).optional(),
  /** By job, of a drill on a copy: why it was left out, or did not run. */
  notRehearsed: z.record(z.string(), z.string()).optional(),
  /** By job, of a drill on a copy: operators whose state its program did not take over, with its size. Of a sink that it has not that is as it should be. */
  stateNotTaken: z.record(z.string(), z.array(z.string())).optional(),
});
export type FailoverReport = z.infer<typeof failoverReport>;

/** What was asked, beyond the spec stored on the cluster or job. */
export const operationRequest = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('launch-cluster') }),
  /** What becomes of the jobs: stopped with a savepoint each, or canceled. */
  z.object({ kind: z.literal('terminate-cluster'), jobs: z.enum(['savepoint', 'cancel']) }),
  z.object({ kind: z.literal('submit-job') }),
  z.object({ kind: z.literal('stop-job'), mode: z.enum(['savepoint', 'cancel']), drain: z.boolean() }),
  z.object({ kind: z.literal('take-savepoint') }),
  /** `spec` is the whole spec to run from now on. */
  z.object({
    kind: z.literal('upgrade-job'),
    spec: storedJobSpec,
    /** Nothing new is started: the control plane goes back after an upgrade that was interrupted, to the version of this epoch. */
    recovers: z.object({ operationId, epoch: z.int().min(1) }).optional(),
  }),
  z.object({
    kind: z.literal('rescale-job'),
    parallelism: z.int().min(1),
    /** What the job occupied, and may have to occupy again. */
    slotsBefore: z.int().min(1).optional(),
    /** What scaling had made of the job, to go back to. */
    former: z.object({ vertices: byVertex, slots: z.int().min(1) }).optional(),
  }),
  /** What was decided about a job's scale, by which observation, and why. All that it follows from is kept with it (`npm run explain`). */
  z.object({
    kind: z.literal('scale-job'),
    /** `settle`: the control plane makes what is stored of the job true again after an operation that was interrupted. */
    action: z.enum(['rescale', 'roll-back', 'settle']),
    direction: z.enum(['out', 'in']),
    trigger: z.string(),
    reason: z.string(),
    explanation: z.array(explanationLine).max(100),
    decidedAt: instant,
    observedAt: instant.optional(),
    /** Parallelism of every vertex. */
    from: byVertex,
    to: byVertex,
    slots: z.object({ before: z.int(), after: z.int(), provide: z.int(), spare: z.int() }),
  }),
  /** Stored with the operation itself, which has ended then. */
  z.object({ kind: z.literal('change-cluster'), changes: z.array(clusterSettingChange) }),
  /** The job's settings for scaling are stored with the operation; its workflow makes the alarms follow. */
  z.object({ kind: z.literal('set-scaling'), scaling: jobScaling }),
  z.object({
    kind: z.literal('fail-over-cluster'),
    from: z.string(),
    /** Epoch that had the jobs there when this move began, or the one that it goes on with. @default - the last in that zone */
    fromEpoch: z.int().min(1).optional(),
    /** Zone to go to first; the next one is taken where it has no capacity. */
    zone: z.string(),
    /** `planned`: jobs stop with a savepoint first. `lost`: without waiting for it. Absent: as the JobManager answers. */
    mode: failoverMode.optional(),
    /** Zones that no TaskManager is put into: lost, or said to be impaired. */
    avoid: z.array(z.string()).optional(),
    trigger: failoverTrigger,
    /** A rehearsal, whose times are held against the objective. */
    drill: z.boolean().optional(),
    /** Only takes away what is left of earlier epochs. */
    cleansOnly: z.boolean().optional(),
    /** Epoch whose move has failed and is tried again: zones without capacity before it are asked again. */
    again: z.int().min(1).optional(),
    /** Epoch of the reserve that it takes over, where there is one to be had in the zone. */
    reserve: z.int().min(1).optional(),
    /** TaskManager hosts that stand by there. @default - not known: what is missing is asked for */
    reserveHosts: z.int().min(0).optional(),
  }),
  /** Rehearses a move on a copy of the cluster, which is a cluster of its own: made for it, and taken away with it. */
  z.object({
    kind: z.literal('drill-on-copy'),
    /** The cluster that its workflow changes; the operation itself is listed with the one that is rehearsed. */
    copy: resourceName,
    from: z.string(),
    zone: z.string(),
    trigger: failoverTrigger,
    /** By job: what takes the place of its arguments, or of its script. */
    rehearsals: z.record(
      z.string(),
      z.union([z.object({ arguments: z.array(z.string()) }), z.object({ script: z.object({ uri: s3Uri, sha256 }) })]),
    ),
  }),
  /** Makes, resizes or takes away the hosts that stand by for a move. Decided by the control plane (`domain/decide-reserve`). */
  z.object({
    kind: z.literal('prepare-reserve'),
    action: z.enum(['make', 'resize', 'take-away']),
    epoch: z.int().min(1),
    zone: z.string(),
    hosts: z.int().min(0),
    reason: z.string(),
  }),
  /**
   * A host of this epoch that EC2 takes at `goneAt`, or may take at any time (undefined). `surplus`: EC2 takes none, but the cluster has more hosts
   * than its jobs need, this one among them: those without an occupied slot are given back. `silence`: no JobManager has answered since `silentSince`, and this
   * is the host of one; each such host is ended, and its group launches another.
   */
  z.object({
    kind: z.literal('replace-host'),
    instanceId: z.string(),
    epoch: z.int().min(1),
    notice: z.enum(['interruption', 'rebalance', 'retirement', 'surplus', 'silence']),
    /** What runs on it. @default - TaskManagers, or with notice `silence` the JobManager */
    role: z.literal('jobmanager').optional(),
    goneAt: instant.optional(),
    silentSince: instant.optional(),
    /** What was seen. @default - the notice is all */
    evidence: z.string().max(500).optional(),
  }),
]);
export type OperationRequest = z.infer<typeof operationRequest>;

export const operationStatus = z.enum(['PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED']);

/** One state of the operation's workflow as it passed. A state that is entered again (a wait, a retry) keeps its first start. */
export const phase = z.object({
  name: z.string(),
  startedAt: instant,
  endedAt: instant.optional(),
  outcome: z.enum(['running', 'ok', 'waiting', 'failed']),
  reason: z.string(),
  attempts: z.int().min(1),
});
export type Phase = z.infer<typeof phase>;

export const operationError = z.object({ name: z.string(), message: z.string().max(2_000) });

export const operation = z.object({
  operationId,
  kind: operationKind,
  cluster: resourceName,
  job: resourceName.optional(),
  request: operationRequest,
  /** Fingerprint of the API request that asked for it: the same Idempotency-Key must come with the same request. */
  requestHash: z.string().optional(),
  status: operationStatus,
  /** ARN of the caller. */
  requestedBy: z.string(),
  /** It takes away or puts back what an interrupted operation may have left. `times`: 1, or more where that clean-up was interrupted too. */
  cleansUp: z.object({ after: operationId, times: z.int().min(1) }).optional(),
  requestedAt: instant,
  startedAt: instant.optional(),
  endedAt: instant.optional(),
  /** Latest instant at which this operation has ended, well or not. */
  deadline: instant,
  phases: z.array(phase),
  /** One readable sentence: the cause of a failure, or what was done. */
  reason: z.string(),
  error: operationError.optional(),
  result: z
    .object({
      savepoint: s3Uri.optional(),
      flinkJobId: z.string().optional(),
      parallelism: z.int().optional(),
      /** Those of a job that was scaled. */
      slots: z.int().optional(),
      failover: failoverReport.optional(),
    })
    .optional(),
});
export type Operation = z.infer<typeof operation>;
