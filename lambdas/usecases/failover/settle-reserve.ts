import type { Reserve } from '../../contracts/cluster';
import type { Operation } from '../../contracts/operation';
import type { SettleReserveInput, TaskAnswer } from '../../contracts/workflow';
import type { Clock } from '../../domain/clock';
import { describeFailure, sentence, shorten } from '../../domain/describe-failure';
import { ownTarget, type StoreDeps } from '../operations/owned';

type Deps = StoreDeps & { readonly clock: Clock };

/**
 * `ready`: the reserve is complete, and a move takes it over from now on. `leaving`: it came to nothing. Stored before anything is taken away, so that no move
 * goes to hosts that are being ended.
 */
export const settleReserve = async (deps: Deps, operation: Operation, input: SettleReserveInput): Promise<TaskAnswer> => {
  const { name, reserve } = await ownTarget(deps, operation, input.status === 'leaving' ? 'cleaning' : 'changing');
  if (!reserve) throw new Error(`cluster ${name} has no reserve`);
  const since = deps.clock().toISOString();
  const next =
    input.status === 'ready'
      ? readyAt(reserve, since, input.note ?? undefined)
      : leavingAt(reserve, since, shorten(sentence(describeFailure(input.error).message), 500));
  // Done already, when this is tried again.
  if (next.status !== reserve.status || input.status === 'ready') await deps.store.updateReserve(name, operation.operationId, next);
  return { reason: next.reason };
};

/** Still the operation's until it has ended: what comes next to it is decided then. */
const readyAt = (reserve: Reserve, since: string, note: string | undefined): Reserve => ({
  ...reserve,
  status: 'ready',
  standing: reserve.hosts,
  since: reserve.status === 'ready' ? reserve.since : since,
  failures: 0,
  reason: `${reserve.hosts} TaskManager host${reserve.hosts === 1 ? '' : 's'} and a JobManager stand by in ${reserve.zone}${note === undefined ? '' : `. ${note}`}`,
});

const leavingAt = (reserve: Reserve, since: string, reason: string): Reserve => ({
  ...reserve,
  status: 'leaving',
  since,
  failures: reserve.failures + 1,
  reason,
});
