import type { z } from 'zod';
import { FlinkUnavailable } from '../../contracts/errors';
import { timeFor } from '../time-left';
import { rootCause } from './root-cause';

/** An answer of 4xx, or of 5xx with a Java exception in it. */
export class FlinkRefusal extends Error {
  constructor(
    readonly status: number,
    /** The stack trace as Flink gave it. */
    readonly trace: string,
  ) {
    super(rootCause(trace));
    this.name = 'FlinkRefusal';
  }
}

/** For a refusal that says nothing of what was asked about: Flink, which did answer, is not well. */
export const unwell = (what: string, refusal: FlinkRefusal): FlinkUnavailable =>
  new FlinkUnavailable(`${what}: answered ${refusal.status}, ${refusal.message}`, { cause: refusal, answered: true });

/** An error of what no healthy JobManager refuses. */
export const withoutRefusal = (what: string, error: unknown): unknown => (error instanceof FlinkRefusal ? unwell(what, error) : error);

export interface Call<T> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly answer: z.ZodType<T>;
  readonly timeoutMs: number;
}

/**
 * One call, never repeated here: whether a repetition is harmless is known to the caller only.
 * @throws FlinkUnavailable no answer in time, an answer that is not Flink's, or 503
 * @throws FlinkRefusal what Flink says when it does not do it
 */
export async function call<T>(baseUrl: string, { method, path, body, answer, timeoutMs }: Call<T>): Promise<T> {
  const what = `${method} ${path}`;
  const ms = timeFor(timeoutMs);
  if (ms === 0) throw new FlinkUnavailable(`${what}: not asked, the time of the function is over`);
  let status: number;
  let text: string;
  try {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      signal: AbortSignal.timeout(ms),
      redirect: 'error',
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    status = response.status;
    text = await response.text();
  } catch (error) {
    throw new FlinkUnavailable(`${what}: ${noAnswer(error, ms)}`, { cause: error });
  }
  return readAnswer(what, status, text, answer);
}

/** Tells an answer from a refusal, and both from something that does not come from a healthy Flink. */
export function readAnswer<T>(what: string, status: number, text: string, answer: z.ZodType<T>): T {
  const json = parseJson(text);
  if (status >= 200 && status < 300) {
    const parsed = answer.safeParse(json);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    const problem = `${issue?.path.join('.') || 'body'}: ${issue?.message}`;
    throw new FlinkUnavailable(`${what}: the answer is not Flink's (${problem})`, { answered: true });
  }
  const errors = (json as { errors?: unknown } | undefined)?.errors;
  const trace = Array.isArray(errors) ? errors.filter((error) => error !== 'Internal server error.').join('\n') : '';
  // 503: no leader at the moment. 5xx without a trace: something in between, or a JobManager that is going down.
  if (status === 503 || trace === '')
    throw new FlinkUnavailable(`${what}: answered ${status}${trace === '' ? '' : `, ${rootCause(trace)}`}`, { answered: true });
  throw new FlinkRefusal(status, trace);
}

export function noAnswer(error: unknown, timeoutMs: number): string {
  const { name, message, cause } = error as { name?: string; message?: string; cause?: { code?: string; message?: string } };
  if (name === 'TimeoutError' || name === 'AbortError') return `no answer within ${timeoutMs} ms`;
  return `no answer (${cause?.code ?? cause?.message ?? message ?? String(error)})`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
