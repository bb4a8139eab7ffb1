import {
  type _InstanceType,
  type DiskInfo,
  type EC2Client,
  type InstanceTypeInfo,
  paginateDescribeInstanceTypes,
} from '@aws-sdk/client-ec2';
import type { InstanceFacts } from '../../contracts/cluster';
import type { InstanceFactsPort } from './instance-facts.port';

/** EC2's facts of a type never change, so they are kept for the life of the function's environment. Types unknown so far are asked again: EC2 gets new ones. */
const known = new Map<string, InstanceFacts>();

/** DescribeInstanceTypes by filter: unlike its `InstanceTypes` parameter, a filter leaves unknown types out where the other fails as a whole. */
export const createInstanceFacts = ({ client }: { readonly client: EC2Client }): InstanceFactsPort => ({
  async describe(instanceTypes) {
    const missing = [...new Set(instanceTypes)].filter((type) => !known.has(type));
    if (missing.length > 0) {
      const pages = paginateDescribeInstanceTypes({ client }, { Filters: [{ Name: 'instance-type', Values: missing }] });
      for await (const { InstanceTypes = [] } of pages) {
        for (const info of InstanceTypes)
          if (info.InstanceType && missing.includes(info.InstanceType)) known.set(info.InstanceType, toFacts(info.InstanceType, info));
      }
    }
    return new Map(instanceTypes.flatMap((type) => known.get(type) ?? []).map((facts) => [facts.instanceType, facts]));
  },

  async alike({ instanceType, vcpus, memoryMiB }, bought) {
    const Filters = [
      { Name: 'vcpu-info.default-vcpus', Values: [String(vcpus)] },
      { Name: 'memory-info.size-in-mib', Values: [String(memoryMiB)] },
    ];
    const found: InstanceTypeInfo[] = [];
    for await (const { InstanceTypes = [] } of paginateDescribeInstanceTypes({ client }, { Filters })) found.push(...InstanceTypes);
    const own = found.find((info) => info.InstanceType === instanceType);
    if (own && !isPlain(own)) return [];
    return found.flatMap((info) =>
      info.InstanceType && info.CurrentGeneration && info.SupportedUsageClasses?.includes(bought) && isPlain(info)
        ? [toFacts(info.InstanceType, info)]
        : [],
    );
  },
});

/**
 * Types are alike by vCPUs and memory only where they have nothing else that is paid for or missed: no accelerators, no hard disks, a CPU that is theirs all
 * the time, and Nitro, which shows a host its tags while it runs (node/sluice_node/drain.py). Burstable and flexible types, and hardly any others, cannot be in a cluster
 * placement group (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html).
 */
const isPlain = (info: InstanceTypeInfo): boolean =>
  info.Hypervisor === 'nitro' &&
  (info.PlacementGroupInfo?.SupportedStrategies?.includes('cluster') ?? false) &&
  (info.GpuInfo ?? info.FpgaInfo ?? info.InferenceAcceleratorInfo ?? info.NeuronInfo ?? info.MediaAcceleratorInfo) === undefined &&
  (info.InstanceStorageInfo?.Disks ?? []).every(({ Type }) => Type === 'ssd');

const sum = (values: readonly (number | undefined)[]): number | undefined =>
  values.length === 0 || values.includes(undefined) ? undefined : values.reduce<number>((total, value) => total + (value ?? 0), 0);

/** What a host has of its local disks: it joins them, and takes as much of each (node/sluice_node/volume.py). */
const joinedGB = (disks: readonly DiskInfo[]): number =>
  disks.length === 0 ? 0 : Math.min(...disks.map(({ SizeInGB = 0 }) => SizeInGB)) * disks.reduce((sum, { Count = 1 }) => sum + Count, 0);

/** EC2 counts a million bytes, a volume's throughput 2^20. */
const mibpsOf = (megabytesPerSecond: number): number => Math.floor((megabytesPerSecond * 1e6) / 2 ** 20);

const ebsOf = ({ EbsInfo: { EbsOptimizedInfo: ebs } = {} }: InstanceTypeInfo): Pick<InstanceFacts, 'ebs'> =>
  ebs?.BaselineThroughputInMBps === undefined || ebs.MaximumThroughputInMBps === undefined || ebs.MaximumIops === undefined
    ? {}
    : {
        ebs: {
          baselineMiBps: mibpsOf(ebs.BaselineThroughputInMBps),
          peakMiBps: mibpsOf(ebs.MaximumThroughputInMBps),
          peakIops: ebs.MaximumIops,
        },
      };

/** EC2's words for bandwidth where it gives no figures: `Up to 10 Gigabit`, `25 Gigabit`, `4x 100 Gigabit`; `High`, `Moderate`, `Low` are all under 10 Gbit/s. */
export const gbpsOf = (networkPerformance: string | undefined): number => {
  const match = /(?:(\d+)x )?([\d.]+) (Giga|Mega)bit/.exec(networkPerformance ?? '');
  if (!match) return 0;
  return Number(match[1] ?? 1) * Number(match[2]) * (match[3] === 'Giga' ? 1 : 0.001);
};

const toFacts = (instanceType: _InstanceType, info: InstanceTypeInfo): InstanceFacts => {
  const { NetworkInfo: network, InstanceStorageInfo: storage } = info;
  const cards = network?.NetworkCards ?? [];
  const baselineGbps = sum(cards.map((card) => card.BaselineBandwidthInGbps));
  return {
    instanceType,
    vcpus: info.VCpuInfo?.DefaultVCpus ?? 0,
    memoryMiB: info.MemoryInfo?.SizeInMiB ?? 0,
    // A flow can only use all cards where an instance has an interface on each; types with several are far over any limit here anyway.
    peakGbps: sum(cards.map((card) => card.PeakBandwidthInGbps)) ?? gbpsOf(network?.NetworkPerformance),
    ...(baselineGbps === undefined ? {} : { baselineGbps }),
    localStorageGB: storage?.NvmeSupport && storage.NvmeSupport !== 'unsupported' ? joinedGB(storage.Disks ?? []) : 0,
    ...ebsOf(info),
    architecture: info.ProcessorInfo?.SupportedArchitectures?.includes('arm64') ? 'arm64' : 'x86_64',
    addressesPerInterface: network?.Ipv4AddressesPerInterface ?? 1,
  };
};
