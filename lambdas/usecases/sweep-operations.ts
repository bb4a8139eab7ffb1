import type { Operation } from '../contracts/operation';
import type { Stage } from '../contracts/stage';
import type { Clock } from '../domain/clock';
import { decideSweep } from '../domain/decide-sweep';
import { shorten } from '../domain/describe-failure';
import { INTERRUPTED } from '../domain/operation-end';
import { operationIdOfKey } from '../domain/operation-id';
import type { StorePort } from '../gateways/aws/store.port';
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
 * Starts what was accepted and not started, and ends what ended without saying so; what an interrupted launch, submission or termination may
 * have left is taken away by an operation of the control plane's own. @param only look at this operation alone
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
  const note = cleaning ? `${cleaning.operationId} takes away what it may have left.` : null;
  await endOperation(deps, current, { operationId: current.operationId, phase: 'Swept', outcome: 'failed', error, note });
  if (cleaning) await deps.workflows.start(cleaning.kind, cleaning.operationId);
  return cleaning?.operationId;
};

const acceptCleaning = async (deps: SweepDeps, operation: Operation): Promise<Operation | undefined> => {
  const cleaning = cleaningFor(deps, operation);
  if (!cleaning) return undefined;
  const accepted =
    cleaning.job === undefined ? await deps.store.acceptTermination(cleaning) : await deps.store.acceptCancellation(cleaning);
  return accepted.outcome === 'blocked' ? undefined : cleaning;
};

/** What was interrupted while it cleaned up after another is left to a person: it would only be interrupted again. */
const cleaningFor = ({ stage, clock }: SweepDeps, operation: Operation): Operation | undefined => {
  if (operation.requestedBy === CONTROL_PLANE) return undefined;
  const now = clock();
  const common = {
    operationId: operationIdOfKey({ caller: CONTROL_PLANE, method: 'CLEAN', path: operation.kind, key: operation.operationId }),
    cluster: operation.cluster,
    status: 'PENDING',
    requestedBy: CONTROL_PLANE,
    requestedAt: now.toISOString(),
    deadline: new Date(now.getTime() + stage.deadlines.terminateSeconds * 1_000).toISOString(),
    phases: [],
    reason: `Cleans up after ${operation.operationId}.`,
  } as const satisfies Partial<Operation>;
  if (operation.kind === 'launch-cluster' || operation.kind === 'terminate-cluster')
    return { ...common, phases: [], kind: 'terminate-cluster', request: { kind: 'terminate-cluster', jobs: 'savepoint' } };
  if (operation.kind === 'submit-job' && operation.job !== undefined)
    return { ...common, phases: [], job: operation.job, kind: 'stop-job', request: { kind: 'stop-job', mode: 'cancel', drain: false } };
  return undefined;
};
