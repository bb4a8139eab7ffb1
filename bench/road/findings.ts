import { PRICES, priceOf } from '../prices';
import { type Aim, under } from '../report';
import { median, percentile, rounded } from '../statistics';
import type { BundleFigures } from './bundles';
import type { FirstRow } from './first-row';
import type { Invocation } from './invocations';
import type { RouteLatency } from './latency';
import { emptyStageMonth, idleClusterMonth, type MonthPrice } from './months';
import { gbSeconds, type OperationCost } from './operations';
import type { StandingCharges } from './standing-charges';
import type { Submissions } from './submissions';

/** What has been measured so far. */
export interface Findings {
  machine?: Readonly<Record<string, string | number>>;
  firstRow?: FirstRow;
  submissions?: Submissions;
  latencies?: readonly RouteLatency[];
  synth?: { readonly warmSeconds?: number; readonly bundlingSeconds?: number };
  standing?: StandingCharges;
  idle?: { readonly seconds: number; readonly runs: readonly Invocation[] };
  operations?: readonly OperationCost[];
  /** The sweeper's runs, all of them. */
  sweeps?: readonly Invocation[];
  bundles?: readonly BundleFigures[];
}

export interface PricedOperation extends Pick<OperationCost, 'kind' | 'seconds' | 'transitions' | 'invocations' | 'functionMs'> {
  /** USD, each function that took part started cold once. */
  readonly dollars: number;
}

/** Without measured starts of the functions, those are left out. */
export const pricedOperations = ({ operations = [], bundles = [] }: Findings): PricedOperation[] =>
  operations.map(({ kind, seconds, transitions, invocations, functionMs, functions, use }) => {
    const starts = functions.reduce((sum, functionName) => {
      const durationMs = bundles.find((bundle) => bundle.functionName === functionName)?.processMs ?? 0;
      return sum + gbSeconds({ functionName, durationMs });
    }, 0);
    return { kind, seconds, transitions, invocations, functionMs, dollars: priceOf(use) + starts * PRICES.gbSecond };
  });

export const emptyStage = ({ standing, sweeps = [] }: Findings): MonthPrice | undefined =>
  standing && sweeps.length > 0
    ? emptyStageMonth(standing, {
        durationMs: median(sweeps.map((sweep) => sweep.durationMs)),
        logBytes: median(sweeps.map((sweep) => sweep.logBytes)),
      })
    : undefined;

export const idleCluster = ({ idle }: Findings): MonthPrice | undefined => idle && idleClusterMonth(idle.runs, idle.seconds);

/** The aims of which something was measured. */
export const aimsOf = (findings: Findings): Aim[] => {
  const { submissions, bundles = [] } = findings;
  const aims: Aim[] = [];
  if (submissions) aims.push(under('submit to RUNNING: overhead over Flink by hand', 2, 's', submissions.overheadSeconds));
  if (bundles.length > 0) {
    aims.push(under('largest bundle', 700, 'KB', rounded(Math.max(...bundles.map(({ bytes }) => bytes)) / 1_000)));
    aims.push(under('slowest cold init', 250, 'ms', Math.max(...bundles.map(({ initMs }) => initMs))));
  }
  const dollars = (name: string, price: number | undefined, decimals = 2): void => {
    if (price !== undefined) aims.push(under(name, 5, 'USD', rounded(price, decimals)));
  };
  const priced = pricedOperations(findings);
  if (priced.length > 0) dollars('dearest operation', Math.max(...priced.map((operation) => operation.dollars)), 6);
  dollars("an idle cluster's control, a month", idleCluster(findings)?.dollars);
  dollars('an empty stage, a month', emptyStage(findings)?.dollars);
  return aims;
};

/** What the JSON line holds. */
export const runsOf = (findings: Findings): unknown => {
  const { operations: _, idle, sweeps, ...rest } = findings;
  const sweepMs = sweeps?.map(({ durationMs }) => durationMs) ?? [];
  return {
    ...rest,
    operations: pricedOperations(findings),
    emptyStage: emptyStage(findings),
    idleCluster: idleCluster(findings),
    ...(idle ? { idle: { seconds: rounded(idle.seconds), functionRuns: idle.runs.map(({ functionName }) => functionName) } } : {}),
    ...(sweepMs.length > 0 ? { sweeper: { runs: sweepMs.length, p50Ms: percentile(sweepMs, 0.5), p95Ms: percentile(sweepMs, 0.95) } } : {}),
    prices: { ...PRICES },
  };
};
