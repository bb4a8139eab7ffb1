import type { Operation, OperationRequest } from '../contracts/operation';
import type { Stage } from '../contracts/stage';
import { later } from './clock';

/**
 * A JobManager's host that EC2 retires, days ahead, is ended while nothing else is under way, its stand-by being up. So long that is waited for: longer than any
 * other operation takes. Seconds.
 */
export const QUIET_SECONDS = 3_600;

/** Seconds that an operation may take, from the parts that it consists of. */
export const deadlineSecondsOf = (request: OperationRequest, deadlines: Stage['deadlines']): number => {
  const { launchSeconds, submitSeconds, savepointSeconds, rescaleSeconds, terminateSeconds } = deadlines;
  switch (request.kind) {
    case 'launch-cluster':
    case 'prepare-reserve':
      return launchSeconds;
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
    case 'fail-over-cluster':
      // New hosts, savepoints, the jobs' start, and the end of the former hosts.
      return launchSeconds + savepointSeconds + submitSeconds + terminateSeconds;
  }
};

/** Until when a moment is waited for in which a JobManager can be relieved. */
export const quietUntil = ({ requestedAt }: Pick<Operation, 'requestedAt'>): string => later(requestedAt, QUIET_SECONDS);

/** Hosts that come while the others do not are paid for and unused; EC2 brings a host in one to two minutes. Seconds. */
const CAPACITY_SECONDS = 480;
/** Share of an operation's time that it waits for hosts, so that enough is left for the rest. */
const CAPACITY_SHARE = 0.6;

/** Instant from which an operation that can do with fewer slots goes on with those there are. */
export const capacityUntil = ({ requestedAt, deadline }: Pick<Operation, 'requestedAt' | 'deadline'>): string => {
  const [from, to] = [Date.parse(requestedAt), Date.parse(deadline)];
  return new Date(from + Math.min(CAPACITY_SECONDS * 1_000, (to - from) * CAPACITY_SHARE)).toISOString();
};
