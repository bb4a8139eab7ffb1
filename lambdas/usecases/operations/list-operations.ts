import type { Operation } from '../../contracts/operation';
import { later } from '../../domain/clock';
import type { StorePort } from '../../gateways/aws/store.port';

/** Operations of a cluster, the newest first. @param now ISO 8601. @param seconds they go back at least so far */
export const recentOperations = async (
  store: Pick<StorePort, 'operationsOf'>,
  cluster: string,
  now: string,
  seconds: number,
): Promise<readonly Operation[]> => {
  const operations: Operation[] = [];
  for (let after: string | undefined; ; ) {
    const page = await store.operationsOf(cluster, { limit: 100, ...(after === undefined ? {} : { after }) });
    operations.push(...page.items);
    if (page.next === undefined || (page.items.at(-1)?.requestedAt ?? '') < later(now, -seconds)) return operations;
    after = page.next;
  }
};
