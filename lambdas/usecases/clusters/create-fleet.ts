import type { Cluster } from '../../contracts/cluster';
import type { Operation } from '../../contracts/operation';
import type { TaskAnswer } from '../../contracts/workflow';
import { decideCapacity, hostLimits } from '../../domain/capacity';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { keepResources, ownTarget, type StoreDeps } from '../operations/owned';
import { fleetSpecOf } from './fleet-spec';
import { slotDemands } from './slot-demands';

/** Makes the groups, which start the JobManager's host, with one that stands by where it is wanted, and as many TaskManager hosts as the smallest fleet has. */
export const createFleet = async (deps: StoreDeps & { readonly fleet: FleetPort }, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownTarget(deps, operation);
  const hosts = await hostsFor(deps, operation, cluster);
  const groups = await deps.fleet.createGroups(fleetSpecOf(cluster), cluster.resources, hosts);
  // No job runs on a reserve, and none is to be started there while it is not `ready`: whichever hosts go are idle.
  if (operation.request.kind === 'prepare-reserve' && operation.request.action === 'resize')
    await deps.fleet.setHosts({ ...cluster.resources, ...groups }, cluster.zone, hosts);
  await keepResources(deps, operation, { ...cluster.resources, ...groups });
  return {
    reason: `${cluster.resources.standby ? 'Two JobManager hosts' : 'One JobManager host'} (${cluster.size.jobManager.instanceType}) and ${hosts} TaskManager hosts (${cluster.size.instanceType}) are wanted`,
  };
};

/** A launch begins with the smallest fleet; a failover with what its jobs need, and a reserve with what it was decided to have. */
export const hostsFor = async ({ store }: StoreDeps, operation: Operation, { size }: Cluster): Promise<number> => {
  const { min, max } = hostLimits(size);
  if (operation.request.kind === 'prepare-reserve') return operation.request.hosts;
  if (operation.kind !== 'fail-over-cluster') return min;
  const capacity = decideCapacity(await slotDemands(store, operation, 'grow'), size);
  return capacity.action === 'provide' ? capacity.hosts : max;
};
