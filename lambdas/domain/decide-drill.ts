import type { Cluster, ClusterSpec } from '../contracts/cluster';
import type { FieldProblem } from '../contracts/errors';
import { lastDue, readSchedule, type Schedule } from './schedule';

export type DrillDecision =
  | { readonly action: 'none' }
  | { readonly action: 'start' | 'hold'; readonly due: string; readonly reason: string };

/** A drill that could not begin for so long is left out: the next comes by itself. Minutes. */
const PATIENCE_MINUTES = 15;

/** More would be nothing but drills. Minutes. */
const LEAST_MINUTES = 60;

/** What is wrong with the drills of a spec. @param zones of the stage */
export const drillProblems = ({ drill }: Pick<ClusterSpec, 'drill'>, zones: readonly string[]): readonly FieldProblem[] => {
  if (!drill) return [];
  const read = readSchedule(drill.schedule);
  const often = read.ok && isTooOften(read.schedule) ? 'must be an hour or more from one to the next' : undefined;
  const schedule = read.ok ? often : read.problem;
  const elsewhere = drill.zone !== undefined && !zones.includes(drill.zone);
  return [
    ...(schedule === undefined ? [] : [{ path: 'drill.schedule', message: schedule }]),
    ...(elsewhere ? [{ path: 'drill.zone', message: `the stage has no zone ${drill.zone}; it has ${zones.join(', ')}` }] : []),
  ];
};

/** One minute of an hour is the most that comes no sooner than the next hour. */
const isTooOften = (schedule: Schedule): boolean =>
  schedule.kind === 'rate' ? schedule.minutes < LEAST_MINUTES : schedule.minutes.size > 1;

/** Whether a drill of a cluster is due by its schedule and can begin now. @param inTheWay why it is not to be touched now. @param now ISO 8601 */
export const decideDrill = (
  {
    name,
    spec,
    status,
    desired,
    createdAt,
    drillSince = createdAt,
  }: Pick<Cluster, 'name' | 'spec' | 'status' | 'desired' | 'createdAt' | 'drillSince'>,
  inTheWay: string | undefined,
  now: string,
): DrillDecision => {
  const read = spec.drill && readSchedule(spec.drill.schedule);
  const due = read?.ok ? lastDue(read.schedule, createdAt, now, PATIENCE_MINUTES) : undefined;
  // What was due before anybody asked for it is not made up for.
  if (due === undefined || due < drillSince) return { action: 'none' };
  const hold = (why: string): DrillDecision => ({
    action: 'hold',
    due,
    reason: `The drill of ${name} that was due at ${due} waits: ${why}`,
  });
  if (status !== 'RUNNING' || desired !== 'RUNNING') return hold(`${name} is ${status}`);
  if (inTheWay !== undefined) return hold(inTheWay);
  return { action: 'start', due, reason: `a drill by schedule (${spec.drill?.schedule}), due at ${due}` };
};
