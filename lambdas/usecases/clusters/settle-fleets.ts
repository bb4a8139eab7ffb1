import type { Cluster } from '../../contracts/cluster';
import { Conflict } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { JobRecord } from '../../contracts/observation';
import type { Operation } from '../../contracts/operation';
import { decideCapacity } from '../../domain/capacity';
import { vertexUnlike } from '../../domain/decide-job-progress';
import { onCopy } from '../../domain/drill-copy';
import { givesBack } from '../../domain/interruption';
import { isJobOver } from '../../domain/job-lifecycle';
import { leaseUntil } from '../../domain/lease';
import { operationIdOfKey, requestHashOf } from '../../domain/operation-id';
import { placesTasks } from '../../domain/places-tasks';
import { hostsEpoch } from '../../domain/reserve';
import type { FleetPort, FleetSeen } from '../../gateways/aws/fleet.port';
import type { ObservationStorePort } from '../../gateways/aws/observations.port';
import type { StorePort } from '../../gateways/aws/store.port';
import { considerEach, type Failed } from '../failover/consider-each';
import { type AcceptDeps, accept, CONTROL_PLANE, newOperation } from '../operations/accept';
import { settling } from '../operations/clean-up';
import { heldLease } from '../operations/in-the-way';
import { allClusters, allJobs } from '../operations/owned';
import { slotDemands } from './slot-demands';

export type SettleDeps = AcceptDeps & { readonly fleet: FleetPort; readonly observations: Pick<ObservationStorePort, 'latestOf'> };

export interface Settled {
  readonly cluster: string;
  readonly operationId: string;
  readonly reason: string;
}

/**
 * Hosts that no job needs are asked back so often. What is idle has to wait for that, for the sweep (a minute) and for the operation (seconds): no
 * unused host is paid for longer than ten minutes.
 */
const GIVE_BACK_MINUTES = 5;
/** Tasks are moved together, which stops their jobs for a moment, at most so often for the same surplus. */
const EMPTY_MINUTES = 60;
/** What runs is made what is stored at most so often. */
const ASTRAY_MINUTES = 10;
/** A look may wait eight seconds for what EC2 does not tell of an ill zone; what is looked at behind this in the same minute needs its time too. */
const TIME_MS = 20_000;
/** An observation older than two passes of the slowest is none. */
const FRESH_SECONDS = 120;

/**
 * Finds clusters that have more hosts than their jobs need, and than operations under way may want. Hosts without an occupied slot are given back at once, also
 * beside an operation, unless that puts tasks onto hosts just now. Where nothing is under way and hosts are still too many, a job's stored parallelism is made true
 * again, which empties hosts so that whole ones are free.
 */
export const settleFleets = async (deps: SettleDeps): Promise<readonly (Settled | Failed)[]> => {
  const open = (await deps.store.openOperations()).map(onCopy);
  const settle = async (cluster: Cluster): Promise<readonly Settled[]> => {
    // What becomes of a reserve changes nothing about the hosts that the jobs have.
    const underWay = open.filter((one) => one.cluster === cluster.name && one.kind !== 'prepare-reserve');
    const done = await settleFleet(deps, cluster, underWay);
    return done ? [done] : [];
  };
  return considerEach(await runningClusters(deps.store), settle, { clock: deps.clock, ms: TIME_MS });
};

const runningClusters = async (store: StorePort): Promise<readonly Cluster[]> =>
  (await allClusters(store)).filter(({ status, desired }) => status === 'RUNNING' && desired === 'RUNNING');

const settleFleet = async (deps: SettleDeps, cluster: Cluster, underWay: readonly Operation[]): Promise<Settled | undefined> => {
  const jobs = (await allJobs(deps.store, cluster.name)).filter(({ status, desired }) => !isJobOver(status) && desired === 'RUNNING');
  const capacity = decideCapacity(await slotDemands(deps.store, { cluster: cluster.name }, 'grow'), cluster.size);
  const seen = await deps.fleet.observe(cluster.resources);
  if (capacity.action === 'refuse') return undefined;
  const isQuiet = underWay.length === 0;
  if (seen.wanted.taskmanager <= capacity.hosts + (isQuiet ? 0 : onTheirWayOut(seen)))
    return isQuiet ? settleAstray(deps, cluster, jobs, seen, capacity.hosts) : undefined;
  const meanwhile = isQuiet ? 'no operation is under way' : `${underWay.map(({ operationId }) => operationId).join(', ')} needs no more`;
  const reason = `${seen.wanted.taskmanager} hosts are wanted and ${meanwhile}; ${capacity.reason}`;
  // Each finds all that are too many; whether tasks are being put onto hosts is looked at again then.
  if (underWay.some((one) => givesBack(one) || placesTasks(one))) return undefined;
  const givingBack = idOn(cluster, 'GIVE-BACK', [cluster.epoch, at(deps, GIVE_BACK_MINUTES)]);
  if (!(await deps.store.operation(givingBack)))
    return (await giveBack(deps, cluster, seen, givingBack)) ? { cluster: cluster.name, operationId: givingBack, reason } : undefined;
  const [job] = jobs;
  if (!isQuiet || !job) return undefined;
  const emptying = idOn(cluster, 'SETTLE', [
    surplusOf(seen),
    jobs.map(({ name, epoch, spec }) => [name, epoch, spec.parallelism]),
    at(deps, EMPTY_MINUTES),
  ]);
  if (await deps.store.operation(emptying)) return undefined;
  return (await settleJob(deps, job, emptying, reason)) ? { cluster: cluster.name, operationId: emptying, reason } : undefined;
};

