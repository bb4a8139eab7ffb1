import { DescribeExecutionCommand, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { OperationKind } from '../../contracts/operation';
import type { WorkflowInput } from '../../contracts/workflow';
import { hasCode } from './aws-errors';
import type { WorkflowsPort } from './workflows.port';

export interface WorkflowsDependencies {
  readonly client: SFNClient;
  /** `stage.stateMachineArnPrefix`: ARN of a state machine without the operation's kind. */
  readonly stateMachineArnPrefix: string;
}

/** Step Functions, standard workflows: an execution's name is the operation's id, and a name is used once in 90 days. */
export const createWorkflows = ({ client, stateMachineArnPrefix }: WorkflowsDependencies): WorkflowsPort => ({
  async start(kind, operationId) {
    const input: WorkflowInput = { operationId };
    try {
      await client.send(
        new StartExecutionCommand({ stateMachineArn: `${stateMachineArnPrefix}${kind}`, name: operationId, input: JSON.stringify(input) }),
      );
    } catch (error) {
      // The same name with the same input is answered as if new while the execution runs, and refused with this once it has ended.
      if (!hasCode(error, 'ExecutionAlreadyExists')) throw error;
    }
  },

  async state(kind, operationId) {
    try {
      const { status } = await client.send(
        new DescribeExecutionCommand({ executionArn: executionArn(stateMachineArnPrefix, kind, operationId) }),
      );
      return status === 'RUNNING' || status === 'PENDING_REDRIVE' ? 'running' : 'ended';
    } catch (error) {
      if (hasCode(error, 'ExecutionDoesNotExist')) return 'absent';
      throw error;
    }
  },
});

/** `arn:…:stateMachine:<name>` → `arn:…:execution:<name>:<execution name>`. */
const executionArn = (prefix: string, kind: OperationKind, operationId: string): string =>
  `${`${prefix}${kind}`.replace(':stateMachine:', ':execution:')}:${operationId}`;
