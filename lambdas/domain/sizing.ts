import type { ClusterSpec, InstanceFacts, ResolvedSize, SizeDefinition } from '../contracts/cluster';
import type { FieldProblem } from '../contracts/errors';
import type { Stage } from '../contracts/stage';
import { slotsPerHost } from './capacity';
import { describeStateVolume, stateGB, stateVolumeOf, stateVolumeProblems } from './state-volume';

/** Streaming between hosts needs headroom for bursts: a type whose peak is under 10 Gbit/s is refused (mission row L4). */
export const STREAMING_PEAK_GBPS = 10;
/** The share of a host's memory that Flink's processes may take; the other third is for page cache, RocksDB's files and the system (row L5). */
export const FLINK_SHARE_OF_HOST = 2 / 3;
/** Flink's fixed parts alone (metaspace 256, overhead 192, framework 256, network 64 MiB) leave nothing to work with below this. MiB. */
export const MINIMUM_TASK_MANAGER_MIB = 1_024;

export type Sizing =
  | {
      readonly ok: true;
      readonly size: ResolvedSize /** One sentence for each choice that was not the caller's. */;
      readonly reasons: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

interface Wish extends SizeDefinition {
  /** Path of the field that a value comes from: the override, or `size`. */
  readonly from: Readonly<Record<'instanceType' | 'jobManagerType' | 'jobManagerMemory' | 'perHost' | 'slots' | 'min' | 'max', string>>;
}

/** The EC2 types whose facts `resolveSize` needs. */
export const instanceTypesOf = (spec: ClusterSpec, stage: Pick<Stage, 'sizes'>): readonly string[] => {
  const { instanceType, jobManager } = wishOf(spec, stage.sizes[spec.size]);
  return [...new Set([instanceType, jobManager.instanceType])];
};

/**
 * Makes a spec's named size and overrides concrete (mission rows L3 to L7).
 * @param facts by instance type, as DescribeInstanceTypes gives them; an unknown type is not in it.
 * @returns every problem at once, each with the path of the field that it comes from.
 */
export const resolveSize = (
  spec: ClusterSpec,
  stage: Pick<Stage, 'sizes' | 'limits' | 'volumePrices'>,
  facts: ReadonlyMap<string, InstanceFacts>,
): Sizing => {
  const wish = wishOf(spec, stage.sizes[spec.size]);
  const host = facts.get(wish.instanceType);
  const jobManagerHost = facts.get(wish.jobManager.instanceType);
  const problems: FieldProblem[] = [
    ...unknownType(wish.from.instanceType, wish.instanceType, host),
    ...unknownType(wish.from.jobManagerType, wish.jobManager.instanceType, jobManagerHost),
    ...fleetProblems(wish, stage.limits.maxTaskManagersPerCluster),
  ];
  if (jobManagerHost) problems.push(...jobManagerProblems(wish, jobManagerHost));
  if (host)
    problems.push(
      ...networkProblems(spec, wish, host),
      ...hostProblems(wish, host),
      ...stateVolumeProblems(host, slotsOf(wish, host), spec.overrides.stateVolume),
    );
  if (!host || problems.length > 0) return { ok: false, problems };
  return sized(spec, wish, host, stage.volumePrices);
};

/**
 * The size of a cluster that is there, with the largest fleet that its spec asks for now. Everything else stays as it was computed when it was launched, whatever the
 * stage makes of its size's name by now.
 */
export const withLargestFleet = (spec: ClusterSpec, size: ResolvedSize, stage: Pick<Stage, 'sizes' | 'limits'>): FleetSizing => {
  const asked = wishOf(spec, stage.sizes[spec.size]);
  const { taskManagersPerHost } = size;
  const { min } = size.taskManagers;
  const path = 'overrides.taskManagers.max';
  const wish = { ...asked, taskManagersPerHost, taskManagers: { min, max: asked.taskManagers.max } };
  const problems = fleetProblems(wish, stage.limits.maxTaskManagersPerCluster).map(({ message }) => ({ path, message }));
  if (problems.length > 0) return { ok: false, problems };
  const hosts = { min: hostsFor(min, taskManagersPerHost), max: Math.floor(asked.taskManagers.max / taskManagersPerHost) };
  if (hosts.max < 2 && spec.placement.mode === 'spread')
    return { ok: false, problems: [{ path, message: 'spread takes two TaskManager hosts at least' }] };
  const slots = slotsPerHost(size);
  const spareSlots = spareSlotsOf(spec, hosts, slots);
  if (spareSlots >= hosts.max * slots) return { ok: false, problems: [{ path, message: noSlotsLeft(spareSlots, hosts.max * slots) }] };
  return { ok: true, size: { ...size, taskManagers: { min, max: hosts.max * taskManagersPerHost }, spareSlots } };
};

type FleetSizing = { readonly ok: true; readonly size: ResolvedSize } | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/** The more pools EC2 can choose from the fewer interruptions and empty pools; Auto Scaling takes 40, more than these hardly add to it. */
const MOST_ALTERNATIVES = 12;
/** On demand, a host of another type costs at most so many times what one of the size's own does: budgets count the own one's price. */
const DEAREST_ALTERNATIVE = 1.2;

/**
 * Types that hosts may be of besides the size's own, the first to be taken first: what was computed for that fits each. The same vCPUs make the same slots, at least
 * its memory holds the same TaskManagers, local disk where state lies on one, with room for that of all slots, and the network is as good as the spec demands. Types
 * that the caller named stay in that order; others come by price, those nearest below the own one's first. On demand a type is none that costs too much, or of which
 * nobody knows what it costs unless the caller named it.
 * @param candidates facts of types that the caller named, or that EC2 has
 * @param prices of the stage, dollars an hour by instance type
 */
export const alternativesOf = (
  { network, purchase: { spotPercent, instanceTypes } }: Pick<ClusterSpec, 'network' | 'purchase'>,
  size: ResolvedSize,
  candidates: readonly InstanceFacts[],
  prices: NonNullable<Stage['prices']> = {},
): readonly string[] => {
  const dearer = timesDearer(size.instanceType, prices);
  const fit = candidates.filter((type) => fits(network, size, type)).map(({ instanceType }) => instanceType);
  if (instanceTypes) return fit.filter((type) => spotPercent > 0 || !(dearer(type) > DEAREST_ALTERNATIVE));
  const paid = byPrice(fit, dearer);
  const others = spotPercent > 0 ? fit.filter((type) => !paid.includes(type)).toSorted() : [];
  return [...paid, ...others].slice(0, MOST_ALTERNATIVES);
};

/** Each is tried after the one before it has failed, seconds apart, and a failover waits meanwhile. */
const MOST_JOB_MANAGER_ALTERNATIVES = 4;

/**
 * Types that a JobManager's host may be of besides the size's own, on demand, in the order in which they are tried: no fewer vCPUs and no less memory than the one
 * that `jobManager.memoryMiB` was held against, so that the same settings hold. It keeps no state and has one address, which every type has room for.
 * @param own facts of the size's own type
 * @param candidates facts of types that the caller named, or that EC2 has
 * @param prices of the stage, dollars an hour by instance type
 */
export const jobManagerAlternativesOf = (
  named: readonly string[] | undefined,
  own: InstanceFacts,
  candidates: readonly InstanceFacts[],
  prices: NonNullable<Stage['prices']> = {},
): readonly string[] => {
  const dearer = timesDearer(own.instanceType, prices);
  const fit = candidates
    .filter(
      (type) =>
        type.instanceType !== own.instanceType &&
        jobManagerMisfit(own, type) === undefined &&
        (named === undefined || named.includes(type.instanceType)),
    )
    .map(({ instanceType }) => instanceType);
  return named ? fit.filter((type) => !(dearer(type) > DEAREST_ALTERNATIVE)) : byPrice(fit, dearer).slice(0, MOST_JOB_MANAGER_ALTERNATIVES);
};

/** How many times what the own type costs another one does; NaN where nobody knows. */
const timesDearer =
  (own: string, prices: NonNullable<Stage['prices']>) =>
  (type: string): number =>
    (prices[type] ?? Number.NaN) / (prices[own] ?? Number.NaN);

/** Those that do not cost too much: the nearest below the own one's price first, then those above. */
const byPrice = (types: readonly string[], dearer: (type: string) => number): readonly string[] => {
  const rank = (type: string): number => (dearer(type) <= 1 ? 1 - dearer(type) : dearer(type));
  return types.filter((type) => dearer(type) <= DEAREST_ALTERNATIVE).toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
};

const fits = (network: ClusterSpec['network'], size: ResolvedSize, type: InstanceFacts): boolean =>
  type.instanceType !== size.instanceType && misfit(network, size, type) === undefined;

/** What keeps a type from being that of a host which was computed for another, the first that is found. */
const misfit = (network: ClusterSpec['network'], size: ResolvedSize, type: InstanceFacts): string | undefined => {
  const own = size.instanceType;
  if (type.architecture !== size.architecture) return `is ${type.architecture}, ${own} is ${size.architecture}`;
  if (type.vcpus !== size.vcpus) return `has ${type.vcpus} vCPUs, slots were computed with the ${size.vcpus} of ${own}`;
  if (type.memoryMiB < size.hostMemoryMiB)
    return `has ${type.memoryMiB} MiB, TaskManagers were made for the ${size.hostMemoryMiB} of ${own}`;
  if (type.addressesPerInterface < size.taskManagersPerHost)
    return `has a network interface for ${type.addressesPerInterface} addresses, and ${size.taskManagersPerHost} TaskManagers need one each`;
  const lacking = roomLacking(size, type);
  if (lacking !== undefined) return lacking;
  if (!network.allowSlow && type.peakGbps < STREAMING_PEAK_GBPS)
    return `has a network that reaches ${type.peakGbps} Gbit/s at its peak, streaming needs ${STREAMING_PEAK_GBPS}; set network.allowSlow to accept it`;
  const { minimumBaselineGbps } = network;
  return minimumBaselineGbps !== undefined && (type.baselineGbps ?? 0) < minimumBaselineGbps
    ? `sustains ${type.baselineGbps ?? 'an unstated number of'} Gbit/s, ${minimumBaselineGbps} demanded`
    : undefined;
};

/** A host keeps state on its local disk where it has one, also where the size's own type has none. */
const roomLacking = (size: ResolvedSize, { localStorageGB }: InstanceFacts): string | undefined => {
  if (localStorageGB === 0)
    return size.stateVolume.kind === 'gp3' ? undefined : `has no local disk, and state lies on that of ${size.instanceType}`;
  const needed = Math.min(size.stateVolume.sizeGB, stateGB(slotsPerHost(size)));
  return localStorageGB >= needed ? undefined : `has ${localStorageGB} GB of local disk, the state of a host's slots takes ${needed}`;
};

const jobManagerMisfit = (own: InstanceFacts, { architecture, vcpus, memoryMiB }: InstanceFacts): string | undefined => {
  if (architecture !== own.architecture) return `is ${architecture}, ${own.instanceType} is ${own.architecture}`;
  if (vcpus < own.vcpus) return `has ${vcpus} vCPUs, ${own.instanceType} has ${own.vcpus}`;
  return memoryMiB < own.memoryMiB ? `has ${memoryMiB} MiB, ${own.instanceType} has ${own.memoryMiB}` : undefined;
};

/** A sentence about each type that the caller named and that hosts cannot be of. @param facts by instance type; an unknown type is not in it */
export const unfitAlternatives = (
  { network, purchase: { spotPercent, instanceTypes = [] } }: Pick<ClusterSpec, 'network' | 'purchase'>,
  size: ResolvedSize,
  facts: ReadonlyMap<string, InstanceFacts>,
  prices: NonNullable<Stage['prices']> = {},
): readonly FieldProblem[] =>
  unfit('purchase.instanceTypes', instanceTypes, size.instanceType, facts, (type) => {
    const dear = spotPercent > 0 ? undefined : tooDear(size.instanceType, type.instanceType, prices);
    return misfit(network, size, type) ?? dear;
  });

/** The same for the host of a JobManager. @param own facts of the size's own type */
export const unfitJobManagerAlternatives = (
  named: readonly string[],
  own: InstanceFacts,
  facts: ReadonlyMap<string, InstanceFacts>,
  prices: NonNullable<Stage['prices']> = {},
): readonly FieldProblem[] =>
  unfit(
    'overrides.jobManager.instanceTypes',
    named,
    own.instanceType,
    facts,
    (type) => jobManagerMisfit(own, type) ?? tooDear(own.instanceType, type.instanceType, prices),
  );

const unfit = (
  path: string,
  named: readonly string[],
  own: string,
  facts: ReadonlyMap<string, InstanceFacts>,
  reasonOf: (type: InstanceFacts) => string | undefined,
): readonly FieldProblem[] =>
  named
    .filter((type) => type !== own)
    .flatMap((type) => {
      const found = facts.get(type);
      if (!found) return unknownType(path, type, found);
      const reason = reasonOf(found);
      return reason === undefined ? [] : [{ path, message: `${type} ${reason}` }];
    });

const tooDear = (own: string, type: string, prices: NonNullable<Stage['prices']>): string | undefined => {
  const times = timesDearer(own, prices)(type);
  return times > DEAREST_ALTERNATIVE ? `costs ${times.toFixed(2)} times what ${own} does, ${DEAREST_ALTERNATIVE} at most` : undefined;
};

const wishOf = ({ overrides }: ClusterSpec, size: SizeDefinition): Wish => {
  const from = (path: string, value: unknown): string => (value === undefined ? 'size' : `overrides.${path}`);
  return {
    instanceType: overrides.instanceType ?? size.instanceType,
    jobManager: {
      instanceType: overrides.jobManager?.instanceType ?? size.jobManager.instanceType,
      memoryMiB: overrides.jobManager?.memoryMiB ?? size.jobManager.memoryMiB,
    },
    taskManagersPerHost: overrides.taskManagersPerHost ?? size.taskManagersPerHost,
    slotsPerVcpu: overrides.slotsPerVcpu ?? size.slotsPerVcpu,
    taskManagers: { min: overrides.taskManagers?.min ?? size.taskManagers.min, max: overrides.taskManagers?.max ?? size.taskManagers.max },
    from: {
      instanceType: from('instanceType', overrides.instanceType),
      jobManagerType: from('jobManager.instanceType', overrides.jobManager?.instanceType),
      jobManagerMemory: from('jobManager.memoryMiB', overrides.jobManager?.memoryMiB),
      perHost: from('taskManagersPerHost', overrides.taskManagersPerHost),
      slots: from('slotsPerVcpu', overrides.slotsPerVcpu),
      min: from('taskManagers.min', overrides.taskManagers?.min),
      max: from('taskManagers.max', overrides.taskManagers?.max),
    },
  };
};

const unknownType = (path: string, type: string, facts: InstanceFacts | undefined): FieldProblem[] =>
  facts ? [] : [{ path, message: `EC2 has no instance type ${type}` }];

const fleetProblems = ({ taskManagers: { min, max }, taskManagersPerHost, from }: Wish, limit: number): FieldProblem[] => {
  if (max > limit) return [{ path: from.max, message: `${max} TaskManagers asked, the stage allows ${limit}` }];
  if (min > limit) return [{ path: from.min, message: `${min} TaskManagers asked, the stage allows ${limit}` }];
  if (min > max)
    return [
      {
        path: from.min === 'size' ? from.max : from.min,
        message: `the smallest fleet of ${min} TaskManagers is over the largest of ${max}`,
      },
    ];
  if (hostsFor(min, taskManagersPerHost) > Math.floor(max / taskManagersPerHost)) {
    const path = [from.max, from.min, from.perHost].find((candidate) => candidate !== 'size') ?? 'size';
    return [
      {
        path,
        message: `${min} to ${max} TaskManagers cannot be had with ${taskManagersPerHost} on every host: give limits that whole hosts fit in`,
      },
    ];
  }
  return [];
};

const jobManagerProblems = ({ jobManager, from }: Wish, { memoryMiB }: InstanceFacts): FieldProblem[] => {
  const most = Math.floor(memoryMiB * FLINK_SHARE_OF_HOST);
  return jobManager.memoryMiB <= most
    ? []
    : [
        {
          path: from.jobManagerMemory === 'size' ? from.jobManagerType : from.jobManagerMemory,
          message: `${jobManager.memoryMiB} MiB leave less than a third of a ${jobManager.instanceType} (${memoryMiB} MiB) to the system; at most ${most} MiB`,
        },
      ];
};

const networkProblems = (
  { network }: ClusterSpec,
  { instanceType, from }: Wish,
  { peakGbps, baselineGbps }: InstanceFacts,
): FieldProblem[] => {
  const problems: FieldProblem[] = [];
  if (peakGbps < STREAMING_PEAK_GBPS && !network.allowSlow)
    problems.push({
      path: from.instanceType,
      message: `the network of ${instanceType} reaches ${peakGbps} Gbit/s at its peak${baselineGbps === undefined ? '' : ` (${baselineGbps} sustained)`}, streaming needs ${STREAMING_PEAK_GBPS}; set network.allowSlow to accept it`,
    });
  if (network.minimumBaselineGbps !== undefined && (baselineGbps ?? 0) < network.minimumBaselineGbps)
    problems.push({
      path: 'network.minimumBaselineGbps',
      message: `${instanceType} sustains ${baselineGbps ?? 'an unstated number of'} Gbit/s, ${network.minimumBaselineGbps} demanded`,
    });
  return problems;
};

const hostProblems = ({ instanceType, taskManagersPerHost, from }: Wish, host: InstanceFacts): FieldProblem[] => {
  const path = from.perHost === 'size' ? from.instanceType : from.perHost;
  if (taskManagersPerHost > host.addressesPerInterface)
    return [
      {
        path,
        message: `${taskManagersPerHost} TaskManagers need an address each, the network interface of ${instanceType} holds ${host.addressesPerInterface}`,
      },
    ];
  const memory = taskManagerMemory(host, taskManagersPerHost);
  return memory >= MINIMUM_TASK_MANAGER_MIB
    ? []
    : [
        {
          path,
          message: `two thirds of a ${instanceType} (${host.memoryMiB} MiB) give ${taskManagersPerHost} TaskManagers ${memory} MiB each, Flink needs ${MINIMUM_TASK_MANAGER_MIB}`,
        },
      ];
};

const sized = (spec: ClusterSpec, wish: Wish, host: InstanceFacts, volumePrices: Stage['volumePrices']): Sizing => {
  const perHost = wish.taskManagersPerHost;
  const hosts = { min: hostsFor(wish.taskManagers.min, perHost), max: Math.floor(wish.taskManagers.max / perHost) };
  const slots = slotsOf(wish, host);
  const spareSlots = spareSlotsOf(spec, hosts, slots);
  if (spareSlots >= hosts.max * slots)
    return {
      ok: false,
      problems: [
        {
          path: 'spareSlots',
          message: noSlotsLeft(spareSlots, hosts.max * slots),
        },
      ],
    };
  const stateVolume = stateVolumeOf(host, slots, spec.overrides.stateVolume);
  const memory = taskManagerMemory(host, perHost);
  return {
    ok: true,
    size: {
      instanceType: wish.instanceType,
      vcpus: host.vcpus,
      hostMemoryMiB: host.memoryMiB,
      architecture: host.architecture,
      peakGbps: host.peakGbps,
      ...(host.baselineGbps === undefined ? {} : { baselineGbps: host.baselineGbps }),
      stateVolume,
      jobManager: wish.jobManager,
      taskManagersPerHost: perHost,
      taskManagerMemoryMiB: memory,
      slotsPerTaskManager: slots / perHost,
      taskManagers: { min: hosts.min * perHost, max: hosts.max * perHost },
      // The slots of the smallest fleet are vCPUs x slots per vCPU, and never more than the largest fleet has.
      defaultParallelism: hosts.min * slots,
      spareSlots,
    },
    reasons: [
      describeStateVolume(wish.instanceType, stateVolume, volumePrices),
      `${perHost} TaskManager${perHost === 1 ? '' : 's'} of ${memory} MiB a host leave a third of its ${host.memoryMiB} MiB to page cache and system`,
      spareSlots > 0
        ? `${spareSlots} slots stand by so that a lost TaskManager needs no boot`
        : 'no slots stand by: a lost TaskManager waits for a new host',
    ],
  };
};

/** @param slots of a host */
const spareSlotsOf = (
  { size, spareSlots }: Pick<ClusterSpec, 'size' | 'spareSlots'>,
  hosts: { readonly min: number; readonly max: number },
  slots: number,
): number => spareSlots ?? (size === 'dev' || hosts.max === hosts.min ? 0 : slots);

const noSlotsLeft = (spareSlots: number, most: number): string =>
  `${spareSlots} spare slots leave none of the ${most} of the largest fleet to jobs`;

/** Of a host. Each of its TaskManagers has as many, and one at least. */
const slotsOf = ({ slotsPerVcpu, taskManagersPerHost }: Wish, { vcpus }: InstanceFacts): number =>
  Math.max(1, Math.floor((vcpus * slotsPerVcpu) / taskManagersPerHost)) * taskManagersPerHost;

const taskManagerMemory = ({ memoryMiB }: InstanceFacts, perHost: number): number =>
  Math.floor((memoryMiB * FLINK_SHARE_OF_HOST) / perHost);

const hostsFor = (taskManagers: number, perHost: number): number => Math.ceil(taskManagers / perHost);
