import type { Cluster } from '../../lambdas/contracts/cluster';
import type { Job } from '../../lambdas/contracts/job';
import { flinkJobIdOf } from '../../lambdas/domain/flink-job-id';
import { aCluster, aJob } from '../contract/support/samples';
import { type FileWritten, putState } from './checkpoint-metadata';
import type { FakeArtifacts } from './fake-artifacts';

/**
 * A cluster with two jobs, as what they have done lies in S3: `delays` runs in its third start, which went on with files of the second; `totals` was
 * stopped. Every snapshot is whole, and many share files.
 */
export const NOW = new Date(Date.UTC(2026, 2, 10, 12));
const daysAgo = (days: number): Date => new Date(NOW.getTime() - days * 86_400_000);

export const startId = (job: string, epoch: number): string => flinkJobIdOf({ cluster: 'flights', clusterEpoch: 1, job, jobEpoch: epoch });
export const snapshotsOf = (bucket: string) => {
  const stateOf = (job: string): string => `s3://${bucket}/clusters/flights/jobs/${job}`;
  const checkpoint = (job: string, epoch: number, number: number): string =>
    `${stateOf(job)}/checkpoints/${startId(job, epoch)}/chk-${number}`;
  const savepoint = (job: string, epoch: number, letter: string): string =>
    `${stateOf(job)}/savepoints/savepoint-${startId(job, epoch).slice(0, 6)}-${letter.repeat(12)}`;
  const shared = (job: string, epoch: number, number: number): FileWritten => ({
    path: `${stateOf(job)}/checkpoints/${startId(job, epoch)}/shared/${number}`,
    sizeBytes: 1_000 + number,
  });
  const own = (name: string): FileWritten => ({ path: name, sizeBytes: 70 });

  const origin = checkpoint('delays', 2, 9);
  const put = (artifacts: FakeArtifacts): void => {
    const made: readonly (readonly [string, number, number, readonly FileWritten[]])[] = [
      [checkpoint('delays', 1, 4), 4, 9, [own('a'), shared('delays', 1, 1)]],
      [savepoint('delays', 1, 'a'), 5, 8.5, [own('a'), own('b')]],
      [checkpoint('delays', 1, 6), 6, 8, [own('a'), shared('delays', 1, 1), shared('delays', 1, 2)]],
      [checkpoint('delays', 2, 8), 8, 6, [own('a'), shared('delays', 1, 2), shared('delays', 2, 1)]],
      [origin, 9, 5, [own('a'), shared('delays', 2, 1), shared('delays', 2, 2)]],
      [checkpoint('delays', 3, 11), 11, 3, [own('a'), shared('delays', 2, 2), shared('delays', 3, 1)]],
      [checkpoint('delays', 3, 12), 12, 2, [own('a'), shared('delays', 3, 1)]],
      [savepoint('totals', 1, 'c'), 3, 7, [own('a')]],
      [savepoint('totals', 1, 'd'), 4, 6, [own('a')]],
    ];
    for (const [location, checkpointId, days, files] of made) putState(artifacts, location, { checkpointId, files, at: daysAgo(days) });
    // Uploaded for a checkpoint that was never completed.
    artifacts.put(shared('delays', 1, 77).path, 12, daysAgo(8));
  };

  const cluster: Cluster = aCluster({ name: 'flights', epoch: 1 });
  const { lease: _, ...delays } = aJob({
    name: 'delays',
    epoch: 3,
    flinkJobId: startId('delays', 3),
    status: 'RUNNING',
    restoredFrom: origin,
  });
  const { lease: __, ...totals } = aJob({ name: 'totals', epoch: 1, flinkJobId: startId('totals', 1), status: 'STOPPED' });
  const jobs: readonly Job[] = [delays, { ...totals, latestSavepoint: savepoint('totals', 1, 'd') }];
  return { checkpoint, savepoint, shared, origin, put, cluster, jobs };
};
