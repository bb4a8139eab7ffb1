import { type Cluster, NO_RESOURCES, type Reserve } from '../../contracts/cluster';
import type { FailoverMode } from '../../contracts/drill';
import { Conflict, InvalidRequest } from '../../contracts/errors';
import type { FailoverTrigger, Operation, OperationRequest } from '../../contracts/operation';
import { chooseFailoverZone, failoverZones } from '../../domain/choose-failover-zone';
import { taskManagerZones } from '../../domain/cluster-zone';
import { leaseUntil } from '../../domain/lease';
import { asReserve, hostsEpoch, isThere, latestEpoch } from '../../domain/reserve';
import type { OperationAccepted, StorePort } from '../../gateways/aws/store.port';
import { type AcceptDeps, accept, type ChangeRequest, newOperation } from '../operations/accept';
import { heldByAnybody, heldLease, requireCluster } from '../operations/in-the-way';
import { allJobs } from '../operations/owned';
import { shiftedAway } from './zones-in-trouble';

export interface FailoverWish {
  /** @default - the next zone that the cluster's placement allows */
  readonly zone?: string | undefined;
  /** @default - planned when the JobManager answers, else lost */
  readonly mode?: FailoverMode | undefined;
  readonly trigger: FailoverTrigger;
  readonly drill?: boolean;
  /** Zones said to be impaired, besides those that AWS shifts traffic away from. */
  readonly impaired?: readonly string[];
  /** Not while another operation is under way. @default - what is under way is ended */
  readonly onlyWhenFree?: boolean;
  /** The move before it has failed behind its fence. */
  readonly again?: boolean;
  /** The move that is under way, which is broken off and gone on with. @default - it is in the way */
  readonly insteadOf?: string | undefined;
}

type MoveRequest = Extract<OperationRequest, { kind: 'fail-over-cluster' }>;

/** By a person now, or by settings of their own; all other moves are those that `placement.failover.automatic` lets the control plane begin. */
const ASKED_FOR: readonly FailoverTrigger['kind'][] = ['person', 'drill', 'failback'];

/**
 * Takes a cluster over into another zone: its epoch is raised and every lease on it and its jobs is broken in the transaction that stores the
 * operation. @throws NotFound, InvalidRequest, Conflict with the failover that is under way
 */
export const acceptFailover = (deps: AcceptDeps, change: ChangeRequest, name: string, wish: FailoverWish): Promise<Operation> =>
  accept(deps, change, async () => {
    const cluster = await requireMovable(deps, name, wish.insteadOf);
    const broken = wish.insteadOf === undefined ? undefined : await moveOf(deps, wish.insteadOf);
    const { mode, trigger, drill, again = false, onlyWhenFree = false } = wish;
    // It may have been switched off since the move was decided.
    if (!ASKED_FOR.includes(trigger.kind) && !cluster.spec.placement.failover.automatic)
      throw new Conflict(`${name} is moved by a person only (placement.failover.automatic)`);
    const held = onlyWhenFree ? heldByAnybody(cluster, await allJobs(deps.store, name), deps.clock) : undefined;
    if (held) throw new Conflict(`${held.operationId} is under way`, { operationId: held.operationId, cluster: name });
    const shifted = (await shiftedAway(deps)).map(({ zone }) => zone);
    const impaired = [...new Set([...(wish.impaired ?? []), ...shifted])];
    const from = broken?.from ?? cluster.zone;
    const avoid = [...new Set([...impaired, ...(mode === 'lost' ? [from] : []), ...(broken?.avoid ?? [])])];
    const former = (cluster.former ?? []).filter(({ unused }) => !unused);
    const fromEpoch = broken ? (broken.fromEpoch ?? former.findLast(({ zone }) => zone === from)?.epoch) : hostsEpoch(cluster);
    const tried = broken ? former.filter(({ epoch }) => epoch > (fromEpoch ?? 0)) : [];
    // Where its hosts boot, unless they are what is not waited for.
    const wished = wish.zone ?? (broken && mode !== undefined ? cluster.zone : undefined);
    const target = targetOf(deps, cluster, wished, impaired, [from, ...tried.map(({ zone }) => zone)]);
    const reserve = reserveFor(cluster, target, avoid);
    const request: OperationRequest = {
      kind: 'fail-over-cluster',
      from,
      ...(fromEpoch === undefined ? {} : { fromEpoch }),
      zone: target,
      ...(reserve ? { reserve: reserve.epoch } : {}),
      ...(reserve?.standing === undefined ? {} : { reserveHosts: reserve.standing }),
      ...(mode === undefined ? {} : { mode }),
      ...(avoid.length > 0 ? { avoid } : {}),
      trigger: broken?.trigger.detectedAt === undefined ? trigger : { detectedAt: broken.trigger.detectedAt, ...trigger },
      ...(drill ? { drill } : {}),
      ...(again ? { again: cluster.epoch } : broken?.again === undefined ? {} : { again: broken.again }),
    };
    const operation = newOperation(deps, change, name, undefined, request);
    return { operation, write: () => takeOverCluster(deps.store, operation, cluster, onlyWhenFree) };
  });

/** The one write by which a failover begins. The cluster's zone is the one that it goes to from here on. */
export const takeOverCluster = async (
  store: StorePort,
  operation: Operation,
  cluster: Cluster,
  onlyWhenFree = false,
): Promise<OperationAccepted> => {
  const { request } = operation;
  if (request.kind !== 'fail-over-cluster') throw new Error(`operation ${operation.operationId} is no failover`);
  const lease = { operationId: operation.operationId, acquiredAt: operation.requestedAt, until: leaseUntil(operation.deadline) };
  if (request.cleansOnly) return store.acceptTakeover(operation, { ...cluster, lease }, cluster, []);
  const jobs = (await allJobs(store, cluster.name)).map(({ name }) => name);
  const next = { ...nextEpoch(cluster, request.zone, request.avoid ?? [], request.reserve), lease, statusReason: moving(request) };
  return store.acceptTakeover(operation, next, cluster, jobs, onlyWhenFree);
};

