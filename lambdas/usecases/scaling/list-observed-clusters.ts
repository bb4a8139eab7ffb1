import type { ObservedCluster, ObservedGroup } from '../../contracts/observer';
import { everySeconds } from '../../domain/observation/every-seconds';
import { allClusters } from '../operations/owned';
import type { ObserveDeps } from './observe-flink';

/** An inline Map has no more iterations under way at a time. https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html */
const SIDE_BY_SIDE = 40;

/** The clusters that run, each with the passes that are made over it within a minute, in groups of as many as are observed side by side. */
export const listObservedClusters = async ({
  store,
  stage,
}: Pick<ObserveDeps, 'store' | 'stage'>): Promise<{ readonly groups: readonly ObservedGroup[] }> => {
  const clusters = (await allClusters(store))
    .filter(({ status, desired }) => status === 'RUNNING' && desired === 'RUNNING')
    .map((cluster): ObservedCluster => {
      const every = everySeconds({ stage }, cluster);
      return { cluster: cluster.name, everySeconds: every, passes: 60 / every };
    });
  return {
    groups: Array.from({ length: Math.ceil(clusters.length / SIDE_BY_SIDE) }, (_, index) => ({
      afterSeconds: index,
      clusters: clusters.slice(index * SIDE_BY_SIDE, (index + 1) * SIDE_BY_SIDE),
    })),
  };
};
