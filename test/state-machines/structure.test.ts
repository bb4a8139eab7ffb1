import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import validate from 'asl-validator';
import * as errors from '../../lambdas/contracts/errors';
import { type OperationRequest, workflowKind } from '../../lambdas/contracts/operation';
import { deadlineSecondsOf } from '../../lambdas/domain/deadlines';
import { CLEANING_SECONDS } from '../../lambdas/domain/lease';
import { FUNCTIONS, placeholderOf } from '../../lib/config/functions';
import { MOST_SECONDS } from '../../lib/config/schema';
import { readDefinitions, withDummyArns } from '../../tools/definitions';

interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly BackoffRate?: number;
  readonly MaxAttempts?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: string;
}
interface State {
  readonly Type: 'Task' | 'Choice' | 'Wait' | 'Pass' | 'Succeed' | 'Fail';
  readonly Resource?: string;
  readonly Arguments?: { readonly FunctionName: string; readonly Payload: Readonly<Record<string, unknown>> };
  readonly Next?: string;
  readonly Default?: string;
  readonly End?: boolean;
  readonly TimeoutSeconds?: number;
  readonly Assign?: Readonly<Record<string, unknown>>;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[];
  readonly Choices?: readonly { readonly Condition: string; readonly Next: string }[];
}
interface Machine {
  readonly StartAt: string;
  readonly QueryLanguage: string;
  readonly TimeoutSeconds?: number;
  readonly States: Readonly<Record<string, State>>;
}

/** Started by the clock and not by an operation; its rules are in observe-clusters.test.ts. */
const OBSERVER = 'observe-clusters';
const definitions = readDefinitions().filter(({ kind }) => kind !== OBSERVER);
const observer = readDefinitions().find(({ kind }) => kind === OBSERVER)?.text ?? '';
const machines = definitions.map(({ kind, text, file }) => ({ kind, text, file, machine: JSON.parse(text) as Machine }));

const isTask = (state: State) => state.Type === 'Task';
const functionOf = (state: State): string => state.Arguments?.FunctionName.slice(2, -1) ?? '';
const ends = (state: State) => isTask(state) && functionOf(state) === 'EndOperation';
const nextOf = (state: State): string[] =>
  [
    state.Next,
    state.Default,
    ...(state.Choices ?? []).map((choice) => choice.Next),
    ...(state.Catch ?? []).map((each) => each.Next),
  ].filter((name) => name !== undefined);

const reachable = (machine: Machine, from: string, without: ReadonlySet<string> = new Set()): Set<string> => {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name) || without.has(name)) return;
    seen.add(name);
    nextOf(machine.States[name] as State).forEach(visit);
  };
  visit(from);
  return seen;
};

/** States from which a state can be entered again without passing any of `without`. */
const onCircles = (machine: Machine, without: ReadonlySet<string>): string[] =>
  Object.entries(machine.States)
    .filter(
      ([name, state]) =>
        !without.has(name) && nextOf(state).some((next) => !without.has(next) && reachable(machine, next, without).has(name)),
    )
    .map(([name]) => name);

/** A choice that leaves its loop when a counter, raised by one on the way round, has come to its bound. */
const isBound = (machine: Machine, name: string): boolean => {
  const state = machine.States[name] as State;
  const circle = new Set([...reachable(machine, name)].filter((other) => reachable(machine, other).has(name)));
  return (state.Choices ?? []).some((choice) => {
    const counter = /^\{% \$(\w+) >= \d+ %\}$/.exec(choice.Condition)?.[1];
    if (!counter || circle.has(choice.Next)) return false;
    return [...circle].some((other) => machine.States[other]?.Assign?.[counter] === `{% $${counter} + 1 %}`);
  });
};

/** Loops that the operation's deadline ends, as against those that take away or put back. */
const AWAITED =
  /^(May the .*|Slots registered|(Savepoint|Checkpoint|Last checkpoint) complete|Hosts? empty|Room for the tasks|Job (ended|running|at its new parallelism)|Previous version ended|All jobs ended)\?$/;
/** What so many looks take: every loop waits one second at first, then two, then ten. */
const secondsOf = (looks: number): number =>
  Math.min(looks, 60) + 2 * Math.min(Math.max(looks - 60, 0), 120) + 10 * Math.max(looks - 180, 0);
