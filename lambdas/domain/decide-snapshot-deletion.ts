import { sameLocation } from './choose-restore-point';
import { type JobSnapshots, metadataOf } from './plan-retention';

export interface JobAtStake extends JobSnapshots {
  /** It does not run and will not run again by itself. */
  readonly over: boolean;
  /** Its present start. */
  readonly epoch: number;
  /** What that start was restored from, or is to be. */
  readonly origin?: string | undefined;
  /** What a failover that has stopped the job will start it from. */
  readonly awaited?: string | undefined;
}

export type SnapshotDeletion =
  | { readonly action: 'refuse'; readonly reason: string }
  /** Nothing of it is there any more. */
  | { readonly action: 'none'; readonly reason: string }
  | {
      readonly action: 'delete';
      /** Deleted first: from then on it is no snapshot any more, wherever the deletion is broken off. Absent: it is gone already. */
      readonly metadata?: string;
      /** What nothing else needs. */
      readonly files: readonly string[];
      readonly reason: string;
    };

/**
 * Whether a snapshot can be deleted because somebody wants it, and which of its files go with it. It stays where a job would be restored from it;
 * a file stays where another snapshot, of whichever job, refers to it.
 * @param jobs all that may share files: those of a cluster
 * @param objects everything below their directories of checkpoints and savepoints, as URIs
 */
export const decideSnapshotDeletion = (
  { job: name, location }: { readonly job: string; readonly location: string },
  jobs: readonly JobAtStake[],
  objects: readonly string[],
): SnapshotDeletion => {
  const needing = jobs.flatMap((job) => whyNeeded(job, name, location) ?? [])[0];
  if (needing !== undefined) return { action: 'refuse', reason: needing };
  const snapshots = jobs.flatMap((job) => job.snapshots);
  const found = snapshots.find((snapshot) => sameLocation(snapshot.location, location));
  const metadata = metadataOf(location);
  const own = new Set([...(found?.files ?? []), ...objects.filter((uri) => uri.startsWith(`${location}/`))]);
  own.delete(metadata);
  const others = snapshots.filter((snapshot) => snapshot !== found);
  const unclear = whyUnclear(jobs, others);
  const needed = new Set(others.flatMap(({ files }) => files));
  const running = jobs.filter(({ over }) => !over).flatMap(({ untouchable }) => untouchable.map((directory) => `${directory}/`));
  // What lies elsewhere is not this stage's to delete.
  const files =
    unclear === undefined
      ? objects.filter((uri) => own.has(uri) && !needed.has(uri) && !running.some((directory) => uri.startsWith(directory)))
      : [];
  if (!found && files.length === 0) return { action: 'none', reason: 'It is gone' };
  return { action: 'delete', ...(found ? { metadata } : {}), files, reason: describe(files.length, own.size - files.length, unclear) };
};

const describe = (gone: number, kept: number, unclear: string | undefined): string => {
  if (unclear !== undefined) return `Its ${kept} files stay until it is known which of them others need: ${unclear}`;
  return kept === 0
    ? `Deleted with ${gone} files`
    : `Deleted with ${gone} files; ${kept} stay, which other snapshots or a running job need`;
};

/** Why a job needs a snapshot of the job `owner`. */
const whyNeeded = (job: JobAtStake, owner: string, location: string): string | undefined => {
  if (sameLocation(location, job.awaited)) return `A failover has stopped job ${job.job}, which is to go on from it`;
  // Not a savepoint: Flink does not recover from one that it took on the way.
  const own = job.snapshots.some(({ kind, epoch, restorable }) => kind === 'checkpoint' && epoch === job.epoch && restorable === 'yes');
  if (!job.over && !own && sameLocation(location, job.origin))
    return `Job ${job.job} was started from it and has no checkpoint of its own yet`;
  if (job.job !== owner) return undefined;
  if (!job.over && job.untouchable.some((directory) => location.startsWith(`${directory}/`)))
    return `It is a checkpoint of the running start of job ${owner}, which Flink keeps and deletes itself`;
  // One that cannot be looked into may be whole, and the next may be the only one that surely is.
  const whole = job.snapshots.filter(({ restorable }) => restorable !== 'no');
  const sure = whole.find(({ restorable }) => restorable === 'yes');
  if (!sameLocation(location, whole[0]?.location) && !sameLocation(location, sure?.location)) return undefined;
  return whole.length === 1
    ? `It is the only state that job ${owner} could be restored from`
    : `It is the newest state of job ${owner}, from which it would be restored; to go back to an older one, submit the job with restore.savepoint`;
};

/** Why it is not known which files are needed. */
const whyUnclear = (jobs: readonly JobAtStake[], others: readonly JobAtStake['snapshots'][number][]): string | undefined => {
  const unsettled = jobs.find((job) => job.unsettled !== undefined);
  if (unsettled) return `of job ${unsettled.job}, ${unsettled.unsettled}`;
  const unknown = others.find(({ restorable }) => restorable === 'unknown');
  return unknown && `of ${unknown.location}, ${unknown.because ?? 'no reason is known'}`;
};
