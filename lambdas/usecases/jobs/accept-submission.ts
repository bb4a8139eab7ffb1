import { Conflict } from '../../contracts/errors';
import type { Job, JobSpec } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import { flinkJobIdOf } from '../../domain/flink-job-id';
import { isJobOver } from '../../domain/job-lifecycle';
import { leaseUntil } from '../../domain/lease';
import { accept, type ChangeRequest, newOperation } from '../operations/accept';
import { requireFreeJob, requireRunningCluster } from '../operations/in-the-way';
import { checkJobRequest, type JobRequestDeps, storeProgram } from './job-request';

/**
 * Accepts a job. A name whose job has ended can be used again: the job goes on as its next epoch, with the state of the last one unless the
 * restore policy says otherwise.
 * @throws InvalidRequest, NotFound; Conflict when the cluster does not run, or a job of that name does
 */
export const acceptSubmission = (deps: JobRequestDeps, change: ChangeRequest, clusterName: string, spec: JobSpec): Promise<Operation> =>
  accept(deps, change, async () => {
    const cluster = await requireRunningCluster(deps, clusterName);
    const previous = await deps.store.job(clusterName, spec.name);
    if (previous) {
      requireFreeJob(deps, previous);
      if (!isJobOver(previous.status)) throw new Conflict(`Job ${spec.name} is ${previous.status} already; upgrade it to change it`);
    }
    const parallelism = spec.parallelism ?? cluster.size.defaultParallelism;
    await checkJobRequest(deps, cluster, { ...spec, parallelism });
    const program = await storeProgram(deps, clusterName, spec.name, spec);
    if (!program) throw new Error('A spec without a program has passed its schema');
    const operation = newOperation(deps, change, clusterName, spec.name, { kind: 'submit-job' });
    const epoch = (previous?.epoch ?? 0) + 1;
    const job: Job = {
      cluster: clusterName,
      name: spec.name,
      spec: {
        name: spec.name,
        program,
        parallelism,
        flinkConfiguration: spec.flinkConfiguration,
        restore: spec.restore,
        ...(spec.allowSpot === undefined ? {} : { allowSpot: spec.allowSpot }),
        ...(spec.retention === undefined ? {} : { retention: spec.retention }),
        ...(spec.source === undefined ? {} : { source: spec.source }),
        ...(spec.scaling === undefined ? {} : { scaling: spec.scaling }),
      },
      revision: (previous?.revision ?? 0) + 1,
      epoch,
      flinkJobId: flinkJobIdOf({ cluster: clusterName, clusterEpoch: cluster.epoch, job: spec.name, jobEpoch: epoch }),
      status: 'SUBMITTING',
      desired: 'RUNNING',
      statusReason: 'Accepted',
      lease: { operationId: operation.operationId, acquiredAt: operation.requestedAt, until: leaseUntil(operation.deadline) },
      ...(previous?.latestSavepoint === undefined ? {} : { latestSavepoint: previous.latestSavepoint }),
      createdAt: previous?.createdAt ?? operation.requestedAt,
      updatedAt: operation.requestedAt,
    };
    return { operation, write: () => deps.store.acceptJobChange(operation, job, previous, { room: 'any' }) };
  });
