import { FlinkUnavailable, JarMissing, JobRejected } from '../../contracts/errors';
import type { FlinkRefusal } from './rest';

/** Flink's own calls inside of it came too late, or an earlier request of the same is still at work (409): nothing is known about the program. */
const BUSY =
  /AskTimeoutException|Another update to the job .* is in progress|Invocation of \[[^\]]*\].*timed out|LeaderNotAvailable|FencingTokenException|leader election/;

/** What a refusal means to the caller: the program's fault (final) or Flink's (passing). */
export function runFailure(
  refusal: FlinkRefusal,
  program: { readonly jarId?: string; readonly entryClass?: string | undefined } = {},
): Error {
  const { message, trace } = refusal;
  if (BUSY.test(trace)) return new FlinkUnavailable(`Flink is busy: ${message}`, { cause: refusal, answered: true });
  if (/^No jobs included in application/.test(message))
    return new JobRejected('the program starts no job: nothing in it executes a pipeline or an INSERT');
  if (/Jar file \S+ does not exist/.test(trace))
    return new JarMissing(`the JobManager has no jar ${program.jarId}: it was restarted or the jar was deleted`);
  const missing = /entry point class '([^']+)' was not found/.exec(trace)?.[1];
  if (missing !== undefined) return new JobRejected(`no such class in the jar: ${missing}`);
  return new JobRejected(message);
}
