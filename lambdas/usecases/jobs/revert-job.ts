import type { Cluster } from '../../contracts/cluster';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Awaited_, RevertJobInput } from '../../contracts/workflow';
import { isFinal } from '../../domain/decide-job-progress';
import { flinkJobIdOf } from '../../domain/flink-job-id';
import { mayStillAppear } from '../../domain/start-asked';
import type { FlinkPort } from '../../gateways/flink/flink.port';
import { connect, ownJob } from '../operations/owned';
import { findRestorePoint } from '../state/restore-point';
import { keepSavepoint, triggerIdOf } from './savepoints';
import { runJob, type StartDeps, uploadAgain } from './start-job';

/**
 * After an upgrade that failed: the previous version runs on, or, when it has ended already, is started as a further epoch from what the new version
 * has completed, else from the savepoint that the upgrade took. Ready once Flink has it; not ready while its end is still under way.
 */
export const revertJob = async (deps: StartDeps, operation: Operation, input: RevertJobInput): Promise<Awaited_> => {
  const { cluster, job } = await ownJob(deps, operation);
  const flink = connect(deps.flink, cluster);
  if (isReverted(job, input)) return startAgain(deps, flink, operation, job);
  if (job.epoch === input.epoch) {
    const still = await stillRunning(deps, flink, operation, job);
    if (still) return still;
  }
  return startAgain(deps, flink, operation, await storeIntent(deps, operation, job, input, cluster));
};

/** Going back clears the previous version, which every upgrade sets. */
const isReverted = (job: Job, input: RevertJobInput): boolean => job.epoch > input.epoch && job.previousSpec === undefined;

const recoveryOf = ({ request }: Operation) => (request.kind === 'upgrade-job' ? request.recovers : undefined);

/** @returns undefined when the previous version has ended */
const stillRunning = async (deps: StartDeps, flink: FlinkPort, operation: Operation, job: Job): Promise<Awaited_ | undefined> => {
  const stopAskedBy = recoveryOf(operation)?.operationId ?? operation.operationId;
  const savepoint = await flink.savepoint(job.flinkJobId, triggerIdOf(stopAskedBy, job.flinkJobId));
  if (savepoint.state === 'completed') await keepSavepoint(deps, operation, job, savepoint.location);
  const seen = await flink.job(job.flinkJobId);
  if (!seen && mayStillAppear(job, deps.clock().toISOString()))
    return { ready: false, reason: 'Flink may not have answered a start that it is still working on' };
  if (seen?.state === 'FINISHED' && job.stopAskedBy === undefined)
    return { ready: true, reason: 'The previous version has done all its work before it was asked to stop' };
  if (!seen || isFinal(seen.state)) return undefined;
  if (savepoint.state === 'in-progress' || savepoint.state === 'completed')
    return { ready: false, reason: 'The stop of the previous version is still under way' };
  return { ready: true, reason: 'The previous version has not stopped' };
};

const storeIntent = async (deps: StartDeps, operation: Operation, job: Job, input: RevertJobInput, cluster: Cluster): Promise<Job> => {
  const stored = await deps.store.job(job.cluster, job.name);
  const current = stored ?? job;
  const started = job.epoch > input.epoch;
  const epoch = job.epoch + 1;
  // The policy of the first start does not apply to a start that goes on.
  const location = started ? await stateToGoBackWith(deps, cluster, current) : (await findRestorePoint(deps, cluster, current)).location;
  return deps.store.updateJob(job.cluster, job.name, operation.operationId, {
    spec: started ? previousSpecFor(current, location) : job.spec,
    previousSpec: undefined,
    revision: started ? job.revision + 1 : job.revision,
    epoch,
    flinkJobId: flinkJobIdOf({ cluster: job.cluster, clusterEpoch: cluster.epoch, job: job.name, jobEpoch: epoch }),
    startAsked: undefined,
    stopAskedBy: undefined,
    restoredFrom: location,
    restoredStateAt: undefined,
    jarId: input.jarId ?? undefined,
    status: 'SUBMITTING',
    statusReason: 'The previous version is being started again',
  });
};

/**
 * What the new version has completed comes first: since the savepoint that it began with it may have handed on results. Only where it was allowed to leave
 * state behind it is that savepoint all the same, because what was left behind is nowhere else; records since then are processed once more.
 */
const stateToGoBackWith = async (deps: StartDeps, cluster: Cluster, job: Job): Promise<string | undefined> =>
  job.spec.restore.allowNonRestoredState ? job.restoredFrom : (await findRestorePoint(deps, cluster, job)).location;

/** In a state of the new version's there may be some that the previous one has no use for, and never had. */
const previousSpecFor = ({ spec, previousSpec, restoredFrom }: Job, location: string | undefined): Job['spec'] => {
  const previous = previousSpec ?? spec;
  return location === restoredFrom ? previous : { ...previous, restore: { ...previous.restore, allowNonRestoredState: true } };
};

const startAgain = async (deps: StartDeps, flink: FlinkPort, operation: Operation, job: Job): Promise<Awaited_> => {
  const reason = `The previous version is started as epoch ${job.epoch} from ${job.restoredFrom ?? 'nothing'}`;
  if (await flink.job(job.flinkJobId)) return { ready: true, reason };
  const hasJar = job.spec.program.kind !== 'jar' || job.jarId !== undefined;
  await runJob(deps, flink, operation, hasJar ? job : await uploadAgain(deps, flink, operation, job));
  return { ready: true, reason };
};
