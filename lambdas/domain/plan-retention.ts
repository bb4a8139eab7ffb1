import type { StateFound } from './choose-restore-point';
import { secondsBetween } from './clock';

/** How many of a job's snapshots are kept, and for how long. The newest that can be restored is kept whatever these say. */
export interface RetentionPolicy {
  readonly count: number;
  readonly days: number;
}

export interface Snapshot extends StateFound {
  /** All that it consists of, as whole URIs, its `_metadata` included. */
  readonly files: readonly string[];
  /** `unknown`: its `_metadata` is of a form that is not known here, so its files are not known either. */
  readonly restorable: 'yes' | 'no' | 'unknown';
  /** Why it cannot be restored, or why that is not known. */
  readonly because?: string;
}

export interface JobSnapshots {
  readonly job: string;
  readonly policy: RetentionPolicy;
  /** In the order of `rankStates`: what would be restored first comes first. */
  readonly snapshots: readonly Snapshot[];
  /** Locations that somebody has named: a start's origin, the newest savepoint. */
  readonly pinned: readonly string[];
  /** Why it is not known which files the running start needs; undefined: it is known. */
  readonly unsettled?: string | undefined;
  /** Directories, as URIs without a slash at the end, that belong to Flink alone: those of the present start. */
  readonly untouchable: readonly string[];
}

export interface RetentionInput {
  /** All jobs that may share files: those of a cluster. */
  readonly jobs: readonly JobSnapshots[];
  /** Every object below the jobs' directories of checkpoints and savepoints. */
  readonly objects: readonly { readonly uri: string; readonly modifiedAt: string }[];
  /** ISO 8601 */
  readonly now: string;
  /** What is younger may be part of something that is still being written, or just being chosen by somebody. */
  readonly safetySeconds: number;
}

export interface Judged {
  readonly location: string;
  readonly reason: string;
}

export interface RetentionPlan {
  readonly keep: readonly Judged[];
  readonly drop: readonly Judged[];
  /** `_metadata` of what is dropped. Deleted before anything else, so that whatever still has one has all its files. */
  readonly first: readonly string[];
  /** What nothing that is left refers to. */
  readonly afterwards: readonly string[];
  readonly reason: string;
}

export const metadataOf = (location: string): string => `${location.replace(/\/+$/, '')}/_metadata`;

/**
 * Which snapshots of a cluster's jobs go, and which files go with them. A file goes only when no snapshot that stays refers to it, whichever job
 * or start wrote it: incremental checkpoints share files, and a start that claims its origin goes on using that one's. Planning again after
 * a deletion that was interrupted anywhere only finishes it.
 */
export const planRetention = (input: RetentionInput): RetentionPlan => {
  const judged = input.jobs.map((job) => judge(job, input));
  const keep = judged.flatMap(({ kept }) => kept.map(({ snapshot, reason }) => ({ location: snapshot.location, reason })));
  const dropped = judged.flatMap(({ dropped: those }) => those);
  const drop = dropped.map(({ snapshot, reason }) => ({ location: snapshot.location, reason }));
  const nothing = (why: string): RetentionPlan => ({
    keep: [...keep, ...drop],
    drop: [],
    first: [],
    afterwards: [],
    reason: `Nothing is deleted: ${why}`,
  });
  const unsettled = input.jobs.find((job) => job.unsettled !== undefined);
  if (unsettled) return nothing(`which files job ${unsettled.job} needs is not known: ${unsettled.unsettled}`);
  const unknown = input.jobs.flatMap(({ snapshots }) => snapshots).find(({ restorable }) => restorable === 'unknown');
  if (unknown) return nothing(`which files ${unknown.location} needs is not known: ${unknown.because ?? 'no reason is known'}`);
  const first = dropped.map(({ snapshot }) => metadataOf(snapshot.location));
  const needed = new Set(judged.flatMap(({ kept }) => kept.flatMap(({ snapshot }) => [metadataOf(snapshot.location), ...snapshot.files])));
  const metadata = new Set(first);
  const untouchable = input.jobs.flatMap((job) => job.untouchable.map((directory) => `${directory}/`));
  const afterwards = input.objects
    .filter(({ uri, modifiedAt }) => !needed.has(uri) && !metadata.has(uri) && secondsBetween(modifiedAt, input.now) > input.safetySeconds)
    .filter(({ uri }) => !untouchable.some((directory) => uri.startsWith(directory)))
    .map(({ uri }) => uri);
  return {
    keep,
    drop,
    first,
    afterwards,
    reason: `${keep.length} snapshots stay, ${drop.length} go, and with them ${afterwards.length} files`,
  };
};

interface Verdicts {
  readonly kept: readonly { readonly snapshot: Snapshot; readonly reason: string }[];
  readonly dropped: readonly { readonly snapshot: Snapshot; readonly reason: string }[];
}

const judge = (job: JobSnapshots, { now, safetySeconds }: RetentionInput): Verdicts => {
  const newest = job.snapshots.find(({ restorable }) => restorable === 'yes');
  const verdicts: { snapshot: Snapshot; keep: boolean; reason: string }[] = [];
  let counted = 0;
  for (const snapshot of job.snapshots) {
    const safe = whyKept(snapshot, job, { newest, now, safetySeconds });
    if (safe === undefined && snapshot.restorable === 'no') {
      verdicts.push({ snapshot, keep: false, reason: `it cannot be restored: ${snapshot.because ?? 'no reason is known'}` });
      continue;
    }
    const ofPresentStart = safe === OF_FLINK;
    const over = ofPresentStart ? undefined : whyOver(snapshot, job.policy, { counted, now });
    if (!ofPresentStart) counted += 1;
    verdicts.push({ snapshot, keep: safe !== undefined || over === undefined, reason: safe ?? over ?? 'it is among those to keep' });
  }
  return { kept: verdicts.filter(({ keep }) => keep), dropped: verdicts.filter(({ keep }) => !keep) };
};

const OF_FLINK = 'it is of the present start, whose checkpoints Flink keeps and deletes itself';

const whyKept = (
  snapshot: Snapshot,
  { pinned, untouchable }: JobSnapshots,
  { newest, now, safetySeconds }: { readonly newest: Snapshot | undefined; readonly now: string; readonly safetySeconds: number },
): string | undefined => {
  if (untouchable.some((directory) => snapshot.location.startsWith(`${directory}/`))) return OF_FLINK;
  if (snapshot === newest) return 'it is the newest that can be restored';
  if (pinned.some((location) => location.replace(/\/+$/, '') === snapshot.location))
    return "it is the job's newest savepoint, or the origin of a start";
  if (snapshot.completedAt === undefined || secondsBetween(snapshot.completedAt, now) <= safetySeconds)
    return 'it is too young to be deleted';
  return undefined;
};

const whyOver = (
  { completedAt = '' }: Snapshot,
  { count, days }: RetentionPolicy,
  { counted, now }: { readonly counted: number; readonly now: string },
): string | undefined => {
  if (counted >= count) return `${count} newer ones are kept`;
  if (secondsBetween(completedAt, now) > days * 86_400) return `it is older than ${days} days`;
  return undefined;
};
