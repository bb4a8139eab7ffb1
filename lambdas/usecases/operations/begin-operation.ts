import type { Cluster } from '../../contracts/cluster';
import { Superseded } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import type { Begun } from '../../contracts/workflow';
import type { Clock } from '../../domain/clock';
import { quietUntil } from '../../domain/deadlines';
import { isJobOver } from '../../domain/job-lifecycle';
import { jobManagerAddresses } from '../../domain/job-managers';
import { leaseUntil } from '../../domain/lease';
import { isThere } from '../../domain/reserve';
import type { LeaseTarget, StorePort } from '../../gateways/aws/store.port';
import { heldByAnybody, requireCluster } from './in-the-way';
import { allJobs, isCancellation, jobNameOf, notYet, ownCluster, ownJob, ownTarget } from './owned';

export interface BeginOperationDeps {
  readonly store: StorePort;
  readonly clock: Clock;
}

/** Marks an operation as running once it holds the lease of what it changes, and says which way its workflow goes. */
export const beginOperation = async ({ store, clock }: BeginOperationDeps, operation: Operation): Promise<Begun> => {
  const now = clock().toISOString();
  if (!(await store.markRunning(operation.operationId, now))) throw new Superseded('the operation has ended already');
  if (operation.request.kind === 'replace-host') return beginReplacement({ store, clock }, operation, operation.request);
  if (operation.request.kind === 'prepare-reserve') return beginReserve(store, operation, operation.request);
  const waits = operation.kind === 'terminate-cluster' || isCancellation(operation);
  const target: LeaseTarget =
    operation.job === undefined ? { cluster: operation.cluster } : { cluster: operation.cluster, job: operation.job };
  // Before the lease: the new start may hold it for long.
  await refuseIfStartedAgain(store, operation);
  const holder = await takeLease(store, target, operation, now);
  if (holder !== undefined && !waits) throw new Superseded(`${describe(target)} is held by ${holder}`);
  if (holder !== undefined) {
    const waiting = notYet(operation, clock, `Waits for ${holder} to let go of ${describe(target)}`);
    return { ...waiting, plan: 'wait', epoch: 0, jarId: null, parallelism: null };
  }
  await refuseIfStartedAgain(store, operation);
  const maker = operation.kind === 'terminate-cluster' ? await reserveMaker(store, operation.cluster) : undefined;
  if (maker !== undefined) {
    const waiting = notYet(operation, clock, `Waits for ${maker} to let go of the reserve of ${describe(target)}`);
    return { ...waiting, plan: 'wait', epoch: 0, jarId: null, parallelism: null };
  }
  return operation.job === undefined ? beginWithCluster(store, operation) : beginWithJob(store, operation);
};

/** Of a host that the cluster is moving to, once it has moved there; of a JobManager's, while nothing else is under way. */
const beginReplacement = async (
  { store, clock }: BeginOperationDeps,
  operation: Operation,
  { instanceId, notice, evidence, epoch: ofHost, role }: Extract<Operation['request'], { kind: 'replace-host' }>,
): Promise<Begun> => {
  const wait = (reason: string): Begun => {
    const waiting = notYet(operation, clock, reason);
    return { ...waiting, plan: 'wait', epoch: ofHost, jarId: null, parallelism: null };
  };
  const { name, status, desired, epoch } = await requireCluster(store, operation.cluster);
  if (status === 'FAILING_OVER' && desired === 'RUNNING' && epoch === ofHost) return wait(`Waits until cluster ${name} has moved`);
  const cluster = await ownTarget({ store }, operation);
  if (role === 'jobmanager') {
    const busy = clock().toISOString() < quietUntil(operation) ? await underWayBefore({ store, clock }, operation, cluster) : undefined;
    return busy === undefined
      ? { ready: true, plan: 'relieve-jobmanager', epoch: ofHost, jarId: null, parallelism: null, reason: relieving(instanceId, evidence) }
      : wait(`Waits for ${busy}: a JobManager is relieved while nothing else is under way`);
  }
  const reason = notice === 'surplus' ? 'Gives back hosts that no job needs' : `Replaces ${instanceId}: ${evidence ?? notice}`;
  const plan = notice === 'silence' ? 'replace-jobmanager' : 'replace';
  return { ready: true, plan, epoch: ofHost, jarId: null, parallelism: null, reason };
};

