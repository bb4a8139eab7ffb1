import type { Cluster } from '../contracts/cluster';
import { slotsPerHost } from './capacity';
import { chooseSpread, taskManagerZones } from './cluster-zone';
import { describeStandby, type StandbyDescription } from './describe-standby';
import { type HostPriceList, hostPrices } from './host-price';
import { standbyZone } from './job-managers';

/** List price of a GB from one zone of a region to another: $0.01 where it leaves and $0.01 where it arrives (https://aws.amazon.com/ec2/pricing/on-demand/). */
export const CROSS_ZONE_DOLLARS_PER_GB = 0.02;

/**
 * Round trips, ms. AWS promises single-digit milliseconds between zones and no more
 * (https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/availability-zones.html); these are what is measured
 * (https://www.flashgrid.io/news/latencies-between-aws-availability-zones-what-are-they-and-how-to-minimize-them/,
 * https://www.bitsand.cloud/posts/cross-az-latencies).
 */
const ROUND_TRIP_MS = { zone: '0.1 to 0.3', region: '0.5 to 2' } as const;

/** Measured here, s (docs/benchmarks.md#recovery): from the loss to new results. Hosts of the twin boot at once; a boot on EC2 is reckoned with. */
const MEASURED_SECONDS = {
  cold: '7 to 8',
  warm: '6 to 10',
  boot: '75 to 150',
  slotsLeft: '2 to 3',
  standbyLeads: '8',
  silence: 300,
} as const;

type Mode = Cluster['spec']['placement']['mode'];

/** One way to place a cluster's hosts. */
export interface PlacementChoice {
  readonly mode: Mode;
  readonly chosen: boolean;
  /** Why this cluster could not have it. */
  readonly unavailable?: string;
  /** Where TaskManager hosts may be, the JobManager's zone first. */
  readonly zones: string[];
  /** Share of what tasks send each other that crosses a zone, when every task sends alike to every other. */
  readonly crossZoneShare: number;
  /** Slots that are left when the zone with the most hosts is lost. */
  readonly slotsAfterZoneLoss: number;
  readonly costs: string;
  readonly latency: string;
  readonly recovery: string;
}

export interface PlacementDescription extends Pick<PlacementChoice, 'mode' | 'zones' | 'crossZoneShare' | 'slotsAfterZoneLoss'> {
  readonly crossZoneDollarsPerGB: number;
  readonly slots: number;
  readonly costs: string;
  readonly gives: string;
  readonly standby: StandbyDescription;
  /** Both ways side by side. */
  readonly choices: PlacementChoice[];
}

type Placed = Pick<Cluster, 'spec' | 'size' | 'zone' | 'zones' | 'avoidedZones' | 'resources'>;

export interface PlacementStage extends HostPriceList {
  /** Names of its zones. */
  readonly zones: readonly string[];
}

/** What either placement costs and gives a cluster. @param slotsSeen that Flink has; where it was not asked, those of the smallest fleet */
export const describePlacement = (
  cluster: Placed,
  slotsSeen: number | undefined,
  { zones, ...prices }: PlacementStage,
): PlacementDescription => {
  const { size } = cluster;
  const { mode, failover } = cluster.spec.placement;
  const slots = slotsSeen ?? size.taskManagers.min * size.slotsPerTaskManager;
  const hosts = Math.ceil(slots / slotsPerHost(size));
  const fleet = { slots, hosts };
  const single = singleZone(cluster, fleet);
  const spread = spreadOver(cluster, fleet, zones);
  const own = mode === 'spread' ? spread : single;
  const warm = failover.capacity === 'warm';
  const reserve = reserveCosts(cluster, hosts, prices);
  const standsBy = warm
    ? `The reserve (placement.failover.capacity) is ${reserve}`
    : `A reserve (placement.failover.capacity "warm") would be ${reserve}`;
  return {
    mode,
    zones: own.zones,
    crossZoneShare: own.crossZoneShare,
    crossZoneDollarsPerGB: CROSS_ZONE_DOLLARS_PER_GB,
    slots,
    slotsAfterZoneLoss: own.slotsAfterZoneLoss,
    costs: warm ? `${own.costs} ${standsBy}` : own.costs,
    gives: own.loss,
    standby: describeStandby(cluster, prices),
    choices: [single, spread].map(({ loss, measured, costs, ...way }) => ({
      ...way,
      chosen: way.mode === mode,
      costs: `${costs} ${standsBy}`,
      recovery: `${loss} ${measured}`,
    })),
  };
};

/** `loss`: what a lost zone leaves. `measured`: in which time jobs go on then. */
type Way = Omit<PlacementChoice, 'chosen' | 'recovery'> & { readonly loss: string; readonly measured: string };
interface Fleet {
  readonly slots: number;
  readonly hosts: number;
}

