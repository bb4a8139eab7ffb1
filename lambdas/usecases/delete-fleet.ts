import type { Operation } from '../contracts/operation';
import type { Awaited_, TaskAnswer } from '../contracts/workflow';
import type { FleetPort } from '../gateways/aws/fleet.port';
import { fleetSpecOf } from './fleet-spec';
import { ownCluster, type StoreDeps } from './owned';

type Deps = StoreDeps & { readonly fleet: FleetPort };

/** Asks for the end of all hosts of the cluster's epoch. */
export const deleteFleet = async (deps: Deps, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownCluster(deps, operation, 'cleaning');
  await deps.fleet.deleteGroups(fleetSpecOf(cluster), cluster.resources);
  return { reason: `The groups of ${cluster.name} (epoch ${cluster.epoch}) are being deleted with their hosts` };
};

/** Whether no host and no group of the epoch is left. */
export const fleetGone = async (deps: Deps, operation: Operation): Promise<Awaited_> => {
  const cluster = await ownCluster(deps, operation, 'cleaning');
  const ready = await deps.fleet.groupsGone(fleetSpecOf(cluster));
  return { ready, reason: ready ? 'No host and no group is left' : 'Hosts are still shutting down' };
};

/** Takes away launch templates, network interface, security group and role: all that is left once the hosts are gone. */
export const deleteAccess = async (deps: Deps, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownCluster(deps, operation, 'cleaning');
  await deps.fleet.deleteAccess(fleetSpecOf(cluster), cluster.resources);
  await deps.store.updateCluster(cluster.name, operation.operationId, { resources: { taskManagerGroups: [], launchTemplateIds: [] } });
  return { reason: 'Launch templates, network interface, security group and role are gone' };
};
