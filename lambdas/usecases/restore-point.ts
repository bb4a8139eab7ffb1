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

/** Resolves a job's restore policy. `latest` is the newer of its newest savepoint and the newest checkpoint that any of its starts left behind. */
export const chooseRestorePoint = async (
  deps: StoreDeps & { readonly artifacts: ArtifactsPort; readonly stage: Stage },
  job: Job,
): Promise<RestorePoint> => {
  const { restore } = job.spec;
  if (restore.from === 'none') return { location: undefined, reason: 'without state, as asked' };
  if (restore.from === 'savepoint') return { location: restore.savepoint, reason: `from ${restore.savepoint}, as asked` };
  const [checkpoint, snapshots] = await Promise.all([
    deps.artifacts.latestCheckpoint(deps.stage.stateBucket, `${checkpointsPrefix(job.cluster, job.name)}/`),
    deps.store.snapshots(job.cluster, job.name, { limit: 20 }),
  ]);
  const savepoint = job.latestSavepoint;
  const savepointAt = snapshots.items.find((snapshot) => snapshot.location === savepoint)?.takenAt;
  if (savepoint === undefined && checkpoint === undefined) return { location: undefined, reason: 'without state: there is none yet' };
  // A savepoint whose time is unknown was recorded a moment ago: nothing is newer.
  if (savepoint !== undefined && (checkpoint === undefined || savepointAt === undefined || savepointAt >= checkpoint.takenAt))
    return { location: savepoint, reason: `from its newest savepoint ${savepoint}` };
  return { location: checkpoint?.location, reason: `from its newest checkpoint ${checkpoint?.location}` };
};
