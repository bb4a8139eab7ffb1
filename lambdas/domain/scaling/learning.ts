import type { JobObservation, PastRescale, ScalingEffect, ScalingSettings, VertexSeen } from '../../contracts/scaling';
import { secondsBetween } from '../clock';
import type { JobEvaluation } from './evaluate';
import { percent } from './explain';
import { isKnown } from './rates';

/** Under a tenth of the expected gain, a rescale did not help (the Flink Kubernetes Operator's default too). */
const INEFFECTIVE_GAIN = 0.1;
/** Of a skewed vertex half of it has to come: what one subtask has too much of, more of them do not take from it. */
const INEFFECTIVE_GAIN_SKEWED = 0.5;
/** The busiest subtask is busy for so much more of its time than the mean. */
const SKEWED_SHARE = 0.3;
/** Twice the rate for four times the parallelism: with less than that more of the same is no answer, and ever larger sizes would follow. */
const LEAST_EXPONENT = 0.5;
/** The newest rescales that are learnt from; each counts half of the next. */
const LEARN_FROM = 5;
/** A rescale is blamed for what happens in this time after it. Seconds. */
const BLAME_SECONDS = 3_600;
/** From this processor load of a TaskManager on, its slots have nothing left to share. */
const PROCESSORS_FULL = 0.9;
const RESTARTS_WORSE = 3;
const CHECKPOINT_FAILURES_WORSE = 3;
const GC_SHARE_WORSE = 0.3;

/** What was done within so many seconds before now, oldest first, as the whole history is. */
export const within = (history: readonly PastRescale[], seconds: number, now: string): readonly PastRescale[] => {
  const from = Date.parse(now) - seconds * 1_000;
  let first = history.length;
  while (first > 0 && Date.parse(history[first - 1]?.at ?? now) > from) first -= 1;
  return history.slice(first);
};

export const runningSince = (past: PastRescale, { restartSeconds }: Pick<ScalingSettings, 'restartSeconds'>): number =>
  past.runningAt === undefined ? Date.parse(past.at) + restartSeconds * 1_000 : Date.parse(past.runningAt);

/**
 * How the processing rate of a vertex grows with its parallelism, as an exponent: 1 in proportion, less where slots share cores, disks or
 * a service outside. Learnt from what past rescales really gave; 1 without any.
 */
export const scalingExponent = (id: string, history: readonly PastRescale[]): number => {
  let sum = 0;
  let weights = 0;
  let age = 0;
  for (let index = history.length - 1; index >= 0 && age < LEARN_FROM; index -= 1) {
    const { from, to, before, measured } = history[index] as PastRescale;
    const [less, more] = [from[id], to[id]];
    const [was, is] = [before.rates[id] ?? 0, measured?.rates[id] ?? 0];
    if (less === undefined || more === undefined || less === more || was <= 0 || is <= 0) continue;
    const exponent = Math.log(is / was) / Math.log(more / less);
    sum += Math.min(1, Math.max(LEAST_EXPONENT, exponent)) * 0.5 ** age;
    weights += 0.5 ** age;
    age += 1;
  }
  return weights > 0 ? sum / weights : 1;
};

export const isSkewed = ({ busy }: Pick<VertexSeen, 'busy'>): boolean =>
  isKnown(busy.worst) && isKnown(busy.mean) && busy.worst - busy.mean >= SKEWED_SHARE;

/** What holds back a vertex to which parallelism gave nothing, as far as it can be seen. */
const causeOf = (vertex: VertexSeen, { taskManagers: { gcShare, cpuLoad } }: JobObservation): string => {
  if (isSkewed(vertex)) return 'one subtask has most of the work: look for a skewed key';
  if (isKnown(gcShare) && gcShare >= 0.2)
    return `TaskManagers spend ${percent(gcShare)} of their time on garbage collection: give them more memory`;
  if (isKnown(cpuLoad) && cpuLoad < 0.5) return 'it is busy while processors idle: look at what it waits for, such as an external sink';
  return 'no cause was seen in skew, garbage collection or processor load';
};

/** Of a vertex whose processors are all at work, more subtasks on the same hosts get no more done: only new hosts bring more. */
export const needsNewHosts = ({ taskManagers: { cpuLoad } }: JobObservation): boolean => isKnown(cpuLoad) && cpuLoad >= PROCESSORS_FULL;

