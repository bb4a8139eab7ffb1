import type { Cluster } from '../../contracts/cluster';

/** Of a cluster that could not be looked at. */
interface Failed {
  readonly cluster: string;
  readonly action: 'failed';
  readonly reason: string;
}

/** Clusters that are looked at at the same time. */
const AT_ONCE = 8;

/** Looks at a few clusters at a time. One that cannot be looked at keeps no other waiting: that it failed is among the answers. */
export const considerEach = async <T>(
  clusters: readonly Cluster[],
  consider: (cluster: Cluster) => Promise<readonly T[]>,
): Promise<readonly (T | Failed)[]> => {
  const considered: (T | Failed)[] = [];
  for (let from = 0; from < clusters.length; from += AT_ONCE) {
    const looks = clusters.slice(from, from + AT_ONCE).map(async (cluster): Promise<readonly (T | Failed)[]> => {
      try {
        return await consider(cluster);
      } catch (error) {
        return [{ cluster: cluster.name, action: 'failed', reason: `${cluster.name} could not be looked at: ${String(error)}` }];
      }
    });
    considered.push(...(await Promise.all(looks)).flat());
  }
  return considered;
};
