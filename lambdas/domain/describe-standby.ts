import type { Cluster } from '../contracts/cluster';
import { type HostPriceList, hostPrices } from './host-price';

export interface StandbyDescription {
  /** Absent: there is none. */
  readonly zone?: string;
  readonly costs: string;
  readonly gives: string;
}

type Placed = Pick<Cluster, 'spec' | 'size' | 'zone' | 'resources'>;

/** What a stand-by JobManager costs and gives the cluster, or would. @param prices of the stage */
export const describeStandby = ({ spec, size, zone, resources }: Placed, prices: HostPriceList): StandbyDescription => {
  const price = hostPrices(size, prices).jobManager.all;
  const costs = `One more JobManager host (${size.jobManager.instanceType})${price === undefined ? '' : `, $${Number(price.toFixed(4))} an hour`}.`;
  const { standby } = resources;
  if (standby) {
    const elsewhere = standby.zone !== zone;
    return {
      zone: standby.zone,
      costs,
      gives: `When the JobManager in ${zone} is lost, the one in ${standby.zone} leads on, whose process runs already: jobs go on from their latest complete checkpoints and wait for no start of a JVM or host. ${elsewhere ? `When ${zone} is lost nothing moves.` : `When ${zone} is lost both are.`}`,
    };
  }
  const wanted = spec.highAvailability?.standbyJobManager === true;
  return {
    costs: wanted ? 'Nothing: there was no address for it when this epoch of the cluster began.' : costs,
    gives: `Nothing now: a lost JobManager is started again on its host, or on another one in ${zone}. ${wanted ? 'The next move of the cluster asks for a stand-by again.' : 'A cluster with highAvailability.standbyJobManager has one that leads on at once.'}`,
  };
};
