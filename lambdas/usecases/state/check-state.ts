import { readCheckpointMetadata, type StateFile, UnreadableMetadata } from '../../domain/checkpoint-metadata';
import type { Verdict } from '../../domain/choose-restore-point';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';

/** A larger `_metadata` is not read into a function's memory. Bytes. */
export const METADATA_MAX_BYTES = 128_000_000;
/** Up to so many files are asked for one by one; for more their directory is listed. */
const ASKED_ONE_BY_ONE = 3;
/** Named in a reason. */
const NAMED = 3;

export type CheckState = (location: string) => Promise<Verdict>;

/**
 * Whether all that a checkpoint or savepoint consists of is there: its `_metadata`, and every file that this names, in the size that it says.
 * What was listed for one is remembered for the next: checkpoints share files.
 */
export const stateChecker = (artifacts: ArtifactsPort): CheckState => {
  const listings = new Map<string, Promise<ReadonlyMap<string, number>>>();
  const sizesIn = (directory: string): Promise<ReadonlyMap<string, number>> => {
    const known = listings.get(directory) ?? listed(artifacts, directory);
    listings.set(directory, known);
    return known;
  };
  const missingOf = async (directory: string, files: readonly StateFile[]): Promise<readonly string[]> => {
    const alone = files.length <= ASKED_ONE_BY_ONE && !listings.has(directory);
    const sizes = alone ? await asked(artifacts, files) : await sizesIn(directory);
    return files.flatMap((file) => wrongWith(file, sizes.get(file.path)) ?? []);
  };
  return async (location) => {
    const directory = location.replace(/\/+$/, '');
    const uri = `${directory}/_metadata`;
    const size = await artifacts.size(uri);
    if (size === undefined) return { state: 'broken', reason: 'it is gone, or may not be read' };
    if (size > METADATA_MAX_BYTES) return { state: 'unchecked', reason: `its _metadata has ${size} bytes, too many to read here` };
    const files = await filesOf(artifacts, directory, uri);
    if (!Array.isArray(files)) return files as Verdict;
    const elsewhere = files.find(({ path }) => !path.startsWith('s3://'));
    if (elsewhere) return { state: 'unchecked', reason: `${elsewhere.path} is not in S3` };
    const wrong = (await Promise.all([...byDirectory(files)].map(([parent, those]) => missingOf(parent, those)))).flat();
    if (wrong.length > 0)
      return {
        state: 'broken',
        reason: `${wrong.length} of its ${files.length} files are not as they were: ${wrong.slice(0, NAMED).join(', ')}`,
      };
    return { state: 'complete', files: files.length + 1, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, size) };
  };
};

/** @returns each file once, by its whole URI; or why they cannot be told */
const filesOf = async (artifacts: ArtifactsPort, directory: string, uri: string): Promise<readonly StateFile[] | Verdict> => {
  const bytes = await artifacts.read(uri);
  if (!bytes) return { state: 'broken', reason: 'it is gone, or may not be read' };
  try {
    return resolveFiles(directory, readCheckpointMetadata(bytes).files);
  } catch (error) {
    if (!(error instanceof UnreadableMetadata)) throw error;
    return { state: error.kind === 'broken' ? 'broken' : 'unchecked', reason: `its _metadata cannot be read: ${error.message}` };
  }
};

/** Files that a `_metadata` in this directory names, each once, by its whole URI. @param directory s3:// URI without a slash at its end */
export const resolveFiles = (directory: string, files: readonly StateFile[]): readonly StateFile[] => {
  const byUri = new Map<string, StateFile>();
  for (const file of files) {
    // Flink's file systems for S3 have schemes of their own, for the same objects.
    const path = file.relative ? `${directory}/${file.path}` : file.path.replace(/^s3[apn]:\/\//, 's3://');
    const known = byUri.get(path);
    const larger = known && known.size === 'exactly' ? known : { ...file, path, relative: false };
    byUri.set(path, { ...larger, sizeBytes: Math.max(larger.sizeBytes, known?.sizeBytes ?? 0) });
  }
  return [...byUri.values()];
};

const byDirectory = (files: readonly StateFile[]): ReadonlyMap<string, readonly StateFile[]> => {
  const groups = new Map<string, StateFile[]>();
  for (const file of files) {
    const parent = file.path.slice(0, file.path.lastIndexOf('/'));
    const group = groups.get(parent);
    if (group) group.push(file);
    else groups.set(parent, [file]);
  }
  return groups;
};

/** Sizes of all objects below a directory, by URI. */
export const listed = async (artifacts: ArtifactsPort, directory: string): Promise<ReadonlyMap<string, number>> => {
  const [bucket = '', ...path] = directory.replace('s3://', '').split('/');
  const objects = await artifacts.list(bucket, path.join('/'));
  return new Map(objects.map(({ key, sizeBytes }) => [`s3://${bucket}/${key}`, sizeBytes]));
};

const asked = async (artifacts: ArtifactsPort, files: readonly StateFile[]): Promise<ReadonlyMap<string, number>> =>
  new Map(
    (await Promise.all(files.map(async ({ path }) => [path, await artifacts.size(path)] as const))).flatMap(([path, size]) =>
      size === undefined ? [] : [[path, size] as const],
    ),
  );

export const wrongWith = ({ path, sizeBytes, size }: StateFile, found: number | undefined): string | undefined => {
  if (found === undefined) return `${path} is missing`;
  const fits = size === 'exactly' ? found === sizeBytes : found >= sizeBytes;
  return fits ? undefined : `${path} has ${found} bytes instead of ${sizeBytes}`;
};
