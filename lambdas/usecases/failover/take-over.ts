import type { Cluster } from '../../contracts/cluster';
import type { Job } from '../../contracts/job';
import type { Operation } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { TakenOver } from '../../contracts/workflow';
import type { Clock } from '../../domain/clock';
import { copyNameOf, onCopy } from '../../domain/drill-copy';
import { isJobOver } from '../../domain/job-lifecycle';
import { leaseUntil } from '../../domain/lease';
import { operationIdOfKey } from '../../domain/operation-id';
import { hostsFor } from '../clusters/create-fleet';
import { CONTROL_PLANE, newOperation } from '../operations/accept';
import { allJobs, isCancellation, ownCluster, type StoreDeps } from '../operations/owned';

export interface TakeOverDeps extends StoreDeps {
  readonly clock: Clock;
  readonly stage: Pick<Stage, 'deadlines'>;
}

/**
 * The first thing of a failover: every job that is to run on is its own from now on, and what was under way on the cluster is ended. Nobody is asked
 * anything that might not answer: until new hosts were asked for, each second of silence is one more without records.
 */
export const takeOver = async (deps: TakeOverDeps, operation: Operation): Promise<TakenOver> => {
  const cluster = await ownCluster(deps, operation);
  const open = (await deps.store.openOperations())
    .map(onCopy)
    .filter((other) => other.cluster === cluster.name && other.operationId !== operation.operationId);
  const jobs = await allJobs(deps.store, cluster.name);
  const taken = await Promise.all(jobs.map((job) => interrupt(deps, operation, job)));
  const ended = await endBroken(deps, operation, open);
  const drill = await breakDrillOff(deps, operation, cluster);
  const { plan, reason } = planOf(operation);
  const moved = taken.filter(Boolean).length;
  const keepsVolumes = cluster.spec.placement.failover.volumeSnapshots !== undefined && cluster.size.stateVolume.kind === 'gp3';
  const standsBy = await isComplete(deps, operation, cluster);
  return {
    plan,
    keepsVolumes,
    standsBy,
    reason: `${reason}; ${moved} jobs are moved${standsBy ? ', to hosts that stand by' : ''}${ended > 0 ? `, ${ended} operations under way were ended` : ''}${drill}`,
  };
};

const goesOn = ({ status, interrupted }: Job): boolean => !isJobOver(status) || interrupted !== undefined;

const interrupt = async (deps: TakeOverDeps, operation: Operation, seen: Job): Promise<boolean> => {
  const { operationId } = operation;
  const { cluster, name } = seen;
  if (seen.interrupted?.by === operationId) return true;
  const at = deps.clock().toISOString();
  const wanted = goesOn(seen);
  if (wanted) await deps.store.takeJobOver(cluster, name, { operationId, acquiredAt: at, until: leaseUntil(operation.deadline) });
  // Whoever held it may have written until now, and not any more.
  const job = wanted ? await deps.store.job(cluster, name) : undefined;
  if (!job || !goesOn(job)) {
    await deps.store.releaseLease({ cluster, job: name }, operationId);
    return false;
  }
  // Stopped by a move before this one that was interrupted, and not started since: nobody needs to be asked again.
  const savepoint = job.interrupted?.epoch === undefined ? job.interrupted?.savepoint : undefined;
  // A new version that nobody saw running is not what is saved: the one before it is, and its state.
  const unproven = job.status === 'SUBMITTING' ? job.previousSpec : undefined;
  // What an interrupted move has noted of the job before it stays so.
  const was = job.interrupted
    ? job.interrupted.was
    : {
        status: job.status,
        since: operation.requestedAt,
        ...(unproven ? { gaveWay: job.spec } : {}),
        ...(job.brokenOff === undefined ? {} : { brokenOff: job.brokenOff }),
      };
  await deps.store.updateJob(cluster, name, operationId, {
    status: 'SUBMITTING',
    statusReason: `On its way to another zone with its cluster ${job.cluster}`,
    interrupted: { by: operationId, at, ...(savepoint === undefined ? {} : { savepoint }), ...(was && { was }) },
    previousSpec: undefined,
    // A job that is started again elsewhere is what is wanted: nothing of it is to be made good.
    brokenOff: undefined,
    ...(unproven ? { spec: unproven, revision: job.revision + 1 } : {}),
  });
  return true;
};

/** What waits for the cluster or a job and wants it gone stays: it goes on once the failover lets go. */
const endBroken = async ({ store, clock }: TakeOverDeps, operation: Operation, open: readonly Operation[]): Promise<number> => {
  const broken = open.filter((other) => other.kind !== 'terminate-cluster' && !isCancellation(other));
  for (const other of broken) {
    const reason = `Superseded by failover ${operation.operationId}, which moves the cluster to another zone.`;
    await store.endOperation(other.operationId, {
      status: 'CANCELED',
      endedAt: clock().toISOString(),
      reason,
      error: { name: 'Superseded', message: reason },
    });
  }
  return broken.length;
};

/** Hosts of a copy may be those that the move lacks. Its drill sees that it is to go, and takes it away; the termination finds nothing left. */
const breakDrillOff = async ({ store, clock, stage }: TakeOverDeps, { operationId }: Operation, { name }: Cluster): Promise<string> => {
  const copy = await store.cluster(copyNameOf(name));
  if (copy?.copyOf !== name || copy.status === 'TERMINATED' || copy.desired === 'TERMINATED') return '';
  const id = operationIdOfKey({ caller: CONTROL_PLANE, method: 'BREAK', path: 'terminate-cluster', key: `${copy.name}/${operationId}` });
  const request = { kind: 'terminate-cluster', jobs: 'cancel' } as const;
  const termination = newOperation({ clock, stage }, { operationId: id, requestedBy: CONTROL_PLANE }, copy.name, undefined, request);
  await store.acceptTermination(termination, copy.lease?.operationId);
  return ', the drill on a copy ends';
};

/** Whether the reserve that the cluster goes on with was seen to have every host that its jobs need: then nothing is asked for. */
const isComplete = async (deps: StoreDeps, operation: Operation, cluster: Cluster): Promise<boolean> => {
  const { request } = operation;
  if (request.kind !== 'fail-over-cluster' || request.reserve !== cluster.epoch || request.reserveHosts === undefined) return false;
  return (await hostsFor(deps, operation, cluster)) <= request.reserveHosts;
};

const planOf = ({ request }: Operation): Pick<TakenOver, 'plan' | 'reason'> => {
  const wish = request.kind === 'fail-over-cluster' ? request.mode : undefined;
  if (wish === undefined) return { plan: 'ask', reason: 'Whether its JobManager still answers is asked while the new hosts boot' };
  return { plan: wish, reason: wish === 'planned' ? 'A planned move, as asked' : 'The zone counts as lost, as asked' };
};
