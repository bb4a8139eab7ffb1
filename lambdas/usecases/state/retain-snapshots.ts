import type { Cluster } from '../../contracts/cluster';
import type { Job, Snapshot } from '../../contracts/job';
import type { Stage } from '../../contracts/stage';
import { sameLocation } from '../../domain/choose-restore-point';
import type { Clock } from '../../domain/clock';
import { shorten } from '../../domain/describe-failure';
import { isJobOver } from '../../domain/job-lifecycle';
import { type JobSnapshots, planRetention, type RetentionPlan } from '../../domain/plan-retention';
import { checkpointsPrefix } from '../../domain/state-paths';
import type { StorePort } from '../../gateways/aws/store.port';
import { heldByAnybody } from '../operations/in-the-way';
import { allClusters, allJobs } from '../operations/owned';
import { parentOf } from './find-states';
import { listState, type ObjectSeen, readSnapshots, type SnapshotDeps, type SnapshotSeen } from './read-snapshots';

export type RetainDeps = SnapshotDeps & {
  readonly store: StorePort;
  readonly stage: Pick<Stage, 'stateBucket' | 'retention'>;
  readonly clock: Clock;
  /** What is younger is left alone. @default a day: no upload, and no operation, takes longer */
  readonly safetySeconds?: number;
};

const SAFETY_SECONDS = 86_400;
/** Objects deleted in one run; what is over waits for the next. 1,000 take a second or less. */
const DELETED_A_RUN = 50_000;
const BATCH = 1_000;

export interface Retained {
  readonly cluster: string;
  readonly reason: string;
  readonly dropped: RetentionPlan['drop'];
  readonly deleted: number;
}

/**
 * Deletes what the jobs of a cluster need no more (`planRetention`). It stops where a job has changed since it looked, and what it has not done
 * the next run does: it may be run twice at once, or end anywhere.
 */
export const retainSnapshots = async (deps: RetainDeps, cluster: Cluster): Promise<Retained> => {
  const jobs = await allJobs(deps.store, cluster.name);
  const nothing = (reason: string): Retained => ({ cluster: cluster.name, reason, dropped: [], deleted: 0 });
  const busy = whoIsBusy(cluster, jobs, deps.clock);
  if (busy !== undefined) return nothing(busy);
  const plan = await planFor(deps, cluster, jobs);
  // Before the snapshots themselves: one that is no longer recorded is found in S3 as long as it is there, and planned for again.
  for (const { location } of plan.drop) for (const { name } of jobs) await deps.store.deleteSnapshot(cluster.name, name, location);
  const uris = [...plan.first, ...plan.afterwards].slice(0, DELETED_A_RUN);
  let deleted = 0;
  for (let from = 0; from < uris.length; ) {
    // The metadata of all that goes is deleted, and known to be, before the first file is.
    const end = from < plan.first.length ? Math.min(from + BATCH, plan.first.length) : from + BATCH;
    const batch = uris.slice(from, end);
    const changed = await whatChanged(deps, cluster, jobs);
    if (changed !== undefined)
      return { cluster: cluster.name, reason: `Stopped after ${deleted} objects: ${changed}`, dropped: plan.drop, deleted };
    await deps.artifacts.deleteObjects(
      deps.stage.stateBucket,
      batch.map((uri) => keyOf(deps, uri)),
    );
    deleted += batch.length;
    from = end;
  }
  return { cluster: cluster.name, reason: plan.reason, dropped: plan.drop, deleted };
};

const planFor = async (deps: RetainDeps, cluster: Cluster, jobs: readonly Job[]): Promise<RetentionPlan> => {
  const { judged, objects } = await lookThrough(deps, cluster, jobs);
  return planRetention({
    jobs: judged,
    objects,
    now: deps.clock().toISOString(),
    safetySeconds: deps.safetySeconds ?? SAFETY_SECONDS,
  });
};

/** All snapshots of a cluster's jobs with all files that any of them may share. `judged` has the order of `jobs`. */
export const lookThrough = async (
  deps: Omit<RetainDeps, 'clock'>,
  cluster: Cluster,
  jobs: readonly Job[],
): Promise<{ readonly judged: readonly JobSnapshots[]; readonly objects: readonly ObjectSeen[] }> => {
  const objects = new Map<string, ObjectSeen>();
  const list = async ({ name }: Job): Promise<void> => {
    for (const object of await listState(deps, cluster.name, name)) objects.set(object.uri, object);
  };
  for (const job of jobs) await list(job);
  const named = jobs.flatMap((job) => [parentOf(job), job.latestSavepoint].flatMap((location) => location ?? []));
  const judged: JobSnapshots[] = [];
  for (const job of jobs) {
    const recorded = await recordedOf(deps.store, job);
    const jobIds = new Map([...recorded].map(([location, { flinkJobId }]) => [location, flinkJobId]));
    let snapshots = await readSnapshots(deps, cluster, job, objects, jobIds);
    // Flink may have deleted every checkpoint of the running start while others were listed and read: the newer ones are read as soon as they are listed.
    if (whyUnsettled(job, snapshots) !== undefined) {
      await list(job);
      snapshots = await readSnapshots(deps, cluster, job, objects, jobIds);
    }
    judged.push({
      job: job.name,
      policy: job.spec.retention ?? deps.stage.retention,
      snapshots,
      unsettled: whyUnsettled(job, snapshots),
      pinned: named,
      untouchable: [`s3://${deps.stage.stateBucket}/${checkpointsPrefix(job.cluster, job.name)}/${job.flinkJobId}`],
    });
  }
  return { judged, objects: [...objects.values()] };
};

