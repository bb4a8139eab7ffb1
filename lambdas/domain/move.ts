import type { FailoverTrigger, Operation } from '../contracts/operation';

/** A move of a cluster into another zone, as it was asked for and as it ended. */
export interface Move {
  readonly operationId: string;
  /** When it was asked for. ISO 8601 */
  readonly at: string;
  readonly endedAt?: string | undefined;
  readonly trigger: FailoverTrigger['kind'];
  readonly from: string;
  readonly to: string;
  /** Zones that it kept away from. */
  readonly avoid: readonly string[];
  readonly status: Operation['status'];
  /** All jobs were seen running behind it. */
  readonly helped: boolean;
  /** It came to nothing, and the cluster stayed where it was. */
  readonly givenBack: boolean;
}

/** @returns the move that an operation is; undefined: it is none */
export const moveOf = ({ operationId, request, requestedAt, endedAt, status, phases }: Operation): Move | undefined => {
  if (request.kind !== 'fail-over-cluster' || request.cleansOnly) return undefined;
  const { from, zone: to, trigger, avoid = [] } = request;
  const done = (phase: string): boolean => phases.some(({ name, outcome }) => name === phase && outcome === 'ok');
  const [helped, givenBack] = [done('Look at the jobs'), done('Give back')];
  return { operationId, at: requestedAt, endedAt, trigger: trigger.kind, from, to, avoid, status, helped, givenBack };
};
