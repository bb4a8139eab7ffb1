import { createHash } from 'node:crypto';
import type { FieldProblem } from '../contracts/errors';

export type HomeZone =
  | { readonly ok: true; readonly zone: string; readonly reason: string }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/**
 * The zone in which all of a cluster's hosts begin: traffic between TaskManagers then stays in one zone and costs nothing (mission row D5).
 * Without a wish the cluster's name decides, so that clusters spread over the stage's zones and a repeated request finds the same one.
 */
export const chooseHomeZone = (cluster: string, wish: string | undefined, zones: readonly string[]): HomeZone => {
  if (wish !== undefined)
    return zones.includes(wish)
      ? { ok: true, zone: wish, reason: `${wish} was asked for` }
      : { ok: false, problems: [{ path: 'zone', message: `the stage has no zone ${wish}; it has ${zones.join(', ')}` }] };
  const zone = zones[createHash('sha256').update(cluster).digest().readUInt32BE(0) % zones.length];
  if (zone === undefined) return { ok: false, problems: [{ path: 'zone', message: 'the stage has no zones' }] };
  return { ok: true, zone, reason: `${zone} was chosen by the cluster's name, which spreads clusters over ${zones.length} zones` };
};
