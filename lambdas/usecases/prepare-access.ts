import type { Operation } from '../contracts/operation';
import type { TaskAnswer } from '../contracts/workflow';
import type { FleetPort } from '../gateways/aws/fleet.port';
import { fleetSpecOf } from './fleet-spec';
import { ownCluster, type StoreDeps } from './owned';

/** Makes what the cluster's hosts need before they start: security group, role and the JobManager's network interface. */
export const prepareAccess = async (deps: StoreDeps & { readonly fleet: FleetPort }, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownCluster(deps, operation);
  const access = await deps.fleet.prepareAccess(fleetSpecOf(cluster));
  await deps.store.updateCluster(cluster.name, operation.operationId, { resources: { ...cluster.resources, ...access } });
  return { reason: `The JobManager will be at ${access.jobManagerAddress} in ${cluster.zone}` };
};