/**
 * A start that claims its origin may go on with its files: they are those of its own checkpoints, or, before the first, of the origin. One checkpoint
 * that was read is enough, though Flink has deleted others since they were listed and completed newer ones: a file of the origin that a start no longer
 * uses it never takes up again, so the newer ones need none that this one did not. A savepoint tells nothing: it has copies of its own.
 */
const whyUnsettled = (job: Job, snapshots: readonly SnapshotSeen[]): string | undefined => {
  const origin = parentOf(job);
  if (isJobOver(job.status) || origin === undefined) return undefined;
  const known = snapshots.some(({ kind, epoch, restorable }) => kind === 'checkpoint' && epoch === job.epoch && restorable === 'yes');
  const there = snapshots.some(({ location, restorable }) => sameLocation(location, origin) && restorable === 'yes');
  return known || there ? undefined : `neither a checkpoint of its own nor its origin ${origin} is there`;
};

/** A job's snapshots as the table has them, by location. */
export const recordedOf = async (store: StorePort, { cluster, name }: Job): Promise<ReadonlyMap<string, Snapshot>> => {
  const recorded = new Map<string, Snapshot>();
  for (let after: string | undefined; ; ) {
    const page = await store.snapshots(cluster, name, { limit: 100, ...(after === undefined ? {} : { after }) });
    for (const snapshot of page.items) recorded.set(snapshot.location, snapshot);
    if (page.next === undefined) return recorded;
    after = page.next;
  }
};

/** An operation may be choosing what to restore. */
const whoIsBusy = (cluster: Cluster, jobs: readonly Job[], clock: Clock): string | undefined => {
  const held = heldByAnybody(cluster, jobs, clock);
  return held && `Nothing is deleted while ${held.operationId} is under way`;
};

const whatChanged = async ({ store, clock }: RetainDeps, cluster: Cluster, jobs: readonly Job[]): Promise<string | undefined> => {
  const [nowCluster, now] = await Promise.all([store.cluster(cluster.name), allJobs(store, cluster.name)]);
  const busy = nowCluster && whoIsBusy(nowCluster, now, clock);
  if (busy !== undefined) return busy;
  const before = new Map(jobs.map((job) => [job.name, fingerprint(job)]));
  const changed = now.find((job) => before.get(job.name) !== fingerprint(job));
  return changed && `job ${changed.name} has changed meanwhile`;
};

const fingerprint = ({ epoch, flinkJobId, restoredFrom, latestSavepoint, spec }: Job): string =>
  JSON.stringify([epoch, flinkJobId, restoredFrom, latestSavepoint, spec.restore, spec.retention]);

export const keyOf = ({ stage }: Pick<RetainDeps, 'stage'>, uri: string): string => {
  const prefix = `s3://${stage.stateBucket}/`;
  if (!uri.startsWith(prefix)) throw new Error(`${uri} is not in ${stage.stateBucket}, where alone anything is deleted`);
  return uri.slice(prefix.length);
};

/**
 * One cluster after the other, for as long as there is time. Each run begins with another cluster, so that one with very much to do does not
 * keep the others from ever having their turn.
 * @throws Error at the end, when it failed for some: Lambda tries once more, and then it is a dead letter, on which an alarm rings
 */
export async function* retainAllSnapshots(deps: RetainDeps, timeMs: number): AsyncGenerator<Retained> {
  const began = deps.clock().getTime();
  const clusters = await allClusters(deps.store);
  const first = Math.floor(began / TURN_MS) % Math.max(1, clusters.length);
  const failures: string[] = [];
  for (const cluster of [...clusters.slice(first), ...clusters.slice(0, first)]) {
    if (deps.clock().getTime() - began > timeMs) break;
    try {
      yield await retainSnapshots(deps, cluster);
    } catch (error) {
      failures.push(`${cluster.name}: ${String(error)}`);
    }
  }
  if (failures.length > 0)
    throw new Error(shorten(`Snapshots of ${failures.length} clusters could not be looked through: ${failures.join('; ')}`));
}

/** Clusters take turns at being the first. */
const TURN_MS = 3_600_000;
