import type { AlarmChanged } from '../../contracts/events';
import type { Job } from '../../contracts/job';
import type { AlarmSeen } from '../../contracts/scaling';
import type { Stage } from '../../contracts/stage';
import { type AlarmSubject, subjectOf } from '../../domain/alarm-name';
import type { Clock } from '../../domain/clock';
import { shorten } from '../../domain/describe-failure';
import { isJobOver } from '../../domain/job-lifecycle';
import type { StorePort } from '../../gateways/aws/store.port';
import type { Considered } from './consider-scaling';

export interface HandleAlarmDeps {
  readonly store: StorePort;
  readonly stage: Pick<Stage, 'name'>;
  readonly clock: Clock;
  /** Looks whether the job should scale now. May be called twice for the same change. Absent: alarms are recorded only. */
  readonly considerScaling?: (at: { readonly cluster: string; readonly job: string }, trigger: string) => Promise<Considered>;
}

export interface AlarmHandled {
  readonly outcome: 'ignored' | 'recorded' | 'considered';
  readonly reason: string;
  readonly subject?: AlarmSubject;
  /** What was decided when it was asked whether to scale. */
  readonly decided?: Omit<Considered, 'reason'>;
}

/** Clocks of AWS services differ by less. An instant further in the future would keep every later change from being recorded. */
const MOST_AHEAD_MS = 300_000;

/**
 * Records the state of a job's alarm and asks whether to scale when it rings. Events come late, twice and out of order, for jobs that are gone and
 * for alarms that are none of ours: those are ignored with a reason. Only what may pass is thrown, for Lambda's one retry.
 */
export const handleAlarm = async (deps: HandleAlarmDeps, { alarmName, state }: AlarmChanged): Promise<AlarmHandled> => {
  const subject = subjectOf(deps.stage.name, alarmName);
  if (!subject) return { outcome: 'ignored', reason: `${shorten(alarmName, 300)} is no alarm of a job of this stage` };
  const { cluster, job, kind } = subject;
  const ignored = (reason: string): AlarmHandled => ({ outcome: 'ignored', reason, subject });
  if (Date.parse(state.timestamp) > deps.clock().getTime() + MOST_AHEAD_MS) return ignored(`${state.timestamp} is in the future`);
  const [foundCluster, foundJob] = await Promise.all([deps.store.cluster(cluster), deps.store.job(cluster, job)]);
  if (foundCluster?.desired !== 'RUNNING' || foundCluster.status !== 'RUNNING') return ignored(`cluster ${cluster} does not run`);
  if (!foundJob || isJobOver(foundJob.status)) return ignored(`job ${job} does not run`);
  const seen: AlarmSeen = { state: state.value, since: state.timestamp, reason: shorten(state.reason) };
  if (!(await deps.store.recordAlarm(cluster, job, kind, seen)) && !(await isRecorded(deps.store, subject, seen)))
    return ignored(`a later change of it than that of ${seen.since} is known`);
  if (!deps.considerScaling || !mayScale(foundJob) || seen.state !== 'ALARM')
    return { outcome: 'recorded', reason: `${kind} is ${seen.state}`, subject };
  const { reason, ...decided } = await deps.considerScaling({ cluster, job }, `alarm ${kind}`);
  return { outcome: 'considered', reason: `${kind} is ${seen.state} (${seen.reason}): ${reason}`, subject, decided };
};

const mayScale = ({ spec, desired }: Job): boolean => spec.scaling?.enabled === true && desired === 'RUNNING';

/** The same event once more: what follows from it may not have happened yet. */
const isRecorded = async (store: StorePort, { cluster, job, kind }: AlarmSubject, { state, since }: AlarmSeen): Promise<boolean> => {
  const known = (await store.job(cluster, job))?.alarms?.[kind];
  return known?.since === since && known.state === state;
};
