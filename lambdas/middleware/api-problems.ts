import type { Problem } from '../contracts/api';
import {
  ArtifactMissing,
  AwsUnavailable,
  Conflict,
  type FieldProblem,
  FlinkUnavailable,
  IdempotencyKeyReused,
  InvalidRequest,
  NotFound,
} from '../contracts/errors';
import { shorten } from '../domain/describe-failure';
import { operationHref } from '../usecases/api/views';

/** A request that is refused before any use case sees it. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  constructor(
    readonly status: 400 | 403 | 413 | 422,
    message: string,
    readonly problems: readonly FieldProblem[] = [],
  ) {
    super(message);
  }
}

type Answer = Pick<Problem, 'type' | 'title' | 'status' | 'detail' | 'errors' | 'operation'>;

const REFUSED = {
  400: ['malformed-request', 'The request cannot be read'],
  403: ['forbidden', 'The caller is not known'],
  413: ['too-large', 'The request is too large'],
  422: ['invalid-request', 'The request cannot be done as asked'],
} as const;

/** Seconds after which a caller may try again what failed in passing. */
export const RETRY_AFTER_SECONDS = 2;

/** A body of 2 MB can have a hundred thousand things wrong with it, or a field with a name as long; Lambda answers 6 MB at most. */
const MOST_PROBLEMS = 50;
const LONGEST = { detail: 2_000, path: 300, message: 500 } as const;

const answer = (status: number, [name, title]: readonly [string, string], detail: string, more: Partial<Answer> = {}): Answer => ({
  type: `urn:sluice:problem:${name}`,
  title,
  status,
  detail: shorten(detail, LONGEST.detail),
  ...more,
});

const fields = (problems: readonly FieldProblem[]): Partial<Answer> =>
  problems.length === 0
    ? {}
    : {
        errors: problems
          .slice(0, MOST_PROBLEMS)
          .map(({ path, message }) => ({ path: shorten(path, LONGEST.path), message: shorten(message, LONGEST.message) })),
      };

/** Names the fields; where these are too many, how many more there are. */
const sentenceOf = (problems: readonly FieldProblem[]): string => {
  const more = problems.length - MOST_PROBLEMS;
  const named = problems.slice(0, MOST_PROBLEMS).map(({ path, message }) => `${shorten(path, LONGEST.path)}: ${message}`);
  return `${more > 0 ? `${more} more than the ${MOST_PROBLEMS} fields named here: ` : ''}${named.join('; ')}`;
};

/** What a caller is told of an error: its own sentence where it is meant for callers, and nothing of what went wrong inside. */
export const problemOf = (error: unknown): Answer => {
  if (error instanceof RequestRefused || error instanceof InvalidRequest) {
    const { problems } = error;
    const status = error instanceof RequestRefused ? error.status : 422;
    return answer(status, REFUSED[status], problems.length > MOST_PROBLEMS ? sentenceOf(problems) : error.message, fields(problems));
  }
  if (error instanceof ArtifactMissing) return answer(422, REFUSED[422], error.message);
  if (error instanceof IdempotencyKeyReused)
    return answer(422, ['idempotency-key-reused', 'The Idempotency-Key belongs to another request'], error.message);
  if (error instanceof NotFound) return answer(404, ['not-found', 'There is no such thing'], error.message);
  if (error instanceof Conflict) return answer(409, ['conflict', 'Something is in the way'], error.message, inTheWay(error));
  if (error instanceof AwsUnavailable || error instanceof FlinkUnavailable)
    return answer(
      503,
      ['unavailable', 'Something that is needed does not answer now'],
      'Try again; with an Idempotency-Key nothing is done twice',
    );
  return answer(500, ['internal', 'The control plane failed'], 'The cause is in its log, under the requestId');
};

const inTheWay = ({ operation }: Conflict): Partial<Answer> =>
  operation ? { operation: { operationId: operation.operationId, href: operationHref(operation.cluster, operation.operationId) } } : {};
