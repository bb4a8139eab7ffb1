import { type Cluster, type ClusterSpec, clusterSpec, type ResolvedSize } from '../../contracts/cluster';
import type { ChangeableSetting, ClusterSettingChange } from '../../contracts/cluster-change';
import { Conflict, type FieldProblem, InvalidRequest } from '../../contracts/errors';
import { fieldProblems } from '../../contracts/field-problems';
import type { Operation } from '../../contracts/operation';
import { decideCapacity } from '../../domain/capacity';
import { failoverProblems } from '../../domain/choose-failover-zone';
import { changesBetween, describeChanges, mergePatch } from '../../domain/cluster-change';
import { drillProblems } from '../../domain/decide-drill';
import { withLargestFleet } from '../../domain/sizing';
import { refuse } from '../jobs/accept-job-change';
import { accept, type ChangeRequest, newOperation } from '../operations/accept';
import { heldLease, requireCluster } from '../operations/in-the-way';
import { hostAlternatives, jobManagerAlternatives, type LaunchDeps } from './accept-launch';
import { slotDemands } from './slot-demands';

/**
 * Changes settings of a cluster that take effect without touching what runs. One write does it, on condition that nothing was changed since that it depends on: the
 * operation has ended when it is stored.
 * @param patch JSON merge patch of the spec, of fields that can be changed
 * @throws NotFound, InvalidRequest; Conflict while the cluster is launched, moved or terminated
 */
export const acceptClusterChange = (
  deps: LaunchDeps,
  change: ChangeRequest,
  name: string,
  patch: Readonly<Record<string, unknown>>,
): Promise<Operation> =>
  accept(deps, change, async () => {
    const cluster = await requireChangeable(deps, name);
    const spec = patched(cluster.spec, patch);
    const changes = changesBetween(cluster.spec, spec);
    const has = (...fields: readonly ChangeableSetting[]): boolean => changes.some(({ field }) => fields.includes(field));
    refuse(problemsOf(deps, cluster, spec, changes));
    const resized = has('overrides.taskManagers.max') ? await resize(deps, cluster, spec) : cluster.size;
    if (has('overrides.jobManager.instanceTypes', 'purchase.spotPercent', 'purchase.instanceTypes')) refuseWhileReserveIsMade(cluster);
    const size: ResolvedSize = {
      ...resized,
      // What was not changed is not chosen anew: the stage's prices may be others by now.
      ...(has('purchase.instanceTypes') ? { alternatives: [...(await hostAlternatives(deps, spec, resized))] } : {}),
      ...(has('overrides.jobManager.instanceTypes')
        ? { jobManager: { ...resized.jobManager, alternatives: [...(await jobManagerAlternatives(deps, spec, resized))] } }
        : {}),
    };
    const next: Cluster = {
      ...cluster,
      spec,
      size,
      ...(changes.length > 0 ? { revision: (cluster.revision ?? 0) + 1 } : {}),
      ...(has('drill') ? { drillSince: deps.clock().toISOString() } : {}),
      // Who decides by the room that there is at the same moment decides again.
      ...(resized === cluster.size ? {} : { turn: (cluster.turn ?? 0) + 1 }),
    };
    const asked = newOperation(deps, change, name, undefined, { kind: 'change-cluster', changes: [...changes] });
    const at = asked.requestedAt;
    const operation: Operation = { ...asked, status: 'SUCCEEDED', startedAt: at, endedAt: at, reason: describeChanges(changes) };
    return { operation, write: () => deps.store.acceptClusterChange(operation, next, cluster) };
  });

/** A failed move is tried again: what it failed for may be changed before. */
const requireChangeable = async ({ store, clock }: LaunchDeps, name: string): Promise<Cluster> => {
  const cluster = await requireCluster(store, name);
  const lease = heldLease(cluster.lease, clock);
  const inTheWay = lease && { operationId: lease.operationId, cluster: name };
  if (cluster.desired === 'TERMINATED') throw new Conflict(`Cluster ${name} is terminated or being terminated`, inTheWay);
  if (cluster.status === 'RUNNING' || (cluster.status === 'FAILED' && (cluster.former ?? []).length > 0)) return cluster;
  throw new Conflict(`Cluster ${name} is ${cluster.status}, it must be RUNNING to be changed`, inTheWay);
};

const patched = (spec: ClusterSpec, patch: Readonly<Record<string, unknown>>): ClusterSpec => {
  const parsed = clusterSpec.safeParse(mergePatch(spec, patch));
  if (parsed.success) return parsed.data;
  throw new InvalidRequest(fieldProblems(parsed.error.issues, 'body'));
};

/** What was changed is held to what a launch is held to; the rest was at its launch, when the stage may have been another. */
const problemsOf = (
  { stage }: LaunchDeps,
  cluster: Cluster,
  spec: ClusterSpec,
  changes: readonly ClusterSettingChange[],
): readonly FieldProblem[] => {
  const zones = stage.zones.map(({ name }) => name);
  const problems = [
    ...drillProblems(spec, zones),
    ...failoverProblems(spec, spec.zone ?? cluster.zone, zones),
    ...spotProblems(cluster.spec, spec),
  ];
  return problems.filter(({ path }) => changes.some(({ field }) => path === field || path.startsWith(`${field}.`)));
};

/** Jobs are taken by whether any host is Spot, and those of this epoch stay what they are. */
const spotProblems = ({ purchase: before }: ClusterSpec, { purchase: after }: ClusterSpec): readonly FieldProblem[] =>
  before.spotPercent > 0 === after.spotPercent > 0
    ? []
    : [
        {
          path: 'purchase.spotPercent',
          message:
            before.spotPercent > 0
              ? 'must stay above 0: that the cluster buys Spot at all is set when it is launched, and its jobs were taken by it'
              : 'must stay 0: that the cluster buys no Spot is set when it is launched, and its jobs were taken by it',
        },
      ];

const resize = async ({ store, stage }: LaunchDeps, cluster: Cluster, spec: ClusterSpec): Promise<ResolvedSize> => {
  const fleet = withLargestFleet(spec, cluster.size, stage);
  if (!fleet.ok) throw new InvalidRequest(fleet.problems);
  const capacity = decideCapacity(await slotDemands(store, { cluster: cluster.name }, 'grow'), fleet.size);
  if (capacity.action === 'refuse') refuse([{ path: 'overrides.taskManagers.max', message: capacity.reason }]);
  return fleet.size;
};

/** Its launch templates and groups have to be made of the same. */
const refuseWhileReserveIsMade = ({ name, reserve }: Cluster): void => {
  if (reserve?.status !== 'making') return;
  const inTheWay = reserve.by === undefined ? undefined : { operationId: reserve.by, cluster: name };
  throw new Conflict(`A reserve of cluster ${name} is being made: how hosts are bought can be changed after it`, inTheWay);
};
