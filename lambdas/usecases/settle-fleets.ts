import type { Cluster } from '../contracts/cluster';
import { Conflict } from '../contracts/errors';
import type { Job } from '../contracts/job';
import { decideCapacity } from '../domain/capacity';
import { isJobOver } from '../domain/job-lifecycle';
import { leaseUntil } from '../domain/lease';
import { operationIdOfKey, requestHashOf } from '../domain/operation-id';
import type { FleetPort, FleetSeen } from '../gateways/aws/fleet.port';
import type { StorePort } from '../gateways/aws/store.port';
import { type AcceptDeps, accept, newOperation } from './accept';
import { heldLease } from './in-the-way';
import { allJobs } from './owned';
import { slotDemands } from './slot-demands';
import { CONTROL_PLANE, settling } from './sweep-operations';

export type SettleDeps = AcceptDeps & { readonly fleet: FleetPort };

export interface Settled {
  readonly cluster: string;
  readonly operationId: string;
  readonly reason: string;
}

/**
 * Finds clusters that have more hosts than their jobs need while no operation is under way that could want them, and has one of their jobs made
 * true again, which gives back hosts without occupied slots. The same surplus is tried once an hour: where each host has an occupied slot, that
 * gives back none.
 */
export const settleFleets = async (deps: SettleDeps): Promise<readonly Settled[]> => {
  const busy = new Set((await deps.store.openOperations()).map(({ cluster }) => cluster));
  const settled: Settled[] = [];
  for (const cluster of await idleClusters(deps.store, busy)) {
    const done = await settleFleet(deps, cluster);
    if (done) settled.push(done);
  }
  return settled;
};

const idleClusters = async (store: StorePort, busy: ReadonlySet<string>): Promise<readonly Cluster[]> => {
  const found: Cluster[] = [];
  let after: string | undefined;
  do {
    const page = await store.clusters({ limit: 100, ...(after === undefined ? {} : { after }) });
    found.push(...page.items.filter(({ name, status, desired }) => status === 'RUNNING' && desired === 'RUNNING' && !busy.has(name)));
    after = page.next;
  } while (after !== undefined);
  return found;
};

const settleFleet = async (deps: SettleDeps, cluster: Cluster): Promise<Settled | undefined> => {
  const jobs = (await allJobs(deps.store, cluster.name)).filter(({ status, desired }) => !isJobOver(status) && desired === 'RUNNING');
  const [job] = jobs;
  if (!job) return undefined;
  const capacity = decideCapacity(await slotDemands(deps.store, { cluster: cluster.name }, 'grow'), cluster.size);
  const seen = await deps.fleet.observe(cluster.resources);
  if (capacity.action === 'refuse' || seen.wanted.taskmanager <= capacity.hosts) return undefined;
  const reason = `${seen.wanted.taskmanager} hosts are wanted and no operation is under way; ${capacity.reason}`;
  const key = JSON.stringify([surplusOf(seen), jobs.map(({ name, epoch, spec }) => [name, epoch, spec.parallelism]), hourOf(deps)]);
  const operationId = operationIdOfKey({ caller: CONTROL_PLANE, method: 'SETTLE', path: `/clusters/${cluster.name}`, key });
  if (await deps.store.operation(operationId)) return undefined;
  return (await start(deps, job, operationId, reason)) ? { cluster: cluster.name, operationId, reason } : undefined;
};

const surplusOf = ({ hosts, wanted }: FleetSeen): unknown => [wanted.taskmanager, hosts.map(({ instanceId }) => instanceId).sort()];
const hourOf = ({ clock }: SettleDeps): string => clock().toISOString().slice(0, 13);

/** False when somebody was faster. */
const start = async (deps: SettleDeps, job: Job, operationId: string, reason: string): Promise<boolean> => {
  const change = { requestedBy: CONTROL_PLANE, operationId, requestHash: requestHashOf(operationId) };
  try {
    await accept(deps, change, async () => {
      const current = await deps.store.job(job.cluster, job.name);
      if (!current || current.epoch !== job.epoch || heldLease(current.lease, deps.clock))
        throw new Conflict(`Job ${job.name} is being changed`);
      const request = settling({ trigger: 'idle hosts', reason }, current, deps.clock().toISOString());
      const operation = newOperation(deps, change, job.cluster, job.name, request);
      const lease = { operationId, acquiredAt: operation.requestedAt, until: leaseUntil(operation.deadline) };
      return { operation, write: () => deps.store.acceptJobChange(operation, { ...current, lease }, current) };
    });
    return true;
  } catch (error) {
    if (error instanceof Conflict) return false;
    throw error;
  }
};
