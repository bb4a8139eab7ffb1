import { type ClusterSpec, GP3, type InstanceFacts, type ResolvedSize } from '../contracts/cluster';
import type { FieldProblem } from '../contracts/errors';
import { provisionedDollarsPerMonth, type VolumePrices } from './host-price';

/** Local state, its backup for local recovery, and compaction's temporary copy of about 3 GB of live state a slot. GB. */
export const GB_PER_SLOT = 10;
const SIZE_GB = { min: 20, max: 1_000 } as const;
/**
 * What state has of a host's EBS bandwidth for each vCPU, MiB/s, where the caller does not say: what gp3 has for nothing is that of eight
 * vCPUs, so that only larger hosts pay, and these at most a fiftieth of their price ($0.64 a month for a vCPU that costs $31 as c6i).
 */
const MIBPS_PER_VCPU = 16;
type Asked = NonNullable<ClusterSpec['overrides']['stateVolume']>;
export type Gp3Volume = Extract<ResolvedSize['stateVolume'], { readonly kind: 'gp3' }>;

/** Where a host's state lies. @param slots of the host @param asked by the caller, of a volume */
export const stateVolumeOf = (host: InstanceFacts, slots: number, asked: Asked = {}): ResolvedSize['stateVolume'] => {
  if (host.localStorageGB > 0) return { kind: 'nvme', sizeGB: host.localStorageGB };
  const throughputMiBps = asked.throughputMiBps ?? Math.min(usualThroughput(host), mostThroughput(asked.iops ?? GP3.iops.max));
  return { kind: 'gp3', sizeGB: stateGB(slots), throughputMiBps, iops: asked.iops ?? fewestIops(throughputMiBps) };
};

/** What the state of so many slots is given where it has to be paid for. GB. */
export const stateGB = (slots: number): number => Math.min(SIZE_GB.max, Math.max(SIZE_GB.min, slots * GB_PER_SLOT));

/** No more than the type sustains. Where EC2 does not say what that is, nothing is paid for. */
const usualThroughput = ({ vcpus, ebs }: InstanceFacts): number =>
  Math.max(GP3.throughputMiBps.min, Math.min(vcpus * MIBPS_PER_VCPU, ebs?.baselineMiBps ?? 0, GP3.throughputMiBps.max));

const mostThroughput = (iops: number): number => Math.floor(iops * GP3.mibpsPerIops);
const fewestIops = (throughputMiBps: number): number => Math.max(GP3.iops.min, Math.ceil(throughputMiBps / GP3.mibpsPerIops));

/** What is wrong with what the caller asks of a volume. @param slots of the host */
export const stateVolumeProblems = (host: InstanceFacts, slots: number, asked: Asked | undefined): FieldProblem[] => {
  if (asked === undefined) return [];
  const { instanceType, localStorageGB, ebs } = host;
  const path = 'overrides.stateVolume';
  if (localStorageGB > 0) return [{ path, message: `${instanceType} keeps state on its local disks: it has no volume for it` }];
  const { throughputMiBps = 0, iops } = asked;
  const problems: FieldProblem[] = [];
  if (throughputMiBps > (ebs?.peakMiBps ?? GP3.throughputMiBps.max))
    problems.push({
      path: `${path}.throughputMiBps`,
      message: `the EBS bandwidth of ${instanceType} reaches ${ebs?.peakMiBps} MiB/s at its peak, ${throughputMiBps} asked`,
    });
  if (iops === undefined) return problems;
  if (iops > (ebs?.peakIops ?? GP3.iops.max))
    problems.push({ path: `${path}.iops`, message: `${instanceType} reaches ${ebs?.peakIops} IOPS at its peak, ${iops} asked` });
  if (throughputMiBps > mostThroughput(iops))
    problems.push({
      path: `${path}.iops`,
      message: `${throughputMiBps} MiB/s need ${fewestIops(throughputMiBps)} IOPS, four each, ${iops} asked`,
    });
  const most = stateGB(slots) * GP3.iopsPerGB;
  if (iops > most)
    problems.push({
      path: `${path}.iops`,
      message: `a volume of ${stateGB(slots)} GB has ${most} IOPS at most, ${GP3.iopsPerGB} a GB, ${iops} asked`,
    });
  return problems;
};

/** A sentence for the caller: where state lies, and why. @param prices of the stage */
export const describeStateVolume = (instanceType: string, volume: ResolvedSize['stateVolume'], prices?: VolumePrices): string => {
  if (volume.kind === 'nvme') return `state lies on the ${volume.sizeGB} GB of local NVMe that ${instanceType} has`;
  const dollars = prices === undefined ? 0 : provisionedDollarsPerMonth(volume, prices);
  const { sizeGB, throughputMiBps, iops } = volume;
  const usual = `${GP3.throughputMiBps.min} MiB/s and ${GP3.iops.min} IOPS`;
  return [
    `${instanceType} has no local disk: state lies on a gp3 volume of ${sizeGB} GB, ${GB_PER_SLOT} a slot, with ${throughputMiBps} MiB/s and ${iops} IOPS`,
    ...(dollars === 0 ? [] : [`for which each costs $${dollars.toFixed(2)} a month more than with ${usual} by the prices of the stage`]),
  ].join(', ');
};
