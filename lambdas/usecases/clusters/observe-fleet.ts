import type { Cluster } from '../../contracts/cluster';
import { DeadlineExceeded, InsufficientCapacity } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { TaskAnswer } from '../../contracts/workflow';
import type { Clock } from '../../domain/clock';
import { REPLACEMENT_SECONDS } from '../../domain/decide-failover';
import { decideFleetProgress, hostsAskedAt } from '../../domain/decide-launch-progress';
import type { FleetPort, FleetSeen } from '../../gateways/aws/fleet.port';
import { zoneLeft } from '../failover/next-zone';
import { ownTarget, type StoreDeps } from '../operations/owned';
import { tryOtherTypes } from './other-types';

/** Slots that are there are looked for once more before a zone is given up: jobs can do with fewer (`observe-cluster.ts`). */
const LOOK_SECONDS = 30;

interface Deps extends StoreDeps {
  readonly fleet: FleetPort;
  readonly clock: Clock;
  readonly stage: Pick<Stage, 'zones'>;
}

/** Looks how the machines come along while slots are awaited. @throws InsufficientCapacity with EC2's own message when it goes on having none */
export const observeFleet = async (deps: Deps, operation: Operation): Promise<TaskAnswer> => {
  const cluster = await ownTarget(deps, operation);
  const seen = await deps.fleet.observe(cluster.resources);
  const progress = decideFleetProgress(seen, {
    since: hostsAskedAt(operation),
    ...patienceOfMove(deps, operation, cluster),
    now: deps.clock().toISOString(),
    deadline: operation.deadline,
  });
  if (progress.action === 'wait') {
    const tried = [await tryOtherTypes(deps, seen), await launchStalled(deps, seen)];
    return { reason: [progress.reason, ...tried.flatMap((one) => one ?? [])].join('; ') };
  }
  throw progress.error === 'InsufficientCapacity' ? new InsufficientCapacity(progress.reason) : new DeadlineExceeded(progress.reason);
};

/** Says which hosts are asked for again at once; undefined: none. */
const launchStalled = async ({ fleet }: Pick<Deps, 'fleet'>, { stalled = [] }: FleetSeen): Promise<string | undefined> => {
  for (const group of stalled) await fleet.launchAgain(group);
  return stalled.length === 0 ? undefined : `what ${stalled.join(', ')} lacks is asked for again`;
};

/**
 * Another zone may have what this one lacks now, and records wait meanwhile. Where no zone is left, slow hosts are better than none; but a move that was
 * planned is given back then.
 */
const patienceOfMove = (
  { stage }: Pick<Deps, 'stage'>,
  { request }: Operation,
  cluster: Cluster,
): { readonly patienceSeconds?: number; readonly withinSeconds?: number } => {
  if (request.kind !== 'fail-over-cluster') return {};
  const { mode, trigger } = request;
  const isPlanned = mode === 'planned' || trigger.kind === 'failback';
  return {
    patienceSeconds: 0,
    ...(isPlanned || zoneLeft(stage, cluster, request).ok ? { withinSeconds: REPLACEMENT_SECONDS + LOOK_SECONDS } : {}),
  };
};
