import type { ClusterSpec } from '../contracts/cluster';
import type { FieldProblem } from '../contracts/errors';

export type FailoverZone =
  | { readonly ok: true; readonly zone: string; readonly reason: string }
  | { readonly ok: false; readonly reason: string };

export interface ZonesKnown {
  /** Of the stage, in its order. */
  readonly stage: readonly string[];
  /** Of the cluster's placement, in the order of its wish; absent: all of the stage. */
  readonly allowed?: readonly string[] | undefined;
  /** Where the cluster was or is, and where there was no capacity: not again. */
  readonly used: readonly string[];
  /** Zones that are said to be impaired: only when there is no other. */
  readonly impaired: readonly string[];
}

/**
 * The zone to go to next: as the cluster's placement lists them, else in the stage's order from the one behind its present zone on, so that the clusters
 * of a lost zone do not all depend on the same one having capacity first.
 */
export const chooseFailoverZone = (from: string, { stage, allowed, used, impaired }: ZonesKnown): FailoverZone => {
  const start = stage.indexOf(from) + 1;
  const order = allowed ? failoverZones(allowed, stage) : [...stage.slice(start), ...stage.slice(0, start)];
  const free = order.filter((zone) => zone !== from && !used.includes(zone));
  const healthy = free.find((zone) => !impaired.includes(zone));
  if (healthy !== undefined) return { ok: true, zone: healthy, reason: `${healthy} is the next zone after ${from}` };
  const [last] = free;
  if (last !== undefined) return { ok: true, zone: last, reason: `${last} is said to be impaired, but there is no other zone left` };
  return {
    ok: false,
    reason: `no zone is left to go to: ${[...new Set([from, ...used])].join(', ')} ${used.length > 0 ? 'were' : 'was'} all there is`,
  };
};

/** Zones of a list that the stage has: one that it has no more is no place to go to. @param wished @default - all of the stage */
export const failoverZones = (wished: readonly string[] | undefined, stage: readonly string[]): readonly string[] =>
  wished?.filter((zone) => stage.includes(zone)) ?? stage;

/** What is wrong with the zones that a spec wants its cluster to move to: it would be seen on the day on which its zone is lost. @param zones of the stage */
export const failoverProblems = (
  { placement }: Pick<ClusterSpec, 'placement'>,
  home: string,
  zones: readonly string[],
): readonly FieldProblem[] => {
  const wished = placement.failover.zones;
  if (!wished) return [];
  const refuse = (message: string): readonly FieldProblem[] => [{ path: 'placement.failover.zones', message }];
  const unknown = wished.filter((zone) => !zones.includes(zone));
  if (unknown.length > 0) return refuse(`the stage has no zone ${unknown.join(', ')}; it has ${zones.join(', ')}`);
  return wished.every((zone) => zone === home) ? refuse(`names none but the home zone ${home}, so there is nowhere to go`) : [];
};
