import { AwsUnavailable } from '../../contracts/errors';

/** Error codes that go away by themselves, over all services used here: throttling, faults inside AWS, a call that was not waited for, and what IAM and EC2 say while news spreads. */
const PASSING_CODES = new Set([
  'AbortError',
  'ConcurrentModificationException',
  'ConcurrentTagAccess',
  'InternalError',
  'InternalFailure',
  'InternalServerError',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestTimeout',
  'ResourceContentionFault',
  'ScalingActivityInProgressFault',
  'ServiceUnavailable',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TimeoutError',
  'TooManyRequestsException',
  'TransactionConflictException',
  'TransactionInProgressException',
  'Unavailable',
]);

/** Codes of Node's sockets and resolver. */
const NETWORK_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT']);

interface SdkErrorShape {
  readonly name?: string;
  /** Node's own errors. */
  readonly code?: string;
  readonly message?: string;
  readonly $fault?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $retryable?: unknown;
}

/** AWS's error code (`InvalidGroup.NotFound`, `NoSuchEntityException`, …), `''` for what is no SDK error. */
export const errorCode = (error: unknown): string => {
  const { name, code } = (error ?? {}) as SdkErrorShape;
  return typeof code === 'string' && code !== '' ? code : (name ?? '');
};

export const hasCode = (error: unknown, ...codes: readonly string[]): boolean => {
  const { name, code } = (error ?? {}) as SdkErrorShape;
  return codes.some((wanted) => wanted === name || wanted === code);
};

const isPassing = (error: SdkErrorShape): boolean =>
  error.$retryable !== undefined ||
  (error.$metadata?.httpStatusCode ?? 0) >= 500 ||
  PASSING_CODES.has(error.name ?? '') ||
  PASSING_CODES.has(error.code ?? '') ||
  NETWORK_CODES.has(error.code ?? '');

/**
 * What an SDK call threw, as the rest of the product wants it: `AwsUnavailable` for what is worth a retry, the error itself for what is final
 * or belongs to a condition that the adapter knows about. The SDK has retried by then (`clients.ts`).
 */
export const translated = (error: unknown, call: string): unknown => {
  if (error instanceof AwsUnavailable || typeof error !== 'object' || error === null) return error;
  const shape = error as SdkErrorShape;
  return isPassing(shape) ? new AwsUnavailable(`${call}: ${errorCode(error)}: ${shape.message ?? 'no message'}`, { cause: error }) : error;
};

/** What a call answers, or undefined when it fails with one of these codes: for what may be there already, or may be gone already. */
export const unless = async <T>(codes: readonly string[], call: Promise<T>): Promise<T | undefined> => {
  try {
    return await call;
  } catch (error) {
    if (hasCode(error, ...codes)) return undefined;
    throw error;
  }
};

/** Turns codes that mean "not yet" for a certain call into `AwsUnavailable`, so that the workflow asks again. */
export const laterOn = async <T>(codes: readonly string[], call: Promise<T>): Promise<T> => {
  try {
    return await call;
  } catch (error) {
    if (!hasCode(error, ...codes)) throw error;
    throw new AwsUnavailable(`${errorCode(error)}: ${(error as Error).message}`, { cause: error });
  }
};

/** What was made or is there already, and of which the server that was asked has not heard yet where it does not find it. @throws AwsUnavailable then */
export const present = <T>(found: T | undefined, what: string): T => {
  if (found === undefined) throw new AwsUnavailable(`AWS neither makes nor finds ${what}`);
  return found;
};

/** @returns why a call could not be made that may be left out */
export const unlessUnavailable = (call: Promise<unknown>): Promise<string | undefined> =>
  call.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof AwsUnavailable) return error.message;
      throw error;
    },
  );

/** Waits until all have ended, also where one of them fails. @throws what the first that failed said */
export const everyOne = async (calls: readonly Promise<unknown>[]): Promise<void> => {
  const failed = (await Promise.allSettled(calls)).find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
};
