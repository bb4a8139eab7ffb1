import type { Operation, OperationKind } from '../contracts/operation';

/** States of a workflow, from one of which on tasks come onto hosts, or may come back onto those that they have left, and from which on no longer. */
interface Placing {
  readonly from: readonly string[];
  readonly until: readonly string[];
}

const RESCALE_BEGINS = ['Change parallelism', 'Look at the job'];
/** A smaller job is kept the hosts that it has left until it runs and has a checkpoint. */
const IS_SMALLER = ['Look for occupied slots'];

const placingOf = (kind: OperationKind, isOut: boolean): Placing | undefined => {
  switch (kind) {
    case 'submit-job':
      return { from: ['Begin submission', 'Record ended jobs', 'Ensure capacity'], until: [] };
    case 'upgrade-job':
      // Before that the previous version runs where it was, however long its savepoint takes.
      return { from: ['Start new version', 'Go back to the previous version'], until: [] };
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

/**
 * Whether tasks come onto hosts by an operation just now: who looks for idle hosts may find one that is none any more when it is ended, so none is. What an operation
 * waits for before, or has behind it, needs no such care: its slots are counted.
 */
export const placesTasks = ({ kind, request, phases }: Pick<Operation, 'kind' | 'request' | 'phases'>): boolean => {
  const reached = (states: readonly string[]): boolean => phases.some(({ name }) => states.includes(name));
  const placing = placingOf(kind, request.kind === 'scale-job' && request.direction === 'out');
  if (!placing) return false;
  return reached(WAY_BACK) || (reached(placing.from) && !reached(placing.until));
};
