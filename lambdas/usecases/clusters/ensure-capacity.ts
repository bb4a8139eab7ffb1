import { InvalidRequest } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import type { EnsureCapacityInput, TaskAnswer } from '../../contracts/workflow';
import { decideCapacity, hostLimits, mostHostsInChange } from '../../domain/capacity';
import { decideGrowth, decideShrink } from '../../domain/decide-hosts';
import { givesBack } from '../../domain/interruption';
import { placesTasks } from '../../domain/places-tasks';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { allJobs, ownTarget, type StoreDeps } from '../operations/owned';
import { holderOf, slotDemands } from './slot-demands';

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

/** Wishes that EC2 has not granted go first, then hosts; in between others may change what is needed, so often. Then whoever looks next finds what is too many. */
const LOOKS = 6;

/** After a job became smaller, ended or did not start. */
const shrink = async (deps: Deps, operation: Operation, busyAddresses: readonly string[]): Promise<TaskAnswer> => {
  for (let look = 1; look <= LOOKS; look++) {
    const { again, reason } = await shrinkOnce(deps, operation, busyAddresses);
    if (!again) return { reason };
  }
  return { reason: `What is needed changed while it was looked at ${LOOKS} times: hosts stay until the next look` };
};

interface Shrunk {
  /** Whether to look once more: a wish was withdrawn, or others changed meanwhile what is needed. */
  readonly again: boolean;
  readonly reason: string;
}

const shrinkOnce = async (deps: Deps, operation: Operation, busyAddresses: readonly string[]): Promise<Shrunk> => {
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
  const { action, reason } = decideShrink(seen, capacity, busyAddresses);
  if (action.kind === 'none') return stays(reason);
  if (!(await deps.store.beginTurn(cluster.name, cluster.turn ?? 0))) return { again: true, reason };
  if (action.kind === 'set') {
    await deps.fleet.setHosts(cluster.resources, cluster.zone, action.hosts);
    return { again: action.hosts > capacity.hosts, reason };
  }
  await deps.fleet.terminateHosts(action.instanceIds);
  await deps.fleet.replaceHosts(action.replacedIds);
  return stays(reason);
};

const findPlacing = async ({ store }: Deps, cluster: string): Promise<Operation | undefined> =>
  (await Promise.all((await allJobs(store, cluster)).map((job) => holderOf(store, job)))).find((one) => one && placesTasks(one));
