import type { Operation } from '../contracts/operation';
import type { AcceptDeps, ChangeRequest } from './accept';
import { acceptJobChange } from './accept-job-change';

/** Stops a running job with a savepoint. `drain`: its windows are closed first, because it will not go on. */
export const acceptStop = (deps: AcceptDeps, change: ChangeRequest, at: { readonly cluster: string; readonly job: string }, drain: boolean): Promise<Operation> =>
  acceptJobChange(deps, change, at, async () => ({ request: { kind: 'stop-job', mode: 'savepoint', drain }, desired: 'STOPPED' }));
