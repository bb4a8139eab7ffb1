import { createHash } from 'node:crypto';
import type { Cluster } from '../contracts/cluster';
import type { Job } from '../contracts/job';

/** What makes one start of one job different from every other. */
export interface JobStart {
  readonly cluster: string;
  readonly clusterEpoch: number;
  readonly job: string;
  readonly jobEpoch: number;
}

/**
 * Flink's id for one start of a job: 32 hexadecimal digits of a SHA-256. Repeating a start names the same job, so it cannot make a second
 * one; a start of a later epoch cannot be mistaken for it, nor can its checkpoint directory.
 */
export const flinkJobIdOf = ({ cluster, clusterEpoch, job, jobEpoch }: JobStart): string =>
  createHash('sha256').update(`${cluster}/${clusterEpoch}/${job}/${jobEpoch}`).digest('hex').slice(0, 32);

/** Whether a job's present start is of a cluster's present epoch. */
export const isOfEpoch = ({ name, epoch }: Pick<Cluster, 'name' | 'epoch'>, job: Pick<Job, 'name' | 'epoch' | 'flinkJobId'>): boolean =>
  job.flinkJobId === flinkJobIdOf({ cluster: name, clusterEpoch: epoch, job: job.name, jobEpoch: job.epoch });
