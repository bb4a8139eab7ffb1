import type { Operation } from '../../contracts/operation';
import type { JobScaling } from '../../contracts/scaling';
import { acceptJobChange, refuse } from '../jobs/accept-job-change';
import { budgetProblems } from '../jobs/job-request';
import type { AcceptDeps, ChangeRequest } from '../operations/accept';

/** Says how a running job scales. The settings hold at once: they are stored with the operation, whose workflow makes the alarms follow. @throws InvalidRequest */
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
    async (cluster) => {
      refuse(budgetProblems(scaling, cluster, deps.stage, ''));
      return { kind: 'set-scaling', scaling };
    },
    (job) => ({ ...job, spec: { ...job.spec, scaling } }),
  );
