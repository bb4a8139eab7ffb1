import type { OperationKind } from '../../contracts/operation';

export interface WorkflowsPort {
  /** Starts the state machine of this kind with the operation's id as execution name. Repeating it is harmless: the first execution stays the only one. */
  start(kind: OperationKind, operationId: string): Promise<void>;
  /** `absent` when it was never started. */
  state(kind: OperationKind, operationId: string): Promise<'absent' | 'running' | 'ended'>;
}
