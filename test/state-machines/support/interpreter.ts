import { readFileSync } from 'node:fs';
import path from 'node:path';
import jsonata from 'jsonata';
import type { OperationKind } from '../../../lambdas/contracts/operation';

/** The parts of the Amazon States Language that the definitions use: JSONata, Assign, Task with Retry and Catch, Choice, Wait, Pass, Map, Succeed, Fail. */
interface State {
  readonly Type: 'Task' | 'Choice' | 'Wait' | 'Pass' | 'Succeed' | 'Fail' | 'Map';
  readonly Arguments?: { readonly FunctionName: string; readonly Payload: Json };
  readonly Output?: Json;
  readonly Assign?: Record<string, Json>;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Seconds?: Json;
  readonly Error?: Json;
  readonly Cause?: Json;
  readonly Default?: string;
  readonly Choices?: readonly { readonly Condition: string; readonly Assign?: Record<string, Json>; readonly Next: string }[];
  readonly Retry?: readonly {
    readonly ErrorEquals: readonly string[];
    readonly IntervalSeconds: number;
    readonly BackoffRate: number;
    readonly MaxAttempts: number;
    readonly MaxDelaySeconds: number;
  }[];
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Assign?: Record<string, Json>; readonly Next: string }[];
  readonly Items?: Json;
  readonly MaxConcurrency?: number;
  readonly ItemProcessor?: Definition;
}
type Json = unknown;

export interface Definition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

export interface Execution {
  readonly status: 'SUCCEEDED' | 'FAILED';
  readonly error?: string;
  readonly cause?: string;
  /** States in the order in which they were entered. */
  readonly path: readonly string[];
  readonly transitions: number;
}

export interface Environment {
  /** Calls the function behind a placeholder such as `StartJob`. A thrown error's name is what Retry and Catch see. */
  readonly invoke: (placeholder: string, payload: unknown) => Promise<unknown>;
  /** Time passes: a Wait state, or the pause before a retry. */
  readonly pause: (seconds: number) => Promise<void>;
  /** Told every way out of a state that is taken, in the words of `edgesOf`. */
  readonly took?: (edge: string) => void;
}

export const definitionOf = (kind: OperationKind | 'observe-clusters'): Definition =>
  JSON.parse(readFileSync(path.join(__dirname, '../../../state-machines', kind, 'definition.asl.json'), 'utf8')) as Definition;

/** More than any run takes: a loop that never ends is a failure of the definition. */
const MOST_TRANSITIONS = 20_000;
/** An inline Map has no more under way at a time. https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html */
const INLINE_ITERATIONS = 40;
const compiled = new Map<string, jsonata.Expression>();

