import type { Cluster, ClusterFault, HeldShift, HomeSeen, Reserve } from '../../contracts/cluster';
import type { ShiftedZone } from '../../contracts/events';
import type { Job, Snapshot } from '../../contracts/job';
import type { Operation, Phase } from '../../contracts/operation';
import type { AlarmKind, AlarmSeen, LastDecision } from '../../contracts/scaling';

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; undefined on the last page. */
  readonly next?: string;
}
export interface PageRequest {
  readonly limit: number;
  readonly after?: string | undefined;
}

/** `created`: stored now. `repeated`: this operation id was there already (`operation`), nothing was changed. `blocked`: a condition did not hold, nothing was changed. */
export type OperationAccepted =
  | { readonly outcome: 'created' }
  | { readonly outcome: 'repeated'; readonly operation: Operation }
  | { readonly outcome: 'blocked'; readonly by: 'cluster' | 'job' | 'quota' | 'launches' };

/** What a change that makes a job larger takes, and others want too, each by the turn at which what there is of it was read. Its next turn begins. */
export interface Taken {
  /** Of its cluster's room (`Cluster.turn`, 0 where that is absent); `any`: whatever others have taken since. */
  readonly room: number | 'any';
  /** Of the stage's quota (`quotaTurn`); absent: nothing. */
  readonly quota?: number;
}

/**
 * The one table. Reads are strongly consistent. Every write that depends on what was read says so with a condition;
 * a condition that does not hold is an answer (`false`, `blocked`), not an error.
 */
export interface StorePort {
  /**
   * In one transaction: the operation, and the cluster as given, if there is none of that name or the one there is TERMINATED or FAILED-and-cleaned (status TERMINATED) at epoch `cluster.epoch - 1`.
   * @param turn at which the stage's clusters were counted; blocked by `launches` when another has been launched since. Absent: they were not
   */
  acceptLaunch(operation: Operation, cluster: Cluster, turn?: number): Promise<OperationAccepted>;
  /** How many clusters were launched by such turns. Read before clusters are counted, and given to `acceptLaunch`, it keeps two from taking the last place. */
  launchTurn(): Promise<number>;
  /**
   * In one transaction: the operation, and `desired: TERMINATED` on the cluster (which must exist and not be TERMINATED). Takes no lease.
   * @param heldBy only while this operation holds it. @default - whoever does
   */
  acceptTermination(operation: Operation, heldBy?: string): Promise<OperationAccepted>;
  /**
   * In one transaction: the operation, the job as given (`previous` is the job it was made from, undefined for a new one: the stored one must still be
   * the same epoch, revision, lease and alarms), on condition that the cluster is desired and RUNNING. The job as given carries the operation's lease.
   * @param taken blocked when another has taken of it since: by `cluster` of its room, by `quota` of the stage's
   */
  acceptJobChange(operation: Operation, job: Job, previous: Job | undefined, taken?: Taken): Promise<OperationAccepted>;
  /** How often the stage's quota was taken of. Read before what is used of it, and given to `acceptJobChange`, it keeps two from taking the same. */
  quotaTurn(): Promise<number>;
  /**
   * In one transaction: the operation, and `desired: STOPPED` on the job, whoever holds its lease, on condition that the cluster is desired and RUNNING: a
   * move has to know before its fence which jobs go with it. Takes no lease; what a move broke off (`brokenOff`) is made good by it.
   */
  acceptCancellation(operation: Operation): Promise<OperationAccepted>;

  /**
   * In one transaction: the operation, the cluster's epoch, zones, status, lease, resources, former epochs and reserve as given, and the operation's lease
   * on these jobs (as many as a transaction takes), whoever held any of them. On condition that the cluster is desired RUNNING and still at the epoch,
   * status, lease and revision of `previous`, and its reserve as it was: of two at once one is blocked.
   * @param onlyWhenFree also on condition that nobody holds the lease of any of these jobs
   */
  acceptTakeover(
    operation: Operation,
    cluster: Cluster,
    previous: Cluster,
    jobs: readonly string[],
    onlyWhenFree?: boolean,
  ): Promise<OperationAccepted>;
  /** In one transaction: the operation, on condition that the cluster is desired and RUNNING with hosts of this epoch. Takes no lease. */
  acceptReplacement(operation: Operation, epoch: number): Promise<OperationAccepted>;
  /**
   * In one transaction: the operation and the cluster's reserve as given, on condition that the cluster is desired and RUNNING at the epoch of `previous`, and
   * its reserve is as it was then. Takes no lease: `reserve.by` is one.
   */
  acceptReserve(operation: Operation, reserve: Reserve, previous: Cluster): Promise<OperationAccepted>;

  /**
   * In one transaction: the operation, which has ended, and the cluster's spec, size, revision, `drillSince` and turn as given, on condition that the cluster is
   * desired RUNNING at the epoch, status and revision of `previous`, its reserve as it was, and its turn too where the given one is another. Takes no lease.
   */
  acceptClusterChange(operation: Operation, cluster: Cluster, previous: Cluster): Promise<OperationAccepted>;

  operation(operationId: string): Promise<Operation | undefined>;
  /** Newest first. */
  operationsOf(cluster: string, page: PageRequest): Promise<Page<Operation>>;
  /** Operations that have not ended, of the whole stage (for the sweeper). */
  openOperations(): Promise<readonly Operation[]>;
  cluster(name: string): Promise<Cluster | undefined>;
  clusters(page: PageRequest): Promise<Page<Cluster>>;
  job(cluster: string, name: string): Promise<Job | undefined>;
  jobs(cluster: string, page: PageRequest): Promise<Page<Job>>;
  snapshots(cluster: string, job: string, page: PageRequest): Promise<Page<Snapshot>>;

