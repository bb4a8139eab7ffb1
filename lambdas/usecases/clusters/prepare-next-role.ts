import type { Operation } from '../../contracts/operation';
import type { TaskAnswer } from '../../contracts/workflow';
import { latestEpoch } from '../../domain/reserve';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { ownCluster, type StoreDeps } from '../operations/owned';
import { fleetSpecOf } from './fleet-spec';

type Deps = StoreDeps & { readonly fleet: Pick<FleetPort, 'makeRole'> };

/**
 * Makes role and instance profile of the epoch that a move would begin: no move then waits for IAM, nor for EC2 to hear of a new profile. Nobody can use it before,
 * for only EC2 assumes it, for hosts that have its profile. Where hosts are to stand by they have the next epoch's own.
 */
export const prepareNextRole = async ({ store, fleet }: Deps, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownCluster({ store }, operation);
  const { name, spec, status, nextRole } = cluster;
  const epoch = latestEpoch(cluster) + 1;
  if (spec.placement.failover.capacity === 'warm') return { reason: 'The hosts that stand by for a move bring their role' };
  if (status === 'FAILED') return { reason: 'Its move is tried again before' };
  if (nextRole?.epoch === epoch && nextRole.instanceProfileArn !== undefined) return { reason: `The role of epoch ${epoch} is there` };
  await store.updateCluster(name, operation.operationId, { nextRole: { epoch } });
  const role = await fleet.makeRole({ ...fleetSpecOf(cluster), epoch });
  await store.updateCluster(name, operation.operationId, { nextRole: { epoch, ...role } });
  return { reason: `Epoch ${epoch} has its role, should ${name} move` };
};