const relieving = (instanceId: string, evidence: string | undefined): string =>
  `Relieves the JobManager on ${instanceId}${evidence === undefined ? '' : `: ${evidence}`}`;

/** What holds the cluster or one of its jobs, or replaces a host of it: its other JobManager's where that was asked for before. */
const underWayBefore = async (
  { store, clock }: BeginOperationDeps,
  { operationId, requestedAt }: Operation,
  cluster: Cluster,
): Promise<string | undefined> => {
  const holder = heldByAnybody(cluster, await allJobs(store, cluster.name), clock)?.operationId;
  if (holder !== undefined) return holder;
  const before = (one: Operation): boolean =>
    one.requestedAt < requestedAt || (one.requestedAt === requestedAt && one.operationId < operationId);
  const replaces = (one: Operation): boolean =>
    one.cluster === cluster.name && one.request.kind === 'replace-host' && (one.request.role !== 'jobmanager' || before(one));
  return (await store.openOperations()).find(replaces)?.operationId;
};

const beginReserve = async (
  store: StorePort,
  operation: Operation,
  { action, zone, reason }: Extract<Operation['request'], { kind: 'prepare-reserve' }>,
): Promise<Begun> => {
  const { epoch } = await ownTarget({ store }, operation, action === 'take-away' ? 'cleaning' : 'changing');
  return { ready: true, plan: action, epoch, jarId: null, parallelism: null, reason: `Reserve in ${zone} (epoch ${epoch}): ${reason}` };
};

/** Who makes something of a reserve now: taken away in that moment, it could be made behind one's back. It ends once it sees that the cluster is to go. */
const reserveMaker = async (store: StorePort, cluster: string): Promise<string | undefined> => {
  const { reserve } = await requireCluster(store, cluster);
  if (!isThere(reserve) || reserve.status === 'leaving' || reserve.by === undefined) return undefined;
  const status = (await store.operation(reserve.by))?.status;
  return status === 'PENDING' || status === 'RUNNING' ? reserve.by : undefined;
};

/**
 * A cancellation and a termination wait for what they strike, and only a new submission or launch of the same name wants it to run again:
 * then it is no longer what they were asked for.
 */
const refuseIfStartedAgain = async (store: StorePort, operation: Operation): Promise<void> => {
  const { cluster, job } = operation;
  if (operation.kind === 'terminate-cluster' && (await store.cluster(cluster))?.desired === 'RUNNING')
    throw new Superseded(`cluster ${cluster} was launched again since this was asked`);
  if (job !== undefined && isCancellation(operation) && (await store.job(cluster, job))?.desired === 'RUNNING')
    throw new Superseded(`job ${job} was submitted again since this was asked`);
};

const beginWithCluster = async (store: StorePort, operation: Operation): Promise<Begun> => {
  const cluster = await ownCluster({ store }, operation);
  const begun = { ready: true, epoch: cluster.epoch, jarId: null, parallelism: null };
  const { request } = operation;
  if (request.kind === 'fail-over-cluster')
    return request.cleansOnly
      ? { ...begun, plan: 'clean', reason: `Takes away what is left of earlier epochs of ${cluster.name}` }
      : {
          ...begun,
          plan: 'move',
          reason: `Epoch ${cluster.epoch} of ${cluster.name} begins in ${cluster.zone}: ${request.trigger.evidence}`,
        };
  if (request.kind === 'drill-on-copy')
    return {
      ...begun,
      plan: 'launch',
      reason: `Makes ${cluster.name}, a copy of ${cluster.copyOf} in ${cluster.zone}: ${request.trigger.evidence}`,
    };
  if (operation.request.kind !== 'terminate-cluster')
    return { ...begun, plan: 'launch', reason: `Launches epoch ${cluster.epoch} of ${cluster.name}` };
  if (cluster.status === 'TERMINATED') return { ...begun, plan: 'nothing', reason: 'The cluster is gone already' };
  await store.updateCluster(cluster.name, operation.operationId, {
    status: 'TERMINATING',
    statusReason: `Terminated by ${operation.requestedBy}`,
  });
  return {
    ...begun,
    // Not from the status, which this wrote itself if it is tried again. Without a job either way is the same.
    plan: jobManagerAddresses(cluster.resources).length === 0 ? 'nothing-runs' : operation.request.jobs,
    reason: `Terminates ${cluster.name}`,
  };
};