const moving = ({ from, zone, trigger }: MoveRequest): string => `Moves from ${from} to ${zone}: ${trigger.evidence}`;

/**
 * The cluster as it begins in another zone: what it owned so far is its former epoch's.
 * @param avoid zones that its TaskManagers are not spread over, because they are lost
 * @param taken epoch of the reserve that it goes on with; any other is filed with the former epochs
 */
export const nextEpoch = (cluster: Cluster, zone: string, avoid: readonly string[], taken?: number): Cluster => {
  const { avoidedZones: without, nextRole, reserve, ...present } = cluster;
  // Whose move has failed has no jobs there to go back to.
  const leftAt = cluster.status === 'FAILED' ? { leftAt: cluster.updatedAt } : {};
  const placed = { zone: cluster.zone, ...(without ? { avoidedZones: without } : {}) };
  const left = { epoch: hostsEpoch(cluster), ...placed, resources: cluster.resources, ...leftAt };
  const moved = { ...present, zone, status: 'FAILING_OVER' as const };
  if (reserve && reserve.epoch === taken) {
    const later = nextRole && nextRole.epoch > reserve.epoch ? { nextRole } : {};
    return { ...asReserve({ ...moved, ...later, epoch: reserve.epoch }, reserve), former: [...(cluster.former ?? []), left] };
  }
  const avoidedZones = (cluster.zones ?? []).filter((one) => one !== zone && avoid.includes(one));
  // Before the epoch that has the jobs, which is looked for at the end.
  const unused = isThere(reserve) ? [{ epoch: reserve.epoch, zone: reserve.zone, resources: reserve.resources, unused: true }] : [];
  return {
    ...moved,
    ...(avoidedZones.length > 0 ? { avoidedZones } : {}),
    epoch: latestEpoch(cluster) + 1,
    resources: { ...NO_RESOURCES, ...roleAhead(cluster) },
    former: [...(cluster.former ?? []), ...unused, left],
  };
};

/** What was made of the epoch that begins. */
const roleAhead = (cluster: Cluster): Pick<Cluster['resources'], 'roleName' | 'instanceProfileArn'> => {
  const { epoch, ...role } = cluster.nextRole ?? {};
  return epoch === latestEpoch(cluster) + 1 ? role : {};
};

/** The reserve that a move into this zone takes over: one that is complete, with no TaskManager in a zone that is to be avoided. */
const reserveFor = (cluster: Cluster, zone: string, avoid: readonly string[]): Reserve | undefined => {
  const { reserve } = cluster;
  if (reserve?.status !== 'ready' || reserve.zone !== zone) return undefined;
  const shunned = taskManagerZones(asReserve(cluster, reserve)).some((one) => one !== zone && avoid.includes(one));
  return shunned ? undefined : reserve;
};

const moveOf = async ({ store }: AcceptDeps, operationId: string): Promise<MoveRequest | undefined> => {
  const request = (await store.operation(operationId))?.request;
  return request?.kind === 'fail-over-cluster' ? request : undefined;
};

const requireMovable = async (deps: AcceptDeps, name: string, insteadOf: string | undefined): Promise<Cluster> => {
  const cluster = await requireCluster(deps.store, name);
  const lease = heldLease(cluster.lease, deps.clock);
  const inTheWay = lease && { operationId: lease.operationId, cluster: name };
  if (cluster.desired === 'TERMINATED') throw new Conflict(`Cluster ${name} is terminated or being terminated`, inTheWay);
  if (insteadOf !== undefined) {
    if (cluster.status === 'FAILING_OVER' && cluster.lease?.operationId === insteadOf) return cluster;
    throw new Conflict(`${insteadOf} is not moving ${name}, which is ${cluster.status} in ${cluster.zone}`, inTheWay);
  }
  if (cluster.status === 'RUNNING') return cluster;
  // A failover that failed has left its jobs waiting for the next one.
  if (cluster.status === 'FAILED' && (cluster.former ?? []).length > 0) return cluster;
  const wayOut =
    cluster.status === 'FAILING_OVER' && lease ? `; a move goes on in the place of this one with insteadOf: "${lease.operationId}"` : '';
  throw new Conflict(`Cluster ${name} is ${cluster.status}, it must be RUNNING to be moved${wayOut}`, inTheWay);
};

/** @throws InvalidRequest where there is no such zone, or none left */
export const targetOf = (
  { stage }: AcceptDeps,
  cluster: Cluster,
  wish: string | undefined,
  impaired: readonly string[],
  used: readonly string[] = [],
): string => {
  const zones = stage.zones.map(({ name }) => name);
  if (wish !== undefined) {
    if (zones.includes(wish)) return wish;
    throw new InvalidRequest([{ path: 'zone', message: `the stage has no zone ${wish}; it has ${zones.join(', ')}` }]);
  }
  const allowed = cluster.spec.placement.failover.zones;
  const standsBy = reserveFor(cluster, cluster.reserve?.zone ?? '', impaired)?.zone;
  if (standsBy !== undefined && !impaired.includes(standsBy) && failoverZones(allowed, zones).includes(standsBy)) return standsBy;
  const chosen = chooseFailoverZone(cluster.zone, { stage: zones, allowed, used, impaired });
  if (chosen.ok) return chosen.zone;
  throw new InvalidRequest([{ path: 'zone', message: chosen.reason }]);
};
