import { Conflict, IdempotencyKeyReused } from '../../contracts/errors';
import type { Operation, OperationRequest } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { Clock } from '../../domain/clock';
import { deadlineSecondsOf } from '../../domain/deadlines';
import type { OperationAccepted, StorePort } from '../../gateways/aws/store.port';
import type { WorkflowsPort } from '../../gateways/aws/workflows.port';
import { log } from '../../middleware/log';

/** Who asks for what the control plane decides by itself. */
export const CONTROL_PLANE = 'sluice';

export interface AcceptDeps {
  readonly store: StorePort;
  readonly workflows: WorkflowsPort;
  readonly clock: Clock;
  readonly stage: Stage;
}

/** Who asks for a change, and under which identity. */
export interface ChangeRequest {
  /** ARN. */
  readonly requestedBy: string;
  /** From the Idempotency-Key where one was given, else new. */
  readonly operationId: string;
  readonly requestHash: string;
}

export interface Planned {
  readonly operation: Operation;
  /** Stores the operation with what it changes, in one transaction. */
  readonly write: () => Promise<OperationAccepted>;
}

/** A plan that is blocked is made again once: what came between its reading and its writing is then seen, and said. */
const PLANS = 2;

/**
 * Accepts a change: the intent is stored first, then its workflow is started. A repeated request finds the first operation, and starts its
 * workflow if that never happened.
 * @param plan reads, validates and says what to write. @throws InvalidRequest, NotFound, Conflict
 */
export const accept = async (deps: AcceptDeps, change: ChangeRequest, plan: () => Promise<Planned>): Promise<Operation> => {
  // Before the plan: what is asked may no longer be possible just because the first request has done it.
  const first = await deps.store.operation(change.operationId);
  if (first) return repeat(deps, change, first);
  for (let attempt = 1; attempt <= PLANS; attempt++) {
    const { operation, write } = await plan();
    const accepted = await write();
    if (accepted.outcome === 'repeated') return repeat(deps, change, accepted.operation);
    // What has ended already was done by the write itself.
    if (accepted.outcome === 'created') return operation.status === 'PENDING' ? start(deps, operation) : operation;
  }
  throw new Conflict('Somebody else changed it at the same moment; look at it and try again');
};

/** A new operation, not yet stored. `reason` is shown until its workflow says more. Nobody sends again what the control plane asks of itself: it needs no hash. */
export const newOperation = (
  deps: { readonly clock: Clock; readonly stage: Pick<Stage, 'deadlines'> },
  { operationId, requestedBy, requestHash }: Pick<ChangeRequest, 'operationId' | 'requestedBy'> & { readonly requestHash?: string },
  cluster: string,
  job: string | undefined,
  request: OperationRequest,
): Operation => {
  const now = deps.clock();
  return {
    operationId,
    kind: request.kind,
    cluster,
    ...(job === undefined ? {} : { job }),
    request,
    ...(requestHash === undefined ? {} : { requestHash }),
    status: 'PENDING',
    requestedBy,
    requestedAt: now.toISOString(),
    deadline: new Date(now.getTime() + deadlineSecondsOf(request, deps.stage.deadlines) * 1_000).toISOString(),
    phases: [],
    reason: 'Accepted',
  };
};

const repeat = async (deps: AcceptDeps, change: ChangeRequest, first: Operation): Promise<Operation> => {
  if (first.requestHash !== change.requestHash)
    throw new IdempotencyKeyReused(
      `This Idempotency-Key was used for another request before, which became ${first.operationId}; use a new key`,
    );
  return first.status === 'PENDING' ? start(deps, first) : first;
};

const start = async ({ workflows }: AcceptDeps, operation: Operation): Promise<Operation> => {
  try {
    await workflows.start(operation.kind, operation.operationId);
  } catch (error) {
    // The operation is stored, so the change is accepted, whatever went wrong: the sweeper starts within a minute what was not started, or fails and is heard.
    const { operationId, kind, cluster, job } = operation;
    log('ERROR', { message: `Not started yet: ${String(error)}`, operationId, kind, cluster, job });
  }
  return operation;
};
