import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  paginateGetExecutionHistory,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { OperationKind } from '../../../lambdas/contracts/operation';
import { type Emulator, startEmulator } from '../../contract/support/emulator';
import { ANSWER, type Case, type Outcome } from './explore';
import type { Definition } from './interpreter';

/** More calls than any loop makes: the last answer of a plan is given from there on. */
const FOR_EVER = 100_000;

export interface Emulated {
  readonly status: string;
  readonly path: readonly string[];
}

/** The emulator with the tasks' answers given beforehand (AWS's format for Step Functions Local), and no waiting. */
export const startWithAnswers = async (
  machines: ReadonlyMap<OperationKind, { readonly definition: Definition; readonly cases: readonly Case[] }>,
): Promise<Emulator> => {
  const responses: Record<string, Record<string, unknown>> = {};
  const names = new Map<string, string>();
  const nameOf = (outcome: Outcome): string => {
    const key = JSON.stringify(outcome);
    const name = names.get(key) ?? `Response${names.size}`;
    names.set(key, name);
    responses[name] =
      'fails' in outcome ? { [`0-${FOR_EVER}`]: { Throw: { Error: outcome.fails, Cause: 'it failed' } } } : answers(outcome.answers);
    return name;
  };
  const StateMachines = Object.fromEntries(
    [...machines].map(([kind, { definition, cases }]) => {
      const tasks = Object.entries(definition.States).flatMap(([name, state]) => (state.Type === 'Task' ? [name] : []));
      const testCase = ({ plan }: Case) => Object.fromEntries(tasks.map((name) => [name, nameOf(plan[name] ?? ANSWER)]));
      return [kind, { TestCases: Object.fromEntries(cases.map((one, index) => [`Case${index}`, testCase(one)])) }];
    }),
  );
  const directory = mkdtempSync(path.join(tmpdir(), 'sluice-answers-'));
  const file = path.join(directory, 'answers.json');
  writeFileSync(file, JSON.stringify({ StateMachines, MockedResponses: responses }));
  process.env.SFN_MOCK_CONFIG = file;
  process.env.SFN_WAIT_SCALE = '0';
  try {
    const emulator = await startEmulator();
    const stop = (): Promise<void> => emulator.stop().finally(() => rmSync(directory, { recursive: true, force: true }));
    return { ...emulator, stop };
  } finally {
    delete process.env.SFN_MOCK_CONFIG;
    delete process.env.SFN_WAIT_SCALE;
  }
};

const answers = (given: readonly Record<string, unknown>[]): Record<string, unknown> =>
  Object.fromEntries(
    given.map((answer, index) => [
      index < given.length - 1 ? String(index) : `${index}-${FOR_EVER}`,
      { Return: { StatusCode: 200, Payload: answer } },
    ]),
  );

/** Creates the state machine and runs all its cases there. */
export const runEmulated = async (kind: OperationKind, definition: Definition, cases: readonly Case[]): Promise<readonly Emulated[]> => {
  const client = new SFNClient({});
  const text = JSON.stringify(definition).replace(/\$\{(\w+)\}/g, 'arn:aws:lambda:us-east-1:000000000000:function:$1');
  const { stateMachineArn } = await client.send(
    new CreateStateMachineCommand({ name: kind, definition: text, roleArn: await createRole(kind) }),
  );
  const input = JSON.stringify({ operationId: 'op-00000000000000000000000001' });
  const started = await Promise.all(
    cases.map((_, index) =>
      client.send(new StartExecutionCommand({ stateMachineArn: `${stateMachineArn}#Case${index}`, name: `case-${index}`, input })),
    ),
  );
  return Promise.all(started.map(({ executionArn }) => outcomeOf(client, executionArn ?? '')));
};

const createRole = async (kind: OperationKind): Promise<string> => {
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'states.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
  const { Role } = await new IAMClient({}).send(new CreateRoleCommand({ RoleName: kind, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  return Role?.Arn ?? '';
};

const outcomeOf = async (client: SFNClient, executionArn: string): Promise<Emulated> => {
  let status = 'RUNNING';
  while (status === 'RUNNING') {
    await sleep(100);
    status = (await client.send(new DescribeExecutionCommand({ executionArn }))).status ?? 'RUNNING';
  }
  const entered: string[] = [];
  for await (const page of paginateGetExecutionHistory({ client }, { executionArn, maxResults: 1_000 }))
    entered.push(...(page.events ?? []).flatMap((event) => event.stateEnteredEventDetails?.name ?? []));
  return { status, path: entered };
};
