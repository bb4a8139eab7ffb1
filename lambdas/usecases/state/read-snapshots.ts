import type { Cluster } from '../../contracts/cluster';
import type { Job } from '../../contracts/job';
import type { Stage } from '../../contracts/stage';
import { readCheckpointMetadata, type StateFile, UnreadableMetadata } from '../../domain/checkpoint-metadata';
import { rankStates } from '../../domain/choose-restore-point';
import { epochsByJobId, takerOf } from '../../domain/job-starts';
import { metadataOf, type Snapshot } from '../../domain/plan-retention';
import { checkpointsPrefix, jobPrefix, savepointsPrefix } from '../../domain/state-paths';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import { listed, METADATA_MAX_BYTES, resolveFiles, wrongWith } from './check-state';
import { eachOf, parentOf } from './find-states';

export interface SnapshotDeps {
  readonly artifacts: ArtifactsPort;
  readonly stage: Pick<Stage, 'stateBucket'>;
}

export interface ObjectSeen {
  readonly uri: string;
  readonly sizeBytes: number;
  readonly modifiedAt: string;
}

/** A snapshot as it lies in S3. */
export interface SnapshotSeen extends Snapshot {
  readonly flinkJobId?: string | undefined;
  /** Of all its files, those that others share with it included. */
  readonly sizeBytes: number;
}

/** Everything below a job's directories of checkpoints and savepoints: one listing, however many snapshots there are. */
export const listState = async ({ artifacts, stage }: SnapshotDeps, cluster: string, job: string): Promise<readonly ObjectSeen[]> => {
  const [checkpoints, savepoints] = [checkpointsPrefix(cluster, job), savepointsPrefix(cluster, job)];
  const listed = await Promise.all([checkpoints, savepoints].map((prefix) => artifacts.list(stage.stateBucket, prefix)));
  return listed.flat().map(({ key, sizeBytes, modifiedAt }) => ({ uri: `s3://${stage.stateBucket}/${key}`, sizeBytes, modifiedAt }));
};

interface Place {
  readonly location: string;
  readonly kind: Snapshot['kind'];
  readonly flinkJobId: string | undefined;
  readonly checkpointId: number | undefined;
  readonly at: ObjectSeen;
}

/**
 * A job's snapshots by what lies in S3, the one that would be restored first at the beginning. What has lost its `_metadata` since it was listed is
 * none any more: Flink deletes a running start's all the time.
 * @param objects of this job, and of every other whose files it may share
 * @param recorded Flink job ids of savepoints, by location, as the table has them
 */
export const readSnapshots = async (
  { artifacts }: SnapshotDeps,
  cluster: Cluster,
  job: Job,
  objects: ReadonlyMap<string, ObjectSeen>,
  recorded: ReadonlyMap<string, string> = new Map(),
): Promise<readonly SnapshotSeen[]> => {
  const below = `/${jobPrefix(job.cluster, job.name)}/`;
  const places = [...objects.values()].filter(({ uri }) => uri.includes(below)).flatMap((object) => placeOf(object) ?? []);
  const jobIds = new Set([job.flinkJobId, ...places.flatMap(({ flinkJobId }) => flinkJobId ?? [])]);
  const epochs = epochsByJobId(
    { cluster: job.cluster, clusterEpoch: cluster.epoch, job: job.name, jobEpoch: job.epoch },
    {
      flinkJobIds: [...jobIds, ...places.flatMap(({ location }) => recorded.get(location) ?? [])],
      savepoints: places.flatMap(({ location, flinkJobId }) => ((flinkJobId ?? recorded.get(location)) ? [] : location)),
    },
  );
  const looked = await eachOf(places, async (place): Promise<readonly SnapshotSeen[]> => {
    const content = await contentOf(artifacts, place, objects);
    if (content === undefined) return [];
    const flinkJobId =
      place.flinkJobId ?? recorded.get(place.location) ?? takerOf(place.location, jobIds) ?? takerOf(place.location, epochs.keys());
    const about = {
      ...{ location: place.location, kind: place.kind, completedAt: place.at.modifiedAt, flinkJobId },
      epoch: flinkJobId === undefined ? undefined : epochs.get(flinkJobId),
    };
    return [{ ...about, ...content }];
  });
  const seen = looked.flat();
  const byLocation = new Map(seen.map((snapshot) => [snapshot.location, snapshot]));
  const ranked = rankStates(seen, { epoch: job.epoch, restoredFrom: parentOf(job), fromNothing: false });
  return ranked.flatMap(({ location }) => byLocation.get(location) ?? []);
};

const placeOf = (at: ObjectSeen): Place | undefined => {
  const checkpoint = /^(.*\/checkpoints\/([^/]+)\/chk-(\d+))\/_metadata$/.exec(at.uri);
  if (checkpoint)
    return { location: checkpoint[1] ?? '', kind: 'checkpoint', flinkJobId: checkpoint[2], checkpointId: Number(checkpoint[3]), at };
  const savepoint = /^(.*\/savepoints\/(?:taken\/)?[^/]+)\/_metadata$/.exec(at.uri);
  return savepoint ? { location: savepoint[1] ?? '', kind: 'savepoint', flinkJobId: undefined, checkpointId: undefined, at } : undefined;
};

/** @returns undefined when it is gone */
const contentOf = async (
  artifacts: ArtifactsPort,
  { location, checkpointId, at }: Place,
  objects: ReadonlyMap<string, ObjectSeen>,
): Promise<Pick<SnapshotSeen, 'files' | 'restorable' | 'because' | 'sizeBytes' | 'checkpointId'> | undefined> => {
  const alone = { files: [at.uri], sizeBytes: at.sizeBytes, checkpointId };
  if (at.sizeBytes > METADATA_MAX_BYTES)
    return { ...alone, restorable: 'unknown', because: `its _metadata has ${at.sizeBytes} bytes, too many to read here` };
  const bytes = await artifacts.read(metadataOf(location));
  if (!bytes) {
    // S3 refuses to read what is there just as it does what is gone; a listing tells the two apart.
    const isThere = (await listed(artifacts, location)).has(at.uri);
    return isThere ? { ...alone, restorable: 'unknown', because: 'its _metadata may not be read' } : undefined;
  }
  try {
    const metadata = readCheckpointMetadata(bytes);
    const files = resolveFiles(location, metadata.files);
    const wrong = await eachOf(files, async (file) => wrongWith(file, await sizeOf(artifacts, file, objects)) ?? []);
    const problems = wrong.flat();
    return {
      files: [at.uri, ...files.map(({ path }) => path)],
      sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, at.sizeBytes),
      checkpointId: metadata.checkpointId,
      ...(problems.length === 0
        ? { restorable: 'yes' }
        : { restorable: 'no', because: `${problems.length} of its ${files.length} files are not as they were, such as ${problems[0]}` }),
    };
  } catch (error) {
    if (!(error instanceof UnreadableMetadata)) throw error;
    return { ...alone, restorable: error.kind === 'broken' ? 'no' : 'unknown', because: `its _metadata cannot be read: ${error.message}` };
  }
};

/** Most files are in the listing; one elsewhere in S3 is asked for. */
const sizeOf = async (
  artifacts: ArtifactsPort,
  { path }: StateFile,
  objects: ReadonlyMap<string, ObjectSeen>,
): Promise<number | undefined> => objects.get(path)?.sizeBytes ?? (path.startsWith('s3://') ? artifacts.size(path) : undefined);
