import { createHash } from 'node:crypto';
import type { Cluster, ClusterSpec, ResolvedSize } from '../contracts/cluster';
import type { FieldProblem } from '../contracts/errors';
import { hostLimits } from './capacity';

export type HomeZone =
  | { readonly ok: true; readonly zone: string; readonly reason: string }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/**
 * The zone in which all of a cluster's hosts begin: traffic between TaskManagers then stays in one zone and costs nothing (mission row D5).
 * Without a wish the cluster's name decides, so that clusters spread over the stage's zones and a repeated request finds the same one.
 *
 * @param shifted zones that AWS shifts traffic away from: only by a wish, or where there is no other
 * @param placed zones that the cluster's hosts are to be in @default - all
 */
export const chooseHomeZone = (
  cluster: string,
  wish: string | undefined,
  zones: readonly string[],
  shifted: readonly string[] = [],
  placed: readonly string[] = zones,
): HomeZone => {
  if (wish !== undefined)
    return zones.includes(wish)
      ? { ok: true, zone: wish, reason: `${wish} was asked for` }
      : { ok: false, problems: [{ path: 'zone', message: `the stage has no zone ${wish}; it has ${zones.join(', ')}` }] };
  const start = createHash('sha256').update(cluster).digest().readUInt32BE(0) % zones.length;
  const order = [...zones.slice(start), ...zones.slice(0, start)];
  const possible = order.filter((one) => placed.includes(one));
  const own = possible[0] ?? order[0];
  const zone = possible.find((one) => !shifted.includes(one)) ?? own;
  if (zone === undefined) return { ok: false, problems: [{ path: 'zone', message: 'the stage has no zones' }] };
  const left = zone === own ? '' : `; AWS shifts traffic away from ${own}`;
  return { ok: true, zone, reason: `${zone} was chosen by the cluster's name, which spreads clusters over ${zones.length} zones${left}` };
};

export type SpreadZones =
  | {
      readonly ok: true;
      /** Undefined: all hosts are in the home zone. */
      readonly zones?: readonly string[];
      /** Of them those that it begins without. */
      readonly avoidedZones?: readonly string[];
      readonly reason?: string;
    }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/**
 * Zones that the TaskManager hosts of a new cluster are spread over.
 *
 * @param zones of the stage
 * @param shifted zones that AWS shifts traffic away from: avoided while two are left, the home zone among them
 */
export const chooseSpread = (
  { placement }: Pick<ClusterSpec, 'placement'>,
  home: string,
  size: ResolvedSize,
  zones: readonly string[],
  shifted: readonly string[] = [],
): SpreadZones => {
  const refuse = (path: string, message: string): SpreadZones => ({ ok: false, problems: [{ path: `placement.${path}`, message }] });
  if (placement.mode === 'single-zone')
    return placement.zones === undefined
      ? { ok: true }
      : refuse('zones', 'is for mode "spread"; `zone` names the zone of a single-zone cluster');
  const unknown = placement.zones?.find((zone) => !zones.includes(zone));
  if (unknown !== undefined) return refuse('zones', `the stage has no zone ${unknown}; it has ${zones.join(', ')}`);
  const wished = zones.filter((zone) => placement.zones === undefined || placement.zones.includes(zone));
  if (wished.length < 2) return refuse('mode', `spread takes two zones at least, and there is only ${wished.join(', ')}`);
  if (!wished.includes(home)) return refuse('zones', `the home zone ${home} is not one of them`);
  const { max } = hostLimits(size);
  if (max < 2) return refuse('mode', 'spread takes two TaskManager hosts at least, and the largest fleet has one');
  const avoidedZones = wished.filter((zone) => zone !== home && shifted.includes(zone));
  const used = wished.filter((zone) => !avoidedZones.includes(zone));
  const over = (some: readonly string[]): string => `TaskManager hosts are balanced over ${some.length} zones: ${some.join(', ')}`;
  if (avoidedZones.length === 0) return { ok: true, zones: wished, reason: over(wished) };
  const away = `AWS shifts traffic away from ${avoidedZones.join(', ')}`;
  if (used.length < 2) return { ok: true, zones: wished, reason: `${over(wished)}, though ${away}, because spread takes two at least` };
  return {
    ok: true,
    zones: wished,
    avoidedZones,
    reason: `${over(used)}; ${away}: the next planned move after that spreads them over all again`,
  };
};

/** Where the TaskManager hosts of a cluster's present epoch may be, its home zone first. */
export const taskManagerZones = ({
  zone,
  zones = [],
  avoidedZones = [],
}: Pick<Cluster, 'zone' | 'zones' | 'avoidedZones'>): readonly string[] => [
  zone,
  ...zones.filter((one) => one !== zone && !avoidedZones.includes(one)),
];
