import type { Cluster } from '../../contracts/cluster';
import { FlinkUnavailable } from '../../contracts/errors';
import type { Job, Snapshot } from '../../contracts/job';
import type { Stage } from '../../contracts/stage';
import { METADATA_HEAD_BYTES, readMetadataHead, UnreadableMetadata } from '../../domain/checkpoint-metadata';
import type { StateFound } from '../../domain/choose-restore-point';
import { jobManagerAddresses } from '../../domain/job-managers';
import { epochsByJobId, takerOf } from '../../domain/job-starts';
import { hostsEpoch } from '../../domain/reserve';
import { checkpointsPrefix, counterKey, enteredPrefix, savepointsPrefix, takenPrefix } from '../../domain/state-paths';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import type { FlinkConnector } from '../../gateways/flink/flink.port';
import type { StoreDeps } from '../operations/owned';

export type FindStatesDeps = StoreDeps & {
  readonly artifacts: ArtifactsPort;
  readonly stage: Pick<Stage, 'stateBucket'>;
  readonly flink: FlinkConnector;
};

export interface States {
  readonly found: readonly StateFound[];
  /** What could not be asked, for a reason. */
  readonly notes: readonly string[];
}

/** Requests to S3 under way at a time. */
const AT_ONCE = 32;
/** Recorded savepoints that are looked at, newest first; a page of the table. */
const RECORDED_MAX = 100;

interface Place {
  readonly location: string;
  readonly kind: StateFound['kind'];
  readonly flinkJobId?: string | undefined;
  readonly checkpointId?: number | undefined;
}

/**
 * Every checkpoint and savepoint of a job, over all its starts: as its Flink knows them (if it answers), as the table has them, and as they lie
 * in S3. One that is known but no longer there is among them, without a time.
 */
export const findStates = async (deps: FindStatesDeps, cluster: Cluster, job: Job): Promise<States> => {
  const [live, recorded, stored, entered] = await Promise.all([
    askFlink(deps, cluster, job),
    recordedOf(deps, job),
    storedOf(deps, job),
    newestEntered(deps, cluster, job),
  ]);
  const places = new Map<string, Place>();
  for (const place of [...stored.places, ...live.places, ...recorded]) {
    const location = place.location.replace(/\/+$/, '');
    places.set(location, { ...place, location, ...definedOf(places.get(location)) });
  }
  const jobIds = [...new Set([job.flinkJobId, ...stored.flinkJobIds])];
  const all = [...places.values()];
  const epochs = epochsByJobId(
    { cluster: job.cluster, clusterEpoch: cluster.epoch, job: job.name, jobEpoch: job.epoch },
    {
      flinkJobIds: [...jobIds, ...all.flatMap(({ flinkJobId }) => flinkJobId ?? [])],
      savepoints: all.flatMap(({ location, flinkJobId }) => (flinkJobId === undefined ? location : [])),
    },
  );
  const found = await eachOf(all, async (place): Promise<StateFound> => {
    const completedAt = await deps.artifacts.modifiedAt(`${place.location}/_metadata`);
    // Those whose directories are there first: of all that ever were, two may begin with the same digits.
    const flinkJobId = place.flinkJobId ?? takerOf(place.location, jobIds) ?? takerOf(place.location, epochs.keys());
    const checkpointId = place.checkpointId ?? (completedAt === undefined ? undefined : await idOf(deps.artifacts, place.location));
    const epoch = flinkJobId === undefined ? undefined : epochs.get(flinkJobId);
    return { location: place.location, kind: place.kind, epoch, checkpointId, completedAt };
  });
  // Written, and never entered: its start does not go back to it, and its sinks take back what they had written for it.
  const isVoid = ({ epoch, kind, checkpointId = 0 }: StateFound): boolean =>
    epoch === job.epoch && kind === 'checkpoint' && checkpointId > entered;
  return { found: found.filter((state) => !isVoid(state)), notes: live.notes };
};

const askFlink = async (
  { flink }: FindStatesDeps,
  cluster: Cluster,
  job: Job,
): Promise<{ readonly places: readonly Place[]; readonly notes: readonly string[] }> => {
  const addresses = jobManagerAddresses(cluster.resources);
  if (addresses.length === 0) return { places: [], notes: ['the cluster has no JobManager'] };
  try {
    const latest = (await flink(addresses).checkpoints(job.flinkJobId))?.latestCompleted;
    return { places: latest ? [placeOfCheckpoint(latest.location, job.flinkJobId)] : [], notes: [] };
  } catch (error) {
    if (!(error instanceof FlinkUnavailable)) throw error;
    return { places: [], notes: ['Flink did not answer'] };
  }
};

