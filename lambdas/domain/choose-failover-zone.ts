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
  const order = allowed ? allowed.filter((zone) => stage.includes(zone)) : [...stage.slice(start), ...stage.slice(0, start)];
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
