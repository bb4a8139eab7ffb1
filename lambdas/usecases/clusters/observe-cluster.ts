import { DeadlineExceeded, FlinkUnavailable } from '../../contracts/errors';
import type { Operation, OperationKind } from '../../contracts/operation';
import type { SlotsSeen } from '../../contracts/workflow';
import { slotsPerHost } from '../../domain/capacity';
import { later, secondsBetween } from '../../domain/clock';
import { allHostsUntil, capacityAskedAt, capacityUntil } from '../../domain/deadlines';
import { REPLACEMENT_SECONDS } from '../../domain/decide-failover';
import { decideClusterProgress, hostsAskedAt } from '../../domain/decide-launch-progress';
import type { FlinkOverview, FlinkPort } from '../../gateways/flink/flink.port';
import { connect, type FlinkDeps, notYet, ownTarget } from '../operations/owned';
import { slotDemands } from './slot-demands';

/** Whether the JobManager answers and the slots are registered that the operation waits for. */
export const observeCluster = async (deps: FlinkDeps, operation: Operation): Promise<SlotsSeen> => {
  const cluster = await ownTarget(deps, operation);
  const smallest = cluster.size.taskManagers.min * cluster.size.slotsPerTaskManager;
  const demanded =
    operation.kind === 'launch-cluster'
      ? 0
      : (await slotDemands(deps.store, operation, 'wait')).reduce((sum, demand) => sum + demand.slots, 0);
  const { request } = operation;
  const slots =
    request.kind === 'prepare-reserve'
      ? request.hosts * slotsPerHost(cluster.size)
      : operation.job === undefined && demanded === 0
        ? smallest
        : demanded;
  const overview = await overviewIfAny(connect(deps.flink, cluster));
  const late = isLate(deps, operation, overview);
  // A reserve that was made smaller is not to be moved to before Auto Scaling has chosen which of its hosts go.
  if (request.kind === 'prepare-reserve' && overview !== undefined && overview.slotsTotal > slots)
    return { ...notYet(operation, deps.clock, `${overview.slotsTotal} slots are there, ${slots} are to stay`), late };
  const progress = decideClusterProgress(overview, slots);
  if (progress.ready) return { ...progress, late };
  refuseToKeepSome(deps, operation, progress.reason);
  return { ...notYet(operation, deps.clock, progress.reason), late };
};

/** Operations that cannot do with fewer slots: what has come for them is unused. */
const NEED_ALL: readonly OperationKind[] = ['submit-job', 'upgrade-job', 'rescale-job'];

/** @throws DeadlineExceeded when not all hosts have come in time */
const refuseToKeepSome = ({ clock }: Pick<FlinkDeps, 'clock'>, operation: Operation, reason: string): void => {
  const until = allHostsUntil(operation);
  if (!NEED_ALL.includes(operation.kind) || clock().toISOString() <= until) return;
  throw new DeadlineExceeded(`not all hosts came within ${secondsBetween(capacityAskedAt(operation), until)} s: ${reason}`);
};

/** A JobManager that boots does not answer: here that is a state, not an error. */
const overviewIfAny = async (flink: FlinkPort): Promise<FlinkOverview | undefined> => {
  try {
    return await flink.overview();
  } catch (error) {
    if (error instanceof FlinkUnavailable) return undefined;
    throw error;
  }
};

/**
 * Whether the operation goes on with fewer slots than it waits for, if it can. Jobs of a move that are slower meanwhile are better than none, as long as
 * there is a slot at all: without any another zone is tried.
 */
const isLate = ({ clock }: Pick<FlinkDeps, 'clock'>, operation: Operation, seen: FlinkOverview | undefined): boolean => {
  const now = clock().toISOString();
  if (operation.kind !== 'fail-over-cluster') return now > capacityUntil(operation);
  return (seen?.slotsTotal ?? 0) > 0 && now >= later(hostsAskedAt(operation), REPLACEMENT_SECONDS);
};
