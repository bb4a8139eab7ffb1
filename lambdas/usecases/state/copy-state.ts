import type { Cluster } from '../../contracts/cluster';
import { ArtifactMissing } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import { readCheckpointMetadata, rewriteCheckpointMetadata, type StateFile, UnreadableMetadata } from '../../domain/checkpoint-metadata';
import type { Clock } from '../../domain/clock';
import { clusterPrefix } from '../../domain/state-paths';
import { listed, resolveFiles } from './check-state';
import type { FindStatesDeps } from './find-states';
import { findRestorePoint } from './restore-point';

export type StateCopied =
  /** There was more to copy than time: what was copied is kept. */
  | { readonly done: false; readonly reason: string }
  | {
      readonly done: true;
      /** undefined: the job has no state. */
      readonly location: string | undefined;
      readonly completedAt?: string | undefined;
      /** ISO 8601 */
      readonly chosenAt: string;
      readonly reason: string;
    };

/** Flink deletes old checkpoints while they are copied. The newest has most of its files in common with the one before: so often is enough for any that is not far too large. */
const TRIES = 8;
/** One request copies 5 GB at most, and has ten seconds to. RocksDB's files have 64 to 256 MB. */
const MOST_BYTES = 1_000_000_000;
/** Requests to S3 under way at a time. */
const AT_ONCE = 32;

/**
 * Copies the latest state of a job that is whole, file by file, to where a copy of its cluster has it: the job's own Flink may delete any of it meanwhile, and then the next
 * newest is copied. Its metadata comes last, and names the copied files. @param until instant from which on no further file is begun, ISO 8601
 * @throws ArtifactMissing when none of the job's state can be copied
 */
export const copyState = async (
  deps: FindStatesDeps & { readonly clock: Clock },
  { cluster, job }: { readonly cluster: Cluster; readonly job: Job },
  copy: string,
  until: string,
): Promise<StateCopied> => {
  const { artifacts, stage, clock } = deps;
  const below = (name: string): string => `://${stage.stateBucket}/${clusterPrefix(name)}/`;
  const moved = (text: string): string => text.replace(below(cluster.name), below(copy));
  let without = new ArtifactMissing(`its checkpoints are deleted sooner than they are copied (tried ${TRIES} times)`);
  for (let tries = 1; tries <= TRIES; tries++) {
    const chosenAt = clock().toISOString();
    if (tries > 1 && chosenAt > until) return { done: false, reason: 'its checkpoints are deleted while they are copied' };
    const point = await findRestorePoint(deps, cluster, job).catch(ifMissing);
    // All that was known is gone by the time that it is looked at: there is newer by now.
    if (point instanceof ArtifactMissing) {
      without = point;
      continue;
    }
    const location = point.location?.replace(/\/+$/, '');
    if (location === undefined) return { done: true, location, chosenAt, reason: point.reason };
    const metadata = await artifacts.read(`${location}/_metadata`);
    if (!metadata) continue;
    const files = filesOf(location, metadata);
    const elsewhere = [location, ...files.map(({ path }) => path)].find((uri) => moved(uri) === uri);
    if (elsewhere !== undefined) throw new ArtifactMissing(`${elsewhere} is not below ${clusterPrefix(cluster.name)}`);
    const large = files.find(({ sizeBytes }) => sizeBytes > MOST_BYTES);
    if (large)
      throw new ArtifactMissing(
        `${large.path} has ${large.sizeBytes} bytes, and S3 copies no more than ${MOST_BYTES} in the time that there is`,
      );
    const there = await listed(artifacts, `s3${below(copy).slice(0, -1)}`);
    const missing = files.map(({ path }) => path).filter((uri) => !there.has(moved(uri)));
    const copied = await copyAll(
      deps,
      missing.map((uri) => [uri, moved(uri)] as const),
      until,
    );
    if (copied === 'gone') continue;
    if (copied === 'late') return { done: false, reason: `${files.length} files of ${location} are being copied` };
    await artifacts.put(moved(`${location}/_metadata`), rewriteCheckpointMetadata(metadata, moved));
    const { completedAt, reason } = point;
    return { done: true, location: moved(location), completedAt, chosenAt, reason: `${reason}; ${files.length} files are copied` };
  }
  throw without;
};

const ifMissing = (error: unknown): ArtifactMissing => {
  if (error instanceof ArtifactMissing) return error;
  throw error;
};

/** @throws ArtifactMissing */
const filesOf = (location: string, metadata: Buffer): readonly StateFile[] => {
  try {
    return resolveFiles(location, readCheckpointMetadata(metadata).files);
  } catch (error) {
    if (!(error instanceof UnreadableMetadata)) throw error;
    throw new ArtifactMissing(`the metadata of ${location} cannot be read: ${error.message}`);
  }
};

const copyAll = async (
  { artifacts, clock }: FindStatesDeps & { readonly clock: Clock },
  files: readonly (readonly [from: string, to: string])[],
  until: string,
): Promise<'all' | 'gone' | 'late'> => {
  for (let from = 0; from < files.length; from += AT_ONCE) {
    if (from > 0 && clock().toISOString() > until) return 'late';
    const copied = await Promise.all(files.slice(from, from + AT_ONCE).map(([one, to]) => artifacts.copy(one, to)));
    if (copied.includes(false)) return 'gone';
  }
  return 'all';
};
