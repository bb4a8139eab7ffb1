import { InvalidRequest } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import type { EnsureCapacityInput, TaskAnswer } from '../../contracts/workflow';
import { decideCapacity, hostLimits, mostHostsInChange } from '../../domain/capacity';
import { type Clock, secondsBetween } from '../../domain/clock';
import { decideGrowth, decideShrink } from '../../domain/decide-hosts';
import { givesBack } from '../../domain/interruption';
import { hasPlacedSince, placesTasks } from '../../domain/places-tasks';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { recentOperations } from '../operations/list-operations';
import { allJobs, ownTarget, type StoreDeps } from '../operations/owned';
import { holderOf, slotDemands } from './slot-demands';

type Deps = StoreDeps & { readonly fleet: FleetPort; readonly clock: Clock };

/** Makes the fleet as large as all jobs of the cluster need, or takes away the idle hosts beyond that. */
export const ensureCapacity = async (deps: Deps, operation: Operation, input: EnsureCapacityInput): Promise<TaskAnswer> =>
  input.direction === 'grow' ? grow(deps, operation) : shrink(deps, operation, input);

const grow = async (deps: Deps, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownTarget(deps, operation);
  const capacity = decideCapacity(await slotDemands(deps.store, operation, 'grow'), cluster.size);
  if (capacity.action === 'refuse') throw new InvalidRequest([{ path: 'parallelism', message: capacity.reason }]);
  const seen = await deps.fleet.observe(cluster.resources);
  const { action, reason } = decideGrowth(seen, { ...capacity, most: mostHostsInChange(hostLimits(cluster.size).max) });
  if (action.kind === 'set') await deps.fleet.setHosts(cluster.resources, cluster.zone, action.hosts);
  return { reason };
};

type Busy = Pick<EnsureCapacityInput, 'busyAddresses' | 'busySeenAt'>;

/**
 * Flink is asked by another function, which reaches it (ADR 2). Where that was longer ago, as after this one was tried again, hosts are left to the next look: Flink
 * restarts jobs by itself too.
 */
const BUSY_KNOWN_SECONDS = 30;
/** No operation on a job is open for longer. Seconds. */
const REMEMBERED_SECONDS = 6 * 3_600;

/** Wishes that EC2 has not granted go first, then hosts; in between others may change what is needed, so often. Then whoever looks next finds what is too many. */
const LOOKS = 6;

/** After a job became smaller, ended or did not start. */
const shrink = async (deps: Deps, operation: Operation, busy: Busy): Promise<TaskAnswer> => {
  for (let look = 1; look <= LOOKS; look++) {
    const { again, reason } = await shrinkOnce(deps, operation, busy);
    if (!again) return { reason };
  }
  return { reason: `What is needed changed while it was looked at ${LOOKS} times: hosts stay until the next look` };
};

interface Shrunk {
  /** Whether to look once more: a wish was withdrawn, or others changed meanwhile what is needed. */
  readonly again: boolean;
  readonly reason: string;
}

const shrinkOnce = async (deps: Deps, operation: Operation, busy: Busy): Promise<Shrunk> => {
  const stays = (reason: string): Shrunk => ({ again: false, reason });
  // Before what is needed is read: who needs more from then on begins another turn.
  const cluster = await ownTarget(deps, operation, 'cleaning');
  // A terminated cluster loses all its hosts anyway.
  if (cluster.desired === 'TERMINATED') return stays('The cluster is to be terminated, its hosts with it');
  const placing = givesBack(operation) ? await findPlacing(deps, cluster.name) : undefined;
  if (placing) return stays(`${placing.operationId} puts tasks onto hosts now: which are idle is known after it`);
  const capacity = decideCapacity(await slotDemands(deps.store, operation, 'shrink'), cluster.size);
  if (capacity.action === 'refuse') return stays(capacity.reason);
  const seen = await deps.fleet.observe(cluster.resources);
  const { action, reason } = decideShrink(seen, capacity, busy.busyAddresses);
  if (action.kind === 'none') return stays(reason);
  if (!(await deps.store.beginTurn(cluster.name, cluster.turn ?? 0))) return { again: true, reason };
  if (action.kind === 'set') {
    await deps.fleet.setHosts(cluster.resources, cluster.zone, action.hosts);
    return { again: action.hosts > capacity.hosts, reason };
  }
  // An emptied host has no TaskManager any more that tasks could come to.
  const emptied = new Set(seen.hosts.filter(({ marks }) => marks?.drain !== undefined).map(({ instanceId }) => instanceId));
  const all = [...action.instanceIds, ...action.replacedIds];
  const outdated = all.every((id) => emptied.has(id)) ? undefined : await whyOutdated(deps, operation, busy.busySeenAt);
  const goes = (id: string): boolean => outdated === undefined || emptied.has(id);
  await deps.fleet.terminateHosts(action.instanceIds.filter(goes));
  await deps.fleet.replaceHosts(action.replacedIds.filter(goes));
  if (outdated === undefined) return stays(reason);
  const gone = all.filter(goes);
  return stays(gone.length === 0 ? outdated : `${gone.join(', ')} had been emptied; ${outdated}`);
};

/** Why a host that was idle when Flink was asked may have tasks by now; undefined: nothing says so. */
const whyOutdated = async ({ store, clock }: Deps, operation: Operation, seenAt: string | undefined): Promise<string | undefined> => {
  const now = clock().toISOString();
  if (seenAt === undefined || secondsBetween(seenAt, now) > BUSY_KNOWN_SECONDS)
    return `Flink was asked more than ${BUSY_KNOWN_SECONDS} s ago which hosts are idle: they stay until the next look`;
  const others = (await recentOperations(store, operation.cluster, now, REMEMBERED_SECONDS)).filter(
    ({ operationId, job }) => operationId !== operation.operationId && (job === undefined || job !== operation.job),
  );
  const placed = others.find((one) => hasPlacedSince(one, seenAt));
  return placed && `${placed.operationId} has put tasks onto hosts since Flink was asked which are idle: they stay until the next look`;
};

const findPlacing = async ({ store }: Deps, cluster: string): Promise<Operation | undefined> =>
  (await Promise.all((await allJobs(store, cluster)).map((job) => holderOf(store, job)))).find((one) => one && placesTasks(one));
