import { ArtifactMissing } from '../contracts/errors';
import type { Job } from '../contracts/job';
import type { Stage } from '../contracts/stage';
import { checkpointsPrefix } from '../domain/state-paths';
import type { ArtifactsPort } from '../gateways/aws/artifacts.port';
import type { StoreDeps } from './owned';

export interface RestorePoint {
  /** undefined: without state. */
  readonly location: string | undefined;
  readonly reason: string;
}

type Deps = StoreDeps & { readonly artifacts: ArtifactsPort; readonly stage: Stage };

/** Older ones matter only when all of these are gone. */
const SAVEPOINTS_LOOKED_AT = 5;

/**
 * Resolves a job's restore policy. `latest` is the newer of its newest savepoint and the newest checkpoint that any of its starts left behind, by
 * the time at which S3 has each as complete: a savepoint may be recorded long after that.
 * @throws ArtifactMissing when there was state and all of it is gone: starting without it has to be asked for
 */
export const chooseRestorePoint = async (deps: Deps, job: Job): Promise<RestorePoint> => {
  const { restore } = job.spec;
  if (restore.from === 'none') return { location: undefined, reason: 'without state, as asked' };
  if (restore.from === 'savepoint') return { location: restore.savepoint, reason: `from ${restore.savepoint}, as asked` };
  const [checkpoint, savepoints] = await Promise.all([
    deps.artifacts.latestCheckpoint(deps.stage.stateBucket, checkpointsPrefix(job.cluster, job.name)),
    savepointsOf(deps, job),
  ]);
  const gone = savepoints.find(({ takenAt }) => takenAt === undefined);
  const note = gone === undefined ? '' : `; ${gone.location} is gone`;
  const savepoint = newest(savepoints);
  // S3 tells the time by the second; a stop takes its savepoint after the last checkpoint.
  if (savepoint && (!checkpoint || savepoint.takenAt >= checkpoint.takenAt))
    return { location: savepoint.location, reason: `from its newest savepoint ${savepoint.location}${note}` };
  if (checkpoint) return { location: checkpoint.location, reason: `from its newest checkpoint ${checkpoint.location}${note}` };
  if (gone)
    throw new ArtifactMissing(
      `${gone.location} is gone or may not be read, and the job has no other state; to start without state, submit it with restore.from "none"`,
    );
  return { location: undefined, reason: 'without state: there is none yet' };
};

interface Found {
  readonly location: string;
  /** undefined: there is no complete savepoint at that place (any more). */
  readonly takenAt: string | undefined;
}

/** What the job has recorded as its newest, and those that are listed: either may have been written without the other. */
const savepointsOf = async ({ store, artifacts }: Deps, job: Job): Promise<readonly Found[]> => {
  const listed = await store.snapshots(job.cluster, job.name, { limit: SAVEPOINTS_LOOKED_AT });
  const locations = new Set([job.latestSavepoint ?? [], listed.items.map(({ location }) => location)].flat());
  return Promise.all(
    [...locations].map(async (location) => ({ location, takenAt: await artifacts.modifiedAt(`${location.replace(/\/$/, '')}/_metadata`) })),
  );
};

const newest = (found: readonly Found[]): (Found & { readonly takenAt: string }) | undefined =>
  found
    .flatMap(({ location, takenAt }) => (takenAt === undefined ? [] : [{ location, takenAt }]))
    .reduce<(Found & { readonly takenAt: string }) | undefined>(
      (best, one) => (best && best.takenAt >= one.takenAt ? best : one),
      undefined,
    );
