import { PRICES, priceOf, type Use } from '../prices';
import { type Aim, under } from '../report';
import { median, rounded } from '../statistics';
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

export interface PricedOperation
  extends Pick<OperationCost, 'kind' | 'seconds' | 'transitions' | 'invocations' | 'functionMs'>,
    Pick<Use, 'tableWriteUnits' | 'tableReadUnits'> {
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
    const { tableWriteUnits, tableReadUnits } = use;
    return {
      kind,
      seconds,
      transitions,
      invocations,
      functionMs,
      tableWriteUnits,
      tableReadUnits,
      dollars: priceOf(use) + starts * PRICES.gbSecond,
    };
  });

/** What runs once a minute stays warm; a cold run counts only when there was no other. */
const typicalSweeps = ({ sweeps = [] }: Findings): readonly Invocation[] => {
  const warm = sweeps.filter(({ cold }) => !cold);
  return warm.length > 0 ? warm : sweeps;
};

export const emptyStage = (findings: Findings): MonthPrice | undefined => {
  const sweeps = typicalSweeps(findings);
  if (!findings.standing || sweeps.length === 0) return undefined;
  return emptyStageMonth(findings.standing, {
    durationMs: median(sweeps.map(({ durationMs }) => durationMs)),
    logBytes: median(sweeps.map(({ logBytes }) => logBytes)),
  });
};

export const idleCluster = ({ idle }: Findings): MonthPrice | undefined => idle && idleClusterMonth(idle.runs, idle.seconds);

/** Operations a month, so that their price can be held against a month's. */
const OPERATIONS_A_MONTH = 1_000;

/** The aims of which something was measured. */
export const aimsOf = (findings: Findings): Aim[] => {
  const { submissions, bundles = [], standing } = findings;
  const aims: Aim[] = [];
  if (submissions)
    aims.push(under('submit to RUNNING: overhead over Flink by hand', 2, 's', submissions.overheadSeconds, longestPhase(submissions)));
  const [largest] = [...bundles].sort((a, b) => b.bytes - a.bytes);
  if (largest) aims.push(under('largest bundle', 700, 'KB', rounded(largest.bytes / 1_000), largest.functionName));
  const [slowest] = [...bundles].sort((a, b) => b.initMs - a.initMs);
  if (slowest) aims.push(under('slowest cold init', 250, 'ms', slowest.initMs, slowest.functionName));
  const dollars = (name: string, price: number | undefined, note?: string): void => {
    if (price !== undefined) aims.push(under(name, 5, 'USD', rounded(price, 2), note));
  };
  const [dearest] = pricedOperations(findings).sort((a, b) => b.dollars - a.dollars);
  dollars(`${OPERATIONS_A_MONTH} operations of the dearest kind`, dearest && dearest.dollars * OPERATIONS_A_MONTH, dearest?.kind);
  dollars("an idle cluster's control, a month", idleCluster(findings)?.dollars);
  const unknown = standing?.unknown ?? [];
  dollars('an empty stage, a month', emptyStage(findings)?.dollars, unknown.length > 0 ? `without ${unknown.join(', ')}` : undefined);
  return aims;
};

const longestPhase = ({ phases }: Submissions): string | undefined => {
  const [longest] = Object.entries(phases).sort(([, a], [, b]) => b - a);
  return longest && `${longest[1].toFixed(2)} s of a submission pass at "${longest[0]}", Flink's own start of the job included`;
};

/** What the JSON line holds. */
export const runsOf = (findings: Findings): unknown => {
  const { operations: _, idle, sweeps: __, ...rest } = findings;
  const sweepMs = typicalSweeps(findings).map(({ durationMs }) => durationMs);
  return {
    ...rest,
    operations: pricedOperations(findings),
    emptyStage: emptyStage(findings),
    idleCluster: idleCluster(findings),
    ...(idle ? { idle: { seconds: rounded(idle.seconds), functionRuns: idle.runs.map(({ functionName }) => functionName) } } : {}),
    ...(sweepMs.length > 0 ? { sweeper: { runs: sweepMs.length, medianMs: median(sweepMs) } } : {}),
    prices: { ...PRICES },
  };
};
