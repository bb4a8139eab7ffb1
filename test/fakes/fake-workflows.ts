import type { OperationKind } from '../../lambdas/contracts/operation';
import type { WorkflowsPort } from '../../lambdas/gateways/aws/workflows.port';
import { type Faults, withFaults } from './faults';

class InMemoryWorkflows implements WorkflowsPort {
  private readonly executions = new Map<string, 'running' | 'ended'>();
  /** Executions that really began, in order: a repeated start adds none. */
  readonly started: { readonly kind: OperationKind; readonly operationId: string }[] = [];

  async start(kind: OperationKind, operationId: string): Promise<void> {
    const key = `${kind}/${operationId}`;
    if (this.executions.has(key)) return;
    this.executions.set(key, 'running');
    this.started.push({ kind, operationId });
  }

  async state(kind: OperationKind, operationId: string): Promise<'absent' | 'running' | 'ended'> {
    return this.executions.get(`${kind}/${operationId}`) ?? 'absent';
  }

  /** The execution ends, as when its last state is done or somebody aborts it. */
  end(kind: OperationKind, operationId: string): void {
    this.executions.set(`${kind}/${operationId}`, 'ended');
  }
}

export type FakeWorkflows = InMemoryWorkflows & Faults<WorkflowsPort>;
export const createFakeWorkflows = (): FakeWorkflows => withFaults(new InMemoryWorkflows()) as FakeWorkflows;
