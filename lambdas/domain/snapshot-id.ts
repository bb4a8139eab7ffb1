import { checkpointsPrefix, isTaken, savepointsPrefix, takenPrefix } from './state-paths';

const CHECKPOINT = /(?:^|\/)([0-9a-f]{32})\/(chk-\d+)$/;
const CHECKPOINT_ID = /^([0-9a-f]{32})-(chk-\d+)$/;
const TAKEN_ID = /^taken-(.+)$/;

/**
 * What a snapshot is called in the API: a savepoint by its directory, with `taken-` before it where the job went on, a checkpoint by its Flink job and
 * number (each start counts from 1).
 */
export const snapshotIdOf = (location: string): string => {
  const path = location.replace(/\/+$/, '');
  const checkpoint = CHECKPOINT.exec(path);
  if (checkpoint) return `${checkpoint[1]}-${checkpoint[2]}`;
  return `${isTaken(path) ? 'taken-' : ''}${path.slice(path.lastIndexOf('/') + 1)}`;
};

/** Where the snapshot of this id of a job is, or would be. */
export const snapshotLocation = (bucket: string, cluster: string, job: string, id: string): string =>
  `s3://${bucket}/${keyOf(cluster, job, id)}`;

const keyOf = (cluster: string, job: string, id: string): string => {
  const checkpoint = CHECKPOINT_ID.exec(id);
  if (checkpoint) return `${checkpointsPrefix(cluster, job)}/${checkpoint[1]}/${checkpoint[2]}`;
  const taken = TAKEN_ID.exec(id);
  return taken ? `${takenPrefix(cluster, job)}/${taken[1]}` : `${savepointsPrefix(cluster, job)}/${id}`;
};
