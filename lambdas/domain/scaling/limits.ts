import type { FleetObservation, ScalingSettings, VertexSeen } from '../../contracts/scaling';
import { forwardGroups, jobGraph, type Parallelism, slotsFor } from './graph';
import { isSource } from './rates';
import { isMuchMore } from './refused-hosts';
import { alikeForBusiest } from './required';

export interface Limit {
  readonly slots: number;
  readonly name: string;
}

/** Parallelism that a vertex may have, and what says so. */
export const vertexLimits = (
  vertex: VertexSeen,
  { minParallelism, maxParallelism }: Pick<ScalingSettings, 'minParallelism' | 'maxParallelism'>,
  floor: number,
): { readonly least: number; readonly most: number; readonly mostIs: string } => {
  const limits: readonly (readonly [number, string])[] = [
    [maxParallelism, `the highest allowed parallelism of ${maxParallelism}`],
    [vertex.maxParallelism, `its ${vertex.maxParallelism} key groups`],
    ...(isSource(vertex) && vertex.partitions !== undefined ? [[vertex.partitions, `its ${vertex.partitions} partitions`] as const] : []),
  ];
  const [most, mostIs] = limits.reduce((a, b) => (b[0] < a[0] ? b : a));
  return { least: Math.min(most, Math.max(minParallelism, floor)), most, mostIs };
};

/** What the work of a vertex comes in, as whole numbers: partitions, or key groups; undefined where it is spread over all subtasks. */
export const partsOf = (vertex: VertexSeen): number | undefined => {
  if (isSource(vertex)) return vertex.partitions;
  return vertex.inputs.some(({ ship }) => ship === 'hash') ? vertex.maxParallelism : undefined;
};

/** Slots that the job may occupy, and which limit that is: slots there but the spare ones, and what the budget and the quota let be added. */
const slotLimit = (
  slotsNow: number,
  { slotsFree, slotsAddable, dollarsPerHour, volumeDollarsPerHour = 0, dollarsPerSlotHour }: FleetObservation,
  { budgetDollarsPerHour, spareSlots }: Pick<ScalingSettings, 'budgetDollarsPerHour' | 'spareSlots'>,
): Limit & { readonly free: number } => {
  const free = Math.max(0, slotsFree - spareSlots);
  // Spare slots that are missing are provided first: they are bought of the same money and quota.
  const missing = Math.max(0, spareSlots - slotsFree);
  const payable =
    budgetDollarsPerHour === undefined || dollarsPerSlotHour <= 0
      ? Number.POSITIVE_INFINITY
      : Math.max(0, Math.floor((budgetDollarsPerHour - dollarsPerHour) / dollarsPerSlotHour + 1e-9));
  const addable = slotsAddable ?? Number.POSITIVE_INFINITY;
  const volumes = volumeDollarsPerHour > 0 ? `, of which hosts' volumes take $${Number(volumeDollarsPerHour.toPrecision(2))} now` : '';
  const name =
    payable < addable ? `the budget of $${budgetDollarsPerHour} an hour${volumes}` : 'the quota and the largest fleet of the cluster';
  return { slots: slotsNow + free + Math.max(0, Math.min(payable, addable) - missing), name, free };
};

/** What is wanted, as far as there are slots for it, and what holds back the rest. */
export const holdToLimits = (
  vertices: readonly VertexSeen[],
  wanted: Parallelism,
  fleet: FleetObservation,
  desired: Pick<ScalingSettings, 'budgetDollarsPerHour' | 'spareSlots'>,
): { readonly to: Parallelism; readonly limit: Limit } => {
  const slotsNow = slotsFor(vertices, {});
  const limit = slotLimit(slotsNow, fleet, desired);
  const to = holdToSlots(vertices, wanted, limit.slots);
  const { refused } = fleet;
  if (refused === undefined || isMuchMore(slotsFor(vertices, to), refused.slots)) return { to, limit };
  const there = { slots: slotsNow + limit.free, name: describeRefusal(refused) };
  return { to: holdToSlots(vertices, wanted, there.slots), limit: there };
};

const describeRefusal = ({ times, until, says }: NonNullable<FleetObservation['refused']>): string =>
  `EC2, which is asked for hosts again at ${until}: ${times > 1 ? `the last ${times} attempts` : 'the last attempt'} brought none (${says.replace(/\.$/, '')})`;

/** The smallest parallelism that is as good for the vertices of a group; one that is only fed by forward has the work of the vertex before it. */
const asGood = (group: readonly VertexSeen[], parallelism: number): number =>
  Math.max(
    ...group.map((vertex) => {
      const parts = partsOf(vertex);
      if (parts !== undefined) return alikeForBusiest(parallelism, parts);
      return !isSource(vertex) && vertex.inputs.every(({ ship }) => ship === 'forward') ? 1 : parallelism;
    }),
  );

/**
 * Lets nothing grow beyond one parallelism, the highest at which the job has no more than its slots, and what is held there only as far as it leaves
 * less to the busiest subtask. Vertices that do not need the most keep what they asked for. Vertices in one group stay alike, because all are held to
 * the same.
 */
export const holdToSlots = (vertices: readonly VertexSeen[], wanted: Parallelism, slots: number): Parallelism => {
  if (slotsFor(vertices, wanted) <= slots) return wanted;
  const held = (most: number): Parallelism =>
    Object.fromEntries(vertices.map(({ id, parallelism }) => [id, Math.min(wanted[id] ?? parallelism, Math.max(parallelism, most))]));
  let [low, high] = [0, Math.max(...Object.values(wanted))];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (slotsFor(vertices, held(middle)) <= slots) low = middle;
    else high = middle - 1;
  }
  const cut = held(low);
  const to = (group: readonly VertexSeen[]) => {
    const most = Math.max(...group.map(({ id }) => cut[id] ?? 0));
    const least = group.some(({ id }) => cut[id] !== wanted[id]) ? asGood(group, most) : most;
    return group.map(({ id, parallelism }) => [id, Math.min(cut[id] ?? 0, Math.max(parallelism, least))] as const);
  };
  return Object.fromEntries(forwardGroups(jobGraph(vertices)).flatMap(to));
};
