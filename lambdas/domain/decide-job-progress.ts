import type { FlinkJobSeen, FlinkJobState } from '../gateways/flink/flink.port';

/** States that Flink does not leave again. SUSPENDED is final for one JobManager: another may go on. */
const FINAL: readonly FlinkJobState[] = ['FAILED', 'CANCELED', 'FINISHED'];
export const isFinal = (state: FlinkJobState): boolean => FINAL.includes(state);

export type JobProgress =
  /** `isOtherwise`: it has not begun to run as is wanted: its tasks are not there yet, and were not ended for that either. */
  | { readonly action: 'wait'; readonly reason: string; readonly isOtherwise?: true }
  /** All tasks run. */
  | { readonly action: 'running'; readonly reason: string }
  /** The job has done all its work. */
  | { readonly action: 'finished'; readonly reason: string }
  | { readonly action: 'failed'; readonly reason: string }
  /** Flink has no such job. */
  | { readonly action: 'gone'; readonly reason: string };

/**
 * A job that is started may fail while what it reads from is not up yet; the restart strategy tries again. What still fails after this time
 * fails for a reason that a person has to look at. Seconds.
 */
export const START_PATIENCE_SECONDS = 60;

/**
 * A start that fails before the job has tasks, as where S3 refuses for a moment what it is restored from, is final for Flink: its restart strategy is not asked.
 * Where nobody is there to try again the job is started so often at most.
 */
export const MOST_STARTS = 3;

/** Whether a start failed before the job had tasks: nothing of it has run, and nothing more comes of it. */
export const isStillborn = (seen: FlinkJobSeen | undefined): boolean => seen?.state === 'FAILED' && seen.tasks.total === 0;

export interface JobExpectation {
  /** By vertex; one that is not there, or not named, may have any. */
  readonly vertices?: Readonly<Record<string, number>>;
  /** For a job that was rescaled at this instant and goes on failing for `START_PATIENCE_SECONDS` of `now`: it does not bear its new parallelism. */
  readonly changedAt?: string;
  readonly now?: string;
  /** What is asked for; undefined when any will do. */
  readonly parallelism?: number;
  /** For a job that has never run: the present, ISO 8601. It may go on failing for `START_PATIENCE_SECONDS`, then its start has failed. */
  readonly startingAt?: string;
}

/** How far a start or a rescale has come. */
export const decideJobProgress = (
  seen: FlinkJobSeen | undefined,
  { parallelism, startingAt, vertices = {}, changedAt, now }: JobExpectation = {},
): JobProgress => {
  if (!seen) return { action: 'gone', reason: 'Flink does not know the job' };
  if (seen.state === 'FINISHED') return { action: 'finished', reason: 'The job has finished' };
  if (seen.state === 'FAILED') return { action: 'failed', reason: seen.failure ?? 'the job failed and Flink gives no cause' };
  if (seen.state === 'FAILING') return { action: 'wait', reason: `The job is failing: ${seen.failure ?? 'no cause given yet'}` };
  if (seen.state === 'CANCELED' || seen.state === 'CANCELLING')
    return { action: 'failed', reason: `the job was canceled in Flink by somebody else (${seen.state})` };
  const { total, running, finished } = seen.tasks;
  const tasks = `${running + finished} of ${total} tasks run at parallelism ${seen.parallelism}`;
  const failing = startingAt === undefined ? 0 : Math.round((Date.parse(startingAt) - Date.parse(seen.startedAt)) / 1_000);
  if (seen.failure !== undefined && failing > START_PATIENCE_SECONDS)
    return { action: 'failed', reason: `it has not run with all its tasks within ${failing} s and keeps failing: ${seen.failure}` };
  const rescaled = changedAt === undefined || now === undefined ? 0 : Math.round((Date.parse(now) - Date.parse(changedAt)) / 1_000);
  if (seen.failure !== undefined && rescaled > START_PATIENCE_SECONDS && running + finished < total)
    return { action: 'failed', reason: `it keeps failing ${rescaled} s after it was rescaled: ${seen.failure}` };
  const unlike = whyUnlike(seen, { ...(parallelism === undefined ? {} : { parallelism }), vertices });
  if (seen.state !== 'RUNNING' || total === 0 || running + finished < total) {
    const reason = `${seen.state}: ${tasks}${seen.failure ? `; last failure: ${seen.failure}` : ''}`;
    const isBegun = seen.state === 'RUNNING' ? unlike === undefined : seen.state === 'RESTARTING' && seen.failure === undefined;
    return { action: 'wait', reason, ...(isBegun ? {} : { isOtherwise: true }) };
  }
  if (unlike !== undefined) return { action: 'wait', reason: `${tasks}${unlike}`, isOtherwise: true };
  return { action: 'running', reason: `All ${total} tasks run at parallelism ${seen.parallelism}` };
};

/** What of its parallelism is not as wanted, behind what is said of its tasks. */
const whyUnlike = (
  seen: FlinkJobSeen,
  { parallelism, vertices = {} }: Pick<JobExpectation, 'parallelism' | 'vertices'>,
): string | undefined => {
  const reachable = Math.min(parallelism ?? 0, ...seen.vertices.map((vertex) => vertex.maxParallelism).filter((max) => max > 0));
  if (parallelism !== undefined && seen.parallelism !== parallelism && seen.parallelism !== reachable) return `, ${parallelism} wanted`;
  const behind = vertexUnlike(vertices, seen.vertices);
  return behind && `; ${behind.name} has ${behind.parallelism}, ${vertices[behind.id]} wanted`;
};

interface VertexSeen {
  readonly id: string;
  readonly parallelism: number;
  /** Not above 0: Flink has not said. */
  readonly maxParallelism: number;
}

/** A vertex that does not have the parallelism it is to have, as far as its key groups allow; one of which nothing is wanted may have any. */
export const vertexUnlike = <T extends VertexSeen>(wanted: Readonly<Record<string, number>>, seen: readonly T[]): T | undefined =>
  seen.find(({ id, parallelism, maxParallelism: most }) => {
    const own = wanted[id];
    return own !== undefined && parallelism !== (most > 0 ? Math.min(own, most) : own);
  });

/** Whether a job has ended, and how; a job that Flink does not know has ended too. */
export const decideJobEnd = (seen: FlinkJobSeen | undefined): { readonly ended: boolean; readonly reason: string } => {
  if (!seen) return { ended: true, reason: 'Flink does not know the job any more' };
  if (isFinal(seen.state)) return { ended: true, reason: `The job is ${seen.state}` };
  return { ended: false, reason: `The job is still ${seen.state}` };
};
