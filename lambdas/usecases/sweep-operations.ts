import type { Job } from '../contracts/job';
import type { Operation, OperationRequest } from '../contracts/operation';
import type { Stage } from '../contracts/stage';
import type { Clock } from '../domain/clock';
import { deadlineSecondsOf } from '../domain/deadlines';
import { decideSweep } from '../domain/decide-sweep';
import { shorten } from '../domain/describe-failure';
import { leaseUntil } from '../domain/lease';
import { INTERRUPTED } from '../domain/operation-end';
import { operationIdOfKey } from '../domain/operation-id';
import type { OperationAccepted, StorePort } from '../gateways/aws/store.port';
import type { WorkflowsPort } from '../gateways/aws/workflows.port';
import { endOperation } from './end-operation';

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

/** Who asks for the clean-up of an interrupted operation. */
const CONTROL_PLANE = 'sluice';

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
  // Said at the end, so that Lambda sees that the sweep failed, and its alarm.
  if (failures.length > 0) throw new Error(shorten(`${failures.length} operations could not be swept: ${failures.join('; ')}`));
  return swept;
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

const acceptCleaning = async (deps: SweepDeps, operation: Operation): Promise<Operation | undefined> => {
  // What was interrupted while it cleaned up after another is left to a person: it would only be interrupted again.
  if (operation.requestedBy === CONTROL_PLANE) return undefined;
  const operationId = operationIdOfKey({ caller: CONTROL_PLANE, method: 'CLEAN', path: operation.kind, key: operation.operationId });
  const before = await deps.store.operation(operationId);
  if (before) return before;
  const job = operation.job === undefined ? undefined : await deps.store.job(operation.cluster, operation.job);
  const request = cleaningFor(operation, job);
  if (!request) return undefined;
  const now = deps.clock();
  const cleaning: Operation = {
    operationId,
    kind: request.kind,
    cluster: operation.cluster,
    ...(job === undefined ? {} : { job: job.name }),
    request,
    status: 'PENDING',
    requestedBy: CONTROL_PLANE,
    requestedAt: now.toISOString(),
    deadline: new Date(now.getTime() + deadlineSecondsOf(request, deps.stage.deadlines) * 1_000).toISOString(),
    phases: [],
    reason: `Cleans up after ${operation.operationId}.`,
  };
  const { outcome } = await write(deps.store, cleaning, job);
  return outcome === 'blocked' ? undefined : cleaning;
};

const write = (store: StorePort, cleaning: Operation, job: Job | undefined): Promise<OperationAccepted> => {
  if (job === undefined) return store.acceptTermination(cleaning);
  if (cleaning.kind === 'stop-job') return store.acceptCancellation(cleaning);
  // Takes the lease over at once: the job's status, which tells how far the interrupted operation came, stays as it is.
  const lease = { operationId: cleaning.operationId, acquiredAt: cleaning.requestedAt, until: leaseUntil(cleaning.deadline) };
  return store.acceptJobChange(cleaning, { ...job, lease }, job);
};

/** What an operation of the control plane's own has to do after an interrupted one. */
const cleaningFor = (operation: Operation, job: Job | undefined): OperationRequest | undefined => {
  switch (operation.kind) {
    case 'launch-cluster':
    case 'terminate-cluster':
      return { kind: 'terminate-cluster', jobs: 'savepoint' };
    case 'submit-job':
      return job && { kind: 'stop-job', mode: 'cancel', drain: false };
    case 'upgrade-job':
      return isHeld(operation, job) ? goingBack(operation, job) : undefined;
    case 'rescale-job':
      // The parallelism that is stored is what is wanted; hosts beyond it are given back.
      return isHeld(operation, job) ? { kind: 'rescale-job', parallelism: job.spec.parallelism } : undefined;
    case 'set-scaling':
      return isHeld(operation, job) && job.spec.scaling ? { kind: 'set-scaling', scaling: job.spec.scaling } : undefined;
    default:
      return undefined;
  }
};

/** Somebody who cancels the job, or has taken it over, makes of it what is wanted. */
const isHeld = (operation: Operation, job: Job | undefined): job is Job =>
  job?.desired === 'RUNNING' && job.lease?.operationId === operation.operationId;

const goingBack = ({ operationId }: Operation, job: Job): OperationRequest => {
  // A new version that was seen running is not SUBMITTING any more, and stays.
  const previous = job.status === 'SUBMITTING' ? job.previousSpec : undefined;
  const epoch = previous === undefined ? job.epoch : job.epoch - 1;
  return { kind: 'upgrade-job', spec: previous ?? job.spec, recovers: { operationId, epoch } };
};