const LONGEST: Readonly<Record<string, OperationRequest>> = {
  'terminate-cluster': { kind: 'terminate-cluster', jobs: 'savepoint' },
};

const KNOWN_ERRORS = new Set(
  Object.values(errors)
    .filter((value): value is typeof errors.NotFound => typeof value === 'function')
    .map((error) => error.name),
);
const PLATFORM_ERROR = /^(States|Lambda|Runtime|Sandbox)\.\w+$/;
/**
 * What passes by itself: our own two, and Lambda's (Step Functions Developer Guide, «Handle transient Lambda service exceptions»; AWS CDK,
 * `LambdaInvoke.retryOnServiceExceptions`).
 */
const TRANSIENT = [
  'FlinkUnavailable',
  'AwsUnavailable',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.TooManyRequestsException',
  'States.Timeout',
];
/**
 * A function in a VPC that nobody has called for weeks loses its network interface: its next calls fail while it gets one again, which takes minutes (AWS Lambda
 * Developer Guide, «Lambda function states» and «Giving Lambda functions access to resources in an Amazon VPC»).
 */
const WOKEN = ['Lambda.ResourceNotReadyException', 'Lambda.ResourceConflictException', 'Lambda.ENINotReadyException'];
const WAKING_SECONDS = 240;
/** An operation does not wait for what it can do without. */
const GOES_ON_WITHOUT = new Set(['Ask the lost hosts', 'Record ended jobs', 'Take a checkpoint', 'Take a last checkpoint']);

/** What all its pauses take; with full jitter each is half as long in the mean. */
const meanSecondsOf = (
  { IntervalSeconds = 1, BackoffRate = 2, MaxAttempts = 3, MaxDelaySeconds = Number.POSITIVE_INFINITY }: Retrier = {
    ErrorEquals: [],
    MaxAttempts: 0,
  },
): number =>
  Array.from({ length: MaxAttempts }, (_, attempt) => Math.min(IntervalSeconds * BackoffRate ** attempt, MaxDelaySeconds) / 2).reduce(
    (sum, pause) => sum + pause,
    0,
  );

it('there is a workflow for each kind of operation that has one, and none besides', () => {
  expect(definitions.map(({ kind }) => kind).sort()).toEqual([...workflowKind.options].sort());
});

it('every workflow function is called by some workflow', () => {
  const called = new Set([
    ...machines.flatMap(({ machine }) => Object.values(machine.States).filter(isTask).map(functionOf)),
    ...['ListObservedClusters', 'ObserveFlink'].filter((name) => observer.includes(`\${${name}}`)),
  ]);
  const known = Object.entries(FUNCTIONS)
    .filter(([, definition]) => definition.kind === 'workflow')
    .map(([name]) => placeholderOf(name));
  expect([...called].sort()).toEqual(known.sort());
});

