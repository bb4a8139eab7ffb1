import type { Operation } from '../contracts/operation';
import type { JobScaling } from '../contracts/scaling';
import type { AcceptDeps, ChangeRequest } from './accept';
import { acceptJobChange } from './accept-job-change';

/** Says how a running job scales. The settings hold at once: they are stored with the operation, whose workflow makes the alarms follow. */
export const acceptScaling = (
  deps: AcceptDeps,
  change: ChangeRequest,
  at: { readonly cluster: string; readonly job: string },
  scaling: JobScaling,
): Promise<Operation> =>
  acceptJobChange(
    deps,
    change,
    at,
    async () => ({ kind: 'set-scaling', scaling }),
    (job) => ({ ...job, spec: { ...job.spec, scaling } }),
  );
