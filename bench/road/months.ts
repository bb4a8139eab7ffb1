import { MINUTES_A_MONTH, NOTHING, PRICES, priceOf, times, type Use } from '../prices';
import type { Invocation } from './invocations';
import { gbSeconds } from './operations';
import type { StandingCharges } from './standing-charges';

const SWEEPER = 'sweep-operations';
/** Two Flink distributions with plugins and a Java runtime for each architecture, generously. */
const ARTIFACTS_GB = 2;
/** DynamoDB asks for the table's key at most every five minutes while the table is in use. */
const KEY_REQUESTS = MINUTES_A_MONTH / 5;
/** A sweep is one query of the index of open operations; consistent or not, it costs at most this. */
const READ_UNITS_A_SWEEP = 1;

export interface MonthPrice {
  readonly parts: Readonly<Record<string, number>>;
  readonly dollars: number;
}

const sum = (parts: Readonly<Record<string, number>>): MonthPrice => ({
  parts,
  dollars: Object.values(parts).reduce((total, part) => total + part, 0),
});

const useOf = (run: Pick<Invocation, 'functionName' | 'durationMs' | 'logBytes'>): Use => ({
  ...NOTHING,
  invocations: 1,
  gbSeconds: gbSeconds(run),
  logBytes: run.logBytes,
});

/** A stage in which nobody does anything: what stands there, and the sweeper once a minute. @param sweep a typical run of it */
export const emptyStageMonth = (
  standing: StandingCharges,
  sweep: { readonly durationMs: number; readonly logBytes: number },
): MonthPrice => {
  const once = { ...useOf({ functionName: SWEEPER, ...sweep }), tableReadUnits: READ_UNITS_A_SWEEP, traces: 1 };
  return sum({
    ...standing.byType,
    'sweeper, once a minute': priceOf(times(once, MINUTES_A_MONTH)),
    'requests of the key': KEY_REQUESTS * PRICES.keyRequest,
    'Flink and Java in S3': ARTIFACTS_GB * PRICES.storedGbMonth,
  });
};

/**
 * What a running cluster without jobs adds, apart from its EC2 instances and volumes: whatever the control plane ran beside its sweeper while
 * nobody asked it for anything.
 */
export const idleClusterMonth = (runs: readonly Invocation[], windowSeconds: number): MonthPrice => {
  const own = runs.filter(({ functionName }) => functionName !== SWEEPER);
  const aWindow = own.reduce((total, run) => total + priceOf({ ...useOf(run), traces: 1 }), 0);
  return sum({ [`${own.length} function runs in ${Math.round(windowSeconds)} s`]: aWindow * ((MINUTES_A_MONTH * 60) / windowSeconds) });
};

/** The sweeper's runs among others. */
export const sweepsIn = (runs: readonly Invocation[]): Invocation[] => runs.filter(({ functionName }) => functionName === SWEEPER);
