import type { Cluster } from '../../contracts/cluster';
import type { Job } from '../../contracts/job';
import type { JobAlarm } from '../../domain/alarms';
import type { Clock } from '../../domain/clock';
import { shorten } from '../../domain/describe-failure';
import { isJobOver } from '../../domain/job-lifecycle';
import type { AlarmFound } from '../../gateways/aws/alarms.port';
import { heldLease } from '../operations/in-the-way';
import { allClusters, allJobs } from '../operations/owned';
import { type AlarmDeps, forgetOthers, wantedAlarms } from './follow-alarms';

export type SweepAlarmsDeps = AlarmDeps & { readonly clock: Clock };

export interface AlarmsSwept {
  readonly cluster: string;
  readonly job: string;
  readonly action: 'make' | 'remove' | 'record' | 'forget';
  readonly reason: string;
}

/**
 * Makes alarms follow the jobs where no operation did: of a job that finished or failed by itself, or is gone, they are removed; those that
 * could not be made or changed, and those that the stage or the cluster now wants otherwise, are; and a state of which the event was lost is
 * recorded, one of an alarm that is gone forgotten. A job that an operation holds is left to it.
 */
export const sweepAlarms = async (deps: SweepAlarmsDeps): Promise<readonly AlarmsSwept[]> => {
  const found = byJob(await deps.alarms.alarmsOf());
  const swept: AlarmsSwept[] = [];
  const failures: string[] = [];
  for (const { cluster, jobs } of await everything(deps))
    for (const job of jobs) {
      const key = keyOf(job.cluster, job.name);
      const present = found.get(key) ?? [];
      found.delete(key);
      await attempt(failures, key, async () => swept.push(...(await sweepJob(deps, cluster, job, present))));
    }
  // What is left is of jobs that the table does not know.
  for (const [key, [first]] of found)
    await attempt(failures, key, async () => {
      if (first) swept.push(await remove(deps, first, 'there is no such job'));
    });
  // Said at the end, so that Lambda sees it, and those behind were looked at all the same.
  if (failures.length > 0) throw new Error(shorten(`the alarms of ${failures.length} jobs could not be swept: ${failures.join('; ')}`));
  return swept;
};

const attempt = async (failures: string[], key: string, work: () => Promise<unknown>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    failures.push(`${key}: ${String(error)}`);
  }
};

const sweepJob = async (
  deps: SweepAlarmsDeps,
  cluster: Cluster,
  job: Job,
  present: readonly AlarmFound[],
): Promise<readonly AlarmsSwept[]> => {
  if (heldLease(job.lease, deps.clock) || heldLease(cluster.lease, deps.clock)) return [];
  const wanted = wantedAlarms(deps.stage, cluster, job);
  const swept = await sweepPresent(deps, cluster, job, wanted, present);
  const forgotten = await forgetOthers(deps, job, wanted);
  if (forgotten.length === 0) return swept;
  return [...swept, { cluster: job.cluster, job: job.name, action: 'forget', reason: `it has no alarm ${forgotten.join(', ')}` }];
};

const sweepPresent = async (
  deps: SweepAlarmsDeps,
  cluster: Cluster,
  job: Job,
  wanted: readonly JobAlarm[],
  present: readonly AlarmFound[],
): Promise<readonly AlarmsSwept[]> => {
  if (wanted.length === 0) return present.length === 0 ? [] : [await remove(deps, present[0] as AlarmFound, whyNone(cluster, job))];
  if (wanted.length !== present.length || !wanted.every((alarm) => present.some(({ kind, isAs }) => kind === alarm.kind && isAs(alarm)))) {
    const { made, removed } = await deps.alarms.ensureAlarms(job.cluster, job.name, wanted);
    return [{ cluster: job.cluster, job: job.name, action: 'make', reason: `${made} alarms made or changed, ${removed} removed` }];
  }
  return recordStates(deps, job, present);
};

const recordStates = async ({ store }: SweepAlarmsDeps, job: Job, present: readonly AlarmFound[]): Promise<readonly AlarmsSwept[]> => {
  const recorded: AlarmsSwept[] = [];
  for (const { cluster, kind, state, since, reason } of present) {
    // An alarm that has never been anything else has nothing to tell.
    if ((job.alarms?.[kind]?.state ?? 'INSUFFICIENT_DATA') === state) continue;
    if (await store.recordAlarm(cluster, job.name, kind, { state, since, reason }))
      recorded.push({ cluster, job: job.name, action: 'record', reason: `${kind} has been ${state} since ${since}` });
  }
  return recorded;
};

const remove = async ({ alarms }: SweepAlarmsDeps, { cluster, job }: AlarmFound, why: string): Promise<AlarmsSwept> => ({
  cluster,
  job,
  action: 'remove',
  reason: `${await alarms.deleteAlarms(cluster, job)} alarms removed: ${why}`,
});

const whyNone = (cluster: Cluster, job: Job): string => {
  if (isJobOver(job.status)) return `the job is ${job.status}`;
  return cluster.status === 'RUNNING' ? 'the job has no settings for scaling' : `the cluster is ${cluster.status}`;
};

const everything = async ({ store }: SweepAlarmsDeps): Promise<readonly { readonly cluster: Cluster; readonly jobs: readonly Job[] }[]> => {
  const all: { cluster: Cluster; jobs: readonly Job[] }[] = [];
  for (const cluster of await allClusters(store)) all.push({ cluster, jobs: await allJobs(store, cluster.name) });
  return all;
};

const keyOf = (cluster: string, job: string): string => `${cluster}/${job}`;
const byJob = (alarms: readonly AlarmFound[]): Map<string, AlarmFound[]> => {
  const found = new Map<string, AlarmFound[]>();
  for (const alarm of alarms) {
    const key = keyOf(alarm.cluster, alarm.job);
    found.set(key, [...(found.get(key) ?? []), alarm]);
  }
  return found;
};
