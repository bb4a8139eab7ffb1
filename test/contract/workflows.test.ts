import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { sfnClient } from '../../lambdas/gateways/aws/clients';
import { createWorkflows } from '../../lambdas/gateways/aws/workflows.adapter';
import type { WorkflowsPort } from '../../lambdas/gateways/aws/workflows.port';
import { createFakeWorkflows } from '../fakes/fake-workflows';
import { type Emulator, startEmulator } from './support/emulator';
import { newOperationId } from './support/samples';

/** How long the state machine of these tests runs. */
const RUNS_SECONDS = 2;
let emulator: Emulator;
let stateMachineArnPrefix: string;

beforeAll(async () => {
  emulator = await startEmulator();
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'states.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
  const { Role } = await new IAMClient({}).send(
    new CreateRoleCommand({ RoleName: 'workflows', AssumeRolePolicyDocument: JSON.stringify(trust) }),
  );
  const definition = { StartAt: 'Wait', States: { Wait: { Type: 'Wait', Seconds: RUNS_SECONDS, End: true } } };
  const { stateMachineArn = '' } = await new SFNClient({}).send(
    new CreateStateMachineCommand({
      name: 'sluice-test-submit-job',
      definition: JSON.stringify(definition),
      roleArn: Role?.Arn,
    }),
  );
  stateMachineArnPrefix = stateMachineArn.replace(/submit-job$/, '');
}, 60_000);
afterAll(() => emulator.stop());

interface Case {
  readonly workflows: WorkflowsPort;
  /** Returns when the execution has ended. */
  readonly ended: (operationId: string) => Promise<void>;
}

describe.each([
  [
    'fake',
    (): Case => {
      const workflows = createFakeWorkflows();
      return { workflows, ended: async (operationId) => workflows.end('submit-job', operationId) };
    },
  ],
  [
    'Step Functions',
    (): Case => {
      const workflows = createWorkflows({ client: sfnClient(), stateMachineArnPrefix });
      const ended = async (operationId: string): Promise<void> => {
        for (let time = 0; time < 50 && (await workflows.state('submit-job', operationId)) === 'running'; time++)
          await new Promise((resolve) => setTimeout(resolve, 200));
      };
      return { workflows, ended };
    },
  ],
])('The workflows (%s)', (_, create) => {
  test('know an execution from its start to its end', async () => {
    const { workflows, ended } = create();
    const operationId = newOperationId();
    expect(await workflows.state('submit-job', operationId)).toBe('absent');
    await workflows.start('submit-job', operationId);
    expect(await workflows.state('submit-job', operationId)).toBe('running');
    await ended(operationId);
    expect(await workflows.state('submit-job', operationId)).toBe('ended');
  }, 20_000);

  test('start an operation once, however often it is asked for, also after its end', async () => {
    const { workflows, ended } = create();
    const operationId = newOperationId();
    await Promise.all([workflows.start('submit-job', operationId), workflows.start('submit-job', operationId)]);
    await workflows.start('submit-job', operationId);
    await ended(operationId);
    await workflows.start('submit-job', operationId);
    expect(await workflows.state('submit-job', operationId)).toBe('ended');
  }, 20_000);
});
