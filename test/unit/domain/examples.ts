import { type ClusterSpec, clusterSpec, type InstanceFacts, type SizeDefinition } from '../../../lambdas/contracts/cluster';
import type { Stage } from '../../../lambdas/contracts/stage';
import { resolveSize } from '../../../lambdas/domain/sizing';
import { GP3_PRICES } from '../../../lib/config/sizes';

const type = (
  instanceType: string,
  vcpus: number,
  memoryGiB: number,
  peakGbps: number,
  rest: Partial<InstanceFacts> = {},
): InstanceFacts => ({
  instanceType,
  vcpus,
  memoryMiB: memoryGiB * 1_024,
  peakGbps,
  localStorageGB: 0,
  architecture: 'x86_64',
  addressesPerInterface: 15,
  ...rest,
});

/** Facts as EC2 gives them. */
export const FACTS: ReadonlyMap<string, InstanceFacts> = new Map(
  [
    type('c5.large', 2, 4, 10, {
      baselineGbps: 0.75,
      addressesPerInterface: 10,
      ebs: { baselineMiBps: 77, peakMiBps: 566, peakIops: 20_000 },
    }),
    type('c5.2xlarge', 8, 16, 10, { baselineGbps: 2.5 }),
    type('c5.4xlarge', 16, 32, 10, {
      baselineGbps: 5,
      addressesPerInterface: 30,
      ebs: { baselineMiBps: 566, peakMiBps: 566, peakIops: 20_000 },
    }),
    type('c6id.2xlarge', 8, 16, 12.5, { baselineGbps: 3.125, localStorageGB: 474 }),
    type('c7gd.4xlarge', 16, 32, 15, { baselineGbps: 7.5, localStorageGB: 950, architecture: 'arm64', addressesPerInterface: 30 }),
    type('c4.large', 2, 3.75, 0.5, { addressesPerInterface: 10 }),
    type('t3.micro', 2, 1, 5, { baselineGbps: 0.064, addressesPerInterface: 2 }),
  ].map((facts) => [facts.instanceType, facts]),
);

const size = (instanceType: string, perHost: number, min: number, max: number, memoryMiB: number): SizeDefinition => ({
  instanceType,
  jobManager: { instanceType: memoryMiB > 2_730 ? 'c5.2xlarge' : 'c5.large', memoryMiB },
  taskManagersPerHost: perHost,
  slotsPerVcpu: 2,
  taskManagers: { min, max },
});

export const STAGE: Pick<Stage, 'sizes' | 'limits' | 'volumePrices'> = {
  sizes: {
    dev: size('c5.large', 1, 1, 4, 1_024),
    small: size('c6id.2xlarge', 2, 2, 8, 8_192),
    medium: size('c6id.2xlarge', 2, 4, 16, 8_192),
    large: size('c5.4xlarge', 4, 8, 64, 8_192),
    xlarge: size('c7gd.4xlarge', 4, 16, 100, 8_192),
  },
  limits: { maxTaskManagersPerCluster: 100, maxClusters: 20 },
  volumePrices: GP3_PRICES,
};

export const spec = (fields: Partial<Record<keyof ClusterSpec, unknown>> = {}): ClusterSpec =>
  clusterSpec.parse({ name: 'flights', size: 'small', ...fields });

export const sizeOf = (fields: Partial<Record<keyof ClusterSpec, unknown>> = {}) => {
  const sizing = resolveSize(spec(fields), STAGE, FACTS);
  if (!sizing.ok) throw new Error(JSON.stringify(sizing.problems));
  return sizing.size;
};
