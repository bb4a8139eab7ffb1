import type { ObservedCluster } from '../../contracts/observer';
import { allClusters } from '../operations/owned';
import { everySeconds, type ObserveDeps } from './observe-flink';

/** The clusters that run, each with the passes that are made over it within a minute. */
export const listObservedClusters = async ({
  store,
  stage,
}: Pick<ObserveDeps, 'store' | 'stage'>): Promise<{ readonly clusters: readonly ObservedCluster[] }> => {
  return {
    clusters: (await allClusters(store))
      .filter(({ status, desired }) => status === 'RUNNING' && desired === 'RUNNING')
      .map((cluster) => {
        const every = everySeconds({ stage }, cluster);
        return { cluster: cluster.name, everySeconds: every, passes: 60 / every };
      }),
  };
};
