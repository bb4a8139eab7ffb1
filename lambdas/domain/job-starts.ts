import { flinkJobIdOf } from './flink-job-id';

/** Which starts there were: up to these epochs, in each combination. */
export interface StartsSoFar {
  readonly cluster: string;
  readonly clusterEpoch: number;
  readonly job: string;
  readonly jobEpoch: number;
}

/** Epochs of a job's starts by their Flink job ids. The ids are hashes, so what they stand for is found by making all that there were. */
export const epochsByJobId = (starts: StartsSoFar): ReadonlyMap<string, number> => {
  const epochs = new Map<string, number>();
  for (let jobEpoch = 1; jobEpoch <= starts.jobEpoch; jobEpoch += 1)
    for (let clusterEpoch = 1; clusterEpoch <= starts.clusterEpoch; clusterEpoch += 1)
      epochs.set(flinkJobIdOf({ cluster: starts.cluster, clusterEpoch, job: starts.job, jobEpoch }), jobEpoch);
  return epochs;
};

/** Flink writes the first digits of its job id into a savepoint's name: `savepoint-8a99d6-20a20a586b77`. */
const SAVEPOINT = /(?:^|\/)savepoint-([0-9a-f]{6})-[0-9a-f]{12}\/?$/;

/** The one Flink job, among those that there were, that took a savepoint of this name; undefined when that cannot be told. */
export const takerOf = (savepoint: string, flinkJobIds: Iterable<string>): string | undefined => {
  const digits = SAVEPOINT.exec(savepoint)?.[1];
  const takers = digits === undefined ? [] : [...flinkJobIds].filter((id) => id.startsWith(digits));
  return takers.length === 1 ? takers[0] : undefined;
};
