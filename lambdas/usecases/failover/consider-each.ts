import type { Cluster } from '../../contracts/cluster';
import type { Clock } from '../../domain/clock';

/** Of a cluster that could not be looked at. */
export interface Failed {
  readonly cluster: string;
  readonly action: 'failed';
  readonly reason: string;
  readonly operationId?: never;
}

/** Clusters that are looked at at the same time. */
const AT_ONCE = 8;
const MINUTE_MS = 60_000;

/**
 * Looks at a few clusters at a time. One that cannot be looked at keeps no other waiting: that it failed is among the answers.
 * @param within no further look begins once so much time is over. Each minute begins with other clusters, so that all have their turn.
 */
export const considerEach = async <T>(
  clusters: readonly Cluster[],
  consider: (cluster: Cluster) => Promise<readonly T[]>,
  within?: { readonly clock: Clock; readonly ms: number },
): Promise<readonly (T | Failed)[]> => {
  const look = async (cluster: Cluster): Promise<readonly (T | Failed)[]> => {
    try {
      return await consider(cluster);
    } catch (error) {
      return [{ cluster: cluster.name, action: 'failed', reason: `${cluster.name} could not be looked at: ${String(error)}` }];
    }
  };
  const began = within?.clock().getTime() ?? 0;
  const first = (Math.floor(began / MINUTE_MS) * AT_ONCE) % Math.max(1, clusters.length);
  const inTurn = [...clusters.slice(first), ...clusters.slice(0, first)];
  const seen: (T | Failed)[] = [];
  for (let from = 0; from < inTurn.length; from += AT_ONCE) {
    if (from > 0 && within && within.clock().getTime() - began > within.ms) break;
    seen.push(...(await Promise.all(inTurn.slice(from, from + AT_ONCE).map(look))).flat());
  }
  return seen;
};
