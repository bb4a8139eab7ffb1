import { checkpointsPrefix, savepointsPrefix } from './state-paths';

const CHECKPOINT = /(?:^|\/)([0-9a-f]{32})\/(chk-\d+)$/;
const CHECKPOINT_ID = /^([0-9a-f]{32})-(chk-\d+)$/;

/** What a snapshot is called in the API: a savepoint by its directory, a checkpoint by its Flink job and number (each start counts from 1). */
export const snapshotIdOf = (location: string): string => {
  const path = location.replace(/\/+$/, '');
  const checkpoint = CHECKPOINT.exec(path);
  return checkpoint ? `${checkpoint[1]}-${checkpoint[2]}` : path.slice(path.lastIndexOf('/') + 1);
};

/** Where the snapshot of this id of a job is, or would be. */
export const snapshotLocation = (bucket: string, cluster: string, job: string, id: string): string => {
  const checkpoint = CHECKPOINT_ID.exec(id);
  const key = checkpoint
    ? `${checkpointsPrefix(cluster, job)}/${checkpoint[1]}/${checkpoint[2]}`
    : `${savepointsPrefix(cluster, job)}/${id}`;
  return `s3://${bucket}/${key}`;
};
