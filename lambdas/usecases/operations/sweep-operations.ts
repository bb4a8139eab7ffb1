import type { Cluster } from '../../contracts/cluster';
import type { Job } from '../../contracts/job';
import type { Operation, OperationRequest } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import { type Clock, later } from '../../domain/clock';
import { deadlineSecondsOf } from '../../domain/deadlines';
import { isStranded, leavesIdleHosts } from '../../domain/decide-retry';
import { decideSweep } from '../../domain/decide-sweep';
import { shorten } from '../../domain/describe-failure';
import { isJobOver } from '../../domain/job-lifecycle';
import { leaseUntil } from '../../domain/lease';
import { INTERRUPTED } from '../../domain/operation-end';
import { operationIdOfKey } from '../../domain/operation-id';
import type { OperationAccepted, StorePort } from '../../gateways/aws/store.port';
import type { WorkflowsPort } from '../../gateways/aws/workflows.port';
import { slotsOf } from '../clusters/slot-demands';
import { takeOverCluster } from '../failover/accept-failover';
import { CONTROL_PLANE } from './accept';
import { endOperation } from './end-operation';
import { heldLease } from './in-the-way';
import { allClusters, allJobs } from './owned';

export interface SweepDeps {
  readonly store: StorePort;
  readonly workflows: WorkflowsPort;
  readonly stage: Pick<Stage, 'deadlines'>;
  readonly clock: Clock;
}

export interface Swept {
  readonly operationId: string;
  readonly action: 'start' | 'end';
  readonly reason: string;
  /** The operation that takes away what an interrupted one may have left. */
  readonly cleaning?: string;
}

/**
 * Starts what was accepted and not started, and ends what ended without saying so; what an interrupted operation may have left is
 * taken away or put back by an operation of the control plane's own. @param only look at this operation alone
 */
export const sweepOperations = async (deps: SweepDeps, only?: string): Promise<readonly Swept[]> => {
  const swept: Swept[] = [];
  const failures: string[] = [];
  for (const operation of await candidates(deps.store, only)) {
    try {
      const done = await sweepOne(deps, operation);
      if (done) swept.push(done);
    } catch (error) {
      // The operations behind it are looked at all the same.
      failures.push(`${operation.kind} ${operation.operationId}: ${String(error)}`);
    }
  }
  if (only === undefined) failures.push(...(await tidyUp(deps, swept)));
  // Said at the end, so that Lambda sees that the sweep failed, and its alarm.
  if (failures.length > 0) throw new Error(shorten(`${failures.length} operations could not be swept: ${failures.join('; ')}`));
  return swept;
};

/** What a failover could not take away of earlier epochs (a lost zone keeps its hosts for long) is tried again, at most so often. Minutes. */
const TIDY_MINUTES = 10;
/** Where moves fail again and again, their epochs are taken away once there are more. The next try breaks that off (`retry-failovers`). */
const KEPT_STRANDED = 4;
/** Hosts of a failed move that nothing can run on are kept so long for the next try, which finds others: nobody is to pay for ten minutes of them. Seconds. */
const IDLE_SECONDS = 300;

const tidyUp = async (deps: SweepDeps, swept: Swept[]): Promise<readonly string[]> => {
  const failures: string[] = [];
  for (const cluster of await allClusters(deps.store)) {
    if (!cluster.former || cluster.desired !== 'RUNNING') continue;
    try {
      if (cluster.status !== 'RUNNING' && !(await hasTooMuch(deps, cluster))) continue;
      const operationId = heldLease(cluster.lease, deps.clock) ? undefined : await acceptTidying(deps, cluster);
      const reason = `Something of epoch ${[...cluster.former.map(({ epoch }) => epoch), ...(isStranded(cluster) ? [cluster.epoch] : [])].join(', ')} of ${cluster.name} is still there`;
      if (operationId !== undefined) swept.push({ operationId, action: 'start', reason });
    } catch (error) {
      failures.push(`cluster ${cluster.name}: ${String(error)}`);
    }
  }
  return failures;
};

/** Whether a cluster whose moves fail has more than is kept until one has brought its jobs back. */
const hasTooMuch = async ({ store, clock }: SweepDeps, cluster: Cluster): Promise<boolean> => {
  if (!isStranded(cluster)) return false;
  if ((cluster.former ?? []).length > KEPT_STRANDED) return true;
  return later(cluster.updatedAt, IDLE_SECONDS) <= clock().toISOString() && leavesIdleHosts(cluster, await allJobs(store, cluster.name));
};

