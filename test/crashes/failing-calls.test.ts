import { AwsUnavailable, FlinkUnavailable } from '../../lambdas/contracts/errors';
import type { Operation } from '../../lambdas/contracts/operation';
import { enter, run } from '../state-machines/support/functions';
import { forgottenPrograms, recover, violations } from '../state-machines/support/recover';
import { type Fault, World } from '../state-machines/support/world';
import { SCENARIOS, type Scenario } from './support/scenarios';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('../state-machines/support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('../state-machines/support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('../state-machines/support/functions').composition);

/** Every call that any function of a workflow makes fails once, one call a run. */
jest.setTimeout(120_000);
beforeEach(() => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
});

interface Outcome {
  readonly operation: Operation;
  readonly calls: number;
  readonly problems: readonly string[];
  readonly forgotten: readonly string[];
  readonly failedCall: string;
}

/** One run of a scenario in which the call with this number fails; none for -1. */
const runWith = async ([, prepare]: Scenario, failing: number, fault: (port: string) => Fault): Promise<Outcome> => {
  const world = enter(new World());
  const accepted = await prepare(world);
  const first = world.calls;
  let failedCall = '';
  world.faults = ({ index, port, method }) => {
    if (index - first !== failing) return undefined;
    failedCall = `${port}.${method}`;
    return fault(port);
  };
  await run(accepted);
  const calls = world.calls - first;
  world.faults = () => undefined;
  await recover(world, accepted.operationId);
  const operation = (await world.store.operation(accepted.operationId)) as Operation;
  return { operation, calls, problems: await violations(world), forgotten: await forgottenPrograms(world), failedCall };
};

const passing = (port: string): Error => (port === 'flink' ? new FlinkUnavailable('answered 500') : new AwsUnavailable('answered 500'));

describe.each(SCENARIOS)('%s', (name, prepare) => {
  const scenario: Scenario = [name, prepare];
  let calls = 0;
  let expected: Operation['status'];
  beforeAll(async () => {
    jest.spyOn(console, 'log').mockImplementation(() => undefined);
    const outcome = await runWith(scenario, -1, () => ({ error: new Error(), when: 'before' }));
    calls = outcome.calls;
    expected = outcome.operation.status;
  });

  test.each(['before', 'after'] as const)('goes on when any one call fails in a passing way (%s its effect)', async (when) => {
    const wrong: string[] = [];
    for (let call = 0; call < calls; call++) {
      const { operation, problems, forgotten, failedCall } = await runWith(scenario, call, (port) => ({ error: passing(port), when }));
      if (operation.status !== expected) wrong.push(`call ${call} ${failedCall}: ${operation.status} ${operation.reason}`);
      wrong.push(...[...problems, ...forgotten].map((problem) => `call ${call} ${failedCall}: ${problem}`));
    }
    expect(wrong).toEqual([]);
  });

  test('ends, with nothing left that nobody owns, when its execution is stopped after any task', async () => {
    const wrong: string[] = [];
    let stops = 0;
    for (let tasks = 0, stopped = true; stopped; tasks++) {
      const world = enter(new World());
      const accepted = await prepare(world);
      const execution = await run(accepted, tasks);
      stopped = execution.cause?.includes('the execution was stopped') ?? false;
      await recover(world, accepted.operationId);
      const { status, error } = (await world.store.operation(accepted.operationId)) as Operation;
      if (stopped) stops += 1;
      if (stopped && (status !== 'FAILED' || error?.name !== 'WorkflowInterrupted'))
        wrong.push(`after ${tasks} tasks: ${status} ${error?.name}`);
      wrong.push(...(await violations(world)).map((problem) => `after ${tasks} tasks (${execution.path.at(-1)}): ${problem}`));
    }
    expect(stops).toBeGreaterThan(1);
    expect(wrong).toEqual([]);
  });

  test('ends in a true state with nothing left that nobody owns when any one call fails for good', async () => {
    const wrong: string[] = [];
    for (let call = 0; call < calls; call++) {
      const { problems, failedCall } = await runWith(scenario, call, () => ({ error: new Error('AccessDenied'), when: 'before' }));
      wrong.push(...problems.map((problem) => `call ${call} ${failedCall}: ${problem}`));
    }
    expect(wrong).toEqual([]);
  });
});
