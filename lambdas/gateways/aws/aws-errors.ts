import { AwsUnavailable } from '../../contracts/errors';

/** Error codes that go away by themselves, over all services used here: throttling, faults inside AWS, and what IAM and EC2 say while news spreads. */
const PASSING_CODES = new Set([
  'InternalError',
  'InternalFailure',
  'InternalServerError',
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestTimeout',
  'ResourceContention',
  'ScalingActivityInProgress',
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
