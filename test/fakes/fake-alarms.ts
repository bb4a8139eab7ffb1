import type { AlarmSeen } from '../../lambdas/contracts/scaling';
import type { JobAlarm } from '../../lambdas/domain/alarms';
import type { AlarmFound, AlarmsChanged, AlarmsPort } from '../../lambdas/gateways/aws/alarms.port';
import { type Faults, withFaults } from './faults';

interface Kept {
  readonly cluster: string;
  readonly job: string;
  readonly alarm: JobAlarm;
  seen: AlarmSeen;
}

const CREATED: AlarmSeen = { state: 'INSUFFICIENT_DATA', since: new Date(0).toISOString(), reason: 'Unchecked: Initial alarm creation' };

class InMemoryAlarms implements AlarmsPort {
  private readonly kept = new Map<string, Kept>();

  async ensureAlarms(cluster: string, job: string, alarms: readonly JobAlarm[]): Promise<AlarmsChanged> {
    let made = 0;
    for (const alarm of alarms) {
      const before = this.kept.get(keyOf(cluster, job, alarm.kind));
      if (before && isSame(before.alarm, alarm)) continue;
      // A change of an alarm's settings keeps its state.
      this.kept.set(keyOf(cluster, job, alarm.kind), { cluster, job, alarm, seen: before?.seen ?? CREATED });
      made += 1;
    }
    const wanted = new Set(alarms.map(({ kind }) => keyOf(cluster, job, kind)));
    return { made, removed: this.remove((key, one) => one.cluster === cluster && one.job === job && !wanted.has(key)) };
  }

  async deleteAlarms(cluster: string, job?: string): Promise<number> {
    return this.remove((_, one) => one.cluster === cluster && (job === undefined || one.job === job));
  }

  async alarmsOf(cluster?: string): Promise<readonly AlarmFound[]> {
    return [...this.kept.values()]
      .filter((one) => cluster === undefined || one.cluster === cluster)
      .map(({ alarm, cluster: of, job, seen }) => ({
        cluster: of,
        job,
        kind: alarm.kind,
        ...seen,
        isAs: (wanted) => isSame(alarm, wanted),
      }));
  }

  /** As CloudWatch evaluates it, or a person sets it by hand. */
  setState(cluster: string, job: string, kind: JobAlarm['kind'], seen: AlarmSeen): void {
    const one = this.kept.get(keyOf(cluster, job, kind));
    if (one) one.seen = seen;
  }

  settings(cluster: string, job: string): readonly JobAlarm[] {
    return [...this.kept.values()].filter((one) => one.cluster === cluster && one.job === job).map(({ alarm }) => alarm);
  }

  private remove(which: (key: string, one: Kept) => boolean): number {
    const gone = [...this.kept].filter(([key, one]) => which(key, one));
    for (const [key] of gone) this.kept.delete(key);
    return gone.length;
  }
}

const isSame = (one: JobAlarm, other: JobAlarm): boolean => JSON.stringify(one) === JSON.stringify(other);
const keyOf = (...parts: readonly string[]): string => parts.join('.');

export type FakeAlarms = InMemoryAlarms & Faults<AlarmsPort>;
export const createFakeAlarms = (): FakeAlarms => withFaults(new InMemoryAlarms()) as FakeAlarms;
