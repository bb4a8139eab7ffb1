import * as z from 'zod';
import { failoverMode } from './drill';
import { instant, operationId, s3Uri } from './names';
import { volumeSnapshot } from './operation';

/** Input of every state machine. All else is in the table. */
export const workflowInput = z.object({ operationId });
export type WorkflowInput = z.infer<typeof workflowInput>;

/** Input of every task of a state machine; `phase` is the name of the state, as a person reads it. */
export const taskInput = z.object({ operationId, phase: z.string() });
export type TaskInput = z.infer<typeof taskInput>;

/** Answer of every task: `reason` is stored with the phase. */
export const taskAnswer = z.object({ reason: z.string() });
export type TaskAnswer = z.infer<typeof taskAnswer>;

/** Answer of the fence. `settleSeconds`: so long something of the former hosts may still come into effect. */
export const fenceAnswer = taskAnswer.extend({ settleSeconds: z.int().min(1) });
export type FenceAnswer = z.infer<typeof fenceAnswer>;

/**
 * Answer of every task that looks whether something awaited is there.
 * What can never come is thrown as an error of `errors.ts`.
 */
export const awaited = taskAnswer.extend({ ready: z.boolean() });
export type Awaited_ = z.infer<typeof awaited>;

/** What a Catch hands to the tasks that clean up and end an operation: Step Functions' error output. */
export const caught = z.object({ Error: z.string().optional(), Cause: z.string().optional() });
export type Caught = z.infer<typeof caught>;

/** What a workflow needs to know of its operation for its choices; a field that does not apply is null. */
export const begun = awaited.extend({
  /** Which way to go: `launch`, `savepoint`, `cancel`, `nothing`, `submit`, `upgrade`, `restore`, `out`, `in`, `move`, `clean`, `make`, `resize`, `take-away`, `replace`, `replace-jobmanager`, `relieve-jobmanager`. */
  plan: z.string(),
  /** Epoch of the job (or, without one, of the cluster) before this operation. */
  epoch: z.int(),
  /** The running program in the JobManager's jar store. */
  jarId: z.string().nullable(),
  /** The job's parallelism before this operation. */
  parallelism: z.int().nullable(),
});
export type Begun = z.infer<typeof begun>;

/** How a failover goes on; `ask`: as the former JobManager answers. */
const failoverPlan = z.enum([...failoverMode.options, 'ask']);
export const takenOver = taskAnswer.extend({
  plan: failoverPlan,
  /** Whether snapshots of the volumes that are left behind are asked for. */
  keepsVolumes: z.boolean(),
  /** Whether the hosts that its jobs need stand by: nothing has to be made for them. */
  standsBy: z.boolean(),
});
export type TakenOver = z.infer<typeof takenOver>;

export const volumesKept = taskAnswer.extend({ volumeSnapshots: z.array(volumeSnapshot) });
export type VolumesKept = z.infer<typeof volumesKept>;

export const secureStateInput = taskInput.extend({ plan: failoverPlan });
export type SecureStateInput = z.infer<typeof secureStateInput>;
/** With the plan that was decided, where that was to be asked. */
export const stateSecured = awaited.extend({ plan: failoverMode });
export type StateSecured = z.infer<typeof stateSecured>;

/** `ready`: `note` is a sentence that follows what stands by. `leaving`: it came to nothing by `error`. */
export const settleReserveInput = taskInput.extend({
  status: z.enum(['ready', 'leaving']),
  note: z.string().nullish(),
  error: caught.nullish(),
});
export type SettleReserveInput = z.infer<typeof settleReserveInput>;

export const endOperationInput = taskInput.extend({
  outcome: z.enum(['succeeded', 'failed']),
  error: caught.nullish(),
  /** Why cleaning up did not work, where it did not. */
  leftover: caught.nullish(),
  /** A sentence that follows the cause, such as "The previous version runs again." */
  note: z.string().nullish(),
  savepoint: s3Uri.nullish(),
  volumeSnapshots: z.array(volumeSnapshot).nullish(),
});
export type EndOperationInput = z.infer<typeof endOperationInput>;

export const savepointSeen = awaited.extend({ location: s3Uri.nullable() });
export type SavepointSeen = z.infer<typeof savepointSeen>;

/** `grow`: enough hosts for all jobs. `shrink`: ends hosts beyond that, of which none of the `busyAddresses` is, as Flink told them at `busySeenAt`. */
export const ensureCapacityInput = taskInput.extend({
  direction: z.enum(['grow', 'shrink']),
  busyAddresses: z.array(z.string()).default([]),
  busySeenAt: instant.optional(),
});
export type EnsureCapacityInput = z.infer<typeof ensureCapacityInput>;

