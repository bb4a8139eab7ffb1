import type { Cluster } from '../../contracts/cluster';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import { type AlarmKind, alarmKind, scalingSettings } from '../../contracts/scaling';
import type { Stage } from '../../contracts/stage';
import type { TaskAnswer } from '../../contracts/workflow';
import { alarmsFor, type JobAlarm } from '../../domain/alarms';
import { isJobOver } from '../../domain/job-lifecycle';
import type { AlarmsPort } from '../../gateways/aws/alarms.port';
import type { StorePort } from '../../gateways/aws/store.port';

export interface AlarmDeps {
  readonly alarms: AlarmsPort;
  readonly store: StorePort;
  readonly stage: Pick<Stage, 'name' | 'alarms' | 'observation'>;
}

/** The alarms that a job shall have now: none once it is over, its cluster is gone, or it says nothing about its scale. */
export const wantedAlarms = (stage: AlarmDeps['stage'], cluster: Cluster | undefined, job: Job | undefined): readonly JobAlarm[] => {
  if (cluster?.status !== 'RUNNING' || !job || isJobOver(job.status) || !job.spec.scaling) return [];
  const { scaling, source } = job.spec;
  const { runbook, periodSeconds } = stage.alarms;
  // A period in which nothing is observed holds no data point, and so many in a row never make an alarm.
  const observedEverySeconds = Math.max(periodSeconds, cluster.spec.observation?.intervalSeconds ?? stage.observation.intervalSeconds);
  return alarmsFor({ scaling, settings: scalingSettings.parse(scaling), source: source?.msk, observedEverySeconds, runbook });
};

/** Forgets of the job what is recorded of alarms that it shall not have: of those no event comes any more, and one that rang would ring for ever. */
export const forgetOthers = async (
  { store }: Pick<AlarmDeps, 'store'>,
  { cluster, name, alarms = {} }: Job,
  wanted: readonly JobAlarm[],
): Promise<readonly AlarmKind[]> => {
  const others = alarmKind.options.filter((kind) => alarms[kind] !== undefined && !wanted.some((alarm) => alarm.kind === kind));
  if (others.length > 0) await store.forgetAlarms(cluster, name, others);
  return others;
};

/** Makes the alarms of the operation's job follow what the job is now. */
export const ensureAlarms = async (deps: AlarmDeps, operation: Operation): Promise<TaskAnswer> => {
  const { cluster, job = '' } = operation;
  const [foundCluster, foundJob] = await Promise.all([deps.store.cluster(cluster), deps.store.job(cluster, job)]);
  const wanted = wantedAlarms(deps.stage, foundCluster, foundJob);
  const { made, removed } = await deps.alarms.ensureAlarms(cluster, job, wanted);
  if (foundJob) await forgetOthers(deps, foundJob, wanted);
  const names = wanted.map(({ kind }) => kind).join(', ') || 'none';
  return { reason: `Alarms: ${names}; ${made} made or changed, ${removed} removed` };
};

/** Removes the alarms of the operation's job, or of every job of its cluster, known to the table or not. */
export const deleteAlarms = async ({ alarms }: Pick<AlarmDeps, 'alarms'>, { cluster, job }: Operation): Promise<TaskAnswer> => ({
  reason: `${await alarms.deleteAlarms(cluster, job)} alarms removed`,
});
