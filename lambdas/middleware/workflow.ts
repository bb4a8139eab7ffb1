import type { MiddlewareObj } from '@middy/core';
import type { z } from 'zod';
import { NotFound, Superseded } from '../contracts/errors';
import type { Operation, Phase } from '../contracts/operation';
import type { TaskAnswer, TaskInput } from '../contracts/workflow';
import type { Clock } from '../domain/clock';
import { shorten } from '../domain/describe-failure';
import { onCopy } from '../domain/drill-copy';
import type { StorePort } from '../gateways/aws/store.port';
import { log } from './log';
import { limitLastWords, limitToTime } from './timed';

/** What a handler of a state machine's task is given: the input as parsed, and the operation as stored. */
export interface Task<I extends TaskInput> {
  readonly input: I;
  readonly operation: Operation;
}

export interface WorkflowOptions {
  readonly store: StorePort;
  readonly clock: Clock;
  /** Whether the task also runs for an operation that has ended (the one that ends it). */
  readonly evenIfEnded?: boolean;
}

/** Longest reason kept with a phase, characters. */
const REASON_LIMIT = 500;

interface Running {
  readonly startedAt: string;
  /** Written beside the work, not before it. */
  readonly recorded: Promise<void>;
}

/**
 * Around every task of a state machine: parses the input, loads the operation, records the phase with its times, outcome and reason, and writes
 * one line to the log. Errors go on to Step Functions under their names, with messages short enough for a state machine.
 */
export const workflow = <I extends TaskInput>(
  schema: z.ZodType<I>,
  { store, clock, evenIfEnded = false }: WorkflowOptions,
): MiddlewareObj<Task<I>, TaskAnswer, Error> => {
  const running = new WeakMap<Task<I>, Running>();

  const record = async (task: Task<I>, phase: Pick<Phase, 'outcome' | 'reason'>, startedAt: string): Promise<void> => {
    const endedAt = phase.outcome === 'ok' || phase.outcome === 'failed' ? { endedAt: clock().toISOString() } : {};
    try {
      const reason = shorten(phase.reason, REASON_LIMIT);
      await store.recordPhase(task.operation.operationId, {
        name: task.input.phase,
        startedAt,
        ...endedAt,
        outcome: phase.outcome,
        reason,
      });
    } catch (error) {
      // What a person reads later must not decide whether the work goes on.
      log('WARN', { message: 'A phase could not be recorded', ...subject(task), error: String(error) });
    }
  };

  const finish = async (task: Task<I>, outcome: Phase['outcome'], reason: string, errorName?: string): Promise<void> => {
    const { startedAt, recorded } = running.get(task) ?? { startedAt: clock().toISOString(), recorded: Promise.resolve() };
    await recorded;
    await record(task, { outcome, reason }, startedAt);
    const durationMs = clock().getTime() - Date.parse(startedAt);
    log(outcome === 'failed' ? 'ERROR' : 'INFO', { message: reason, outcome, error: errorName, durationMs, ...subject(task) });
  };

  return {
    before: async (request) => {
      limitToTime(request.context);
      const input = schema.parse(request.event);
      const stored = await store.operation(input.operationId);
      if (!stored) throw new NotFound(`there is no operation ${input.operationId}`);
      const operation = onCopy(stored);
      const ended = operation.status !== 'PENDING' && operation.status !== 'RUNNING';
      if (ended && !evenIfEnded) throw new Superseded(`the operation has ended already: ${operation.reason}`);
      const task = { input, operation };
      request.event = task;
      const startedAt = clock().toISOString();
      // A wait stays a wait in the eyes of its reader while it is looked at again.
      const waits = operation.phases.some((phase) => phase.name === input.phase && phase.outcome === 'waiting');
      running.set(task, { startedAt, recorded: waits ? Promise.resolve() : record(task, { outcome: 'running', reason: '' }, startedAt) });
    },
    after: async ({ event, response, context }) => {
      limitLastWords(context);
      const waits = response !== null && typeof response === 'object' && 'ready' in response && response.ready === false;
      await finish(event, waits ? 'waiting' : 'ok', response?.reason ?? '');
    },
    onError: async ({ event, error, context }) => {
      if (!error) return;
      limitLastWords(context);
      error.message = shorten(error.message);
      if (running.has(event)) await finish(event, 'failed', error.message, error.name);
      else log('ERROR', { message: error.message, error: error.name, phase: (event as { readonly phase?: unknown }).phase });
    },
  };
};

const subject = ({ input, operation }: Task<TaskInput>): Readonly<Record<string, unknown>> => ({
  operationId: operation.operationId,
  kind: operation.kind,
  cluster: operation.cluster,
  job: operation.job,
  phase: input.phase,
});
