import type { Cluster } from '../../contracts/cluster';
import { Conflict, InvalidRequest } from '../../contracts/errors';
import { operationIdOfKey, requestHashOf } from '../../domain/operation-id';
import { type AcceptDeps, type ChangeRequest, CONTROL_PLANE } from '../operations/accept';
import { acceptFailover, type FailoverWish } from './accept-failover';

export interface Considered {
  readonly cluster: string;
  /** `replace`: the hosts of its JobManager, in its zone. `leave`: what stands by for a move is taken away. `failed`: it could not be looked at. */
  readonly action: 'move' | 'drill' | 'replace' | 'leave' | 'hold' | 'failed';
  readonly reason: string;
  readonly operationId?: string;
}

/** Why the control plane moves a cluster by itself. */
export type OwnMove = 'MOVE' | 'RETURN' | 'RETRY' | 'DRILL';

/** The id of such a move: the same for the same key, however often and by whomever it is decided. @param key @default - one an epoch of the cluster */
export const ownMoveId = ({ name, epoch }: Pick<Cluster, 'name' | 'epoch'>, why: OwnMove, key = `${name}/${epoch}`): string =>
  operationIdOfKey({ caller: CONTROL_PLANE, method: why, path: 'fail-over-cluster', key });

/** Begins a move that the control plane has decided by itself; where that is refused, it says so. */
export const beginMove = (
  deps: AcceptDeps,
  { name }: Pick<Cluster, 'name'>,
  operationId: string,
  wish: FailoverWish,
  reason: string,
): Promise<Considered> =>
  begin({ cluster: name, action: 'move', reason, operationId }, (change) => acceptFailover(deps, change, name, wish));

/** The same of whatever is asked for so. */
export const begin = async (
  begun: Considered & { readonly operationId: string },
  ask: (change: ChangeRequest) => Promise<unknown>,
): Promise<Considered> => {
  const { cluster, operationId, reason } = begun;
  try {
    await ask({ requestedBy: CONTROL_PLANE, operationId, requestHash: requestHashOf(operationId) });
    return begun;
  } catch (error) {
    if (!(error instanceof Conflict || error instanceof InvalidRequest)) throw error;
    return { cluster, action: 'hold', reason: `${reason}; but ${error.message}` };
  }
};
