import type { Cluster } from '../../contracts/cluster';
import type { Job } from '../../contracts/job';
import type { Operation, OperationRequest } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import type { Clock } from '../../domain/clock';
import { isJobOver } from '../../domain/job-lifecycle';
import { leaseUntil } from '../../domain/lease';
import { operationIdOfKey } from '../../domain/operation-id';
import type { OperationAccepted, StorePort } from '../../gateways/aws/store.port';
import { slotsOf } from '../clusters/slot-demands';
import { takeOverCluster } from '../failover/accept-failover';
import { CONTROL_PLANE, newOperation } from './accept';

export interface CleanUpDeps {
  readonly store: StorePort;
  readonly stage: Pick<Stage, 'deadlines'>;
  readonly clock: Clock;
}

/** A clean-up that is interrupted is followed by another, so often in a row; what is interrupted still is left to a person. */
const CLEANINGS = 3;

/** @param holder whose lease the job may have */
export const acceptCleaning = async (
  deps: CleanUpDeps,
  operation: Operation,
  holder: string | undefined,
): Promise<Operation | undefined> => {
  const times = (operation.cleansUp?.times ?? 0) + 1;
  if (times > CLEANINGS) return undefined;
  const operationId = operationIdOfKey({ caller: CONTROL_PLANE, method: 'CLEAN', path: operation.kind, key: operation.operationId });
  const before = await deps.store.operation(operationId);
  if (before) return before;
  const job = operation.job === undefined ? undefined : await deps.store.job(operation.cluster, operation.job);
  const cluster = operation.kind === 'fail-over-cluster' ? await deps.store.cluster(operation.cluster) : undefined;
  const held = job?.desired === 'RUNNING' && job.lease?.operationId === holder;
  const request = cleaningFor(operation, { job, held }, cluster, deps.clock().toISOString());
  if (!request) return undefined;
  const own = newOperation(deps, { operationId, requestedBy: CONTROL_PLANE }, operation.cluster, job?.name, request);
  const cleaning: Operation = {
    ...own,
    // A replacement that waits for a move has the time of that move besides.
    ...(operation.kind === 'replace-host' && operation.deadline > own.deadline ? { deadline: operation.deadline } : {}),
    cleansUp: { after: operation.operationId, times },
    reason: `Cleans up after ${operation.operationId}.`,
  };
  // The name of a copy that is gone may be another's by now.
  const ofCopy = operation.kind === 'drill-on-copy' ? operation.operationId : undefined;
  const { outcome } = await write(deps.store, cleaning, job, cluster, ofCopy);
  return outcome === 'blocked' ? undefined : cleaning;
};

const write = (
  store: StorePort,
  cleaning: Operation,
  job: Job | undefined,
  cluster: Cluster | undefined,
  holder: string | undefined,
): Promise<OperationAccepted> => {
  if (cleaning.request.kind === 'replace-host') return store.acceptReplacement(cleaning, cleaning.request.epoch);
  if (cluster) return takeOverCluster(store, cleaning, cluster);
  if (job === undefined) return store.acceptTermination(cleaning, holder);
  if (cleaning.kind === 'stop-job') return store.acceptCancellation(cleaning);
  // Takes the lease over at once: the job's status, which tells how far the interrupted operation came, stays as it is.
  const lease = { operationId: cleaning.operationId, acquiredAt: cleaning.requestedAt, until: leaseUntil(cleaning.deadline) };
  return store.acceptJobChange(cleaning, { ...job, lease, brokenOff: undefined }, job);
};

/**
 * What an operation of the control plane's own has to do after an interrupted one.
 * @param held nobody has cancelled the job or taken it over, to make of it what is wanted
 */
