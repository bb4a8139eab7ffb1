import type { Cluster } from '../../contracts/cluster';
import type { Operation, OperationRequest } from '../../contracts/operation';
import type { Stage } from '../../contracts/stage';
import { later } from '../../domain/clock';
import { isStranded, leavesIdleHosts } from '../../domain/decide-retry';
import { decideSweep } from '../../domain/decide-sweep';
import { shorten } from '../../domain/describe-failure';
import { onCopy } from '../../domain/drill-copy';
import { INTERRUPTED } from '../../domain/operation-end';
import { operationIdOfKey } from '../../domain/operation-id';
import type { StorePort } from '../../gateways/aws/store.port';
import type { WorkflowsPort } from '../../gateways/aws/workflows.port';
import { takeOverCluster } from '../failover/accept-failover';
import { movesOf } from '../failover/list-moves';
import { CONTROL_PLANE, newOperation } from './accept';
import { acceptCleaning } from './clean-up';
import { type CountDeps, count } from './count';
import { endOperation } from './end-operation';
import { heldLease } from './in-the-way';
import { allClusters, allJobs } from './owned';
import { resumeBroken } from './resume-broken';

export interface SweepDeps extends CountDeps {
  readonly store: StorePort;
  readonly workflows: WorkflowsPort;
  readonly stage: Pick<Stage, 'deadlines'>;
  /** Hears at once of each thing that is done, whatever fails behind it. */
  readonly told: (swept: Swept) => void;
}

export interface Swept {
  readonly operationId: string;
  readonly action: 'start' | 'end';
  readonly reason: string;
  /** The operation that takes away what an interrupted one may have left. */
  readonly cleaning?: string;
}

/**
 * Starts what was accepted and not started, and ends what ended without saying so; what an interrupted operation may have left is
 * taken away or put back by an operation of the control plane's own. @param only look at this operation alone
 */
export const sweepOperations = async (deps: SweepDeps, only?: string): Promise<readonly Swept[]> => {
  const swept: Swept[] = [];
  const failures: string[] = [];
  const done = (one: Swept): void => {
    swept.push(one);
    deps.told(one);
    // A workflow has died without saying so: an alarm rings on that.
    if (one.action === 'end') count(deps, 'OperationsInterrupted');
  };
  for (const operation of await candidates(deps.store, only)) {
    try {
      await sweepOne(deps, operation, done);
    } catch (error) {
      // The operations behind it are looked at all the same.
      failures.push(`${operation.kind} ${operation.operationId}: ${String(error)}`);
    }
  }
  if (only === undefined) failures.push(...(await tidyUp(deps, done)));
  // Said at the end, so that Lambda sees that the sweep failed: the second time it is a dead letter, on which an alarm rings.
  if (failures.length > 0) throw new Error(shorten(`${failures.length} operations could not be swept: ${failures.join('; ')}`));
  return swept;
};

/** What a failover could not take away of earlier epochs (a lost zone keeps its hosts for long) is tried again, at most so often. Minutes. */
const TIDY_MINUTES = 10;
/** Where moves fail again and again, their epochs are taken away once there are more. The next try breaks that off (`retry-failovers`). */
const KEPT_STRANDED = 4;
/** Hosts of a failed move that nothing can run on are kept so long for the next try, which finds others: nobody is to pay for ten minutes of them. Seconds. */
const IDLE_SECONDS = 300;

const tidyUp = async (deps: SweepDeps, done: SweepDeps['told']): Promise<readonly string[]> => {
  const failures: string[] = [];
  for (const cluster of await allClusters(deps.store)) {
    try {
      const ending = await takeCopyAway(deps, cluster);
      if (ending !== undefined)
        done({ operationId: ending, action: 'start', reason: `${cluster.name}, a copy for a drill, is still there` });
      if (cluster.desired !== 'RUNNING') continue;
      if (cluster.status === 'RUNNING')
        for (const { operationId, reason } of await resumeBroken(deps, cluster)) done({ operationId, action: 'start', reason });
      if (!cluster.former || (cluster.status !== 'RUNNING' && !(await hasTooMuch(deps, cluster)))) continue;
      const operationId = heldLease(cluster.lease, deps.clock) ? undefined : await acceptTidying(deps, cluster);
      const reason = `Something of epoch ${[...cluster.former.map(({ epoch }) => epoch), ...(isStranded(cluster) ? [cluster.epoch] : [])].join(', ')} of ${cluster.name} is still there`;
      if (operationId !== undefined) done({ operationId, action: 'start', reason });
    } catch (error) {
      failures.push(`cluster ${cluster.name}: ${String(error)}`);
    }
  }
  return failures;
};

