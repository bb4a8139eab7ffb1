import type { Job } from '../contracts/job';
import type { FailoverReport, Operation, Phase } from '../contracts/operation';

const seconds = (from: string | undefined, to: string | undefined): number | undefined =>
  from === undefined || to === undefined ? undefined : Math.max(0, Date.parse(to) - Date.parse(from)) / 1_000;

/** Name of the phase that is there once every job has been seen to process a record on the new hosts. */
export const FIRST_RECORD = 'First record';

/** Name of the phase in which a drill copies the state of the jobs. */
const COPYING = 'Copy jobs';

/** A job as a failover has started it again, or a drill on its copy. */
export type JobRestored = Pick<Job, 'name' | 'restoredFrom' | 'restoredStateAt'> &
  Partial<Pick<Job, 'status' | 'statusReason' | 'rehearsed'>>;

const againOf = (job: JobRestored, stoppedAt: string): readonly (readonly [string, number])[] => {
  const { name, restoredFrom, restoredStateAt, rehearsed } = job;
  if (restoredFrom === undefined) return [];
  if (rehearsed) return [[name, seconds(rehearsed.stateAt, rehearsed.stateChosenAt) ?? 0]];
  // Stopped with the savepoint that it goes on from: nothing came in between.
  return [[name, restoredStateAt === undefined ? 0 : (seconds(restoredStateAt, stoppedAt) ?? 0)]];
};

/**
 * Where the time of a failover went, by its phases. Hosts boot while state is asked for and the former hosts are cut off, so the parts may overlap.
 * The outage of a planned move begins when its jobs are asked to stop, that of a lost zone when the loss was seen first, or else asked about.
 */
export const failoverReport = (
  { phases, request, requestedAt }: Operation,
  objectiveSeconds: number,
  jobs: readonly JobRestored[] = [],
): FailoverReport | undefined => {
  const isCopy = request.kind === 'drill-on-copy';
  if (!isCopy && (request.kind !== 'fail-over-cluster' || request.cleansOnly)) return undefined;
  const phase = (...names: readonly string[]): Phase | undefined => phases.find(({ name }) => names.includes(name));
  const took = (...names: readonly string[]): number | undefined => {
    const found = phase(...names);
    return seconds(found?.startedAt, found?.endedAt);
  };
  const detectedAt = request.trigger.detectedAt ?? requestedAt;
  const planned = phase('Secure state');
  const looked = phase('Look at the jobs');
  const running = looked?.outcome === 'failed' ? undefined : looked?.endedAt;
  const firstRecord = phase(FIRST_RECORD)?.endedAt;
  // A drill says nothing of an outage that would not have ended.
  const failed = isCopy && jobs.some(({ status }) => status === 'FAILED');
  const outage = failed ? undefined : seconds(planned?.startedAt ?? detectedAt, firstRecord ?? running);
  // A move starts from the state where it lies.
  const copying = took(COPYING) ?? 0;
  // What a zone that only counts as lost goes on to do is lost too, until it is cut off.
  const stoppedAt = request.trigger.detectedAt ?? planned?.startedAt ?? phase('Fence lost hosts')?.startedAt ?? requestedAt;
  const reprocessed = jobs.flatMap((job) => againOf(job, stoppedAt));
  const parts = {
    detect: seconds(request.trigger.detectedAt, requestedAt),
    decide: seconds(requestedAt, phase('Take over the jobs', 'Begin drill')?.endedAt),
    // Hosts that stand by are asked for nothing.
    capacity: seconds(phase('Prepare access', 'Look for slots')?.startedAt, phase('Look for slots')?.endedAt),
    state: took('Secure state') ?? took('Ask the former hosts', 'Ask the lost hosts'),
    fence: took('Fence', 'Fence lost hosts'),
    restore: seconds(phase('Start jobs')?.startedAt, running),
    firstRecord: seconds(running, firstRecord),
    firstCheckpoint: seconds(running, phase('Look for first checkpoints')?.endedAt),
  };
  const known = Object.fromEntries(Object.entries(parts).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
  const notRehearsed = isCopy
    ? jobs.flatMap(({ name, status, statusReason }) => (status === 'FAILED' || status === 'CANCELED' ? [[name, statusReason ?? '']] : []))
    : [];
  const stateNotTaken = jobs.flatMap(({ name, rehearsed }) => (rehearsed?.stateNotTaken ? [[name, rehearsed.stateNotTaken] as const] : []));
  return {
    seconds: known,
    objectiveSeconds,
    capacity: !isCopy && request.reserve !== undefined && !phase('Take the next zone') ? 'warm' : 'cold',
    ...(notRehearsed.length === 0 ? {} : { notRehearsed: Object.fromEntries(notRehearsed) }),
    ...(reprocessed.length === 0 ? {} : { reprocessedSeconds: Object.fromEntries(reprocessed) }),
    ...(stateNotTaken.length === 0 ? {} : { stateNotTaken: Object.fromEntries(stateNotTaken) }),
    ...(outage === undefined
      ? failed
        ? { objectiveMet: false }
        : {}
      : { outageSeconds: outage - copying, objectiveMet: outage - copying <= objectiveSeconds }),
  };
};