const cleaningFor = (
  operation: Operation,
  { job, held }: { readonly job: Job | undefined; readonly held: boolean },
  cluster: Cluster | undefined,
  now: string,
): OperationRequest | undefined => {
  switch (operation.kind) {
    case 'launch-cluster':
    case 'terminate-cluster':
      return { kind: 'terminate-cluster', jobs: 'savepoint' };
    case 'drill-on-copy':
      return { kind: 'terminate-cluster', jobs: 'cancel' };
    case 'fail-over-cluster':
      return cluster && goingOn(operation, cluster);
    case 'replace-host':
      // Every step looks first at what is there: the same once more.
      return operation.request;
    case 'submit-job':
      return job && { kind: 'stop-job', mode: 'cancel', drain: false };
    case 'stop-job':
      // What is to end ends: nobody else would make it, and its hosts count as unused. A stop with a savepoint leaves the job wanted.
      return job?.desired === 'STOPPED' && !isJobOver(job.status) ? { kind: 'stop-job', mode: 'cancel', drain: false } : undefined;
    case 'upgrade-job':
      // What has done all its work is not started again.
      return job && held && job.status !== 'FINISHED' ? goingBack(operation, job) : undefined;
    case 'rescale-job':
      // The parallelism that is stored is what is wanted; hosts beyond it are given back.
      if (!job || !held) return undefined;
      return job.spec.scaled
        ? settling(afterInterruption(operation), job, now)
        : { kind: 'rescale-job', parallelism: job.spec.parallelism };
    case 'scale-job':
      return job && held ? settling(afterInterruption(operation), job, now) : undefined;
    case 'set-scaling':
      return held && job?.spec.scaling ? { kind: 'set-scaling', scaling: job.spec.scaling } : undefined;
    default:
      return undefined;
  }
};

/** What is stored of the job is made true, and hosts beyond it are given back. */
export const settling = (
  why: { readonly trigger: string; readonly reason: string },
  { spec }: Job,
  decidedAt: string,
): Extract<OperationRequest, { kind: 'scale-job' }> => {
  const vertices = spec.scaled?.vertices ?? {};
  const slots = slotsOf(spec);
  return {
    kind: 'scale-job',
    action: 'settle',
    direction: 'in',
    ...why,
    explanation: [],
    decidedAt,
    from: vertices,
    to: vertices,
    slots: { before: slots, after: slots, provide: 0, spare: 0 },
  };
};

const afterInterruption = ({ operationId }: Operation): { readonly trigger: string; readonly reason: string } => ({
  trigger: operationId,
  reason: `${operationId} was interrupted: the job gets the parallelism that is stored, hosts beyond it go`,
});

/** What was handed over or given back needs only tidying up; else the same move is made as a further epoch. */
const goingOn = ({ operationId, request }: Operation, cluster: Cluster): OperationRequest | undefined => {
  if (request.kind !== 'fail-over-cluster' || cluster.desired === 'TERMINATED' || cluster.lease?.operationId !== operationId)
    return undefined;
  const trigger = { kind: 'recovery' as const, evidence: `${operationId} was interrupted` };
  const { kind, from, fromEpoch, avoid, again: retried } = request;
  const again = {
    kind,
    from,
    ...(fromEpoch === undefined ? {} : { fromEpoch }),
    zone: cluster.zone,
    ...(avoid ? { avoid } : {}),
    trigger,
    ...(retried === undefined ? {} : { again: retried }),
  };
  return cluster.status === 'FAILING_OVER' ? again : { ...again, cleansOnly: true };
};

const goingBack = ({ operationId, request }: Operation, job: Job): OperationRequest => {
  // The stop that may be under way was asked for by the first of them.
  const asked = (request.kind === 'upgrade-job' ? request.recovers?.operationId : undefined) ?? operationId;
  // A new version that was seen running is not SUBMITTING any more, and stays.
  const previous = job.status === 'SUBMITTING' ? job.previousSpec : undefined;
  const epoch = previous === undefined ? job.epoch : job.epoch - 1;
  return { kind: 'upgrade-job', spec: previous ?? job.spec, recovers: { operationId: asked, epoch } };
};