/** In whose place others come: besides those that the jobs need. */
const onTheirWayOut = ({ hosts }: FleetSeen): number =>
  hosts.filter(({ role, state, marks }) => role === 'taskmanager' && state !== 'leaving' && marks?.leaving !== undefined).length;

const idOn = ({ name }: Cluster, method: string, key: unknown): string =>
  operationIdOfKey({ caller: CONTROL_PLANE, method, path: `/clusters/${name}`, key: JSON.stringify(key) });

/**
 * A rescale that failed while Flink answered nobody may not have been put back in Flink: the stored parallelism is made true again, where the hosts
 * for it are there. Otherwise hosts would be kept, or missing, for what does not run.
 */
const settleAstray = async (
  deps: SettleDeps,
  cluster: Cluster,
  jobs: readonly Job[],
  { hosts }: FleetSeen,
  needed: number,
): Promise<Settled | undefined> => {
  const scaled = jobs.filter(({ spec }) => spec.scaled !== undefined);
  const running = hosts.filter(({ role, state }) => role === 'taskmanager' && state === 'running').length;
  if (scaled.length === 0 || running < needed) return undefined;
  const records = await deps.observations.latestOf(cluster.name);
  for (const job of scaled) {
    const astray = whyAstray(job, records, deps.clock().getTime());
    if (astray === undefined) continue;
    const operationId = idOn(cluster, 'SETTLE-JOB', [job.name, job.epoch, job.spec.scaled, at(deps, ASTRAY_MINUTES)]);
    if (await deps.store.operation(operationId)) continue;
    if (await settleJob(deps, job, operationId, astray)) return { cluster: cluster.name, operationId, reason: astray };
  }
  return undefined;
};

const whyAstray = ({ name, epoch, spec, updatedAt }: Job, records: readonly JobRecord[], now: number): string | undefined => {
  const record = records.find(({ job, jobEpoch, observedAt }) => job === name && jobEpoch === epoch && observedAt >= updatedAt);
  if (record?.observation.state !== 'RUNNING' || now - Date.parse(record.observedAt) > FRESH_SECONDS * 1_000) return undefined;
  const vertex = vertexUnlike(spec.scaled?.vertices ?? {}, record.observation.vertices);
  return vertex && `${vertex.name} of job ${name} runs with ${vertex.parallelism}, ${spec.scaled?.vertices[vertex.id]} are stored`;
};

const surplusOf = ({ hosts, wanted }: FleetSeen): unknown => [wanted.taskmanager, hosts.map(({ instanceId }) => instanceId).sort()];
/** The same for so many minutes. */
const at = ({ clock }: SettleDeps, minutes: number): number => Math.floor(clock().getTime() / (minutes * 60_000));

/** An operation that holds no lease: hosts of a cluster without jobs go too, and nobody who changes a job has to wait. */
const giveBack = (deps: SettleDeps, cluster: Cluster, { hosts }: FleetSeen, operationId: string): Promise<boolean> => {
  const { name } = cluster;
  const epoch = hostsEpoch(cluster);
  const change = { requestedBy: CONTROL_PLANE, operationId, requestHash: requestHashOf(operationId) };
  const instanceId = hosts.find(({ role, state }) => role === 'taskmanager' && state !== 'leaving')?.instanceId ?? '';
  return unlessBeaten(() =>
    accept(deps, change, async () => {
      const operation = newOperation(deps, change, name, undefined, { kind: 'replace-host', instanceId, epoch, notice: 'surplus' });
      return { operation, write: () => deps.store.acceptReplacement(operation, epoch) };
    }),
  );
};

const settleJob = (deps: SettleDeps, job: Job, operationId: string, reason: string): Promise<boolean> => {
  const change = { requestedBy: CONTROL_PLANE, operationId, requestHash: requestHashOf(operationId) };
  return unlessBeaten(() =>
    accept(deps, change, async () => {
      const current = await deps.store.job(job.cluster, job.name);
      if (!current || current.epoch !== job.epoch || heldLease(current.lease, deps.clock))
        throw new Conflict(`Job ${job.name} is being changed`);
      const request = settling({ trigger: 'idle hosts', reason }, current, deps.clock().toISOString());
      const operation = newOperation(deps, change, job.cluster, job.name, request);
      const lease = { operationId, acquiredAt: operation.requestedAt, until: leaseUntil(operation.deadline) };
      return { operation, write: () => deps.store.acceptJobChange(operation, { ...current, lease }, current) };
    }),
  );
};

/** False when somebody was faster. */
const unlessBeaten = async (act: () => Promise<unknown>): Promise<boolean> => {
  try {
    await act();
    return true;
  } catch (error) {
    if (error instanceof Conflict) return false;
    throw error;
  }
};
