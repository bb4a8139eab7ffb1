import type { Cluster } from '../../contracts/cluster';
import { type FieldProblem, InvalidRequest } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { Operation, OperationRequest } from '../../contracts/operation';
import { leaseUntil } from '../../domain/lease';
import { takesRoom } from '../clusters/slot-demands';
import { type AcceptDeps, accept, type ChangeRequest, newOperation } from '../operations/accept';
import { requireRunningCluster, requireRunningJob } from '../operations/in-the-way';

/** Accepts a change of a running job: the operation gets the job's lease in the same transaction. @throws NotFound, Conflict, and what `decide` throws */
export const acceptJobChange = (
  deps: AcceptDeps,
  change: ChangeRequest,
  at: { readonly cluster: string; readonly job: string },
  decide: (cluster: Cluster, job: Job) => Promise<OperationRequest>,
  /** What of the job changes with the acceptance itself. */
  alter: (job: Job) => Job = (job) => job,
): Promise<Operation> =>
  accept(deps, change, async () => {
    const cluster = await requireRunningCluster(deps, at.cluster);
    const previous = await requireRunningJob(deps, at.cluster, at.job);
    const operation = newOperation(deps, change, at.cluster, at.job, await decide(cluster, previous));
    const lease = { operationId: operation.operationId, acquiredAt: operation.requestedAt, until: leaseUntil(operation.deadline) };
    const job: Job = { ...alter(previous), lease, updatedAt: operation.requestedAt };
    // A person is not held to the room that there is, only counted by what is decided next.
    const taken = takesRoom(operation.request, previous) ? { room: 'any' as const } : undefined;
    return { operation, write: () => deps.store.acceptJobChange(operation, job, previous, taken) };
  });

/** @throws InvalidRequest when there is one */
export const refuse = (problems: readonly FieldProblem[]): void => {
  if (problems.length > 0) throw new InvalidRequest(problems);
};
