import type { Operation } from '../../contracts/operation';
import type { AcceptDeps, ChangeRequest } from '../operations/accept';
import { acceptJobChange } from './accept-job-change';

/**
 * Stops a running job with a savepoint. `drain`: its windows are closed first, because it will not go on.
 * The job stays desired RUNNING until it has stopped: a savepoint that fails leaves it running, and a cancellation that comes in between is seen.
 */
export const acceptStop = (
  deps: AcceptDeps,
  change: ChangeRequest,
  at: { readonly cluster: string; readonly job: string },
  drain: boolean,
): Promise<Operation> => acceptJobChange(deps, change, at, async () => ({ kind: 'stop-job', mode: 'savepoint', drain }));
