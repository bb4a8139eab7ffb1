import type { AlarmSeen } from '../../contracts/scaling';
import type { AlarmSubject } from '../../domain/alarm-name';
import type { JobAlarm } from '../../domain/alarms';

/** An alarm of a job as it is there now. */
export type AlarmFound = AlarmSubject &
  AlarmSeen & {
    /** Whether its settings are these. */
    readonly isAs: (wanted: JobAlarm) => boolean;
  };

export interface AlarmsChanged {
  readonly made: number;
  readonly removed: number;
}

/** The alarms of the stage's jobs, found by their names. Every method can be repeated. */
export interface AlarmsPort {
  /** Makes the job's alarms as given, changes those that are different, and removes those of the job that are not among them. */
  ensureAlarms(cluster: string, job: string, alarms: readonly JobAlarm[]): Promise<AlarmsChanged>;
  /** @param job absent: of all jobs of the cluster @returns how many there were */
  deleteAlarms(cluster: string, job?: string): Promise<number>;
  /** @param cluster absent: of all clusters of the stage, also of those that are gone */
  alarmsOf(cluster?: string): Promise<readonly AlarmFound[]>;
}
