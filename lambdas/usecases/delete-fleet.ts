import type { Cluster } from '../contracts/cluster';
import type { Operation } from '../contracts/operation';
import type { Awaited_, TaskAnswer } from '../contracts/workflow';
import type { FleetPort } from '../gateways/aws/fleet.port';
import { formerClusters } from './fence-former';
import { fleetSpecOf } from './fleet-spec';
import { ownCluster, type StoreDeps } from './owned';

type Deps = StoreDeps & { readonly fleet: FleetPort };

/** Asks for the end of all hosts that are to go: the cluster's, or after a failover those of its earlier epochs. */
export const deleteFleet = async (deps: Deps, operation: Operation): Promise<TaskAnswer> => {
  const going = await goingOf(deps, operation);
  for (const one of going) await deps.fleet.deleteGroups(fleetSpecOf(one), one.resources);
  return { reason: `The groups of ${operation.cluster} (${epochsOf(going)}) are being deleted with their hosts` };
};

/** Whether no host and no group of these epochs is left. */
export const fleetGone = async (deps: Deps, operation: Operation): Promise<Awaited_> => {
  const gone = await Promise.all((await goingOf(deps, operation)).map((one) => deps.fleet.groupsGone(fleetSpecOf(one))));
  const ready = !gone.includes(false);
  return { ready, reason: ready ? 'No host and no group is left' : 'Hosts are still shutting down' };
};

/** Takes away launch templates, network interface, security group and role: all that is left once the hosts are gone. */
export const deleteAccess = async (deps: Deps, operation: Operation): Promise<TaskAnswer> => {
  for (const one of await goingOf(deps, operation)) await deps.fleet.deleteAccess(fleetSpecOf(one), one.resources);
  const own = operation.kind === 'fail-over-cluster' ? {} : { resources: { taskManagerGroups: [], launchTemplateIds: [] } };
  await deps.store.updateCluster(operation.cluster, operation.operationId, { ...own, former: undefined });
  return { reason: 'Launch templates, network interface, security group and role are gone' };
};

const goingOf = async (deps: Deps, operation: Operation): Promise<readonly Cluster[]> => {
  // A failover that only has to tidy up gives way to a termination, which takes all away.
  if (operation.kind === 'fail-over-cluster') return formerClusters(await ownCluster(deps, operation));
  const cluster = await ownCluster(deps, operation, 'cleaning');
  return [...formerClusters(cluster), cluster];
};

const epochsOf = (clusters: readonly Cluster[]): string =>
  clusters.length === 0 ? 'no epoch' : `epoch ${clusters.map(({ epoch, resources }) => resources.epoch ?? epoch).join(', ')}`;