/** One TaskManager's slots. */
export const worker = z.object({ address: z.string(), slots: z.int(), free: z.int() });

/** `seenAt`: before Flink was asked. */
export const busyHosts = taskAnswer.extend({ seenAt: instant, addresses: z.array(z.string()), workers: z.array(worker) });
export type BusyHosts = z.infer<typeof busyHosts>;

export const hostToDrain = z.object({ instanceId: z.string(), addresses: z.array(z.string()) });

export const chooseHostsInput = taskInput.extend({ workers: z.array(worker) });
export type ChooseHostsInput = z.infer<typeof chooseHostsInput>;
/** The hosts to empty; none when that frees none. */
export const chosenHosts = taskAnswer.extend({ hosts: z.array(hostToDrain) });
export type ChosenHosts = z.infer<typeof chosenHosts>;

/** `drain`: the hosts' TaskManagers shall end. `take-back`: they shall run again. */
export const drainHostsInput = taskInput.extend({ hosts: z.array(hostToDrain), direction: z.enum(['drain', 'take-back']) });
export type DrainHostsInput = z.infer<typeof drainHostsInput>;

export const findRoomInput = taskInput.extend({ hosts: z.array(hostToDrain) });
export type FindRoomInput = z.infer<typeof findRoomInput>;

export const observeDrainInput = taskInput.extend({ hosts: z.array(hostToDrain) });
export type ObserveDrainInput = z.infer<typeof observeDrainInput>;

/** `again`: a job is to be started once more. */
export const jobsSeen = awaited.extend({ again: z.boolean() });
export type JobsSeen = z.infer<typeof jobsSeen>;

/** Null for a program that needs no upload (SQL). */
export const uploaded = taskAnswer.extend({ jarId: z.string().nullable() });
export type Uploaded = z.infer<typeof uploaded>;

export const startJobInput = taskInput.extend({
  /** Epoch to run the job as: its present one, or that plus one. */
  epoch: z.int().min(1),
  jarId: z.string().nullable(),
  /** Where to restore from; null: as the job's restore policy says. */
  savepoint: s3Uri.nullable(),
});
export type StartJobInput = z.infer<typeof startJobInput>;

/** `running`: all tasks run (or the job has finished its work). `ended`: it is in a final state. `known`: only records what is seen. */
export const observeJobInput = taskInput.extend({
  until: z.enum(['running', 'ended', 'known']),
  /** Whether this goes on after the operation's deadline, because something is being put back. */
  restoring: z.boolean().default(false),
});
export type ObserveJobInput = z.infer<typeof observeJobInput>;

export const stopJobsInput = taskInput.extend({ mode: z.enum(['savepoint', 'cancel']) });
export type StopJobsInput = z.infer<typeof stopJobsInput>;

export const rescaleJobInput = taskInput.extend({
  /** The parallelism to go back to; null: change to the one that was asked for. */
  restore: z.int().min(1).nullable(),
});
export type RescaleJobInput = z.infer<typeof rescaleJobInput>;

export const scaleJobInput = taskInput.extend({
  /** false: as far as the slots go that there are. true: back to what it was. */
  restore: z.boolean(),
  /** Name of the error for which it goes back. */
  cause: z.string().nullish(),
});
export type ScaleJobInput = z.infer<typeof scaleJobInput>;

/** `partial`: not all of what was decided, because fewer slots came. */
export const scaled = taskAnswer.extend({ partial: z.boolean(), parallelism: z.int() });
export type Scaled = z.infer<typeof scaled>;

/** Whether slots are there, and whether to wait for them any longer. */
export const slotsSeen = awaited.extend({ late: z.boolean() });
export type SlotsSeen = z.infer<typeof slotsSeen>;

export const withdrawJobInput = taskInput.extend({
  /** Epoch that must not run (any more). */
  epoch: z.int().min(1),
  jarId: z.string().nullable(),
});
export type WithdrawJobInput = z.infer<typeof withdrawJobInput>;

export const revertJobInput = taskInput.extend({
  /** Epoch of the version to go back to. */
  epoch: z.int().min(1),
  /** Its program in the JobManager's jar store. */
  jarId: z.string().nullable(),
});
export type RevertJobInput = z.infer<typeof revertJobInput>;
