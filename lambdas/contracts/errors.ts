/**
 * Errors by name. Lambda hands `name` to Step Functions, where a Retry or Catch names it
 * (test/state-machines holds definitions and this file together); the API turns it into a problem document.
 */
abstract class SluiceError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** One thing wrong with one field. `path` as in `jar.sha256` or `overrides.taskManagers.min`. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

/** The request is well-formed but cannot be done as asked (422). */
export class InvalidRequest extends SluiceError {
  constructor(
    readonly problems: readonly FieldProblem[],
    message = problems.map((problem) => `${problem.path}: ${problem.message}`).join('; '),
  ) {
    super(message);
  }
}
/** No such cluster, job, operation (404). */
export class NotFound extends SluiceError {}
/** Something else is under way or the state does not allow it (409). */
export class Conflict extends SluiceError {
  constructor(
    message: string,
    /** The operation in the way. */
    readonly operation?: { readonly operationId: string; readonly cluster: string },
  ) {
    super(message);
  }
}
/** The same Idempotency-Key came with a different request (422). */
export class IdempotencyKeyReused extends SluiceError {}

/** This operation no longer holds what it changes: somebody asked for the opposite, or took over. Ends the operation as CANCELED. */
export class Superseded extends SluiceError {}

/** Flink did not answer, answered 5xx, or too late. Retried. */
export class FlinkUnavailable extends SluiceError {
  /** It did answer, if only that it cannot: its process lives. */
  readonly answered: boolean;
  constructor(message: string, { answered = false, ...options }: ErrorOptions & { readonly answered?: boolean } = {}) {
    super(message, options);
    this.answered = answered;
  }
}
/** AWS throttled or failed in a passing way. Retried. */
export class AwsUnavailable extends SluiceError {}

/** Flink refused or failed to run the program; the message carries the cause (for SQL: the parser's line and column). Final. */
export class JobRejected extends SluiceError {}
/** The JobManager that was to run it does not have the jar: another one has, or had. It is uploaded again. */
export class JarMissing extends JobRejected {}
/** The job ran and failed before it was up; the message carries the root cause. Final. */
export class JobFailed extends SluiceError {}
/** A savepoint could not be taken. `location` is set when the savepoint is complete but the job did not stop. */
export class SavepointFailed extends SluiceError {
  constructor(
    message: string,
    readonly location?: string,
  ) {
    super(message);
  }
}
/** The jar is not there, or not readable. Final. */
export class ArtifactMissing extends SluiceError {}
/** The jar's SHA-256 is not the one that was given. Final. */
export class ArtifactMismatch extends SluiceError {}
/** EC2 has no such capacity now. */
export class InsufficientCapacity extends SluiceError {}
/** Something awaited did not come in time; the message says what and how long. */
export class DeadlineExceeded extends SluiceError {}
