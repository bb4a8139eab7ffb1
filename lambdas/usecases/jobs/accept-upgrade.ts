import type { UpgradeBody } from '../../contracts/api';
import type { StoredJobSpec } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { ChangeRequest } from '../operations/accept';
import { acceptJobChange } from './accept-job-change';
import { checkJobRequest, type JobRequestDeps, storeProgram } from './job-request';

/** Changes program or settings of a running job; it goes on from a savepoint. @throws InvalidRequest */
export const acceptUpgrade = (
  deps: JobRequestDeps,
  change: ChangeRequest,
  at: { readonly cluster: string; readonly job: string },
  body: UpgradeBody,
): Promise<Operation> =>
  acceptJobChange(deps, change, at, async (cluster, job) => {
    const parallelism = body.parallelism ?? job.spec.parallelism;
    const flinkConfiguration = body.flinkConfiguration ?? job.spec.flinkConfiguration;
    const allowSpot = body.allowSpot ?? job.spec.allowSpot;
    const { jar, sql, scaling: wanted } = body;
    await checkJobRequest(deps, cluster, { jar, sql, kept: job.spec.program, flinkConfiguration, parallelism, scaling: wanted, allowSpot });
    const program = (await storeProgram(deps, at.cluster, at.job, body)) ?? job.spec.program;
    const restore = { from: 'latest' as const, allowNonRestoredState: body.allowNonRestoredState };
    const retention = body.retention ?? job.spec.retention;
    const source = body.source ?? job.spec.source;
    const scaling = body.scaling ?? job.spec.scaling;
    // A parallelism that is asked for is meant for every vertex.
    const scaled = body.parallelism === undefined ? job.spec.scaled : undefined;
    const spec: StoredJobSpec = {
      name: at.job,
      program,
      parallelism,
      flinkConfiguration,
      restore,
      ...(allowSpot === undefined ? {} : { allowSpot }),
      ...(retention === undefined ? {} : { retention }),
      ...(source === undefined ? {} : { source }),
      ...(scaling === undefined ? {} : { scaling }),
      ...(scaled === undefined ? {} : { scaled }),
    };
    return { kind: 'upgrade-job', spec };
  });
