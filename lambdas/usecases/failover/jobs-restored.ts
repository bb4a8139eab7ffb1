import { FlinkUnavailable, JobRejected } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import type { JobsSeen } from '../../contracts/workflow';
import { decideJobProgress, isFinal, isStillborn, MOST_STARTS } from '../../domain/decide-job-progress';
import { mayStillAppear } from '../../domain/start-asked';
import type { FlinkPort } from '../../gateways/flink/flink.port';
import { triggerIdOf } from '../jobs/savepoints';
import { type InterruptedJob, interruptedJobs } from '../operations/interrupted-jobs';
import { connect, type FlinkDeps, notYet, ownCluster } from '../operations/owned';

/**
 * Whether the jobs run with all their tasks on the new hosts; each is asked for a checkpoint and recorded as it does. One that has failed is recorded as
 * failed, and one that goes on failing is left to Flink, which starts it again and again: it is not over. One that failed before it had tasks is to be started
 * once more, as a further epoch.
 */
export const jobsRestored = async (deps: FlinkDeps, operation: Operation): Promise<JobsSeen> => {
  const cluster = await ownCluster(deps, operation);
  const flink = connect(deps.flink, cluster);
  const jobs = await interruptedJobs(deps.store, operation);
  const looks = await Promise.all(
    jobs.map(async (job) => {
      const seen = await flink.job(job.flinkJobId);
      const progress = decideJobProgress(seen, { startingAt: deps.clock().toISOString() });
      if (progress.action === 'wait') return { waits: true, again: false, reason: `${job.name}: ${progress.reason}` };
      if (isStillborn(seen) && isAskedTwice(deps, job))
        return {
          waits: true,
          again: false,
          reason: `${job.name} failed before it had tasks, and another request of its start may still come`,
        };
      if (isStillborn(seen) && (await keepForAnotherStart(deps, operation, job)))
        return { waits: true, again: true, reason: `${job.name} failed before it had tasks and is started once more: ${progress.reason}` };
      if (progress.action === 'running') await askForCheckpoint(flink, operation, job);
      await record(deps, operation, job, progress, seen !== undefined && !isFinal(seen.state));
      return { waits: false, again: false, reason: `${job.name}: ${progress.reason}` };
    }),
  );
  const waiting = looks.filter(({ waits }) => waits);
  const reason = (waiting.length > 0 ? waiting : looks).map((look) => look.reason).join('; ');
  if (waiting.length === 0) return { ready: true, again: false, reason: reason || 'No job is left to wait for' };
  return { ...notYet(operation, deps.clock, reason), again: waiting.some(({ again }) => again) };
};

/** Flink takes the id of a job that has ended once more: an earlier request of the same start whose answer was lost could run beside the next. */
const isAskedTwice = ({ clock }: FlinkDeps, job: InterruptedJob): boolean =>
  (job.startAsked?.times ?? 0) > 1 && mayStillAppear(job, clock().toISOString());

/** @returns false when it was started often enough */
const keepForAnotherStart = async ({ store }: FlinkDeps, operation: Operation, job: InterruptedJob): Promise<boolean> => {
  const { epoch, failedStarts = 0, ...interrupted } = job.interrupted;
  // Kept already, by a look whose answer was lost.
  if (epoch !== job.epoch) return true;
  if (failedStarts + 1 >= MOST_STARTS) return false;
  const change = { startAsked: undefined, interrupted: { ...interrupted, failedStarts: failedStarts + 1 } };
  // A look whose answer was lost may end when the next start has begun, of which it knows nothing.
  await store.updateJob(job.cluster, job.name, operation.operationId, change, job.epoch);
  return true;
};

/**
 * What an exactly-once sink has written is seen once a checkpoint is complete, and until then a second loss throws away what was done since: too much to leave to the
 * job's interval. It comes by itself where asking fails.
 */
const askForCheckpoint = async (flink: FlinkPort, { operationId }: Operation, { flinkJobId }: InterruptedJob): Promise<void> => {
  try {
    await flink.triggerCheckpoint(flinkJobId, triggerIdOf(`${operationId}/restored`, flinkJobId));
  } catch (error) {
    if (!(error instanceof FlinkUnavailable || error instanceof JobRejected)) throw error;
  }
};

const record = async (
  { store }: FlinkDeps,
  operation: Operation,
  job: InterruptedJob,
  { action, reason }: { readonly action: 'running' | 'finished' | 'failed' | 'gone'; readonly reason: string },
  goesOn: boolean,
): Promise<void> => {
  const status = goesOn ? 'RUNNING' : action === 'finished' ? 'FINISHED' : 'FAILED';
  await store.updateJob(job.cluster, job.name, operation.operationId, {
    status,
    statusReason: action === 'running' ? `${reason} in another zone` : reason,
    interrupted: undefined,
    startAsked: undefined,
  });
};
