import type { Cluster } from '../contracts/cluster';
import type { ObservedCluster } from '../contracts/observer';
import { everySeconds, type ObserveDeps } from './observe-flink';

/** The clusters that run, each with the passes that are made over it within a minute. */
export const listObservedClusters = async ({
  store,
  stage,
}: Pick<ObserveDeps, 'store' | 'stage'>): Promise<{ readonly clusters: readonly ObservedCluster[] }> => {
  const clusters: Cluster[] = [];
  let after: string | undefined;
  do {
    const page = await store.clusters({ limit: 100, ...(after === undefined ? {} : { after }) });
    clusters.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return {
    clusters: clusters
      .filter(({ status, desired }) => status === 'RUNNING' && desired === 'RUNNING')
      .map((cluster) => {
        const every = everySeconds({ stage }, cluster);
        return { cluster: cluster.name, everySeconds: every, passes: 60 / every };
      }),
  };
};
