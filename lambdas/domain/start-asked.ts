import type { Job } from '../contracts/job';

/** How long Flink is given to answer a start: the program's main runs in it, and the first SQL script after a start of the JobManager takes seconds to plan. Seconds. */
export const START_ANSWER_SECONDS = 60;
/** Between the record of a request and its sending lie a few short calls; behind its lost answer the job shows when its graph is built. Seconds. */
const GRACE_SECONDS = 20;

/** Whether a job that Flink does not show may yet come of a request that it was sent. @param now ISO 8601 */
export const mayStillAppear = ({ startAsked }: Pick<Job, 'startAsked'>, now: string): boolean =>
  startAsked !== undefined && Date.parse(now) - Date.parse(startAsked.at) < (START_ANSWER_SECONDS + GRACE_SECONDS) * 1_000;
