import { type Cluster, NO_RESOURCES } from '../../contracts/cluster';
import type { Operation } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { Awaited_, TaskAnswer } from '../../contracts/workflow';
import type { Clock } from '../../domain/clock';
import { isStranded, leavesIdleHosts, neverHadJobs } from '../../domain/decide-retry';
import { asReserve, hostsEpoch, isThere, latestEpoch, roleEpoch } from '../../domain/reserve';
import { classesPrefix, clusterPrefix, recoveryPrefix } from '../../domain/state-paths';
import type { ArtifactsPort } from '../../gateways/aws/artifacts.port';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { formerClusters } from '../failover/fence-former';
import { requireCluster } from '../operations/in-the-way';
import { allJobs, ownCluster, ownTarget, type StoreDeps } from '../operations/owned';
import { fleetSpecOf } from './fleet-spec';

type Deps = StoreDeps & { readonly fleet: Pick<FleetPort, 'deleteGroups' | 'groupsGone' | 'deleteAccess'> };

/** Asks for the end of all hosts that are to go: the cluster's, or after a failover those of its earlier epochs. */
export const deleteFleet = async (deps: Deps, operation: Operation): Promise<TaskAnswer> => {
  const going = await goingOf(deps, operation);
  for (const one of going) await deps.fleet.deleteGroups(fleetSpecOf(one), one.resources);
  return { reason: `The groups of ${operation.cluster} (${epochsOf(going)}) are being deleted with their hosts` };
};

/** Whether no host and no group of these epochs is left. */
export const fleetGone = async (deps: Deps, operation: Operation): Promise<Awaited_> => {
  const seen = await Promise.all((await goingOf(deps, operation)).map((one) => deps.fleet.groupsGone(fleetSpecOf(one))));
  if (seen.every(({ gone }) => gone)) return { ready: true, reason: 'No host and no group is left' };
  const untold = [...new Set(seen.flatMap((one) => one.untold ?? []))].sort().join(', ');
  if (untold === '') return { ready: false, reason: 'Hosts are still shutting down' };
  return { ready: false, reason: `EC2 tells nothing of hosts in ${untold} now, so it is not known whether the last of them are gone` };
};

interface AccessDeps extends Deps {
  readonly artifacts: Pick<ArtifactsPort, 'deletePrefix'>;
  readonly stage: Pick<Stage, 'stateBucket'>;
  readonly clock: Clock;
}

/**
 * Takes away launch templates, network interface, security group and role, and what a JobManager would have recovered its jobs from: all that is left
 * once the hosts are gone. A fence goes with it, since nobody is left to see it. With the whole cluster its archives of classes go too: they are code, and whoever
 * uses the name next shall not start with it.
 */
export const deleteAccess = async (deps: AccessDeps, operation: Operation): Promise<TaskAnswer> => {
  for (const one of await goingOf(deps, operation)) {
    const spec = fleetSpecOf(one);
    await deps.fleet.deleteAccess(spec, one.resources);
    await deps.artifacts.deletePrefix(deps.stage.stateBucket, recoveryPrefix(one.name, spec.epoch));
    if (operation.kind === 'fail-over-cluster') await forget(deps, operation, one.epoch);
  }
  if (isEndOfCluster(operation)) {
    await deleteRoleAhead(deps, operation);
    const { copyOf } = await requireCluster(deps.store, operation.cluster);
    // Of a copy nothing is gone back to.
    const prefix = copyOf === undefined ? classesPrefix(operation.cluster) : clusterPrefix(operation.cluster);
    await deps.artifacts.deletePrefix(deps.stage.stateBucket, prefix);
  }
  await recordGone(deps, operation);
  return { reason: 'Launch templates, network interface, security group, role and recovery entries are gone' };
};

const isEndOfCluster = ({ kind }: Operation): boolean => kind !== 'prepare-reserve' && kind !== 'fail-over-cluster';

/** The role of an epoch that never began has no host to wait for. */
const deleteRoleAhead = async (deps: AccessDeps, operation: Operation): Promise<void> => {
  const cluster = await ownCluster(deps, operation, 'cleaning');
  const epoch = roleEpoch(cluster);
  if (epoch !== undefined) await deps.fleet.deleteAccess({ cluster: cluster.name, epoch }, NO_RESOURCES);
};

/** One after the other, so that what there are many of comes to an end over several tries. */
const forget = async (deps: AccessDeps, operation: Operation, epoch: number): Promise<void> => {
  const cluster = await ownCluster(deps, operation);
  const { name, former = [] } = cluster;
  if (epoch === hostsEpoch(cluster)) return void (await deps.store.updateCluster(name, operation.operationId, { resources: NO_RESOURCES }));
  const isMark = isStranded(cluster) && former.at(-1)?.epoch === epoch;
  const leftAt = deps.clock().toISOString();
  const left = former.flatMap((one) => (one.epoch !== epoch ? [one] : isMark ? [{ ...one, leftAt, resources: NO_RESOURCES }] : []));
  await deps.store.updateCluster(name, operation.operationId, { former: left.length > 0 ? left : undefined });
};

const recordGone = async ({ store, clock }: AccessDeps, operation: Operation): Promise<void> => {
  const { cluster: name, operationId, kind } = operation;
  if (kind === 'prepare-reserve') {
    const { reserve } = await requireCluster(store, name);
    // Still the operation's, so that this can be tried again.
    if (reserve)
      await store.updateReserve(name, operationId, { ...reserve, status: 'gone', since: clock().toISOString(), resources: NO_RESOURCES });
  } else if (isEndOfCluster(operation)) {
    // A name that is used again counts on from here.
    const cluster = await requireCluster(store, name);
    const gone = { resources: NO_RESOURCES, former: undefined, reserve: undefined, nextRole: undefined };
    await store.updateCluster(name, operationId, { ...gone, epoch: roleEpoch(cluster) ?? latestEpoch(cluster) });
  }
};

const goingOf = async (deps: Deps, operation: Operation): Promise<readonly Cluster[]> => {
  if (operation.kind === 'prepare-reserve') return [await ownTarget(deps, operation, 'cleaning')];
  // A failover that only has to tidy up gives way to a termination, which takes all away.
  if (operation.kind === 'fail-over-cluster') {
    const cluster = await ownCluster(deps, operation);
    const former = formerClusters(cluster);
    if (!isStranded(cluster)) return former;
    // The newest former epoch stays, to say that a move has failed. What the move has made goes where none of its jobs can be.
    if (!leavesIdleHosts(cluster, await allJobs(deps.store, cluster.name))) return former.slice(0, -1);
    const newestIsIdle = (cluster.former ?? []).slice(-1).some(neverHadJobs);
    return [...former.slice(0, newestIsIdle ? undefined : -1), cluster];
  }
  const cluster = await ownCluster(deps, operation, 'cleaning');
  return [...formerClusters(cluster), ...(isThere(cluster.reserve) ? [asReserve(cluster, cluster.reserve)] : []), cluster];
};

const epochsOf = (clusters: readonly Cluster[]): string =>
  clusters.length === 0 ? 'no epoch' : `epoch ${clusters.map(hostsEpoch).join(', ')}`;
