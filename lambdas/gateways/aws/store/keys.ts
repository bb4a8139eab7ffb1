import { createHash } from 'node:crypto';
import { InvalidRequest } from '../../../contracts/errors';
import type { LeaseTarget } from '../store.port';

/** Name of the table's one index: `gsi1pk`, `gsi1sk`, all attributes projected. */
export const INDEX = 'gsi1';

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** Clusters share a partition so that listing them is strongly consistent; a stage has hundreds, a partition takes a thousand writes a second. */
export const CLUSTERS = 'CLUSTERS';
/** One small item for each operation that has not ended: what the sweeper reads. */
export const OPEN_OPERATIONS = 'OPEN';
/** One item for the stage: whose turn it is at its quota. */
export const QUOTA_KEY: Key = { pk: 'QUOTA', sk: 'QUOTA' };
/** The same for the number of its clusters. */
export const LAUNCHES_KEY: Key = { pk: 'LAUNCHES', sk: 'LAUNCHES' };

/** One item a zone of the stage that AWS has ever shifted traffic away from. */
export const ZONES = 'ZONES';

export const clusterKey = (name: string): Key => ({ pk: CLUSTERS, sk: `CLUSTER#${name}` });
export const jobsPartition = (cluster: string): string => `CLUSTER#${cluster}`;
export const jobKey = (cluster: string, name: string): Key => ({ pk: jobsPartition(cluster), sk: `JOB#${name}` });
export const leaseKey = ({ cluster, job }: LeaseTarget): Key => (job === undefined ? clusterKey(cluster) : jobKey(cluster, job));
export const zoneKey = (zone: string): Key => ({ pk: ZONES, sk: `ZONE#${zone}` });
export const operationKey = (operationId: string): Key => ({ pk: `OPERATION#${operationId}`, sk: 'OPERATION' });
export const openKey = (operationId: string): Key => ({ pk: OPEN_OPERATIONS, sk: `OPERATION#${operationId}` });

/** A location is long and may be anything; its hash keeps keys short, and a snapshot that is recorded twice the same item. */
const locationHash = (location: string): string => createHash('sha256').update(location).digest('hex').slice(0, 32);
export const snapshotKey = (cluster: string, job: string, location: string): Key => ({
  pk: jobsPartition(cluster),
  sk: `SNAPSHOT#${job}#${locationHash(location)}`,
});

export const observationKey = (cluster: string, job: string): Key => ({ pk: jobsPartition(cluster), sk: `OBSERVATION#${job}` });
/** Job names hold no `#`, so no two jobs share a partition. */
export const rescaleKey = (cluster: string, job: string, at: string): Key => ({ pk: `RESCALES#${cluster}#${job}`, sk: at });
/** One item a day (`2026-03-04`). */
export const loadKey = (cluster: string, job: string, day: string): Key => ({ pk: `LOAD#${cluster}#${job}`, sk: day });

export interface IndexKey {
  readonly gsi1pk: string;
  readonly gsi1sk: string;
}
export const operationIndexKey = (cluster: string, requestedAt: string, operationId: string): IndexKey => ({
  gsi1pk: `CLUSTER#${cluster}`,
  gsi1sk: `${requestedAt}#${operationId}`,
});
export const snapshotIndexKey = (cluster: string, job: string, takenAt: string, location: string): IndexKey => ({
  gsi1pk: `SNAPSHOTS#${cluster}#${job}`,
  gsi1sk: `${takenAt}#${locationHash(location)}`,
});

/** A page's cursor is the sort key of its last item and nothing else: the partition comes from the request, so a cursor cannot lead into another's. */
export const toCursor = (sortKey: string): string => Buffer.from(sortKey, 'utf8').toString('base64url');
export const fromCursor = (cursor: string): string => Buffer.from(cursor, 'base64url').toString('utf8');

export const foreignCursor = (): InvalidRequest =>
  new InvalidRequest([{ path: 'after', message: 'is not a cursor that an earlier page gave' }]);

/** The part of an index sort key behind the instant. @throws InvalidRequest when the cursor was not made here. */
export const behindInstant = (indexSortKey: string): string => {
  const id = indexSortKey.split('#')[1];
  if (!id) throw foreignCursor();
  return id;
};
