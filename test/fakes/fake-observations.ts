import type { JobRecord, LoadPoint } from '../../lambdas/contracts/observation';
import type { PastRescale } from '../../lambdas/contracts/scaling';
import type { ScalingDecision } from '../../lambdas/domain/scaling/decision';
import type { ObservationStorePort } from '../../lambdas/gateways/aws/observations.port';
import { type Faults, withFaults } from './faults';

const DAY_MS = 86_400_000;
const copy = <T>(value: T): T => structuredClone(value);
const keyOf = (cluster: string, job: string): string => `${cluster}/${job}`;

/** Observations in memory: same conditions and outcomes as the adapter (test/contract/observations.test.ts holds both to them). */
class InMemoryObservations implements ObservationStorePort {
  private readonly records = new Map<string, JobRecord>();
  private readonly rescales = new Map<string, PastRescale[]>();
  private readonly loads = new Map<string, Map<string, number>>();
  private readonly decisions = new Map<string, ScalingDecision>();

  constructor(private readonly now: () => Date) {}

  /** Puts a record as it is, past every condition: a test's starting point. */
  seed(...records: readonly JobRecord[]): void {
    for (const record of records) this.records.set(keyOf(record.cluster, record.job), copy(record));
  }

  async latest(cluster: string, job: string): Promise<JobRecord | undefined> {
    return copy(this.records.get(keyOf(cluster, job)));
  }

  async latestOf(cluster: string): Promise<readonly JobRecord[]> {
    const found = [...this.records.values()].filter((record) => record.cluster === cluster);
    return copy(found.sort((a, b) => (a.job < b.job ? -1 : 1)));
  }

  async put(record: JobRecord, ifObservedBefore: string | undefined): Promise<boolean> {
    const key = keyOf(record.cluster, record.job);
    if (this.records.get(key)?.observedAt !== ifObservedBefore) return false;
    this.records.set(key, copy(record));
    return true;
  }

  async history(cluster: string, job: string): Promise<readonly PastRescale[]> {
    return copy((this.rescales.get(keyOf(cluster, job)) ?? []).slice(-200));
  }

  async appendRescale(cluster: string, job: string, rescale: PastRescale): Promise<void> {
    const past = this.rescales.get(keyOf(cluster, job)) ?? [];
    if (past.some(({ at }) => at === rescale.at)) return;
    this.rescales.set(
      keyOf(cluster, job),
      [...past, copy(rescale)].sort((a, b) => (a.at < b.at ? -1 : 1)),
    );
  }

  async markRescale(
    cluster: string,
    job: string,
    at: string,
    { runningAt, measured }: Pick<Partial<PastRescale>, 'runningAt' | 'measured'>,
  ): Promise<boolean> {
    const found = this.rescales.get(keyOf(cluster, job))?.find((past) => past.at === at);
    if (!found) return false;
    if (runningAt !== undefined) found.runningAt = runningAt;
    if (measured) found.measured = copy(measured);
    return true;
  }

  async recordLoad(cluster: string, job: string, { from, recordsPerSecond }: LoadPoint): Promise<void> {
    const slot = new Date(Math.floor(Date.parse(from) / 600_000) * 600_000).toISOString();
    const loads = this.loads.get(keyOf(cluster, job)) ?? new Map<string, number>();
    loads.set(slot, Math.max(recordsPerSecond, loads.get(slot) ?? 0));
    this.loads.set(keyOf(cluster, job), loads);
  }

  async load(cluster: string, job: string, days: number): Promise<readonly LoadPoint[]> {
    const first = new Date(this.now().getTime() - days * DAY_MS).toISOString().slice(0, 10);
    return [...(this.loads.get(keyOf(cluster, job)) ?? [])]
      .filter(([from]) => from >= first)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([from, recordsPerSecond]) => ({ from, recordsPerSecond }));
  }

  async putDecision(operationId: string, decision: ScalingDecision, onlyFirst = false): Promise<boolean> {
    const key = keyOf(decision.inputs.observed.job.cluster, operationId);
    if (onlyFirst && this.decisions.has(key)) return false;
    this.decisions.set(key, copy(decision));
    return true;
  }

  async decision(cluster: string, operationId: string): Promise<ScalingDecision | undefined> {
    return copy(this.decisions.get(keyOf(cluster, operationId)));
  }
}

export type FakeObservations = InMemoryObservations & Faults<ObservationStorePort>;
export const createFakeObservations = (now: () => Date = () => new Date()): FakeObservations =>
  withFaults(new InMemoryObservations(now)) as FakeObservations;