/** Runs a definition in this process, function by function. Same rules as Step Functions, except that time is the environment's. */
export const execute = async (
  definition: Definition,
  input: unknown,
  environment: Environment,
  outer: { readonly variables: Readonly<Record<string, unknown>>; readonly StartTime: string } | undefined = undefined,
): Promise<Execution> => {
  const { invoke, pause, took = () => undefined } = environment;
  const variables: Record<string, unknown> = { ...outer?.variables };
  const entered: string[] = [];
  const StartTime = outer?.StartTime ?? new Date().toISOString();
  let name = definition.StartAt;
  let data: unknown = input;

  const evaluate = async (template: Json, extra: Record<string, unknown> = {}): Promise<unknown> => {
    if (typeof template === 'string' && template.startsWith('{%')) {
      const source = template.slice(2, -2).trim();
      const expression = compiled.get(source) ?? jsonata(source);
      compiled.set(source, expression);
      const states = { input: data, context: { State: { Name: name }, Execution: { Input: input, StartTime } }, ...extra };
      const value: unknown = await expression.evaluate(undefined, { ...variables, states });
      // Step Functions: "JSON cannot represent an undefined value".
      if (value === undefined) throw new StepError('States.QueryEvaluationError', `${source} gave nothing in "${name}"`);
      return typeof value === 'object' && value !== null ? JSON.parse(JSON.stringify(value)) : value;
    }
    if (Array.isArray(template)) return Promise.all(template.map((item) => evaluate(item, extra)));
    if (typeof template !== 'object' || template === null) return template;
    const fields = await Promise.all(Object.entries(template).map(async ([key, value]) => [key, await evaluate(value, extra)] as const));
    return Object.fromEntries(fields);
  };
  const assign = async (templates: Record<string, Json> | undefined, extra?: Record<string, unknown>): Promise<void> => {
    // All are evaluated before any is set.
    if (templates) Object.assign(variables, await evaluate(templates, extra));
  };

  const runTask = async (state: State): Promise<string | undefined> => {
    const retries = new Map<number, number>();
    for (;;) {
      try {
        const argumentsGiven = (await evaluate(state.Arguments)) as { FunctionName: string; Payload: unknown };
        const placeholder = argumentsGiven.FunctionName.replace(/^\$\{(\w+)\}$/, '$1');
        const Payload: unknown = JSON.parse(JSON.stringify((await invoke(placeholder, argumentsGiven.Payload)) ?? null));
        const extra = { result: { Payload } };
        const output = state.Output === undefined ? { Payload } : await evaluate(state.Output, extra);
        await assign(state.Assign, extra);
        data = output;
        if (state.End) return undefined;
        took(`${name} → ${state.Next}`);
        return state.Next;
      } catch (error) {
        if (error instanceof Stopped) throw error;
        const output = errorOutput(error);
        const index = (state.Retry ?? []).findIndex(({ ErrorEquals }) => matches(ErrorEquals, output.Error));
        const retrier = state.Retry?.[index];
        const done = retries.get(index) ?? 0;
        if (retrier && done < retrier.MaxAttempts) {
          await pause(Math.min(retrier.IntervalSeconds * retrier.BackoffRate ** done, retrier.MaxDelaySeconds));
          retries.set(index, done + 1);
          continue;
        }
        const catcher = state.Catch?.find(({ ErrorEquals }) => matches(ErrorEquals, output.Error));
        if (!catcher) throw error;
        await assign(catcher.Assign, { errorOutput: output });
        data = output;
        took(`${name} → ${catcher.Next} on ${catcher.ErrorEquals.join()}`);
        return catcher.Next;
      }
    }
  };

  /** Each iteration sees the variables as they were at the Map's beginning, and has its own. */
  const runMap = async ({ Items, MaxConcurrency, ItemProcessor }: State): Promise<void> => {
    const items = ((await evaluate(Items)) as readonly unknown[]).entries();
    const worker = async (): Promise<void> => {
      for (const [, item] of items) {
        const { error, cause } = await execute(ItemProcessor as Definition, item, environment, { variables, StartTime });
        if (error) throw new StepError(error, cause ?? '');
      }
    };
    await Promise.all(Array.from({ length: Math.min(MaxConcurrency || INLINE_ITERATIONS, INLINE_ITERATIONS) }, worker));
  };

  const step = async (state: State): Promise<string | undefined> => {
    switch (state.Type) {
      case 'Task':
        return runTask(state);
      case 'Choice': {
        for (const rule of state.Choices ?? []) {
          if ((await evaluate(rule.Condition)) !== true) continue;
          await assign(rule.Assign);
          took(`${name} → ${rule.Next} if ${rule.Condition}`);
          return rule.Next;
        }
        took(`${name} → ${state.Default} else`);
        return state.Default;
      }
      case 'Wait':
        await pause((await evaluate(state.Seconds)) as number);
        took(`${name} → ${state.Next}`);
        return state.Next;
      case 'Pass':
        await assign(state.Assign);
        took(`${name} → ${state.Next}`);
        return state.Next;
      case 'Succeed':
        return undefined;
      case 'Map':
        await runMap(state);
        data = state.Output === undefined ? data : await evaluate(state.Output);
        if (state.End) return undefined;
        took(`${name} → ${state.Next}`);
        return state.Next;
      case 'Fail':
        throw new StepError(String(await evaluate(state.Error)), String(await evaluate(state.Cause)));
    }
  };

  try {
    for (let next: string | undefined = name; next !== undefined; ) {
      name = next;
      entered.push(name);
      if (entered.length > MOST_TRANSITIONS)
        throw new StepError('States.ExecutionLimitExceeded', `loops at ${entered.slice(-4).join(' → ')}`);
      const state = definition.States[name];
      if (!state) throw new StepError('States.Runtime', `there is no state ${name}`);
      next = await step(state);
    }
    return { status: 'SUCCEEDED', path: entered, transitions: entered.length };
  } catch (error) {
    const output = errorOutput(error);
    return { status: 'FAILED', error: output.Error, cause: output.Cause, path: entered, transitions: entered.length };
  }
};

/** An error as Step Functions raises it by itself. */
export class StepError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Thrown by a task, it ends the execution on the spot, as somebody who stops it does. No Catch sees it. */
export class Stopped extends Error {}

/** What Lambda and Step Functions make of a thrown error. */
const errorOutput = (thrown: unknown): { readonly Error: string; readonly Cause: string } => {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (error instanceof StepError) return { Error: error.name, Cause: error.message };
  return { Error: error.name, Cause: JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: [] }) };
};

const matches = (names: readonly string[], error: string): boolean =>
  names.includes(error) || names.includes('States.ALL') || (names.includes('States.TaskFailed') && error !== 'States.Timeout');
