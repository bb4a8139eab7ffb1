import type { Cluster } from '../contracts/cluster';
import type { Job } from '../contracts/job';
import type { Operation } from '../contracts/operation';
import { describeChanges } from './cluster-change';
import { type Failure, sentence } from './describe-failure';
import { isJobOver } from './job-lifecycle';

/** Error name of an operation whose workflow ended without ending it. What it left is not known. */
export const INTERRUPTED = 'WorkflowInterrupted';

type ClusterChange = Pick<Cluster, 'status' | 'statusReason'>;
type JobChange = Partial<Pick<Job, 'status' | 'statusReason' | 'desired'>>;

/**
 * Whether an operation gave way to another, which sees to the rest. A move that still holds its cluster, which is wanted, did not: it ended for the sake of one
 * of its jobs, and nobody goes on in its place.
 */
export const isSuperseded = (operation: Operation, cluster: Cluster | undefined, failure: Failure | undefined): boolean => {
  const holds = cluster?.lease?.operationId === operation.operationId && cluster.desired === 'RUNNING';
  return failure?.name === 'Superseded' && !(operation.kind === 'fail-over-cluster' && holds);
};

/** What a cluster is once an operation on it has ended. undefined: as it is. `leftover`: why taking away did not work. */
export const clusterAfter = (
  operation: Operation,
  cluster: Cluster,
  failure: Failure | undefined,
  leftover: Failure | undefined,
): ClusterChange | undefined => {
  if (operation.kind === 'launch-cluster') {
    if (!failure)
      return { status: 'RUNNING', statusReason: `Launched with ${cluster.size.taskManagers.min} TaskManagers in ${cluster.zone}` };
    // Whoever superseded the launch takes away what it made.
    if (failure.name === 'Superseded') return undefined;
    if (failure.name === INTERRUPTED) return { status: 'FAILED', statusReason: sentence(failure.message) };
    if (leftover)
      return {
        status: 'FAILED',
        statusReason: `${sentence(failure.message)} ${sentence(`Not all could be taken away: ${leftover.message}`)}`,
      };
    return { status: 'TERMINATED', statusReason: `The launch failed and all was taken away again. ${sentence(failure.message)}` };
  }
  if (operation.request.kind === 'drill-on-copy') {
    // Stored by an end that was not answered.
    if (cluster.status === 'TERMINATED') return undefined;
    const drill = `the copy of ${cluster.copyOf} for ${operation.operationId}`;
    if (failure?.name === INTERRUPTED) return { status: 'FAILED', statusReason: sentence(failure.message) };
    return leftover
      ? { status: 'FAILED', statusReason: sentence(`Not all of ${drill} could be taken away: ${leftover.message}`) }
      : { status: 'TERMINATED', statusReason: sentence(`It was ${drill}, and went with it`) };
  }
  // Handed over, or given back: what came afterwards does not concern its users.
  if (operation.kind === 'fail-over-cluster')
    return failure && cluster.status === 'FAILING_OVER' && !isSuperseded(operation, cluster, failure)
      ? {
          status: 'FAILED',
          statusReason: `${sentence(`The move to ${cluster.zone} failed: ${failure.message}`)} ${waiting(cluster)}`,
        }
      : undefined;
  if (operation.kind !== 'terminate-cluster' || cluster.status === 'TERMINATED') return undefined;
  // The cluster was launched again since.
  if (failure?.name === 'Superseded') return undefined;
  const problem = failure ?? leftover;
  if (problem) return { status: 'FAILED', statusReason: sentence(`The termination is not complete: ${problem.message}`) };
  return { status: 'TERMINATED', statusReason: `Terminated by ${operation.requestedBy}` };
};

const waiting = ({ spec }: Cluster): string =>
  spec.placement.failover.automatic
    ? 'Its jobs wait with their state: the move is tried again by itself, a minute later at first and an hour later at most.'
    : 'Its jobs wait with their state for a person to move it again (placement.failover.automatic is false).';

/** What a job is once an operation on it has ended. undefined: as it is (its workflow has recorded what Flink showed). */
export const jobAfter = (
  operation: Operation,
  job: Job,
  failure: Failure | undefined,
  leftover: Failure | undefined,
): JobChange | undefined => {
  // Stopped all the same, by the savepoint that its operation had given up on.
  if (operation.request.kind === 'stop-job' && failure && job.status === 'STOPPED') return { desired: 'STOPPED' };
  if (operation.request.kind === 'stop-job' && !failure) {
    if (isJobOver(job.status)) return { desired: 'STOPPED' };
    return operation.request.mode === 'cancel'
      ? { status: 'CANCELED', statusReason: `Canceled by ${operation.requestedBy}`, desired: 'STOPPED' }
      : { status: 'STOPPED', statusReason: `Stopped with savepoint ${job.latestSavepoint ?? ''}`.trim(), desired: 'STOPPED' };
  }
  if (!failure) return undefined;
  const message = sentence(failure.message);
  const superseded = failure.name === 'Superseded';
  // A job that Flink may have is never recorded as over: whoever cancels it must not take it for ended, nor may it be started again beside itself.
  const over: JobChange = superseded
    ? { status: 'CANCELED', statusReason: `Not running. ${message}` }
    : { status: 'FAILED', statusReason: message };
  const mayRun: JobChange = {
    status: 'RUNNING',
    statusReason: `It may still run in Flink${leftover ? `: ${sentence(leftover.message)}` : '.'} ${message}`,
  };
  if (operation.kind === 'submit-job' && failure.name !== INTERRUPTED) return job.startAsked === undefined ? over : mayRun;
  // Neither version was left in Flink, or the previous one was started again and Flink shows its end.
  if (operation.kind === 'upgrade-job' && failure.name !== INTERRUPTED && job.status === 'SUBMITTING') {
    if (job.startAsked !== undefined && leftover?.name !== 'JobFailed') return mayRun;
    if (superseded || job.latestSavepoint === undefined) return over;
    return {
      status: 'FAILED',
      statusReason: `${message} It was stopped for the upgrade: submitted again it goes on from ${job.latestSavepoint}.`,
    };
  }
  // No transient status outlives its operation; describing the job asks Flink again.
  if (job.status === 'STOPPING' || job.status === 'SUBMITTING')
    return { status: 'RUNNING', statusReason: `Last seen before this: ${message}` };
  return undefined;
};

