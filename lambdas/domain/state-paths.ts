/** Where things lie in the state bucket. Keys without a leading or trailing slash. */

/** Everything of a cluster of this name, over all its epochs. */
export const clusterPrefix = (cluster: string): string => `clusters/${cluster}`;

/** What a node of one epoch boots with: `node.json`, `jobmanager.yaml`, `taskmanager.yaml`. */
export const configurationPrefix = (cluster: string, epoch: number): string => `${clusterPrefix(cluster)}/e${epoch}/config`;

/** What a JobManager of one epoch needs to find its jobs again: written by Flink (`tools/artifacts/ha`). */
export const recoveryPrefix = (cluster: string, epoch: number): string => `${clusterPrefix(cluster)}/e${epoch}/recovery`;

/**
 * An object here that is not empty ends an epoch's JobManager for good: it looks when it starts and, at most a second before, for each checkpoint
 * that it enters. Put it a second before another epoch chooses what to restore. (Flink's S3 takes an empty object for a directory.)
 */
export const fenceKey = (cluster: string, epoch: number): string => `${recoveryPrefix(cluster, epoch)}/fenced`;

/** Archives of the classes of a cluster's Flink processes, which its hosts make and fresh ones start with, over all epochs (`node/sluice_node/class_archives.py`). */
export const classesPrefix = (cluster: string): string => `${clusterPrefix(cluster)}/classes`;

export const jobPrefix = (cluster: string, job: string): string => `${clusterPrefix(cluster)}/jobs/${job}`;

/** Flink adds `<flinkJobId>/chk-<n>` (a start has a directory of its own, because its Flink job id is its own). */
export const checkpointsPrefix = (cluster: string, job: string): string => `${jobPrefix(cluster, job)}/checkpoints`;

/** Savepoints that jobs were stopped with. */
export const savepointsPrefix = (cluster: string, job: string): string => `${jobPrefix(cluster, job)}/savepoints`;

const TAKEN = 'taken';

/** Savepoints that were taken of a job while it went on: Flink commits nothing by them, and does not go back to them. */
export const takenPrefix = (cluster: string, job: string): string => `${savepointsPrefix(cluster, job)}/${TAKEN}`;

const BELOW_TAKEN = new RegExp(`/savepoints/${TAKEN}/[^/]+/?$`);
/** @param location with or without a slash at its end */
export const isTaken = (location: string): boolean => BELOW_TAKEN.test(location);

/** Entries of the checkpoints that a start of a job goes back to, each named by the checkpoint's number. */
export const enteredPrefix = (cluster: string, epoch: number, flinkJobId: string): string =>
  `${recoveryPrefix(cluster, epoch)}/checkpoints/${flinkJobId}`;

/** Numbers that a start of a job has given to checkpoints: there before the first of them, and gone with the entries when the job has ended. */
export const counterKey = (cluster: string, epoch: number, flinkJobId: string): string =>
  `${recoveryPrefix(cluster, epoch)}/counters/${flinkJobId}/next`;

/** A SQL script by its content: the same script is stored once, and what runs is what was submitted. */
export const scriptKey = (cluster: string, job: string, sha256: string): string => `${jobPrefix(cluster, job)}/scripts/${sha256}.sql`;

/** The decision that an operation carries out, compressed. */
export const decisionKey = (cluster: string, operationId: string): string => `${clusterPrefix(cluster)}/decisions/${operationId}.json.gz`;
