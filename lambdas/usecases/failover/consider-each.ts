import type { Cluster } from '../../contracts/cluster';
import { eachOf } from '../state/find-states';

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
  const look = async (cluster: Cluster): Promise<readonly (T | Failed)[]> => {
    try {
      return await consider(cluster);
    } catch (error) {
      return [{ cluster: cluster.name, action: 'failed', reason: `${cluster.name} could not be looked at: ${String(error)}` }];
    }
  };
  return (await eachOf(clusters, look, AT_ONCE)).flat();
};