describe.each(machines)('workflow $kind', ({ kind, machine, text, file }) => {
  const states = Object.entries(machine.States);
  const tasks = states.filter(([, state]) => isTask(state));

  it('is valid Amazon States Language in JSONata', () => {
    const result = validate(JSON.parse(withDummyArns(text)));
    expect([result.isValid, result.errorsText()]).toEqual([true, expect.anything()]);
    expect(machine.QueryLanguage).toBe('JSONata');
  });

  it('is explained in a README beside it', () => {
    expect(existsSync(join(dirname(file), 'README.md'))).toBe(true);
  });

  it('ends at some time, whatever happens', () => {
    expect(machine.TimeoutSeconds).toBeGreaterThan(0);
  });

  it('has no state that is never entered', () => {
    expect(states.map(([name]) => name).filter((name) => !reachable(machine, machine.StartAt).has(name))).toEqual([]);
  });

  it.each(tasks)('waits for «%s» longer than its function may run, and not much longer', (_, state) => {
    const functionName = Object.keys(FUNCTIONS).find(
      (name) => placeholderOf(name) === functionOf(state) && FUNCTIONS[name]?.kind === 'workflow',
    );
    const timeout = FUNCTIONS[functionName as string]?.timeoutSeconds as number;
    expect(state.TimeoutSeconds).toBeGreaterThan(timeout);
    expect(state.TimeoutSeconds).toBeLessThanOrEqual(timeout + 60);
  });

  it.each(tasks)('tries «%s» again after what passes by itself, spread in time and not for ever', (_, state) => {
    const covered = new Set(state.Retry?.flatMap((retrier) => retrier.ErrorEquals));
    expect(TRANSIENT.filter((name) => !covered.has(name))).toEqual([]);
    for (const retrier of state.Retry ?? []) {
      expect(retrier.JitterStrategy).toBe('FULL');
      expect(retrier.MaxAttempts).toBeLessThanOrEqual(20);
      expect(retrier.MaxDelaySeconds).toBeLessThanOrEqual(60);
    }
  });

  it('waits minutes for a function in the VPC that has been idle for weeks', () => {
    const inVpc = new Set(Object.entries(FUNCTIONS).flatMap(([name, { network }]) => (network === 'vpc' ? [placeholderOf(name)] : [])));
    for (const [name, { Retry = [] }] of tasks.filter(([one, state]) => inVpc.has(functionOf(state)) && !GOES_ON_WITHOUT.has(one)))
      for (const error of WOKEN) {
        const retrier = Retry.find(({ ErrorEquals }) => ErrorEquals.includes(error));
        expect([name, error, meanSecondsOf(retrier) >= WAKING_SECONDS]).toEqual([name, error, true]);
      }
  });

  it.each(tasks.filter(([, state]) => !ends(state)))('has a way out when «%s» fails for good', (_, state) => {
    expect(state.Catch?.at(-1)?.ErrorEquals).toEqual(['States.ALL']);
  });

  it('names no error in Retry and Catch that nobody throws', () => {
    const named = tasks.flatMap(([, state]) => [...(state.Retry ?? []), ...(state.Catch ?? [])].flatMap((each) => each.ErrorEquals));
    expect(named.filter((name) => !KNOWN_ERRORS.has(name) && !PLATFORM_ERROR.test(name))).toEqual([]);
  });

  it('goes round no loop without a bound', () => {
    const bounds = new Set(states.filter(([name, state]) => state.Type === 'Choice' && isBound(machine, name)).map(([name]) => name));
    expect(onCircles(machine, bounds)).toEqual([]);
  });

  it('looks as long as the longest deadline that a stage may have, and while it cleans up as long as its lease', () => {
    for (const [name, state] of states.filter(([name, state]) => state.Type === 'Choice' && isBound(machine, name))) {
      const looks = Math.min(
        ...(state.Choices ?? []).map(({ Condition }) => Number(/^\{% \$tries >= (\d+) %\}$/.exec(Condition)?.[1] ?? 1e9)),
      );
      const least = AWAITED.test(name) ? MOST_SECONDS : /^(Settled|Warmed up)\?$/.test(name) ? 60 : CLEANING_SECONDS;
      expect([name, secondsOf(looks) >= least]).toEqual([name, true]);
    }
  });

  it('is ended from outside only after its longest deadline and the cleaning up behind it', () => {
    const each = MOST_SECONDS;
    const longest = { launchSeconds: each, submitSeconds: each, savepointSeconds: each, rescaleSeconds: each, terminateSeconds: each };
    const deadline = deadlineSecondsOf(LONGEST[kind] ?? ({ kind } as OperationRequest), longest);
    expect(machine.TimeoutSeconds).toBeGreaterThan(deadline + CLEANING_SECONDS);
  });

  it('waits in every loop, so that it never asks as fast as it can', () => {
    const waits = new Set(states.filter(([, state]) => state.Type === 'Wait').map(([name]) => name));
    expect(onCircles(machine, waits)).toEqual([]);
  });

  it('writes the end on the operation on every way out', () => {
    const enders = new Set(states.filter(([, state]) => ends(state)).map(([name]) => name));
    const unrecorded = [...reachable(machine, machine.StartAt, enders)].filter((name) => {
      const state = machine.States[name] as State;
      return state.End === true || state.Type === 'Succeed' || state.Type === 'Fail';
    });
    expect(unrecorded).toEqual([]);
  });

  it('tells every task its operation and the name of its phase', () => {
    for (const [, state] of tasks) {
      expect(state.Resource).toBe('arn:aws:states:::lambda:invoke');
      expect(state.Arguments?.Payload).toMatchObject({
        operationId: '{% $states.context.Execution.Input.operationId %}',
        phase: '{% $states.context.State.Name %}',
      });
    }
  });
});