/** Whether a cluster whose moves fail has more than is kept until one has brought its jobs back. */
const hasTooMuch = async ({ store, clock }: SweepDeps, cluster: Cluster): Promise<boolean> => {
  if (!isStranded(cluster)) return false;
  if ((cluster.former ?? []).length > KEPT_STRANDED) return true;
  const now = clock().toISOString();
  // Not since the cluster was written last: its settings may be changed meanwhile.
  const [last] = await movesOf(store, cluster.name, now, IDLE_SECONDS);
  return later(last?.endedAt ?? cluster.updatedAt, IDLE_SECONDS) <= now && leavesIdleHosts(cluster, await allJobs(store, cluster.name));
};

const acceptTidying = async (deps: SweepDeps, cluster: Cluster): Promise<string | undefined> => {
  const now = deps.clock();
  const period = Math.floor(now.getTime() / (TIDY_MINUTES * 60_000));
  const key = `${cluster.name}/${cluster.epoch}/${period}`;
  const request: OperationRequest = {
    kind: 'fail-over-cluster',
    from: cluster.former?.[0]?.zone ?? cluster.zone,
    zone: cluster.zone,
    trigger: { kind: 'recovery', evidence: 'something of an earlier epoch is still there' },
    cleansOnly: true,
  };
  const operationId = operationIdOfKey({ caller: CONTROL_PLANE, method: 'TIDY', path: request.kind, key });
  const operation = newOperation(deps, { operationId, requestedBy: CONTROL_PLANE }, cluster.name, undefined, request);
  const { outcome } = await takeOverCluster(deps.store, operation, cluster);
  if (outcome !== 'created') return undefined;
  await deps.workflows.start(operation.kind, operation.operationId);
  return operation.operationId;
};

/** Nobody else would: whoever asked for the drill has its report. @returns the operation that does */
const takeCopyAway = async (deps: SweepDeps, { name, copyOf, status, lease }: Cluster): Promise<string | undefined> => {
  if (copyOf === undefined || status !== 'FAILED' || heldLease(lease, deps.clock)) return undefined;
  if ((await deps.store.openOperations()).some((one) => onCopy(one).cluster === name)) return undefined;
  const key = `${name}/${Math.floor(deps.clock().getTime() / (TIDY_MINUTES * 60_000))}`;
  const operationId = operationIdOfKey({ caller: CONTROL_PLANE, method: 'TIDY', path: 'terminate-cluster', key });
  const request = { kind: 'terminate-cluster', jobs: 'cancel' } as const;
  const operation = newOperation(deps, { operationId, requestedBy: CONTROL_PLANE }, name, undefined, request);
  if ((await deps.store.acceptTermination(operation)).outcome !== 'created') return undefined;
  await deps.workflows.start(operation.kind, operationId);
  return operationId;
};

const sweepOne = async (deps: SweepDeps, operation: Operation, done: SweepDeps['told']): Promise<void> => {
  const execution = await deps.workflows.state(operation.kind, operation.operationId);
  const { action, reason } = decideSweep(operation, execution, deps.clock().toISOString());
  if (action === 'leave') return;
  if (action === 'end') {
    await endInterrupted(deps, operation, reason, done);
    return;
  }
  await deps.workflows.start(operation.kind, operation.operationId);
  done({ operationId: operation.operationId, action, reason });
};

const candidates = async (store: StorePort, only: string | undefined): Promise<readonly Operation[]> => {
  if (only === undefined) return (await store.openOperations()).map(onCopy);
  const stored = await store.operation(only);
  if (!stored) return [];
  const operation = onCopy(stored);
  if (operation.status === 'PENDING' || operation.status === 'RUNNING') return [operation];
  // Ended, and then its workflow: at the latest now it holds nothing.
  const target = operation.job === undefined ? { cluster: operation.cluster } : { cluster: operation.cluster, job: operation.job };
  await store.releaseLease(target, operation.operationId);
  return [];
};

const endInterrupted = async (deps: SweepDeps, { operationId }: Operation, reason: string, done: SweepDeps['told']): Promise<void> => {
  // The index of open operations may be a second behind.
  const stored = await deps.store.operation(operationId);
  if (!stored || (stored.status !== 'PENDING' && stored.status !== 'RUNNING')) return;
  const current = onCopy(stored);
  // Accepted first: should this function die here, the next sweep finds both and goes on.
  const cleaning = await acceptCleaning(deps, current, current.operationId);
  const error = { Error: INTERRUPTED, Cause: reason };
  const note = cleaning ? `${cleaning.operationId} takes away or puts back what it may have left.` : null;
  await endOperation(deps, current, { operationId: current.operationId, phase: 'Swept', outcome: 'failed', error, note });
  // No later sweep finds that it was interrupted; one that has not been started is.
  done({ operationId, action: 'end', reason, ...(cleaning ? { cleaning: cleaning.operationId } : {}) });
  if (cleaning) await deps.workflows.start(cleaning.kind, cleaning.operationId);
};
