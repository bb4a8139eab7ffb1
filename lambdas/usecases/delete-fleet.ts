import type { Cluster } from '../contracts/cluster';
import type { Operation } from '../contracts/operation';
import type { Stage } from '../contracts/stage';
import type { Awaited_, TaskAnswer } from '../contracts/workflow';
import { recoveryPrefix } from '../domain/state-paths';
import type { ArtifactsPort } from '../gateways/aws/artifacts.port';
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

interface AccessDeps extends Deps {
  readonly artifacts: Pick<ArtifactsPort, 'deletePrefix'>;
  readonly stage: Pick<Stage, 'stateBucket'>;
}

/**
 * Takes away launch templates, network interface, security group and role, and what a JobManager would have recovered its jobs from: all that is left
 * once the hosts are gone. A fence goes with it, since nobody is left to see it.
 */
export const deleteAccess = async (deps: AccessDeps, operation: Operation): Promise<TaskAnswer> => {
  for (const one of await goingOf(deps, operation)) {
    const spec = fleetSpecOf(one);
    await deps.fleet.deleteAccess(spec, one.resources);
    await deps.artifacts.deletePrefix(deps.stage.stateBucket, recoveryPrefix(one.name, spec.epoch));
  }
  const own = operation.kind === 'fail-over-cluster' ? {} : { resources: { taskManagerGroups: [], launchTemplateIds: [] } };
  await deps.store.updateCluster(operation.cluster, operation.operationId, { ...own, former: undefined });
  return { reason: 'Launch templates, network interface, security group, role and recovery entries are gone' };
};

const goingOf = async (deps: Deps, operation: Operation): Promise<readonly Cluster[]> => {
  // A failover that only has to tidy up gives way to a termination, which takes all away.
  if (operation.kind === 'fail-over-cluster') return formerClusters(await ownCluster(deps, operation));
  const cluster = await ownCluster(deps, operation, 'cleaning');
  return [...formerClusters(cluster), cluster];
};

const epochsOf = (clusters: readonly Cluster[]): string =>
  clusters.length === 0 ? 'no epoch' : `epoch ${clusters.map(({ epoch, resources }) => resources.epoch ?? epoch).join(', ')}`;
