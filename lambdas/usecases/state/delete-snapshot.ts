import type { SnapshotDeletionView } from '../../contracts/api';
import type { Cluster } from '../../contracts/cluster';
import { Conflict } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import { decideSnapshotDeletion } from '../../domain/decide-snapshot-deletion';
import { isJobOver } from '../../domain/job-lifecycle';
import { snapshotIdOf, snapshotLocation } from '../../domain/snapshot-id';
import { heldByAnybody, requireCluster, requireJob } from '../operations/in-the-way';
import { allJobs } from '../operations/owned';
import { parentOf } from './find-states';
import { keyOf, lookThrough, type RetainDeps } from './retain-snapshots';

export interface SnapshotNamed {
  readonly cluster: string;
  readonly job: string;
  /** Its id. */
  readonly snapshot: string;
}

/** So many files go within a request: at 1,000 a second or more it answers in time. Those that are over the next retention deletes. */
const FILES_A_REQUEST = 10_000;

/**
 * Deletes a snapshot that no job needs. It is no operation: nothing of cluster or job changes, and it is done when it answers. Broken off anywhere it
 * has left no snapshot that seems whole and is not; asked for again it does the rest.
 * @throws NotFound; Conflict when it is needed, or when an operation under way may be choosing it
 */
export const deleteSnapshot = async (deps: RetainDeps, { cluster: name, job, snapshot }: SnapshotNamed): Promise<SnapshotDeletionView> => {
  const { store, artifacts, stage } = deps;
  await requireJob(store, name, job);
  const { cluster, jobs } = await refuseWhileBusy(deps, name);
  const { judged, objects } = await lookThrough(deps, cluster, jobs);
  const location = snapshotLocation(stage.stateBucket, name, job, snapshot);
  const decision = decideSnapshotDeletion(
    { job, location },
    judged.flatMap((one) => jobs.filter((each) => each.name === one.job).map((each) => ({ ...one, ...stakeOf(each) }))),
    objects.map(({ uri }) => uri),
  );
  if (decision.action === 'refuse') throw new Conflict(`Snapshot ${snapshot} stays. ${decision.reason}`);
  // Looking took a while.
  await refuseWhileBusy(deps, name);
  const remove = async (uris: readonly string[]): Promise<readonly string[]> => {
    const keys = uris.map((uri) => keyOf(deps, uri));
    if (keys.length > 0) await artifacts.deleteObjects(stage.stateBucket, keys);
    return uris;
  };
  const deleted = new Set<string>();
  if (decision.action === 'delete') {
    for (const uri of await remove(decision.metadata === undefined ? [] : [decision.metadata])) deleted.add(uri);
    for (const uri of await remove(decision.files.slice(0, FILES_A_REQUEST))) deleted.add(uri);
  }
  // Last, so that who made it is known as long as it is there.
  await store.deleteSnapshot(name, job, location);
  const freedBytes = objects.reduce((sum, { uri, sizeBytes }) => (deleted.has(uri) ? sum + sizeBytes : sum), 0);
  const { action, reason } = decision;
  return { id: snapshotIdOf(location), location, deleted: action === 'delete', objects: deleted.size, freedBytes, reason };
};

const stakeOf = (job: Job) => ({
  // One that a failover has stopped waits to be started.
  over: isJobOver(job.status) && job.interrupted === undefined,
  epoch: job.epoch,
  origin: parentOf(job),
  awaited: job.interrupted?.savepoint,
});

/** @returns the cluster and its jobs, none of which is being changed. @throws Conflict */
const refuseWhileBusy = async ({ store, clock }: RetainDeps, name: string): Promise<{ cluster: Cluster; jobs: readonly Job[] }> => {
  const [cluster, jobs] = await Promise.all([requireCluster(store, name), allJobs(store, name)]);
  const held = heldByAnybody(cluster, jobs, clock);
  if (!held) return { cluster, jobs };
  const inTheWay = { operationId: held.operationId, cluster: name };
  throw new Conflict(`Nothing is deleted while ${held.operationId} is under way: it may be choosing what to restore`, inTheWay);
};