const acceptTidying = async (deps: SweepDeps, cluster: Cluster): Promise<string | undefined> => {
  const now = deps.clock();
  const period = Math.floor(now.getTime() / (TIDY_MINUTES * 60_000));
  const key = `${cluster.name}/${cluster.epoch}/${period}`;
  const request: OperationRequest = {
    kind: 'fail-over-cluster',
    from: cluster.former?.[0]?.zone ?? cluster.zone,
    zone: cluster.zone,
    trigger: { kind: 'recovery', evidence: 'something of an earlier epoch is still there' },
    cleansOnly: true,
  };
  const operation: Operation = {
    ...ownOperation(deps, operationIdOfKey({ caller: CONTROL_PLANE, method: 'TIDY', path: request.kind, key }), request, cluster.name),
    reason: 'Accepted',
  };
  const { outcome } = await takeOverCluster(deps.store, operation, cluster);
  if (outcome !== 'created') return undefined;
  await deps.workflows.start(operation.kind, operation.operationId);
  return operation.operationId;
};

const sweepOne = async (deps: SweepDeps, operation: Operation): Promise<Swept | undefined> => {
  const execution = await deps.workflows.state(operation.kind, operation.operationId);
  const { action, reason } = decideSweep(operation, execution, deps.clock().toISOString());
  if (action === 'leave') return undefined;
  if (action === 'start') await deps.workflows.start(operation.kind, operation.operationId);
  const cleaning = action === 'end' ? await endInterrupted(deps, operation, reason) : undefined;
  return { operationId: operation.operationId, action, reason, ...(cleaning === undefined ? {} : { cleaning }) };
};

const candidates = async (store: StorePort, only: string | undefined): Promise<readonly Operation[]> => {
  if (only === undefined) return store.openOperations();
  const operation = await store.operation(only);
  if (!operation) return [];
  if (operation.status === 'PENDING' || operation.status === 'RUNNING') return [operation];
  // Ended, and then its workflow: at the latest now it holds nothing.
  const target = operation.job === undefined ? { cluster: operation.cluster } : { cluster: operation.cluster, job: operation.job };
  await store.releaseLease(target, operation.operationId);
  return [];
};

const endInterrupted = async (deps: SweepDeps, operation: Operation, reason: string): Promise<string | undefined> => {
  // The index of open operations may be a second behind.
  const current = await deps.store.operation(operation.operationId);
  if (!current || (current.status !== 'PENDING' && current.status !== 'RUNNING')) return undefined;
  // Accepted first: should this function die here, the next sweep finds both and goes on.
  const cleaning = await acceptCleaning(deps, current);
  const error = { Error: INTERRUPTED, Cause: reason };
  const note = cleaning ? `${cleaning.operationId} takes away or puts back what it may have left.` : null;
  await endOperation(deps, current, { operationId: current.operationId, phase: 'Swept', outcome: 'failed', error, note });
  if (cleaning) await deps.workflows.start(cleaning.kind, cleaning.operationId);
  return cleaning?.operationId;
};

/** An operation that the control plane asks of itself. */
const ownOperation = (deps: SweepDeps, operationId: string, request: OperationRequest, cluster: string): Omit<Operation, 'reason'> => {
  const now = deps.clock();
  return {
    operationId,
    kind: request.kind,
    cluster,
    request,
    status: 'PENDING',
    requestedBy: CONTROL_PLANE,
    requestedAt: now.toISOString(),
    deadline: new Date(now.getTime() + deadlineSecondsOf(request, deps.stage.deadlines) * 1_000).toISOString(),
    phases: [],
  };
};

/** A clean-up that is interrupted is followed by another, so often in a row; what is interrupted still is left to a person. */
const CLEANINGS = 3;

const acceptCleaning = async (deps: SweepDeps, operation: Operation): Promise<Operation | undefined> => {
  const times = (operation.cleansUp?.times ?? 0) + 1;
  if (times > CLEANINGS) return undefined;
  const operationId = operationIdOfKey({ caller: CONTROL_PLANE, method: 'CLEAN', path: operation.kind, key: operation.operationId });
  const before = await deps.store.operation(operationId);
  if (before) return before;
  const job = operation.job === undefined ? undefined : await deps.store.job(operation.cluster, operation.job);
  const cluster = operation.kind === 'fail-over-cluster' ? await deps.store.cluster(operation.cluster) : undefined;
  const request = cleaningFor(operation, job, cluster, deps.clock().toISOString());
  if (!request) return undefined;
  const own = ownOperation(deps, operationId, request, operation.cluster);
  const cleaning: Operation = {
    ...own,
    // A replacement that waits for a move has the time of that move besides.
    ...(operation.kind === 'replace-host' && operation.deadline > own.deadline ? { deadline: operation.deadline } : {}),
    ...(job === undefined ? {} : { job: job.name }),
    cleansUp: { after: operation.operationId, times },
    reason: `Cleans up after ${operation.operationId}.`,
  };
  const { outcome } = await write(deps.store, cleaning, job, cluster);
  return outcome === 'blocked' ? undefined : cleaning;
};

