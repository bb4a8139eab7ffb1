import { later } from '../../domain/clock';
import { type Move, moveOf } from '../../domain/move';
import type { StorePort } from '../../gateways/aws/store.port';

/** Moves of a cluster, the newest first. @param now ISO 8601. @param seconds they go back at least so far */
export const movesOf = async (
  store: Pick<StorePort, 'operationsOf'>,
  cluster: string,
  now: string,
  seconds: number,
): Promise<readonly Move[]> => {
  const moves: Move[] = [];
  for (let after: string | undefined; ; ) {
    const page = await store.operationsOf(cluster, { limit: 100, ...(after === undefined ? {} : { after }) });
    moves.push(...page.items.flatMap((operation) => moveOf(operation) ?? []));
    if (page.next === undefined || (page.items.at(-1)?.requestedAt ?? '') < later(now, -seconds)) return moves;
    after = page.next;
  }
};
