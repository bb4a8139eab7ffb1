import { flinkJobIdOf } from './flink-job-id';

/** Which starts there were: up to these epochs, of which only some go together. */
export interface StartsSoFar {
  readonly cluster: string;
  readonly clusterEpoch: number;
  readonly job: string;
  readonly jobEpoch: number;
}

/** What starts have left. */
export interface LeftByStarts {
  readonly flinkJobIds: Iterable<string>;
  /** Of which the Flink job is not known otherwise. */
  readonly savepoints: Iterable<string>;
}

type Start = Pick<StartsSoFar, 'clusterEpoch' | 'jobEpoch'>;

/**
 * So many ids are made at most: every one of a cluster and a job that have each begun 300 times. What is not found then is older than all that was, or of
 * somebody else, and counts as of an unknown start. A second or two.
 */
const IDS_AT_MOST = 100_000;

/**
 * Epochs of the starts that have left these Flink job ids and savepoints, by Flink job id. The ids are hashes, so what they stand for is found by making
 * those that there may have been, the newest first, until all are found. Neither epoch ever goes back: before a start that is found there are only such as
 * have a lower epoch of the job and no higher one of the cluster.
 */
export const epochsByJobId = (starts: StartsSoFar, left: LeftByStarts): ReadonlyMap<string, number> => {
  const ids = new Set(left.flinkJobIds);
  const digits = new Set([...left.savepoints].flatMap((savepoint) => digitsOf(savepoint) ?? []).filter((some) => !hasOne(ids, some)));
  const epochs = new Map<string, number>();
  let made = 0;
  const find = (candidates: Iterable<Start>): Start | undefined => {
    for (const start of candidates) {
      if (ids.size + digits.size === 0 || made++ >= IDS_AT_MOST) return undefined;
      const id = flinkJobIdOf({ ...starts, ...start });
      const isFound = ids.delete(id);
      if (digits.delete(id.slice(0, DIGITS)) || isFound) epochs.set(id, start.jobEpoch);
      if (isFound) return start;
    }
    return undefined;
  };
  // Moves since the present start may be many, and its own epoch is known.
  let found = find(ofEpoch(starts)) ?? find(before({ ...starts, jobEpoch: starts.jobEpoch + 1 }));
  while (found) found = find(before(found));
  return epochs;
};

function* ofEpoch({ jobEpoch, clusterEpoch: latest }: Start): Generator<Start> {
  for (let clusterEpoch = latest; clusterEpoch >= 1; clusterEpoch -= 1) yield { jobEpoch, clusterEpoch };
}

/** Those that may have been before a start, in squares that grow from it: a newer one always comes before an older one that may have been besides. */
function* before({ jobEpoch, clusterEpoch }: Start): Generator<Start> {
  const [jobs, clusters] = [jobEpoch - 1, clusterEpoch];
  for (let side = 1; side <= Math.max(jobs, clusters); side += 1) {
    if (side <= clusters)
      for (let back = 1; back <= Math.min(side - 1, jobs); back += 1)
        yield { jobEpoch: jobEpoch - back, clusterEpoch: clusterEpoch - side + 1 };
    if (side <= jobs)
      for (let back = 0; back < Math.min(side, clusters); back += 1) yield { jobEpoch: jobEpoch - side, clusterEpoch: clusterEpoch - back };
  }
}

/** Flink writes so many first digits of its job id into a savepoint's name: `savepoint-8a99d6-20a20a586b77`. */
const DIGITS = 6;
const SAVEPOINT = /(?:^|\/)savepoint-([0-9a-f]{6})-[0-9a-f]{12}\/?$/;

const digitsOf = (savepoint: string): string | undefined => SAVEPOINT.exec(savepoint)?.[1];
const hasOne = (flinkJobIds: Iterable<string>, digits: string): boolean => [...flinkJobIds].some((id) => id.startsWith(digits));

/** The one Flink job, among those that there were, that took a savepoint of this name; undefined when that cannot be told. */
export const takerOf = (savepoint: string, flinkJobIds: Iterable<string>): string | undefined => {
  const digits = digitsOf(savepoint);
  const takers = digits === undefined ? [] : [...flinkJobIds].filter((id) => id.startsWith(digits));
  return takers.length === 1 ? takers[0] : undefined;
};
