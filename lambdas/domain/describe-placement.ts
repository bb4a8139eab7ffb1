import type { Cluster } from '../contracts/cluster';
import { slotsPerHost } from './capacity';
import { taskManagerZones } from './cluster-zone';
import { describeStandby, type StandbyDescription } from './describe-standby';

/** List price of a GB from one zone of a region to another: $0.01 where it leaves and $0.01 where it arrives (https://aws.amazon.com/ec2/pricing/on-demand/). */
export const CROSS_ZONE_DOLLARS_PER_GB = 0.02;

export interface PlacementDescription {
  readonly mode: Cluster['spec']['placement']['mode'];
  /** Where TaskManager hosts may be now, the JobManager's zone first. */
  readonly zones: string[];
  /** Share of what tasks send each other that crosses a zone, when every task sends alike to every other. */
  readonly crossZoneShare: number;
  readonly crossZoneDollarsPerGB: number;
  /** Slots, and those that are left when the zone with the most hosts is lost. */
  readonly slots: number;
  readonly slotsAfterZoneLoss: number;
  readonly costs: string;
  readonly gives: string;
  readonly standby: StandbyDescription;
}

type Placed = Pick<Cluster, 'spec' | 'size' | 'zone' | 'zones' | 'avoidedZones' | 'resources'>;

/**
 * What the placement of a cluster costs and gives. @param slotsSeen that Flink has; where it was not asked, those of the smallest fleet
 * @param prices of the stage, dollars an hour by instance type
 */
export const describePlacement = (
  cluster: Placed,
  slotsSeen: number | undefined,
  prices: Readonly<Record<string, number>> = {},
): PlacementDescription => {
  const { spec, size, zone } = cluster;
  const zones = [...taskManagerZones(cluster)];
  const slots = slotsSeen ?? size.taskManagers.min * size.slotsPerTaskManager;
  const perHost = slotsPerHost(size);
  const hosts = Math.ceil(slots / perHost);
  const inZone = evenly(hosts, zones.length);
  const share = hosts === 0 ? 0 : 1 - inZone.reduce((sum, count) => sum + (count / hosts) ** 2, 0);
  const slotsAfterZoneLoss = Math.max(0, slots - Math.max(...inZone) * perHost);
  const { automatic, objectiveSeconds } = spec.placement.failover;
  const where =
    spec.placement.failover.capacity === 'warm'
      ? 'where a reserve stands by that its jobs go on in'
      : 'where hosts boot first and its jobs go on';
  const moves = automatic
    ? `moves to another zone by itself, ${where} from their latest complete checkpoints; the objective is ${objectiveSeconds} s`
    : 'waits for a person who moves it (placement.failover.automatic is off)';
  const facts = {
    zones,
    crossZoneShare: Math.round(share * 1_000) / 1_000,
    crossZoneDollarsPerGB: CROSS_ZONE_DOLLARS_PER_GB,
    slots,
    slotsAfterZoneLoss,
    standby: describeStandby(cluster, prices),
  };
  const standsBy = spec.placement.failover.capacity === 'warm' ? ` ${reserveCosts(cluster, hosts, prices)}` : '';
  if (spec.placement.mode === 'single-zone')
    return {
      mode: 'single-zone',
      ...facts,
      costs: `Nothing for what hosts send each other: all are in ${zone}.${standsBy}`,
      gives: `When ${zone} is lost all ${slots} slots are, and the cluster ${moves}.`,
    };
  const standbyIn = cluster.resources.standby?.zone;
  const leadsOn = standbyIn === zone ? undefined : standbyIn;
  const dollarsPerTB = share * CROSS_ZONE_DOLLARS_PER_GB * 1_000;
  return {
    mode: 'spread',
    ...facts,
    costs: `With ${hosts} hosts over ${zones.length} zones ${Math.round(share * 100)} % of what tasks send each other crosses a zone, at $${CROSS_ZONE_DOLLARS_PER_GB} a GB by list price: $${dollarsPerTB.toFixed(2)} for each TB that jobs shuffle. A connection between hosts has 5 Gbit/s at most, not the 10 of a placement group, which cannot span zones.${standsBy}`,
    gives: `When a zone is lost that the JobManager is not in, at least ${slotsAfterZoneLoss} of ${slots} slots are left, in which jobs go on from their latest complete checkpoints while hosts boot in the other zones. When ${zone} is lost, the JobManager with it, ${leadsOn ? `the one that stands by in ${leadsOn} leads on, and nothing moves` : `the cluster ${moves}`}.`,
  };
};

/** By list price, where the stage has one for both types. */
const reserveCosts = ({ size }: Placed, hosts: number, prices: Readonly<Record<string, number>>): string => {
  const [each, leader] = [prices[size.instanceType], prices[size.jobManager.instanceType]];
  const dollars = each === undefined || leader === undefined ? '' : `: $${(hosts * each + leader).toFixed(2)} an hour`;
  return `The reserve (placement.failover.capacity) is ${hosts} TaskManager hosts and a JobManager that run and do nothing, as much as the cluster again${dollars}.`;
};

/** As Auto Scaling spreads them. */
const evenly = (hosts: number, zones: number): readonly number[] =>
  Array.from({ length: zones }, (_, index) => Math.floor(hosts / zones) + (index < hosts % zones ? 1 : 0));
