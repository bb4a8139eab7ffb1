import type { Caught } from '../contracts/workflow';

/** Longest message kept of a failure, characters: a stack trace of Flink's can have 90,000. */
const MESSAGE_LIMIT = 1_800;

export interface Failure {
  /** Name of an error of `contracts/errors.ts`, of Lambda or of Step Functions. */
  readonly name: string;
  /** One readable sentence. */
  readonly message: string;
}

/** What Step Functions and Lambda mean by the names they give. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
export const PLATFORM_FAILURES: Readonly<Record<string, string>> = {
  'States.Timeout': 'a step of the workflow did not answer in time',
  'States.DataLimitExceeded': 'a step of the workflow answered more than a state machine can carry',
  'States.QueryEvaluationError': 'a step of the workflow answered something that the state machine cannot read',
  'Sandbox.Timedout': 'a function of the control plane ran into its timeout',
  'Lambda.TooManyRequestsException': 'Lambda ran no more functions at once; the account or the function is at its concurrency limit',
};

/** Turns what a Catch was given into a name and one sentence. A cause is a Lambda error as JSON, or a text. */
export const describeFailure = (caught: Caught | null | undefined): Failure => {
  const name = caught?.Error ?? 'Unknown';
  const cause = caught?.Cause ?? '';
  const meaning = PLATFORM_FAILURES[name];
  const detail = messageOf(cause);
  if (meaning !== undefined) return { name, message: shorten(detail && !isNoise(detail) ? `${meaning}: ${detail}` : meaning) };
  if (detail) return { name, message: shorten(detail) };
  return { name, message: `the workflow failed without saying why (${name})` };
};

/** One sentence for a person: starts with a capital unless its first word is a name (`s3://…`, `com.example.Job`), ends with a full stop. */
export const sentence = (text: string): string => {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const capital =
    /^[a-z]+([\s,;?!.]|: |$)/.test(trimmed) && !/^[a-z]+\.[a-z]/i.test(trimmed)
      ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1)
      : trimmed;
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
};

/** Cuts a text at `limit` characters and says so. A character that is two of JavaScript's is not cut in half. */
export const shorten = (text: string, limit = MESSAGE_LIMIT): string =>
  text.length <= limit
    ? text
    : `${text
        .slice(0, limit - 20)
        .replace(/[\ud800-\udbff]$/, '')
        .trimEnd()} … (cut)`;

const messageOf = (cause: string): string => {
  try {
    const parsed = JSON.parse(cause) as { errorMessage?: unknown } | null;
    if (typeof parsed?.errorMessage === 'string') return oneLine(parsed.errorMessage);
  } catch {
    // Not a Lambda error, or cut in the middle: the message comes early in it.
    const message = /"errorMessage"\s*:\s*"((?:[^"\\]|\\.)*)/.exec(cause)?.[1];
    if (message !== undefined) return oneLine(message.replace(/\\n/g, ' ').replace(/\\(["\\/])/g, '$1'));
  }
  return oneLine(cause);
};

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** Lambda's own words for a timeout name a request id and nothing else. */
const isNoise = (detail: string): boolean => /Task timed out after|RequestId: \S+ Error: Task timed out/.test(detail);
