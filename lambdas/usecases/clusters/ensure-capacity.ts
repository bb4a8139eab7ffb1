import { InvalidRequest } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import type { EnsureCapacityInput, TaskAnswer } from '../../contracts/workflow';
import { decideCapacity, hostLimits, mostHostsInChange } from '../../domain/capacity';
import { decideGrowth, decideShrink } from '../../domain/decide-hosts';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { ownTarget, type StoreDeps } from '../operations/owned';
import { slotDemands } from './slot-demands';

type Deps = StoreDeps & { readonly fleet: FleetPort };

/** Makes the fleet as large as all jobs of the cluster need, or takes away the idle hosts beyond that. */
export const ensureCapacity = async (deps: Deps, operation: Operation, input: EnsureCapacityInput): Promise<TaskAnswer> =>
  input.direction === 'grow' ? grow(deps, operation) : shrink(deps, operation, input.busyAddresses);

const grow = async (deps: Deps, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownTarget(deps, operation);
  const capacity = decideCapacity(await slotDemands(deps.store, operation, 'grow'), cluster.size);
  if (capacity.action === 'refuse') throw new InvalidRequest([{ path: 'parallelism', message: capacity.reason }]);
  const seen = await deps.fleet.observe(cluster.resources);
  const { action, reason } = decideGrowth(seen, { ...capacity, most: mostHostsInChange(hostLimits(cluster.size).max) });
  if (action.kind === 'set') await deps.fleet.setHosts(cluster.resources, cluster.zone, action.hosts);
  return { reason };
};

/** After a job became smaller, ended or did not start. */
const shrink = async (deps: Deps, operation: Operation, busyAddresses: readonly string[]): Promise<TaskAnswer> => {
  const cluster = await ownTarget(deps, operation, 'cleaning');
  // A terminated cluster loses all its hosts anyway.
  if (cluster.desired === 'TERMINATED') return { reason: 'The cluster is to be terminated, its hosts with it' };
  const capacity = decideCapacity(await slotDemands(deps.store, operation, 'shrink'), cluster.size);
  if (capacity.action === 'refuse') return { reason: capacity.reason };
  const seen = await deps.fleet.observe(cluster.resources);
  const { action, reason } = decideShrink(seen, capacity, busyAddresses);
  if (action.kind === 'set') await deps.fleet.setHosts(cluster.resources, cluster.zone, action.hosts);
  if (action.kind === 'terminate') {
    await deps.fleet.terminateHosts(action.instanceIds);
    await deps.fleet.replaceHosts(action.replacedIds);
  }
  return { reason };
};
