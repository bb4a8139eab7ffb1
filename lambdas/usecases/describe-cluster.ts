import type { ClusterDescription } from '../contracts/api';
import type { Clock } from '../domain/clock';
import { describePlacement } from '../domain/describe-placement';
import type { StorePort } from '../gateways/aws/store.port';
import type { FlinkConnector } from '../gateways/flink/flink.port';
import { askLive } from './ask-live';
import { requireCluster } from './in-the-way';
import { clusterView } from './views';

export interface DescribeDeps {
  readonly store: StorePort;
  readonly flink: FlinkConnector;
  readonly clock: Clock;
}

/** The cluster as stored, and as its JobManager sees it now. @throws NotFound */
export const describeCluster = async ({ store, flink, clock }: DescribeDeps, name: string): Promise<ClusterDescription> => {
  const cluster = await requireCluster(store, name);
  const address = cluster.status === 'TERMINATED' ? undefined : cluster.resources.jobManagerAddress;
  const live = await askLive(flink, address, async (port) => {
    const [{ taskManagers, slotsTotal, slotsFree }, jobs] = await Promise.all([port.overview(), port.jobs()]);
    return { live: { taskManagers, slotsTotal, slotsFree, jobs: [...jobs] } };
  });
  return { ...clusterView(cluster, clock), placement: describePlacement(cluster, live.live?.slotsTotal), ...live };
};
