import type { ResolvedSize } from '../contracts/cluster';

/** Slots a job occupies: with slot sharing (Flink's default), as many as its largest vertex has subtasks. */
export interface SlotDemand {
  readonly job: string;
  readonly slots: number;
}

type FleetSize = Pick<ResolvedSize, 'taskManagersPerHost' | 'slotsPerTaskManager' | 'taskManagers' | 'spareSlots'>;

export type Capacity =
  /** The hosts that should be there. `spareSlots` may be fewer than wished when the largest fleet is reached. */
  | { readonly action: 'provide'; readonly hosts: number; readonly spareSlots: number; readonly reason: string }
  /** The jobs do not fit into the largest fleet that the cluster may have. */
  | { readonly action: 'refuse'; readonly slotsAsked: number; readonly slotsMost: number; readonly reason: string };

/** Slots that all TaskManagers of a host offer together. */
export const slotsPerHost = ({ taskManagersPerHost, slotsPerTaskManager }: FleetSize): number => taskManagersPerHost * slotsPerTaskManager;

/** Slots of the largest fleet: the highest parallelism that one job alone can have. */
export const mostSlots = (size: FleetSize): number => size.taskManagers.max * size.slotsPerTaskManager;

/** Hosts of the smallest and the largest fleet. */
export const hostLimits = ({ taskManagers, taskManagersPerHost }: FleetSize): { readonly min: number; readonly max: number } => ({
  min: Math.ceil(taskManagers.min / taskManagersPerHost),
  max: Math.floor(taskManagers.max / taskManagersPerHost),
});

/** Hosts that a group may have over its largest fleet while others leave: one in ten, as Auto Scaling's own rebalancing does it, and at least one. */
export const mostHostsInChange = (most: number): number => most + Math.max(1, Math.ceil(most / 10));

/**
 * How many TaskManager hosts the given jobs need, spare slots included, within the cluster's limits.
 * Spare slots give way when the largest fleet is reached; jobs do not.
 */
export const decideCapacity = (demands: readonly SlotDemand[], size: FleetSize): Capacity => {
  const asked = demands.reduce((sum, { slots }) => sum + slots, 0);
  const most = mostSlots(size);
  const jobs = `${demands.length} job${demands.length === 1 ? '' : 's'}`;
  if (asked > most)
    return {
      action: 'refuse',
      slotsAsked: asked,
      slotsMost: most,
      reason: `${jobs} need ${asked} slots, the largest fleet of ${size.taskManagers.max} TaskManagers has ${most}`,
    };
  const perHost = slotsPerHost(size);
  const { min, max } = hostLimits(size);
  const wanted = Math.ceil((asked + size.spareSlots) / perHost);
  const hosts = Math.min(max, Math.max(min, wanted));
  const spareSlots = Math.min(size.spareSlots, hosts * perHost - asked);
  const held = wanted > max ? `; only ${spareSlots} of ${size.spareSlots} spare slots fit into the largest fleet` : '';
  const floor = wanted < min ? `; the smallest fleet is ${min}` : '';
  return {
    action: 'provide',
    hosts,
    spareSlots,
    reason: `${jobs} need ${asked} slots and ${size.spareSlots} spare: ${hosts} host${hosts === 1 ? '' : 's'} of ${perHost} slots${held}${floor}`,
  };
};
