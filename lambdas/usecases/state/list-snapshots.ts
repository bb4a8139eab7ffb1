import type { SnapshotView } from '../../contracts/api';
import { InvalidRequest } from '../../contracts/errors';
import type { Job, Snapshot } from '../../contracts/job';
import type { Clock } from '../../domain/clock';
import { snapshotIdOf } from '../../domain/snapshot-id';
import type { Page, PageRequest, StorePort } from '../../gateways/aws/store.port';
import { requireCluster, requireJob } from '../operations/in-the-way';
import { listState, readSnapshots, type SnapshotDeps, type SnapshotSeen } from './read-snapshots';
import { recordedOf } from './retain-snapshots';

export type ListSnapshotsDeps = SnapshotDeps & { readonly store: StorePort; readonly clock: Clock };

/**
 * All savepoints and checkpoints of a job, over all its starts, as they lie in S3; those that are recorded and gone at the end. What `restore:
 * latest` would take is the first that can be restored. @throws NotFound when there is no such job
 */
export const listSnapshots = async (
  deps: ListSnapshotsDeps,
  clusterName: string,
  jobName: string,
  page: PageRequest,
): Promise<Page<SnapshotView>> => {
  const job = await requireJob(deps.store, clusterName, jobName);
  const [cluster, objects, recorded] = await Promise.all([
    requireCluster(deps.store, clusterName),
    listState(deps, clusterName, jobName),
    recordedOf(deps.store, job),
  ]);
  const known = new Map(objects.map((object) => [object.uri, object]));
  const jobIds = new Map([...recorded].map(([location, { flinkJobId }]) => [location, flinkJobId]));
  const seen = await readSnapshots(deps, cluster, job, known, jobIds);
  const there = new Set(seen.map(({ location }) => location));
  const gone = [...recorded.values()].filter(({ location }) => !there.has(location));
  const now = deps.clock();
  return pageOf(
    [...seen.map((one) => viewOf(job, one, recorded.get(one.location), now)), ...gone.map((one) => viewOfGone(one, now))],
    page,
  );
};

const viewOf = ({ cluster, name }: Job, seen: SnapshotSeen, recorded: Snapshot | undefined, now: Date): SnapshotView => {
  const { location, kind, flinkJobId, epoch, completedAt, sizeBytes, files, restorable, because } = seen;
  return {
    ...{ cluster, job: name, id: snapshotIdOf(location), location, kind, sizeBytes, files: files.length, restorable },
    ...(recorded === undefined ? {} : { origin: recorded.origin }),
    ...(flinkJobId === undefined ? {} : { flinkJobId }),
    ...(epoch === undefined ? {} : { epoch }),
    ...(completedAt === undefined ? {} : { takenAt: completedAt, ageSeconds: ageOf(completedAt, now) }),
    reason: because ?? 'All its files are there',
  };
};

const viewOfGone = ({ cluster, job, location, kind, origin, flinkJobId, takenAt }: Snapshot, now: Date): SnapshotView => ({
  ...{ cluster, job, id: snapshotIdOf(location), location, kind, origin, flinkJobId, takenAt, ageSeconds: ageOf(takenAt, now) },
  ...{ sizeBytes: 0, files: 0, restorable: 'no', reason: 'It is gone: it was recorded, and is no longer in S3' },
});

const ageOf = (instant: string, now: Date): number => Math.max(0, Math.round((now.getTime() - Date.parse(instant)) / 1_000));

/** A cursor is the location of a page's last item. */
const pageOf = (views: readonly SnapshotView[], { limit, after }: PageRequest): Page<SnapshotView> => {
  const last = after === undefined ? undefined : Buffer.from(after, 'base64url').toString('utf8');
  const from = last === undefined ? 0 : views.findIndex(({ location }) => location === last) + 1;
  if (last !== undefined && from === 0)
    throw new InvalidRequest([
      { path: 'after', message: 'is not a cursor that an earlier page gave, or its snapshot is gone: begin again' },
    ]);
  const items = views.slice(from, from + limit);
  const end = items.at(-1)?.location;
  return from + limit < views.length && end !== undefined ? { items, next: Buffer.from(end, 'utf8').toString('base64url') } : { items };
};