const singleZone = (cluster: Placed, { slots }: Fleet): Way => ({
  mode: 'single-zone',
  zones: [cluster.zone],
  crossZoneShare: 0,
  slotsAfterZoneLoss: 0,
  costs: `Nothing for what hosts send each other: all are in ${cluster.zone}.`,
  latency: `A round trip between hosts of a zone typically takes ${ROUND_TRIP_MS.zone} ms, and they are in one placement group.`,
  loss: `When ${cluster.zone} is lost all ${slots} slots are, and the cluster ${movesOf(cluster)}.`,
  measured: measuredMove(cluster),
});

const spreadOver = (cluster: Placed, { slots, hosts }: Fleet, stageZones: readonly string[]): Way => {
  const { spec, size, zone } = cluster;
  const isSpread = spec.placement.mode === 'spread';
  const asked = { placement: { ...spec.placement, mode: 'spread' as const } };
  const possible = isSpread ? { ok: true as const, zones: cluster.zones } : chooseSpread(asked, zone, size, stageZones);
  const over = possible.ok ? [...(possible.zones ?? [zone])] : [zone];
  const zones = [...taskManagerZones({ ...cluster, zones: over })];
  const inZone = evenly(hosts, zones.length);
  const share = hosts === 0 ? 0 : 1 - inZone.reduce((sum, count) => sum + (count / hosts) ** 2, 0);
  const slotsAfterZoneLoss = Math.max(0, slots - Math.max(...inZone) * slotsPerHost(size));
  const dollarsPerTB = share * CROSS_ZONE_DOLLARS_PER_GB * 1_000;
  const standbyIn = isSpread ? cluster.resources.standby?.zone : standbyZone({ ...cluster, zones: over });
  const leadsOn = standbyIn === zone ? undefined : standbyIn;
  return {
    mode: 'spread',
    ...(possible.ok ? {} : { unavailable: possible.problems.map(({ message }) => message).join('; ') }),
    zones,
    crossZoneShare: Math.round(share * 1_000) / 1_000,
    slotsAfterZoneLoss,
    costs: `With ${hosts} hosts over ${zones.length} zones ${Math.round(share * 100)} % of what tasks send each other crosses a zone, at $${CROSS_ZONE_DOLLARS_PER_GB} a GB by list price: $${dollarsPerTB.toFixed(2)} for each TB that jobs shuffle. A connection between hosts has 5 Gbit/s at most, not the 10 of a placement group, which cannot span zones.`,
    latency: `A round trip between zones typically takes ${ROUND_TRIP_MS.region} ms (AWS says single-digit milliseconds), one inside a zone ${ROUND_TRIP_MS.zone}: records and checkpoint barriers that cross wait that much longer at each exchange between tasks.`,
    loss: `When a zone is lost that the JobManager is not in, at least ${slotsAfterZoneLoss} of ${slots} slots are left, in which jobs go on from their latest complete checkpoints while hosts boot in the other zones. When ${zone} is lost, the JobManager with it, ${leadsOn ? `the one that stands by in ${leadsOn} leads on, and nothing moves` : `the cluster ${movesOf(cluster)}`}.`,
    measured: `Measured on one machine: first records ${MEASURED_SECONDS.slotsLeft} s after TaskManagers have vanished. ${leadsOn ? `With the JobManager's zone, ${MEASURED_SECONDS.standbyLeads} s until new results.` : measuredMove(cluster)}`,
  };
};

const movesOf = ({ spec }: Placed): string => {
  const { automatic, objectiveSeconds, capacity } = spec.placement.failover;
  if (!automatic) return 'waits for a person who moves it (placement.failover.automatic is off)';
  const where = capacity === 'warm' ? 'where a reserve stands by that its jobs go on in' : 'where hosts boot first and its jobs go on';
  return `moves to another zone by itself, ${where} from their latest complete checkpoints; the objective is ${objectiveSeconds} s`;
};

const measuredMove = ({ spec }: Placed): string => {
  const { automatic, capacity } = spec.placement.failover;
  const { cold, warm, boot, silence } = MEASURED_SECONDS;
  const moved =
    capacity === 'warm' ? `${warm} s until new results` : `${cold} s until new results, and the boot of hosts, ${boot} s on EC2, besides`;
  return `A move, measured on one machine: ${moved}.${automatic ? ` Where neither AWS nor a failed launch says that the zone is lost, ${silence} s of silence come first.` : ''}`;
};

/** By list price, where the stage has one for both types. */
const reserveCosts = ({ size }: Placed, hosts: number, prices: HostPriceList): string => {
  const { taskManager, jobManager } = hostPrices(size, prices);
  const [each, leader] = [taskManager.all, jobManager.all];
  const dollars = each === undefined || leader === undefined ? '' : `: $${(hosts * each + leader).toFixed(2)} an hour`;
  return `${hosts} TaskManager hosts and a JobManager that run and do nothing, as much as the cluster again${dollars}.`;
};

/** As Auto Scaling spreads them. */
const evenly = (hosts: number, zones: number): readonly number[] =>
  Array.from({ length: zones }, (_, index) => Math.floor(hosts / zones) + (index < hosts % zones ? 1 : 0));
