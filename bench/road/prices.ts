/**
 * List prices in us-east-1, USD, November 2026, without free tiers. Sources: the pricing pages of Lambda (x86), Step Functions (standard workflows),
 * API Gateway (HTTP APIs), DynamoDB (on demand), KMS and CloudWatch.
 */
export const PRICES = {
  lambdaRequest: 0.2e-6,
  lambdaGBSecond: 1.66667e-5,
  stateTransition: 2.5e-5,
  httpApiRequest: 1e-6,
  dynamoWrite: 0.625e-6,
  dynamoRead: 0.125e-6,
  kmsKeyMonth: 1,
  alarmMonth: 0.1,
  logsGB: 0.5,
} as const;

/** DynamoDB calls of one task: it reads the operation and its cluster or job, and writes its phase at start and end (transactions count twice). */
const CALLS_PER_TASK = { reads: 3, writes: 3 };
/** One line of structured log a call, bytes, with Lambda's own three lines. */
const LOG_BYTES_PER_INVOCATION = 900;

export interface Usage {
  readonly transitions: number;
  readonly invocations: number;
  readonly billedMs: number;
  /** MiB of the functions. */
  readonly memoryMiB: number;
  readonly apiRequests: number;
}

/** What an amount of work costs, USD. */
export const priceOf = ({ transitions, invocations, billedMs, memoryMiB, apiRequests }: Usage): number =>
  transitions * PRICES.stateTransition +
  invocations *
    (PRICES.lambdaRequest +
      CALLS_PER_TASK.reads * PRICES.dynamoRead +
      CALLS_PER_TASK.writes * PRICES.dynamoWrite +
      (LOG_BYTES_PER_INVOCATION / 1e9) * PRICES.logsGB) +
  (billedMs / 1_000) * (memoryMiB / 1_024) * PRICES.lambdaGBSecond +
  apiRequests * PRICES.httpApiRequest;
