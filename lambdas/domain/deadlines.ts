import type { Operation, OperationRequest } from '../contracts/operation';
import type { Stage } from '../contracts/stage';
import { later, secondsBetween } from './clock';

/**
 * A JobManager's host that EC2 retires, days ahead, is ended while nothing else is under way, its stand-by being up. So long that is waited for: longer than most
 * operations take. Seconds.
 */
export const QUIET_SECONDS = 3_600;

/** Seconds that an operation may take, from the parts that it consists of. */
export const deadlineSecondsOf = (request: OperationRequest, deadlines: Stage['deadlines']): number => {
  const { launchSeconds, submitSeconds, savepointSeconds, rescaleSeconds, terminateSeconds } = deadlines;
  switch (request.kind) {
    case 'launch-cluster':
    case 'prepare-reserve':
      return launchSeconds;
    case 'change-cluster':
      return 0;
    case 'terminate-cluster':
      return terminateSeconds + (request.jobs === 'savepoint' ? savepointSeconds : 0);
    case 'submit-job':
      return submitSeconds;
    case 'stop-job':
    case 'take-savepoint':
      return savepointSeconds;
    case 'upgrade-job':
      // Savepoint, start of the new version, and its way back if that fails.
      return savepointSeconds + 2 * submitSeconds;
    case 'rescale-job':
    case 'scale-job':
    case 'set-scaling':
      return rescaleSeconds;
    case 'replace-host':
      return rescaleSeconds + (request.role === 'jobmanager' ? QUIET_SECONDS : 0);
    case 'drill-on-copy':
      // New hosts, the jobs' start, and the end of the hosts.
      return launchSeconds + submitSeconds + terminateSeconds;
    case 'fail-over-cluster':
      // New hosts, savepoints, the jobs' start, and the end of the former hosts.
      return launchSeconds + savepointSeconds + submitSeconds + terminateSeconds;
  }
};

/** Until when a moment is waited for in which a JobManager can be relieved. */
export const quietUntil = ({ requestedAt }: Pick<Operation, 'requestedAt'>): string => later(requestedAt, QUIET_SECONDS);

/**
 * No instance is paid for and unused for ten minutes. Hosts that an operation has asked for are on their way back before that, wherever it stops getting on: while
 * others do not come, while Flink does not carry out what it was asked for, while the job does not come back to what it was. Seconds since it has asked for them.
 */
const CAPACITY_SECONDS = 420;
const CARRIED_OUT_SECONDS = 480;
const RESTORED_SECONDS = 540;
/** Flink begins a rescale within 20 s (`domain/flink-defaults`): hosts that came late have so long to be used, and what was never begun so long to be undone. Seconds. */
const CHANGE_SECONDS = 90;
const UNDO_SECONDS = 45;
/** So long hosts are kept that were in use until a job was asked to go back, that it has left and may come back to, or that tasks are to move to. Seconds. */
const KEPT_SECONDS = 480;
/** Share of an operation's time that it waits for hosts, so that enough is left for the rest. */
const CAPACITY_SHARE = 0.6;

type Asked = Pick<Operation, 'phases' | 'startedAt' | 'requestedAt'>;
/** A workflow may begin minutes after its operation was accepted, and no host comes for it before. ISO 8601 */
export const capacityAskedAt = ({ phases, startedAt, requestedAt }: Asked): string =>
  phases.find(({ name }) => name === 'Ensure capacity')?.startedAt ?? startedAt ?? requestedAt;
const latest = (one: string, other: string): string => (one > other ? one : other);

/** Instant from which an operation that can do with fewer slots goes on with those there are. EC2 brings a host in one to two minutes. */
export const capacityUntil = (operation: Asked & Pick<Operation, 'deadline'>): string => {
  const since = capacityAskedAt(operation);
  return later(since, Math.min(CAPACITY_SECONDS, Math.max(0, secondsBetween(since, operation.deadline)) * CAPACITY_SHARE));
};

/** Instant from which an operation that cannot gives up those that have come. */
export const allHostsUntil = (operation: Asked): string => later(capacityAskedAt(operation), CAPACITY_SECONDS);

/** Instant until which Flink is to have begun to run a job with another parallelism, for which it was asked at `changedAt`. */
export const carriedOutUntil = (operation: Asked, changedAt: string): string =>
  latest(later(capacityAskedAt(operation), CARRIED_OUT_SECONDS), later(changedAt, CHANGE_SECONDS));

/**
 * Instant until which a checkpoint is waited for before tasks move to a host that has come for them, or their JobManager ends: then they go on from an earlier one.
 * @param begunAt when the replacement began, which may have waited for a move or for a quiet moment
 */
export const lastCheckpointUntil = (begunAt: string): string => later(begunAt, KEPT_SECONDS);

/** Instant until which a smaller job is to have a checkpoint: the hosts that it has left are kept for it meanwhile. */
export const confirmedUntil = (changedAt: string): string => later(changedAt, KEPT_SECONDS);

/** Instant until which a job is to be back at its former parallelism, for which Flink was asked at `since`. @param used whether it has run at the other one */
export const restoredUntil = (operation: Asked, since: string, used: boolean): string =>
  used ? later(since, KEPT_SECONDS) : latest(later(capacityAskedAt(operation), RESTORED_SECONDS), later(since, UNDO_SECONDS));
