import type { FailoverTrigger, Operation } from '../contracts/operation';

/** A move of a cluster into another zone, as it was asked for and as it ended. */
export interface Move {
  readonly operationId: string;
  /** When it was asked for. ISO 8601 */
  readonly at: string;
  readonly endedAt?: string | undefined;
  readonly trigger: FailoverTrigger['kind'];
  readonly from: string;
  /** Zones that it kept away from. */
  readonly avoid: readonly string[];
  readonly status: Operation['status'];
}

/** @returns the move that an operation is; undefined: it is none */
export const moveOf = ({ operationId, request, requestedAt, endedAt, status }: Operation): Move | undefined =>
  request.kind === 'fail-over-cluster' && !request.cleansOnly
    ? { operationId, at: requestedAt, endedAt, trigger: request.trigger.kind, from: request.from, avoid: request.avoid ?? [], status }
    : undefined;

/** A pause that doubles with everything that came before. @param first seconds. @param most seconds */
export const growingPause = (first: number, before: number, most: number): number => Math.min(most, first * 2 ** before);