/** What was done, in one sentence. */
export const summary = (operation: Operation, job: Job | undefined, savepoint: string | null | undefined): string => {
  const at = savepoint ? ` (${savepoint})` : '';
  switch (operation.request.kind) {
    case 'launch-cluster':
      return `Cluster ${operation.cluster} is running.`;
    case 'terminate-cluster':
      return `Cluster ${operation.cluster} is terminated; no host of it is left.`;
    case 'submit-job':
      return job?.status === 'FINISHED'
        ? `Job ${operation.job} has run and finished.`
        : `Job ${operation.job} is running at parallelism ${job?.spec.parallelism}.`;
    case 'stop-job':
      if (operation.request.mode === 'savepoint')
        return `Job ${operation.job} is stopped${savepoint ? ` with savepoint ${savepoint}` : ''}.`;
      return `Job ${operation.job} is ${job?.status === 'CANCELED' ? 'canceled' : 'not running'}.`;
    case 'take-savepoint':
      return `The savepoint is complete${at}.`;
    case 'upgrade-job':
      if (operation.request.recovers) return `Job ${operation.job} is ${job?.status} at revision ${job?.revision}.`;
      return `Job ${operation.job} runs revision ${job?.revision}, restored from its savepoint${at}.`;
    case 'fail-over-cluster':
      if (operation.request.cleansOnly) return `Nothing is left of earlier epochs of cluster ${operation.cluster}.`;
      return `Cluster ${operation.cluster} was moved from ${operation.request.from}.`;
    case 'drill-on-copy':
      return `A move of the cluster from ${operation.request.from} to ${operation.request.zone} was rehearsed on ${operation.request.copy}, of which nothing is left.`;
    case 'replace-host':
      if (operation.request.notice === 'silence') return `The JobManager of cluster ${operation.cluster} did not answer.`;
      if (operation.request.role === 'jobmanager')
        return `The JobManager of cluster ${operation.cluster} has left host ${operation.request.instanceId} before EC2 takes it.`;
      return operation.request.notice === 'surplus'
        ? `Hosts that no job of cluster ${operation.cluster} needs were given back as far as nothing runs on them.`
        : `Host ${operation.request.instanceId} has left cluster ${operation.cluster}.`;
    case 'prepare-reserve':
      return reserveSummary(operation.cluster, operation.request);
    case 'rescale-job':
      return `Job ${operation.job} runs at parallelism ${operation.request.parallelism}.`;
    case 'scale-job':
      return scaledSummary(operation.request, job);
    case 'change-cluster':
      return describeChanges(operation.request.changes);
    case 'set-scaling':
      return `Job ${operation.job} ${operation.request.scaling.enabled ? 'scales by itself' : 'has alarms and does not scale by itself'}.`;
  }
};

const reserveSummary = (cluster: string, request: Extract<Operation['request'], { kind: 'prepare-reserve' }>): string =>
  request.action === 'take-away'
    ? `Nothing is left of the reserve of cluster ${cluster} in ${request.zone}.`
    : `${request.hosts} TaskManager hosts and a JobManager of cluster ${cluster} stand by in ${request.zone}.`;

const scaledSummary = (request: Extract<Operation['request'], { kind: 'scale-job' }>, job: Job | undefined): string => {
  const { before, after } = request.slots;
  const now = job?.spec.scaled?.slots ?? job?.spec.parallelism;
  if (request.action === 'settle') return `Job ${job?.name} runs with ${now} slots, as stored.`;
  const vertices = job?.spec.scaled?.vertices;
  const same = (as: Readonly<Record<string, number>>): boolean =>
    vertices !== undefined && Object.entries(as).every(([id, parallelism]) => vertices[id] === parallelism);
  if (same(request.to)) return `Job ${job?.name} was scaled ${request.direction} from ${before} to ${after} slots.`;
  if (vertices === undefined || same(request.from)) return `Job ${job?.name} was not scaled.`;
  return `Job ${job?.name} was scaled ${request.direction} from ${before} to ${now} slots; ${after} were decided.`;
};