/**
 * Number of the newest checkpoint that the job's present start has entered, under whichever epoch of the cluster it ran last: 0 for none so far, infinite where
 * no JobManager has it on record any more, as after its end.
 */
const newestEntered = async ({ artifacts, stage }: FindStatesDeps, cluster: Cluster, { flinkJobId }: Job): Promise<number> => {
  const epochs = new Set([cluster.epoch, hostsEpoch(cluster), ...(cluster.former ?? []).map(({ epoch }) => epoch)]);
  const numbers = await eachOf([...epochs], async (epoch): Promise<readonly number[]> => {
    const counter = await artifacts.size(`s3://${stage.stateBucket}/${counterKey(cluster.name, epoch, flinkJobId)}`);
    const entries = await artifacts.list(stage.stateBucket, enteredPrefix(cluster.name, epoch, flinkJobId));
    const entered = entries.flatMap(({ key }) => /\/(\d{19})$/.exec(key)?.[1] ?? []).map(Number);
    return counter === undefined ? entered : [0, ...entered];
  });
  const known = numbers.flat();
  return known.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...known);
};

const placeOfCheckpoint = (location: string, flinkJobId: string): Place => {
  const number = /\/chk-(\d+)\/?$/.exec(location)?.[1];
  // Flink counts a savepoint among the checkpoints when it was the last.
  return {
    location,
    kind: number === undefined ? 'savepoint' : 'checkpoint',
    flinkJobId,
    checkpointId: number === undefined ? undefined : Number(number),
  };
};

/** What the job has recorded as its newest and as its origin, and those that are listed: each may have been written without the other. */
const recordedOf = async ({ store }: FindStatesDeps, job: Job): Promise<readonly Place[]> => {
  const { items } = await store.snapshots(job.cluster, job.name, { limit: RECORDED_MAX });
  const named = [job.latestSavepoint, parentOf(job)].flatMap((location) =>
    location === undefined ? [] : [{ location, kind: kindOf(location) }],
  );
  return [...named, ...items.map(({ location, kind, flinkJobId }: Snapshot) => ({ location, kind, flinkJobId }))];
};

/** What the job's present start was restored from, or is to be. */
export const parentOf = ({ restoredFrom, spec }: Job): string | undefined => restoredFrom ?? spec.restore.savepoint;

const kindOf = (location: string): StateFound['kind'] => (/\/chk-\d+\/?$/.test(location) ? 'checkpoint' : 'savepoint');

/** Names on two levels only: a start's `shared/` may hold thousands of files. */
const storedOf = async (
  { artifacts, stage }: FindStatesDeps,
  job: Job,
): Promise<{ readonly places: readonly Place[]; readonly flinkJobIds: readonly string[] }> => {
  const checkpoints = checkpointsPrefix(job.cluster, job.name);
  const savepoints = [savepointsPrefix(job.cluster, job.name), takenPrefix(job.cluster, job.name)];
  const [flinkJobIds, written] = await Promise.all([
    artifacts.directories(stage.stateBucket, checkpoints),
    eachOf(savepoints, async (prefix) =>
      (await artifacts.directories(stage.stateBucket, prefix))
        .filter((name) => name.startsWith('savepoint-'))
        .map((name) => ({ location: `s3://${stage.stateBucket}/${prefix}/${name}`, kind: 'savepoint' as const })),
    ),
  ]);
  const made = await eachOf(flinkJobIds, async (flinkJobId) =>
    (await artifacts.directories(stage.stateBucket, `${checkpoints}/${flinkJobId}`))
      .filter((name) => /^chk-\d+$/.test(name))
      .map((name) => placeOfCheckpoint(`s3://${stage.stateBucket}/${checkpoints}/${flinkJobId}/${name}`, flinkJobId)),
  );
  return { places: [...made.flat(), ...written.flat()], flinkJobIds };
};

const idOf = async (artifacts: ArtifactsPort, location: string): Promise<number | undefined> => {
  const head = await artifacts.read(`${location}/_metadata`, METADATA_HEAD_BYTES);
  try {
    return head && readMetadataHead(head).checkpointId;
  } catch (error) {
    if (error instanceof UnreadableMetadata) return undefined;
    throw error;
  }
};

const definedOf = (place: Place | undefined): Partial<Place> =>
  Object.fromEntries(Object.entries(place ?? {}).filter(([, value]) => value !== undefined));

/** As `Promise.all` over a map, a few at a time. */
export const eachOf = async <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> => {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE)
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(work))));
  return results;
};
