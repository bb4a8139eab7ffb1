import { resourceName } from '../contracts/names';
import { type AlarmKind, alarmKind } from '../contracts/scaling';

export interface AlarmSubject {
  readonly cluster: string;
  readonly job: string;
  readonly kind: AlarmKind;
}

/** A stage's name holds no hyphen, so this is no prefix of another stage's. */
export const stagePrefix = (stage: string): string => `sluice-${stage}-`;

/**
 * Points between the parts, because names of clusters and jobs may hold hyphens: with hyphens, cluster `a-b` with job `c` and cluster `a` with job
 * `b-c` would have the same alarm.
 */
export const jobPrefix = (stage: string, cluster: string, job: string): string => `${clusterPrefix(stage, cluster)}${job}.`;
export const clusterPrefix = (stage: string, cluster: string): string => `${stagePrefix(stage)}${cluster}.`;
export const alarmName = (stage: string, { cluster, job, kind }: AlarmSubject): string => `${jobPrefix(stage, cluster, job)}${kind}`;

/** @returns undefined for what is no alarm of a job of this stage */
export const subjectOf = (stage: string, name: string): AlarmSubject | undefined => {
  const prefix = stagePrefix(stage);
  if (!name.startsWith(prefix)) return undefined;
  const [cluster, job, kind, ...more] = name.slice(prefix.length).split('.');
  const parts = [resourceName.safeParse(cluster), resourceName.safeParse(job), alarmKind.safeParse(kind)] as const;
  return parts[0].success && parts[1].success && parts[2].success && more.length === 0
    ? { cluster: parts[0].data, job: parts[1].data, kind: parts[2].data }
    : undefined;
};
