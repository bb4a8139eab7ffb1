import type { Cluster } from '../../contracts/cluster';
import { Conflict } from '../../contracts/errors';
import type { JobStatus } from '../../contracts/job';
import type { Operation, OperationKind, OperationRequest } from '../../contracts/operation';
import type { TaskAnswer } from '../../contracts/workflow';
import type { WorkflowsPort } from '../../gateways/aws/workflows.port';
import type { CleanUpDeps } from '../operations/clean-up';
import { recentOperations } from '../operations/list-operations';
import { allJobs, ownCluster } from '../operations/owned';
import { resumeBroken } from '../operations/resume-broken';

type MoveRequest = Extract<OperationRequest, { kind: 'fail-over-cluster' }>;
export type GiveBackDeps = CleanUpDeps & { readonly workflows: WorkflowsPort };

/**
 * A move that came to nothing before any job was asked to stop: the cluster has its former hosts again, whose jobs never noticed, and what was under way on them is
 * made good. What was made for the move is taken away afterwards. @throws Conflict when an earlier operation has gone further than that
 */
export const giveBack = async (deps: GiveBackDeps, operation: Operation): Promise<TaskAnswer> => {
  const { store } = deps;
  const cluster = await ownCluster(deps, operation);
  const { request, operationId } = operation;
  const kept = request.kind === 'fail-over-cluster' ? keptEpoch(cluster, request) : undefined;
  // By an operation that this one goes on with.
  if (kept?.leftAt !== undefined)
    throw new Conflict(
      `Epoch ${kept.epoch} of ${cluster.name} was left at ${kept.leftAt}: its jobs were asked to stop, or its hosts cut off`,
    );
  if (kept) {
    await putBack(deps, operation);
    const tried = { epoch: cluster.epoch, zone: cluster.zone, resources: cluster.resources };
    await store.updateCluster(cluster.name, operationId, {
      status: 'RUNNING',
      statusReason: `Stays in ${kept.zone}: its move to ${cluster.zone} came to nothing`,
      zone: kept.zone,
      avoidedZones: kept.avoidedZones,
      resources: { ...kept.resources, epoch: kept.epoch },
      former: [...(cluster.former ?? []).filter((one) => one !== kept), tried],
    });
  }
  const resumed = await resumeBroken(deps, cluster, operationId);
  for (const { name } of await allJobs(store, cluster.name)) await store.releaseLease({ cluster: cluster.name, job: name }, operationId);
  if (!kept) return { reason: 'There is nothing to give back' };
  return {
    reason: [`${cluster.name} stays in ${kept.zone}, its jobs were not touched`, ...resumed.map(({ reason }) => reason)].join('; '),
  };
};

/** No operation on a job is open for longer. Seconds. */
const REMEMBERED_SECONDS = 6 * 3_600;
/** What may have left a job half changed. */
const CHANGES: readonly OperationKind[] = ['submit-job', 'upgrade-job', 'rescale-job', 'scale-job', 'set-scaling'];

/** Ended by the move, or by itself when it found that the job was not its own any more. A job that was seen running was submitted. */
const isBroken = ({ kind, status, error, endedAt = '' }: Operation, was: { readonly status: JobStatus; readonly since: string }): boolean =>
  CHANGES.includes(kind) &&
  status === 'CANCELED' &&
  error?.name === 'Superseded' &&
  endedAt >= was.since &&
  (kind !== 'submit-job' || was.status === 'SUBMITTING');

/** The jobs are what they were before they were taken over. */
const putBack = async (deps: GiveBackDeps, { operationId, cluster }: Operation): Promise<void> => {
  const { store } = deps;
  const operations = await recentOperations(store, cluster, deps.clock().toISOString(), REMEMBERED_SECONDS);
  for (const { name, interrupted, lease, spec, revision } of await allJobs(store, cluster)) {
    if (!interrupted || lease?.operationId !== operationId) continue;
    const { was } = interrupted;
    const broke = was && operations.find((one) => one.job === name && isBroken(one, was));
    await store.updateJob(cluster, name, operationId, {
      status: was?.status ?? 'RUNNING',
      statusReason: `Last seen before its cluster ${cluster} was to be moved, which came to nothing`,
      interrupted: undefined,
      brokenOff: broke?.operationId ?? was?.brokenOff,
      ...(was?.gaveWay ? { spec: was.gaveWay, previousSpec: spec, revision: revision - 1 } : {}),
    });
  }
};

/** The epoch that had the jobs: the one that the operation came from. Others may have been tried in its zone since. */
const keptEpoch = ({ former = [], resources, epoch }: Cluster, { from, fromEpoch }: MoveRequest) => {
  // Given back already when this is tried again.
  if (resources.epoch !== undefined && resources.epoch !== epoch) return undefined;
  return former.findLast((one) => !one.unused && (fromEpoch === undefined ? one.zone === from : one.epoch === fromEpoch));
};
