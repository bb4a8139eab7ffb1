import { secondsBetween } from '../clock';

/** A cluster that wants hosts, or slots: any whole unit of capacity. */
export interface CapacityRequest {
  readonly name: string;
  /** The higher goes first. */
  readonly priority: number;
  readonly wanted: number;
  /** Less than this is of no use to it. */
  readonly least: number;
  /** Since when it waits, ISO 8601. */
  readonly since: string;
}

export interface CapacityGrant {
  readonly name: string;
  readonly granted: number;
  readonly reason: string;
}

export interface SharingSettings {
  /** Waiting so long is worth one step of priority. Seconds, above 0. */
  readonly agingSeconds: number;
  /** All the capacity that there could ever be: who needs more is told so, and nothing is kept for it. */
  readonly total: number;
}

/**
 * Shares scarce capacity among many clusters that ask at once, as after an outage: by priority, which grows while one waits, so that none
 * waits for ever behind a stream of more important ones. First everybody in turn gets the least that is of use, then, in the same order,
 * the rest. Nobody is served before the first that does not fit: what is free is kept for it.
 */
export const shareCapacity = (
  requests: readonly CapacityRequest[],
  available: number,
  now: string,
  { agingSeconds, total }: SharingSettings,
): readonly CapacityGrant[] => {
  const rank = ({ priority, since }: CapacityRequest): number => priority + Math.max(0, secondsBetween(since, now)) / agingSeconds;
  const ordered = [...requests].sort((a, b) => rank(b) - rank(a) || a.since.localeCompare(b.since) || a.name.localeCompare(b.name));
  const granted = new Map<string, number>();
  let left = available;
  let keptFor: CapacityRequest | undefined;
  for (const request of ordered) {
    const least = Math.min(request.least, request.wanted);
    if (least > total || keptFor) continue;
    if (least > left) {
      keptFor = request;
      continue;
    }
    granted.set(request.name, least);
    left -= least;
  }
  // What is kept for somebody is nobody else's surplus.
  if (!keptFor)
    for (const { name, wanted } of ordered) {
      const has = granted.get(name);
      if (has === undefined) continue;
      const more = Math.min(left, Math.max(0, wanted - has));
      granted.set(name, has + more);
      left -= more;
    }
  return ordered.map((request, place) => {
    const got = granted.get(request.name) ?? 0;
    if (Math.min(request.least, request.wanted) > total)
      return { name: request.name, granted: 0, reason: `It needs at least ${request.least}, and there are never more than ${total}` };
    if (got >= request.wanted) return { name: request.name, granted: got, reason: `Place ${place + 1}: all of ${request.wanted}` };
    if (got > 0) return { name: request.name, granted: got, reason: `Place ${place + 1}: ${got} of ${request.wanted}; the rest waits` };
    if (request === keptFor)
      return { name: request.name, granted: 0, reason: `Place ${place + 1}: ${left} are free and kept for it until ${request.least} are` };
    return { name: request.name, granted: 0, reason: `Place ${place + 1}: waits behind ${keptFor?.name ?? 'those before it'}` };
  });
};