  /** PENDING → RUNNING (false when it has ended). */
  markRunning(operationId: string, at: string): Promise<boolean>;
  /** Adds or refreshes one phase; a phase seen before keeps its `startedAt` and counts an attempt more. */
  recordPhase(operationId: string, phase: Omit<Phase, 'attempts'>): Promise<void>;
  /**
   * Sets the end of an operation and in the same transaction lets go of `held`, if it holds that lease: who reads that it has ended can ask for
   * the next change at once. False when it had ended before (the first end stays, and nothing is let go).
   */
  endOperation(
    operationId: string,
    end: Pick<Operation, 'status' | 'endedAt' | 'reason' | 'error' | 'result'>,
    held?: LeaseTarget,
  ): Promise<boolean>;

  /** Takes the lease of a cluster or job for an operation: true also when it holds it already; false while another's has not run out. */
  acquireLease(resource: LeaseTarget, lease: { operationId: string; acquiredAt: string; until: string }): Promise<boolean>;
  /** Takes a job's lease, whoever holds it, for an operation that holds its cluster's. @throws Superseded when it does not */
  takeJobOver(cluster: string, job: string, lease: { operationId: string; acquiredAt: string; until: string }): Promise<void>;
  /**
   * Puts a job onto a copy, with the lease of the operation that holds that (`job.lease`). No-op where it has put it before. @throws Superseded when it does not hold the
   * copy
   */
  copyJob(job: Job): Promise<void>;
  /** No-op when the operation does not hold it. */
  releaseLease(resource: LeaseTarget, operationId: string): Promise<void>;
  /** Writes fields of the cluster while `operationId` holds its lease. @throws Superseded when it does not. A key with the value undefined is removed. */
  updateCluster(
    name: string,
    operationId: string,
    change: Partial<
      Pick<Cluster, 'status' | 'statusReason' | 'zone' | 'avoidedZones' | 'epoch' | 'resources' | 'former' | 'reserve' | 'nextRole'>
    >,
  ): Promise<Cluster>;
  /** Writes the reserve of a cluster while it is `operationId`'s. @throws Superseded when it is not */
  updateReserve(name: string, operationId: string, reserve: Reserve): Promise<void>;
  /**
   * Writes fields of the job while `operationId` holds its lease. A key with the value undefined is removed. @param epoch of the job that this is said of;
   * undefined: of any. @throws Superseded when it does not hold it, or the epoch is another
   */
  updateJob(
    cluster: string,
    name: string,
    operationId: string,
    change: Partial<Omit<Job, 'cluster' | 'name' | 'lease' | 'createdAt'>>,
    epoch?: number,
  ): Promise<Job>;
  /** Writes or removes what is wrong with a cluster, whoever holds its lease; false when its epoch is another by now. */
  recordFault(cluster: string, epoch: number, fault: ClusterFault | undefined): Promise<boolean>;
  /**
   * Begins the next turn of a cluster's room, whoever holds its lease: before hosts that were found too many are ended. False when another has begun since `turn`
   * was read: what is needed is another by now.
   */
  beginTurn(cluster: string, turn: number): Promise<boolean>;
  /** Writes what was found of a cluster's home zone, whoever holds its lease; false when its epoch is another by now. */
  recordHome(cluster: string, epoch: number, home: HomeSeen): Promise<boolean>;
  /** Writes why a cluster stays in a zone, whoever holds its lease; false when its epoch is another by now. */
  recordHeldShift(cluster: string, held: HeldShift): Promise<boolean>;
  /** What AWS said last of each zone that it has ever shifted traffic away from. */
  shiftedZones(): Promise<readonly ShiftedZone[]>;
  /** Writes what AWS says of a zone; false, and nothing written, when it has said something as late or later: events come late, twice and out of order. */
  recordShift(shifted: ShiftedZone): Promise<boolean>;
  /** Refreshes what was seen of a job outside any operation: only while nobody holds its lease and its epoch is still `epoch`. */
  recordJobSeen(cluster: string, name: string, epoch: number, seen: Pick<Job, 'status' | 'statusReason'>): Promise<boolean>;
  /**
   * Writes an alarm as it changed, whoever holds the job's lease. False, and nothing written, when there is no such job or a later change of this
   * alarm is known: events come late, twice and out of order.
   */
  recordAlarm(cluster: string, name: string, kind: AlarmKind, seen: AlarmSeen): Promise<boolean>;
  /** Removes what is recorded of these alarms, one or more, whoever holds the job's lease. False when nothing was recorded of any alarm. */
  forgetAlarms(cluster: string, name: string, kinds: readonly AlarmKind[]): Promise<boolean>;
  /** Writes the newest decision about the job's scale, whoever holds its lease; false when its epoch is another by now, or the one known is not `previous`. */
  recordDecision(
    cluster: string,
    name: string,
    epoch: number,
    decision: LastDecision,
    previous: LastDecision | undefined,
  ): Promise<boolean>;
  putSnapshot(snapshot: Snapshot): Promise<void>;
  /** No-op when it is not recorded. */
  deleteSnapshot(cluster: string, job: string, location: string): Promise<void>;
}

export type LeaseTarget = { readonly cluster: string; readonly job?: string };
