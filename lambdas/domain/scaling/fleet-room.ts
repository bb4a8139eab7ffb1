import type { ResolvedSize } from '../../contracts/cluster';
import type { FleetObservation } from '../../contracts/scaling';
import { hostLimits, slotsPerHost } from '../capacity';
import { hostPrices, type VolumePrices } from '../host-price';

type FleetSize = Pick<
  ResolvedSize,
  'taskManagersPerHost' | 'slotsPerTaskManager' | 'taskManagers' | 'spareSlots' | 'instanceType' | 'jobManager' | 'stateVolume'
>;

export interface FleetFacts {
  readonly size: FleetSize;
  /** Hosts that are paid for with each: 2 where a reserve stands by. @default 1 */
  readonly paidFor?: number;
  /** TaskManager hosts that run, and that are wanted. */
  readonly hosts: { readonly running: number; readonly wanted: number };
  /** JobManager hosts: two with one that stands by. @default 1 */
  readonly jobManagers?: number;
  /** Slots of all jobs of the cluster, and what changes will make of them. */
  readonly slotsTaken: number;
  /** Dollars an hour by instance type. */
  readonly prices: Readonly<Record<string, number>>;
  /** Dollars a month of hosts' volumes. @default - they are not counted */
  readonly volumePrices?: VolumePrices;
  /** Hosts that the stage's quota has for this cluster; undefined: no quota. */
  readonly hostsGranted?: number;
  /** Why it has no more, where that is less than what was wanted. */
  readonly share?: string;
  /** EC2 is not asked for hosts now. */
  readonly refused?: FleetObservation['refused'];
  readonly budgetDollarsPerHour?: number;
}

/** What a decision has to know of the fleet. Hosts come whole: what the budget or the quota has for half a host, it has for none. */
export const fleetRoom = ({
  size,
  hosts,
  jobManagers = 1,
  slotsTaken,
  prices,
  volumePrices,
  hostsGranted,
  share,
  refused,
  budgetDollarsPerHour,
  paidFor = 1,
}: FleetFacts): FleetObservation => {
  const perHost = slotsPerHost(size);
  const { taskManager, jobManager } = hostPrices(size, { prices, volumePrices });
  const price = paidFor * (taskManager.all ?? 0);
  // A change that was accepted a moment ago counts before it has asked for its hosts.
  const needed = Math.max(hosts.wanted, Math.ceil(slotsTaken / perHost));
  const cost = needed * price + paidFor * jobManagers * (jobManager.all ?? 0);
  const volumes = paidFor * (needed * taskManager.volume + jobManagers * jobManager.volume);
  const mostMore = Math.max(0, hostLimits(size).max - needed);
  const payable = budgetDollarsPerHour === undefined || price === 0 ? mostMore : Math.floor((budgetDollarsPerHour - cost) / price + 1e-9);
  // Named as the budget's where it is the tighter one: the decision compares dollars with slots.
  const dollarsPerHour = budgetDollarsPerHour === undefined ? cost : Math.max(cost, budgetDollarsPerHour - Math.max(0, payable) * price);
  return {
    slotsFree: Math.max(hosts.running, needed) * perHost - slotsTaken,
    slotsAddable: Math.min(mostMore, hostsGranted ?? mostMore) * perHost,
    ...(share === undefined ? {} : { share }),
    ...(refused === undefined ? {} : { refused }),
    dollarsPerHour,
    ...(volumes > 0 ? { volumeDollarsPerHour: volumes } : {}),
    dollarsPerSlotHour: price / perHost,
  };
};
