import type { Cluster } from '../../contracts/cluster';
import { Conflict, InvalidRequest } from '../../contracts/errors';
import { decideRetry, isStranded, RETRY_AT_MOST_SECONDS } from '../../domain/decide-retry';
import { shorten } from '../../domain/describe-failure';
import { operationIdOfKey, requestHashOf } from '../../domain/operation-id';
import type { AcceptDeps } from '../operations/accept';
import { heldLease } from '../operations/in-the-way';
import { allClusters } from '../operations/owned';
import { CONTROL_PLANE } from '../operations/sweep-operations';
import { acceptFailover } from './accept-failover';
import type { Considered } from './consider-failover';
import { movesSince } from './list-moves';

/** Tries the moves again that have failed and left their clusters without hosts, after pauses that grow. */
export const retryFailovers = async (deps: AcceptDeps): Promise<readonly Considered[]> => {
  const stranded = (await allClusters(deps.store)).filter(isStranded);
  const considered: Considered[] = [];
  for (const cluster of stranded) if (!heldLease(cluster.lease, deps.clock)) considered.push(await retry(deps, cluster));
  return considered;
};

const retry = async (deps: AcceptDeps, cluster: Cluster): Promise<Considered> => {
  const { name, epoch, zone, spec } = cluster;
  const now = deps.clock();
  // As far back as pauses of the greatest length matter.
  const since = new Date(now.getTime() - 12 * RETRY_AT_MOST_SECONDS * 1_000).toISOString();
  const moves = await movesSince(deps.store, name, since);
  const { action, reason } = decideRetry({ name, automatic: spec.placement.failover.automatic }, moves, now.toISOString());
  if (action === 'hold') return { cluster: name, action, reason };
  const key = `${name}/${epoch}`;
  const change = {
    requestedBy: CONTROL_PLANE,
    operationId: operationIdOfKey({ caller: CONTROL_PLANE, method: 'RETRY', path: 'fail-over-cluster', key }),
    requestHash: requestHashOf(key),
  };
  const trigger = { kind: 'recovery' as const, evidence: shorten(reason, 500) };
  // The zone that it failed in may be the reason, those that were left before may be lost still.
  const impaired = [zone, ...(moves[0]?.avoid ?? [])];
  try {
    const { operationId } = await acceptFailover(deps, change, name, { trigger, impaired, again: true });
    return { cluster: name, action, reason, operationId };
  } catch (error) {
    if (!(error instanceof Conflict || error instanceof InvalidRequest)) throw error;
    return { cluster: name, action: 'hold', reason: `${reason}; but ${error.message}` };
  }
};
