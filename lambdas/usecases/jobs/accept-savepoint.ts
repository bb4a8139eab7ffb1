import type { Operation } from '../../contracts/operation';
import type { AcceptDeps, ChangeRequest } from '../operations/accept';
import { acceptJobChange } from './accept-job-change';

/** Takes a savepoint of a running job, which goes on. */
export const acceptSavepoint = (
  deps: AcceptDeps,
  change: ChangeRequest,
  at: { readonly cluster: string; readonly job: string },
): Promise<Operation> => acceptJobChange(deps, change, at, async () => ({ kind: 'take-savepoint' }));
