import { type Move, moveOf } from '../../domain/move';
import type { StorePort } from '../../gateways/aws/store.port';
import { recentOperations } from '../operations/list-operations';

/** Moves of a cluster, the newest first. @param now ISO 8601. @param seconds they go back at least so far */
export const movesOf = async (
  store: Pick<StorePort, 'operationsOf'>,
  cluster: string,
  now: string,
  seconds: number,
): Promise<readonly Move[]> => (await recentOperations(store, cluster, now, seconds)).flatMap((operation) => moveOf(operation) ?? []);
