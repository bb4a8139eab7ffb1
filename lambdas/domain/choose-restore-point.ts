import { isTaken } from './state-paths';

/** A checkpoint or savepoint that was found somewhere. */
export interface StateFound {
  readonly location: string;
  readonly kind: 'savepoint' | 'checkpoint';
  /** The start of the job that wrote it; undefined: none of those that there were. */
  readonly epoch?: number | undefined;
  /** Rises with every checkpoint and savepoint of a start. */
  readonly checkpointId?: number | undefined;
  /** When its `_metadata`, which is written last, was written. undefined: there is none (any more). ISO 8601 */
  readonly completedAt?: string | undefined;
}

/** What was found when its files were looked at. */
export type Verdict =
  | { readonly state: 'complete'; readonly files: number; readonly sizeBytes: number }
  /** It may be whole, but cannot be looked into. */
  | { readonly state: 'unchecked'; readonly reason: string }
  | { readonly state: 'broken'; readonly reason: string };

/** The job as far as it decides which state comes first. */
export interface Lineage {
  /** Its present start. */
  readonly epoch: number;
  /** What that start was restored from, or is to be; undefined: nothing. */
  readonly restoredFrom?: string | undefined;
  /** That start was wanted without state, so earlier starts' state must not come back. */
  readonly fromNothing: boolean;
  /** The start that it goes on from, over however many, began so; undefined: none did. */
  readonly fromNothingAt?: number | undefined;
}

export type RestoreDecision =
  | { readonly action: 'check'; readonly state: StateFound; readonly reason: string }
  | { readonly action: 'restore'; readonly state: StateFound; readonly reason: string }
  | { readonly action: 'start-empty'; readonly reason: string }
  | { readonly action: 'refuse'; readonly reason: string };

/**
 * States in the order in which they are to be tried. The present start's own come first (`newestFirst`): what any other start has written, even later, did not
 * see what this one did (a zone that comes back may still complete a checkpoint of a start that was given up). Then what this start was restored from, which
 * is all that it is before its first checkpoint. Then those of earlier starts, the latest start first. States whose start is not known come last, by time. A start that was wanted without state ends the line: nothing from before it, or of an unknown start, comes back.
 */
export const rankStates = (found: readonly StateFound[], lineage: Lineage): readonly StateFound[] => {
  const isParent = ({ location }: StateFound): boolean => sameLocation(location, lineage.restoredFrom);
  const own = newestFirst(found.filter(({ epoch }) => epoch === lineage.epoch));
  const { fromNothingAt } = lineage;
  const isEarlier = ({ epoch = 0 }: StateFound): boolean => fromNothingAt !== undefined && epoch < fromNothingAt;
  const rest = found.filter((state) => state.epoch !== lineage.epoch && !isParent(state) && !isEarlier(state));
  const parent = found.filter((state) => state.epoch !== lineage.epoch && isParent(state));
  if (lineage.fromNothing && lineage.restoredFrom === undefined) return own;
  const epochs = [...new Set(rest.map(({ epoch }) => epoch ?? 0))].sort((a, b) => b - a);
  return [...own, ...parent, ...epochs.flatMap((epoch) => newestFirst(rest.filter((state) => (state.epoch ?? 0) === epoch)))];
};

/** What to do next, given what is known of the states looked into so far. @param ranked by `rankStates` */
export const decideRestorePoint = (
  ranked: readonly StateFound[],
  verdicts: ReadonlyMap<string, Verdict>,
  lineage: Lineage,
): RestoreDecision => {
  const passedOver: string[] = [];
  for (const state of ranked) {
    const verdict = verdicts.get(state.location);
    const because = passedOver.length === 0 ? '' : `; ${passedOver.join('; ')}`;
    if (!verdict) return { action: 'check', state, reason: `${describe(state)} is the newest that may be whole${because}` };
    if (verdict.state === 'broken') passedOver.push(`not from the newer ${state.location}: ${verdict.reason}`);
    else return { action: 'restore', state, reason: `from ${describe(state)}, ${describeVerdict(verdict)}${because}` };
  }
  if (passedOver.length > 0)
    return {
      action: 'refuse',
      reason: `the job has no state that can be restored (${passedOver.join('; ').replaceAll('not from the newer ', '')}); to start without state, submit it with restore.from "none"`,
    };
  const why = lineage.fromNothing ? 'it was wanted so, and nothing has been completed since' : 'there is none yet';
  return { action: 'start-empty', reason: `without state: ${why}` };
};

/** @param location with or without a slash at its end */
export const sameLocation = (location: string, other: string | undefined): boolean =>
  other !== undefined && location.replace(/\/+$/, '') === other.replace(/\/+$/, '');

/**
 * Within one start its own count tells best. S3 tells the time by the second, and of a large upload when it began. Savepoints that were taken while it went
 * on come last: its sinks commit nothing by them, and what they had written for one they take back when the start goes back to a checkpoint before
 * it. Restored from the savepoint, the job would never commit that; restored from the checkpoint, it processes it again.
 */
const newestFirst = (states: readonly StateFound[]): readonly StateFound[] => {
  const counted = states.every(({ epoch, checkpointId }) => epoch !== undefined && checkpointId !== undefined);
  const rank = (state: StateFound): readonly (string | number)[] => {
    const { checkpointId = 0, completedAt = '', kind } = state;
    const newest = counted ? [checkpointId, completedAt] : [completedAt, kind === 'savepoint' ? 1 : 0, checkpointId];
    return [isTaken(state.location) ? 0 : 1, ...newest];
  };
  return [...states].sort((a, b) => compare(rank(b), rank(a)) || (a.location < b.location ? -1 : 1));
};

const compare = (a: readonly (string | number)[], b: readonly (string | number)[]): number => {
  for (const [index, value] of a.entries()) {
    const other = b[index] as typeof value;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
};

const describe = ({ kind, location, epoch, completedAt }: StateFound): string =>
  [`its ${kind} ${location}`, epoch === undefined ? [] : `of epoch ${epoch}`, completedAt === undefined ? [] : `of ${completedAt}`]
    .flat()
    .join(' ');

const describeVerdict = (verdict: Exclude<Verdict, { state: 'broken' }>): string =>
  verdict.state === 'complete'
    ? `all of whose files are there (${verdict.files}, ${verdict.sizeBytes} bytes)`
    : `whose files could not be checked: ${verdict.reason}`;
