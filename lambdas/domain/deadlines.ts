import type { OperationRequest } from '../contracts/operation';
import type { Stage } from '../contracts/stage';

/** Seconds that an operation may take, from the parts that it consists of. */
export const deadlineSecondsOf = (request: OperationRequest, deadlines: Stage['deadlines']): number => {
  const { launchSeconds, submitSeconds, savepointSeconds, rescaleSeconds, terminateSeconds } = deadlines;
  switch (request.kind) {
    case 'launch-cluster':
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
    case 'set-scaling':
      return rescaleSeconds;
    case 'fail-over-cluster':
      // New hosts, savepoints, the jobs' start, and the end of the former hosts.
      return launchSeconds + savepointSeconds + submitSeconds + terminateSeconds;
  }
};
