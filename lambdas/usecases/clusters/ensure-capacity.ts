import { InvalidRequest } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import type { EnsureCapacityInput, TaskAnswer } from '../../contracts/workflow';
import { decideCapacity, hostLimits, mostHostsInChange } from '../../domain/capacity';
import { decideGrowth, decideShrink } from '../../domain/decide-hosts';
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

/** A grower, or another that ends hosts, came in between so often: whoever looks next finds what is too many. */
const TURNS = 5;

/** After a job became smaller, ended or did not start. */
const shrink = async (deps: Deps, operation: Operation, busyAddresses: readonly string[]): Promise<TaskAnswer> => {
  for (let turn = 1; turn <= TURNS; turn++) {
    const done = await shrinkOnce(deps, operation, busyAddresses);
    if (done) return done;
  }
  return { reason: `What is needed changed ${TURNS} times while it was looked at: hosts stay until the next look` };
};

/** @returns undefined when a change that makes a job larger was accepted meanwhile, or hosts were ended: it has to be looked at again */
const shrinkOnce = async (deps: Deps, operation: Operation, busyAddresses: readonly string[]): Promise<TaskAnswer | undefined> => {
  // Before what is needed is read: who needs more from then on begins another turn.
  const cluster = await ownTarget(deps, operation, 'cleaning');
  // A terminated cluster loses all its hosts anyway.
  if (cluster.desired === 'TERMINATED') return { reason: 'The cluster is to be terminated, its hosts with it' };
  const placing = isSurplus(operation) ? await findPlacing(deps, cluster.name) : undefined;
  if (placing) return { reason: `${placing.operationId} puts tasks onto hosts now: which are idle is known after it` };
  const capacity = decideCapacity(await slotDemands(deps.store, operation, 'shrink'), cluster.size);
  if (capacity.action === 'refuse') return { reason: capacity.reason };
  const seen = await deps.fleet.observe(cluster.resources);
  const { action, reason } = decideShrink(seen, capacity, busyAddresses);
  if (action.kind === 'none') return { reason };
  if (!(await deps.store.beginTurn(cluster.name, cluster.turn ?? 0))) return undefined;
  if (action.kind === 'set') await deps.fleet.setHosts(cluster.resources, cluster.zone, action.hosts);
  else {
    await deps.fleet.terminateHosts(action.instanceIds);
    await deps.fleet.replaceHosts(action.replacedIds);
  }
  return { reason };
};

/** Holds no lease: others go on beside it. */
const isSurplus = ({ request }: Operation): boolean => request.kind === 'replace-host' && request.notice === 'surplus';

const findPlacing = async ({ store }: Deps, cluster: string): Promise<Operation | undefined> =>
  (await Promise.all((await allJobs(store, cluster)).map((job) => holderOf(store, job)))).find((one) => one && placesTasks(one));