/** Why more parallelism is not tried for a vertex; null when it may be. */
export const whyNotAgain = (
  vertex: VertexSeen,
  computed: number,
  job: JobObservation,
  history: readonly PastRescale[],
  { repeatAfterSeconds }: Pick<ScalingSettings, 'repeatAfterSeconds'>,
  { now, slotsFree }: { readonly now: string; readonly slotsFree: number },
): string | null => {
  const { id, parallelism } = vertex;
  const recent = within(history, repeatAfterSeconds, now);
  const undone = recent
    .filter(({ kind, from, to }) => kind === 'roll-back' && (from[id] ?? 0) > (to[id] ?? 0))
    .map(({ from }) => from[id] ?? 0);
  if (undone.length > 0 && computed >= Math.min(...undone))
    return `parallelism ${Math.min(...undone)} was rolled back, because it made things worse`;
  const last = recent.findLast(({ from, to }) => from[id] !== to[id]);
  if (!last?.measured || last.kind !== 'rescale' || last.to[id] !== parallelism || (last.from[id] ?? parallelism) >= parallelism)
    return null;
  const [before, expected, measured] = [last.before.rates[id], last.expected[id], last.measured.rates[id]];
  if (!isKnown(before) || !isKnown(expected) || !isKnown(measured) || expected <= before) return null;
  const gain = (measured - before) / (expected - before);
  if (gain >= (isSkewed(vertex) ? INEFFECTIVE_GAIN_SKEWED : INEFFECTIVE_GAIN)) return null;
  // Slots on hosts that were busy already explain it; a size that needs new hosts is no repetition. Twice the size had some.
  if (needsNewHosts(job) && computed > parallelism + slotsFree && parallelism < 2 * (last.from[id] ?? 0)) return null;
  return `raising it from ${last.from[id]} to ${parallelism} gave ${percent(gain)} of what was expected; ${causeOf(vertex, job)}`;
};

/** Restarts that a change of the job can be blamed for: none of those that came with hosts that left. */
export const ownRestarts = ({ restarts, restartsOfHosts }: JobObservation): number | null =>
  isKnown(restarts) ? Math.max(0, restarts - restartsOfHosts) : null;

/** What a rescale made worse, as a part of a sentence; null when nothing, or when that is not known. */
export const whatGotWorse = (last: PastRescale | undefined, job: JobObservation): string | null => {
  if (last?.kind !== 'rescale' || secondsBetween(last.at, job.observedAt) > BLAME_SECONDS || job.observedAt < last.at) return null;
  if (!job.vertices.some(({ id, parallelism }) => last.to[id] === parallelism && last.from[id] !== parallelism)) return null;
  const { before } = last;
  const { checkpoints, taskManagers } = job;
  const restarts = ownRestarts(job);
  // While a TaskManager is away, nobody knows whether its host has left.
  if (job.taskManagersAway === 0 && isKnown(restarts) && isKnown(before.restarts) && restarts - before.restarts >= RESTARTS_WORSE)
    return `the job restarted ${restarts - before.restarts} times since`;
  const failures = checkpoints.consecutiveFailures;
  if (isKnown(failures) && failures >= CHECKPOINT_FAILURES_WORSE && isKnown(before.checkpointFailures) && before.checkpointFailures === 0)
    return `${failures} checkpoints failed one after the other`;
  const { gcShare } = taskManagers;
  if (isKnown(gcShare) && isKnown(before.gcShare) && gcShare >= GC_SHARE_WORSE && gcShare >= 2 * before.gcShare)
    return `garbage collection rose from ${percent(before.gcShare)} to ${percent(gcShare)} of the time`;
  return null;
};

/** The figures that a rescale is judged by, as they are now: stored before it, and again once the rescaled job has run for a while. */
export const effectNow = (evaluation: JobEvaluation, job: JobObservation): ScalingEffect => ({
  rates: Object.fromEntries([...evaluation.vertices].map(([id, { rate }]) => [id, isKnown(rate) ? rate : null])),
  restarts: ownRestarts(job),
  checkpointFailures: job.checkpoints.consecutiveFailures,
  gcShare: job.taskManagers.gcShare,
});
