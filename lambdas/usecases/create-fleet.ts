import type { Operation } from '../contracts/operation';
import type { TaskAnswer } from '../contracts/workflow';
import { hostLimits } from '../domain/capacity';
import type { FleetPort } from '../gateways/aws/fleet.port';
import { fleetSpecOf } from './fleet-spec';
import { ownCluster, type StoreDeps } from './owned';

/** Makes the groups, which start one JobManager host and as many TaskManager hosts as the smallest fleet has. */
export const createFleet = async (deps: StoreDeps & { readonly fleet: FleetPort }, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownCluster(deps, operation);
  const hosts = hostLimits(cluster.size).min;
  const groups = await deps.fleet.createGroups(fleetSpecOf(cluster), cluster.resources, hosts);
  await deps.store.updateCluster(cluster.name, operation.operationId, { resources: { ...cluster.resources, ...groups } });
  return {
    reason: `One JobManager host (${cluster.size.jobManager.instanceType}) and ${hosts} TaskManager hosts (${cluster.size.instanceType}) are wanted`,
  };
};