const beginWithJob = async (store: StorePort, operation: Operation): Promise<Begun> => {
  const { job } = await ownJob({ store }, operation);
  const begun = { ready: true, epoch: job.epoch, jarId: job.jarId ?? null, parallelism: job.spec.parallelism };
  const { request } = operation;
  switch (request.kind) {
    case 'stop-job':
      if (isJobOver(job.status)) return { ...begun, plan: 'nothing', reason: `The job has ended already: ${job.status}` };
      return { ...begun, plan: request.mode, reason: request.mode === 'savepoint' ? 'Stops the job with a savepoint' : 'Cancels the job' };
    case 'rescale-job': {
      // At the parallelism that it has already, there is nothing to make room for, but perhaps something to give back.
      const plan = request.parallelism <= job.spec.parallelism ? 'in' : 'out';
      return { ...begun, plan, reason: `Rescales from parallelism ${job.spec.parallelism} to ${request.parallelism}` };
    }
    case 'scale-job':
      return { ...begun, plan: request.action === 'settle' ? 'settle' : request.direction, reason: request.reason };
    case 'set-scaling':
      return { ...begun, plan: 'alarms', reason: 'The settings are stored; the alarms follow them' };
    case 'take-savepoint':
      return { ...begun, plan: 'savepoint', reason: `Takes a savepoint of epoch ${job.epoch}` };
    case 'upgrade-job':
      if (request.recovers) {
        const { operationId, epoch } = request.recovers;
        const jarId = epoch === job.epoch ? begun.jarId : null;
        return {
          ...begun,
          plan: 'restore',
          epoch,
          jarId,
          reason: `Sees to it that the version of epoch ${epoch} runs: ${operationId} was interrupted`,
        };
      }
      return { ...begun, plan: 'upgrade', reason: `Upgrades from revision ${job.revision}` };
    default:
      return { ...begun, plan: 'submit', reason: `Starts ${jobNameOf(operation)} as epoch ${job.epoch}` };
  }
};

/** @returns undefined when the operation holds the lease now, else who holds it */
const takeLease = async (store: StorePort, target: LeaseTarget, operation: Operation, now: string): Promise<string | undefined> => {
  const wanted = { operationId: operation.operationId, acquiredAt: now, until: leaseUntil(operation.deadline) };
  if (await store.acquireLease(target, wanted)) return undefined;
  const holder = await holderOf(store, target);
  if (holder === undefined) return (await store.acquireLease(target, wanted)) ? undefined : 'another operation';
  // An operation may end in the moment before it lets go: what has ended holds nothing.
  const status = (await store.operation(holder))?.status;
  if (status === 'PENDING' || status === 'RUNNING') return holder;
  await store.releaseLease(target, holder);
  return (await store.acquireLease(target, wanted)) ? undefined : holder;
};

const holderOf = async (store: StorePort, target: LeaseTarget): Promise<string | undefined> =>
  target.job === undefined
    ? (await requireCluster(store, target.cluster)).lease?.operationId
    : (await store.job(target.cluster, target.job))?.lease?.operationId;

const describe = ({ cluster, job }: LeaseTarget): string => (job === undefined ? `cluster ${cluster}` : `job ${job}`);
