/**
 * List prices of us-east-1 in USD, without free tiers, as known in November 2025: nothing is looked up here. Each line names the page below
 * https://aws.amazon.com/ to check it against.
 */
export const PRICES = {
  /** step-functions/pricing: a state transition of a standard workflow; a retry is one more. */
  transition: 25 / 1e6,
  /** step-functions/pricing: an execution of an Express workflow, and its time by its memory. */
  expressExecution: 1 / 1e6,
  expressGbSecond: 0.00001667,
  /** lambda/pricing */
  invocation: 0.2 / 1e6,
  /** lambda/pricing, arm64. Since August 2025 a cold start's time is billed as well. */
  gbSecond: 0.0000133334,
  /** api-gateway/pricing: HTTP API, up to 512 KB. */
  apiCall: 1 / 1e6,
  /** dynamodb/pricing/on-demand: up to 1 KB; in a transaction twice as much. */
  tableWriteUnit: 0.625 / 1e6,
  /** dynamodb/pricing/on-demand: a strongly consistent read of up to 4 KB. */
  tableReadUnit: 0.125 / 1e6,
  /** cloudwatch/pricing: logs taken in. */
  logGb: 0.5,
  /** xray/pricing: a trace recorded. */
  trace: 5 / 1e6,
  /** kms/pricing: a request. */
  keyRequest: 0.03 / 1e4,
  /** s3/pricing: standard storage. */
  storedGbMonth: 0.023,
  /** kms/pricing: a customer-managed key; its first and its second rotation add as much again. */
  keyMonth: 1,
  /** cloudwatch/pricing: a custom metric of the first 10,000. */
  metricMonth: 0.3,
  /** cloudwatch/pricing */
  alarmMonth: 0.1,
  dashboardMonth: 3,
  /** secrets-manager/pricing */
  secretMonth: 0.4,
  /** privatelink/pricing: an interface endpoint in one zone. */
  interfaceEndpointHour: 0.01,
  /** vpc/pricing */
  natGatewayHour: 0.045,
  publicAddressHour: 0.005,
  /** elasticloadbalancing/pricing */
  loadBalancerHour: 0.0225,
} as const;

export const HOURS_A_MONTH = 730;
export const MINUTES_A_MONTH = HOURS_A_MONTH * 60;

/** What was used of the services that are billed by use. */
export interface Use {
  readonly transitions: number;
  readonly invocations: number;
  readonly gbSeconds: number;
  readonly apiCalls: number;
  readonly tableWriteUnits: number;
  readonly tableReadUnits: number;
  readonly logBytes: number;
  readonly traces: number;
}

export const NOTHING: Use = {
  transitions: 0,
  invocations: 0,
  gbSeconds: 0,
  apiCalls: 0,
  tableWriteUnits: 0,
  tableReadUnits: 0,
  logBytes: 0,
  traces: 0,
};

/** USD */
export const priceOf = (use: Use): number =>
  use.transitions * PRICES.transition +
  use.invocations * PRICES.invocation +
  use.gbSeconds * PRICES.gbSecond +
  use.apiCalls * PRICES.apiCall +
  use.tableWriteUnits * PRICES.tableWriteUnit +
  use.tableReadUnits * PRICES.tableReadUnit +
  (use.logBytes / 1e9) * PRICES.logGb +
  use.traces * PRICES.trace;

export const times = (use: Use, factor: number): Use =>
  Object.fromEntries(Object.entries(use).map(([name, amount]) => [name, amount * factor])) as unknown as Use;
