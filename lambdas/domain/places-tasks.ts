import type { Operation, OperationKind } from '../contracts/operation';
import { later } from './clock';

/** States of a workflow, from one of which on tasks come onto hosts, or may come back onto those that they have left, and from which on no longer. */
interface Placing {
  readonly from: readonly string[];
  readonly until: readonly string[];
}

const VERSION_STARTS = ['Start new version', 'Go back to the previous version'];
const RESCALE_BEGINS = ['Change parallelism', 'Look at the job'];
/** A smaller job is kept the hosts that it has left until it runs and has a checkpoint. */
const IS_SMALLER = ['Look for occupied slots'];

const placingOf = (kind: OperationKind, isOut: boolean): Placing | undefined => {
  switch (kind) {
    case 'submit-job':
      return { from: ['Begin submission', 'Record ended jobs', 'Ensure capacity'], until: [] };
    case 'upgrade-job':
      // Before that the previous version runs where it was, however long its savepoint takes.
      return { from: VERSION_STARTS, until: [] };
    case 'rescale-job':
      return { from: RESCALE_BEGINS, until: IS_SMALLER };
    case 'scale-job':
      return { from: RESCALE_BEGINS, until: isOut ? ['Look for a checkpoint'] : IS_SMALLER };
    default:
      // A host that EC2 takes is marked, and its successor counts as needed (`decide-hosts`); the others move no task, or their cluster does not run.
      return undefined;
  }
};

/** When a rescale has failed, tasks go back. */
const WAY_BACK = ['Restore parallelism'];

type Placed = Pick<Operation, 'kind' | 'request' | 'phases'>;
const kindOf = ({ kind, request }: Placed): Placing | undefined =>
  placingOf(kind, request.kind === 'scale-job' && request.direction === 'out');

/**
 * Whether tasks come onto hosts by an operation just now: who looks for idle hosts may find one that is none any more when it is ended, so none is. What an operation
 * waits for before, or has behind it, needs no such care: its slots are counted.
 */
export const placesTasks = (operation: Placed): boolean => {
  const reached = (states: readonly string[]): boolean => operation.phases.some(({ name }) => states.includes(name));
  const placing = kindOf(operation);
  if (!placing) return false;
  return reached(WAY_BACK) || (reached(placing.from) && !reached(placing.until));
};

/** Jobs start from here on. A submission may wait for its hosts for minutes before. */
const JOB_STARTS: Partial<Record<OperationKind, readonly string[]>> = { 'submit-job': ['Start job'], 'upgrade-job': VERSION_STARTS };
/** A job that starts has its slots soon after Flink was asked, where they are seen; one whose start hangs may have none for as long as its operation has. Seconds. */
const SLOTS_TAKEN_SECONDS = 45;
/** Tasks of a host that EC2 takes come onto others: its successor may be one that boots. */
const HOST_EMPTIES: Placing = { from: ['Empty host'], until: ['Look for idle hosts'] };

/** Whether tasks may have come onto hosts by it since an instant, ISO 8601, or come there now: who was idle then may not be any more. */
export const hasPlacedSince = (operation: Placed & Pick<Operation, 'endedAt'>, since: string): boolean => {
  if (operation.endedAt !== undefined && operation.endedAt < since) return false;
  const begun = (states: readonly string[]): string | undefined =>
    operation.phases
      .filter(({ name }) => states.includes(name))
      .map(({ startedAt }) => startedAt)
      .toSorted()
      .at(-1);
  const starts = JOB_STARTS[operation.kind];
  if (starts) {
    const asked = begun(starts);
    return asked !== undefined && later(asked, SLOTS_TAKEN_SECONDS) >= since;
  }
  const placing = operation.kind === 'replace-host' ? HOST_EMPTIES : kindOf(operation);
  if (!placing) return false;
  const isGoingBack = begun(WAY_BACK) !== undefined;
  if (!isGoingBack && begun(placing.from) === undefined) return false;
  const until = isGoingBack ? undefined : begun(placing.until);
  return until === undefined || until >= since;
};
