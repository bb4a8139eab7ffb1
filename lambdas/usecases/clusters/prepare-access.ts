import type { Operation } from '../../contracts/operation';
import type { TaskAnswer } from '../../contracts/workflow';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { keepResources, ownTarget, type StoreDeps } from '../operations/owned';
import { fleetSpecOf } from './fleet-spec';

/** Makes what the cluster's hosts need before they start: security group, role and the JobManager's network interface. A role that was made ahead is there. */
export const prepareAccess = async (deps: StoreDeps & { readonly fleet: FleetPort }, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownTarget(deps, operation);
  const wanted = fleetSpecOf(cluster);
  // Once for an epoch: a JobManager that runs without an election would not know of one that comes later, and both would lead.
  const alone = cluster.resources.jobManagerAddress !== undefined && cluster.resources.standby === undefined;
  const spec = alone ? { ...wanted, standbyZone: undefined } : wanted;
  const { roleName, instanceProfileArn } = cluster.resources;
  const role = roleName === undefined || instanceProfileArn === undefined ? undefined : { roleName, instanceProfileArn };
  const access = await deps.fleet.prepareAccess(spec, role);
  await keepResources(deps, operation, { ...cluster.resources, ...access });
  const { standby } = access;
  const beside = standby ? `, its stand-by at ${standby.address} in ${standby.zone}` : '';
  const without =
    spec.standbyZone !== undefined && !standby ? `; ${spec.standbyZone} has no address for a stand-by: it works without one` : '';
  return { reason: `The JobManager will be at ${access.jobManagerAddress} in ${cluster.zone}${beside}${without}` };
};
