import { type Move, moveOf } from '../../domain/move';
import type { StorePort } from '../../gateways/aws/store.port';

/** Moves of a cluster, the newest first. @param since they go back at least so far. ISO 8601 */
export const movesSince = async (store: Pick<StorePort, 'operationsOf'>, cluster: string, since: string): Promise<readonly Move[]> => {
  const moves: Move[] = [];
  for (let after: string | undefined; ; ) {
    const page = await store.operationsOf(cluster, { limit: 100, ...(after === undefined ? {} : { after }) });
    moves.push(...page.items.flatMap((operation) => moveOf(operation) ?? []));
    if (page.next === undefined || (page.items.at(-1)?.requestedAt ?? '') < since) return moves;
    after = page.next;
  }
};
