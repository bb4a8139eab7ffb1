import type { Cluster } from '../../contracts/cluster';
import { Superseded } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { EndOperationInput, TaskAnswer } from '../../contracts/workflow';
import { describeFailure, type Failure, sentence, shorten } from '../../domain/describe-failure';
import { failoverReport } from '../../domain/failover-report';
import { isOfEpoch } from '../../domain/flink-job-id';
import { clusterAfter, INTERRUPTED, isSuperseded, jobAfter, summary } from '../../domain/operation-end';
import type { LeaseTarget, StorePort } from '../../gateways/aws/store.port';
import { closeCluster } from '../clusters/close-cluster';
import { slotsOf } from '../clusters/slot-demands';
import { letJobsGo } from '../failover/hand-over';
import { CONTROL_PLANE } from './accept';
import { type CountDeps, count } from './count';
import { allJobs } from './owned';

export interface EndOperationDeps extends CountDeps {
  readonly store: StorePort;
}

/**
 * The last task of every workflow: cluster or job gets the status that is true now, the operation its end, its reason and its result, and the
 * lease is let go. Repeating it changes nothing.
 */
export const endOperation = async (
  deps: EndOperationDeps,
  operation: Operation,
  input: EndOperationInput,
): Promise<TaskAnswer & { status: string }> => {
  const { store, clock } = deps;
  const target: LeaseTarget =
    operation.job === undefined ? { cluster: operation.cluster } : { cluster: operation.cluster, job: operation.job };
  if (operation.status !== 'PENDING' && operation.status !== 'RUNNING') {
    await store.releaseLease(target, operation.operationId);
    return { status: operation.status, reason: operation.reason };
  }
  // A clean-up has no other failure than what it could not take away or put back.
  const failure = input.outcome === 'failed' ? describeFailure(input.error ?? input.leftover) : undefined;
  const leftover = input.leftover ? describeFailure(input.leftover) : undefined;
  const cluster = operation.job === undefined ? await store.cluster(operation.cluster) : undefined;
  const job = await settle(deps, operation, cluster, failure, leftover);
  const status = failure === undefined ? 'SUCCEEDED' : isSuperseded(operation, cluster, failure) ? 'CANCELED' : 'FAILED';
  const reason = shorten(
    [failure ? sentence(failure.message) : summary(operation, job, input.savepoint), input.note ?? '', unclean(operation, leftover)]
      .filter(Boolean)
      .join(' '),
  );
  const at = clock().toISOString();
  if (failure) await closePhases(store, operation, input.phase, reason, at);
  // Before the end is stored: twice is better than not at all. One whose workflow has died goes on as another operation, and has an alarm of its own.
  if (status === 'FAILED' && failure?.name !== INTERRUPTED && isOwnMove(operation, cluster)) count(deps, 'FailoversFailed');
  const end = {
    status,
    endedAt: at,
    reason,
    error: failure,
    result: resultOf(operation, job, input, status) ?? (await reportOf(deps, operation, input)),
  } as const;
  if (!(await store.endOperation(operation.operationId, end, target))) await store.releaseLease(target, operation.operationId);
  return { status, reason };
};

/** Whether nobody waits for a move, so that who is on call has to be told that it failed. One home that fails most often leaves the cluster where it is well. */
const isOwnMove = ({ request, requestedBy }: Operation, cluster: Cluster | undefined): boolean => {
  if (requestedBy !== CONTROL_PLANE) return false;
  if (request.kind === 'drill-on-copy') return true;
  return (
    request.kind === 'fail-over-cluster' && !request.cleansOnly && (request.trigger.kind !== 'failback' || cluster?.status !== 'RUNNING')
  );
};

/** Writes what is true of cluster or job now. An operation that lost its lease has nothing to say about them. */
const settle = async (
  deps: EndOperationDeps,
  operation: Operation,
  cluster: Cluster | undefined,
  failure: Failure | undefined,
  leftover: Failure | undefined,
): Promise<Job | undefined> => {
  const { store } = deps;
  const { operationId } = operation;
  try {
    if (operation.job === undefined) {
      // A repetition may come when the name is launched again: nothing of the new cluster must be closed.
      if (cluster?.lease?.operationId !== operationId) return undefined;
      const change = clusterAfter(operation, cluster, failure, leftover);
      // Before the cluster is TERMINATED: should this function die in between, the next try does it all again.
      if (operation.kind === 'terminate-cluster' || operation.kind === 'drill-on-copy')
        await closeCluster(deps, operation, change?.status === 'TERMINATED');
      if (operation.kind === 'fail-over-cluster')
        await letJobsGo(deps, operation, 'FAILED', sentence(failure?.message ?? 'Its start in another zone was not seen'));
      if (change) await store.updateCluster(operation.cluster, operationId, change);
      return undefined;
    }
    const job = await store.job(operation.cluster, operation.job);
    const change = job && jobAfter(operation, job, failure, leftover);
    return change ? await store.updateJob(operation.cluster, operation.job, operationId, change) : job;
  } catch (error) {
    if (error instanceof Superseded) return undefined;
    throw error;
  }
};

const unclean = (operation: Operation, leftover: Failure | undefined): string => {
  if (!leftover) return '';
  const what = operation.job === undefined ? `cluster ${operation.cluster}` : `job ${operation.job}`;
  return sentence(`What was made of ${what} could not be taken away or put back completely: ${leftover.message}`);
};

/** A function that was killed did not say so itself. */
const closePhases = async (store: StorePort, operation: Operation, own: string, reason: string, at: string): Promise<void> => {
  const open = operation.phases.filter((phase) => (phase.outcome === 'running' || phase.outcome === 'waiting') && phase.name !== own);
  for (const { name, startedAt } of open)
    await store.recordPhase(operation.operationId, { name, startedAt, endedAt: at, outcome: 'failed', reason: shorten(reason, 500) });
};

const resultOf = (operation: Operation, job: Job | undefined, input: EndOperationInput, status: string): Operation['result'] => {
  const savepoint = input.savepoint ?? undefined;
  const ran = status === 'SUCCEEDED' && job ? { flinkJobId: job.flinkJobId, parallelism: job.spec.parallelism } : {};
  const scaled = status === 'SUCCEEDED' && job && operation.kind === 'scale-job' ? { slots: slotsOf(job.spec) } : {};
  const kept = savepoint === undefined ? {} : { savepoint };
  return operation.job === undefined ? undefined : { ...ran, ...scaled, ...kept };
};

const reportOf = async (
  { store }: EndOperationDeps,
  operation: Operation,
  { volumeSnapshots }: EndOperationInput,
): Promise<Operation['result']> => {
  if (operation.kind !== 'fail-over-cluster' && operation.kind !== 'drill-on-copy') return undefined;
  const cluster = await store.cluster(operation.cluster);
  if (!cluster) return undefined;
  // The name of a copy that is gone may be another's by now.
  if (operation.kind === 'drill-on-copy' && cluster.lease?.operationId !== operation.operationId) return undefined;
  // Those that were started under the epoch that the failover made: a failover that was given back has started none.
  const restored = (await allJobs(store, cluster.name)).filter((job) => isOfEpoch(cluster, job));
  const failover = failoverReport(operation, cluster.spec.placement.failover.objectiveSeconds, restored);
  return failover && { failover: { ...failover, ...(volumeSnapshots?.length ? { volumeSnapshots } : {}) } };
};