const write = (store: StorePort, cleaning: Operation, job: Job | undefined, cluster: Cluster | undefined): Promise<OperationAccepted> => {
  if (cleaning.request.kind === 'replace-host') return store.acceptReplacement(cleaning, cleaning.request.epoch);
  if (cluster) return takeOverCluster(store, cleaning, cluster);
  if (job === undefined) return store.acceptTermination(cleaning);
  if (cleaning.kind === 'stop-job') return store.acceptCancellation(cleaning);
  // Takes the lease over at once: the job's status, which tells how far the interrupted operation came, stays as it is.
  const lease = { operationId: cleaning.operationId, acquiredAt: cleaning.requestedAt, until: leaseUntil(cleaning.deadline) };
  return store.acceptJobChange(cleaning, { ...job, lease }, job);
};

/** What an operation of the control plane's own has to do after an interrupted one. */
const cleaningFor = (
  operation: Operation,
  job: Job | undefined,
  cluster: Cluster | undefined,
  now: string,
): OperationRequest | undefined => {
  switch (operation.kind) {
    case 'launch-cluster':
    case 'terminate-cluster':
      return { kind: 'terminate-cluster', jobs: 'savepoint' };
    case 'fail-over-cluster':
      return cluster && goingOn(operation, cluster);
    case 'replace-host':
      // Every step looks first at what is there: the same once more.
      return operation.request;
    case 'submit-job':
      return job && { kind: 'stop-job', mode: 'cancel', drain: false };
    case 'stop-job':
      // What is to end ends: nobody else would make it, and its hosts count as unused. A stop with a savepoint leaves the job wanted.
      return job?.desired === 'STOPPED' && !isJobOver(job.status) ? { kind: 'stop-job', mode: 'cancel', drain: false } : undefined;
    case 'upgrade-job':
      return isHeld(operation, job) ? goingBack(operation, job) : undefined;
    case 'rescale-job':
      // The parallelism that is stored is what is wanted; hosts beyond it are given back.
      if (!isHeld(operation, job)) return undefined;
      return job.spec.scaled
        ? settling(afterInterruption(operation), job, now)
        : { kind: 'rescale-job', parallelism: job.spec.parallelism };
    case 'scale-job':
      return isHeld(operation, job) ? settling(afterInterruption(operation), job, now) : undefined;
    case 'set-scaling':
      return isHeld(operation, job) && job.spec.scaling ? { kind: 'set-scaling', scaling: job.spec.scaling } : undefined;
    default:
      return undefined;
  }
};

/** What is stored of the job is made true, and hosts beyond it are given back. */
export const settling = (
  why: { readonly trigger: string; readonly reason: string },
  { spec }: Job,
  decidedAt: string,
): Extract<OperationRequest, { kind: 'scale-job' }> => {
  const vertices = spec.scaled?.vertices ?? {};
  const slots = slotsOf(spec);
  return {
    kind: 'scale-job',
    action: 'settle',
    direction: 'in',
    ...why,
    explanation: [],
    decidedAt,
    from: vertices,
    to: vertices,
    slots: { before: slots, after: slots, provide: 0, spare: 0 },
  };
};

const afterInterruption = ({ operationId }: Operation): { readonly trigger: string; readonly reason: string } => ({
  trigger: operationId,
  reason: `${operationId} was interrupted: the job gets the parallelism that is stored, hosts beyond it go`,
});

/** Somebody who cancels the job, or has taken it over, makes of it what is wanted. */
const isHeld = (operation: Operation, job: Job | undefined): job is Job =>
  job?.desired === 'RUNNING' && job.lease?.operationId === operation.operationId;

/** What was handed over or given back needs only tidying up; else the same move is made as a further epoch. */
const goingOn = ({ operationId, request }: Operation, cluster: Cluster): OperationRequest | undefined => {
  if (request.kind !== 'fail-over-cluster' || cluster.desired === 'TERMINATED' || cluster.lease?.operationId !== operationId)
    return undefined;
  const trigger = { kind: 'recovery' as const, evidence: `${operationId} was interrupted` };
  const { kind, from, avoid, again: retried } = request;
  const again = {
    kind,
    from,
    zone: cluster.zone,
    ...(avoid ? { avoid } : {}),
    trigger,
    ...(retried === undefined ? {} : { again: retried }),
  };
  return cluster.status === 'FAILING_OVER' ? again : { ...again, cleansOnly: true };
};

const goingBack = ({ operationId, request }: Operation, job: Job): OperationRequest => {
  // The stop that may be under way was asked for by the first of them.
  const asked = (request.kind === 'upgrade-job' ? request.recovers?.operationId : undefined) ?? operationId;
  // A new version that was seen running is not SUBMITTING any more, and stays.
  const previous = job.status === 'SUBMITTING' ? job.previousSpec : undefined;
  const epoch = previous === undefined ? job.epoch : job.epoch - 1;
  return { kind: 'upgrade-job', spec: previous ?? job.spec, recovers: { operationId: asked, epoch } };
};
