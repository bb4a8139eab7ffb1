import { DeadlineExceeded, InsufficientCapacity } from '../../contracts/errors';
import type { Operation } from '../../contracts/operation';
import type { TaskAnswer } from '../../contracts/workflow';
import type { Clock } from '../../domain/clock';
import { decideFleetProgress } from '../../domain/decide-launch-progress';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { ownTarget, type StoreDeps } from '../operations/owned';

/** Looks how the machines come along while slots are awaited. @throws InsufficientCapacity with EC2's own message when it goes on having none */
export const observeFleet = async (
  deps: StoreDeps & { readonly fleet: FleetPort; readonly clock: Clock },
  operation: Operation,
): Promise<TaskAnswer> => {
  const cluster = await ownTarget(deps, operation);
  const seen = await deps.fleet.observe(cluster.resources);
  const progress = decideFleetProgress(seen, {
    since: operation.startedAt ?? operation.requestedAt,
    // Another zone may have what this one lacks now, and records wait meanwhile.
    ...(operation.kind === 'fail-over-cluster' ? { patienceSeconds: 0 } : {}),
    now: deps.clock().toISOString(),
    deadline: operation.deadline,
  });
  if (progress.action === 'wait') return { reason: progress.reason };
  throw progress.error === 'InsufficientCapacity' ? new InsufficientCapacity(progress.reason) : new DeadlineExceeded(progress.reason);
};
