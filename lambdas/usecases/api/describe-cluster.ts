import type { ClusterDescription } from '../../contracts/api';
import type { Stage } from '../../contracts/stage';
import type { Clock } from '../../domain/clock';
import { describePlacement } from '../../domain/describe-placement';
import { jobManagerAddresses } from '../../domain/job-managers';
import type { StorePort } from '../../gateways/aws/store.port';
import type { FlinkConnector } from '../../gateways/flink/flink.port';
import { requireCluster } from '../operations/in-the-way';
import { askLive } from './ask-live';
import { clusterView } from './views';

export interface DescribeClusterDeps {
  readonly store: StorePort;
  readonly flink: FlinkConnector;
  readonly clock: Clock;
  readonly stage: Pick<Stage, 'prices' | 'volumePrices' | 'zones'>;
}

/** The cluster as stored, and as its JobManager sees it now. @throws NotFound */
export const describeCluster = async ({ store, flink, clock, stage }: DescribeClusterDeps, name: string): Promise<ClusterDescription> => {
  const cluster = await requireCluster(store, name);
  const addresses = cluster.status === 'TERMINATED' ? [] : jobManagerAddresses(cluster.resources);
  const live = await askLive(flink, addresses, async (port) => {
    const [{ taskManagers, slotsTotal, slotsFree }, jobs] = await Promise.all([port.overview(), port.jobs()]);
    return { live: { taskManagers, slotsTotal, slotsFree, jobs: [...jobs] } };
  });
  const placement = describePlacement(cluster, live.live?.slotsTotal, { ...stage, zones: stage.zones.map(({ name: zone }) => zone) });
  return { ...clusterView(cluster, clock), placement, ...live };
};
