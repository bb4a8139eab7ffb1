import { later } from './clock';

/** What is known of a snapshot when it is decided whether it goes. */
interface Kept {
  readonly cluster: string;
  readonly operationId: string;
  /** ISO 8601 */
  readonly at: string;
  /** ISO 8601 */
  readonly keepUntil: string;
}

/** @param at when the move was asked for, ISO 8601 */
export const keepUntil = (at: string, { days }: { readonly days: number }): string => later(at, days * 86_400);

/**
 * Snapshots that go: those whose time is over, and those of older moves than the newest `keep` of their cluster. Of a cluster that is gone, or keeps none
 * any more, time alone decides.
 */
export const snapshotsBeyond = <T extends Kept>(
  snapshots: readonly T[],
  keepOf: ReadonlyMap<string, number | undefined>,
  now: string,
): readonly T[] => {
  const movesOf = new Map<string, Map<string, string>>();
  for (const { cluster, operationId, at } of snapshots) {
    const moves = movesOf.get(cluster) ?? new Map<string, string>();
    // A move's snapshots are made one after the other: the first tells its age.
    const earliest = moves.get(operationId);
    moves.set(operationId, earliest !== undefined && earliest < at ? earliest : at);
    movesOf.set(cluster, moves);
  }
  const kept = new Set(
    [...movesOf].flatMap(([cluster, moves]) =>
      [...moves]
        .sort(([, a], [, b]) => b.localeCompare(a))
        .slice(0, keepOf.get(cluster) ?? moves.size)
        .map(([operationId]) => operationId),
    ),
  );
  return snapshots.filter((one) => one.keepUntil <= now || !kept.has(one.operationId));
};
