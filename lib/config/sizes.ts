import type { SizeDefinition, SizeName } from '../../lambdas/contracts/cluster';

/**
 * What the named sizes stand for (mission row L3); a stage may replace any of them, a cluster's spec any value of one.
 *
 * TaskManager hosts are compute-optimised with local NVMe for RocksDB (c6id: 12.5 Gbit/s peak and more), so window state and the local-recovery copy
 * stay off the network. The JobManager keeps checkpoint metadata and the graph in its heap and hardly computes: it gets 8–16 GiB of process memory
 * (row L5) on a memory-optimised host, of which a third and more stays free for the page cache (r7i.large: 16 GiB, r7i.xlarge: 32 GiB).
 */
export const PRODUCTION_SIZES: Readonly<Record<SizeName, SizeDefinition>> = {
  dev: {
    instanceType: 'c6id.large',
    jobManager: { instanceType: 'r7i.large', memoryMiB: 8_192 },
    taskManagersPerHost: 1,
    slotsPerVcpu: 2,
    taskManagers: { min: 1, max: 4 },
  },
  small: {
    instanceType: 'c6id.2xlarge',
    jobManager: { instanceType: 'r7i.large', memoryMiB: 8_192 },
    taskManagersPerHost: 1,
    slotsPerVcpu: 2,
    taskManagers: { min: 2, max: 8 },
  },
  medium: {
    instanceType: 'c6id.4xlarge',
    jobManager: { instanceType: 'r7i.large', memoryMiB: 10_240 },
    taskManagersPerHost: 2,
    slotsPerVcpu: 2,
    taskManagers: { min: 4, max: 24 },
  },
  large: {
    instanceType: 'c6id.8xlarge',
    jobManager: { instanceType: 'r7i.xlarge', memoryMiB: 16_384 },
    taskManagersPerHost: 4,
    slotsPerVcpu: 2,
    taskManagers: { min: 8, max: 64 },
  },
  xlarge: {
    instanceType: 'c6id.16xlarge',
    jobManager: { instanceType: 'r7i.xlarge', memoryMiB: 16_384 },
    taskManagersPerHost: 8,
    slotsPerVcpu: 2,
    taskManagers: { min: 16, max: 96 },
  },
};

/** gp3 in us-east-1, as known in November 2025 (https://aws.amazon.com/ebs/pricing/): a stage elsewhere names its own. */
export const GP3_PRICES = { gbMonth: 0.08, mibpsMonth: 0.04, iopsMonth: 0.005 } as const;

/** On demand, Linux, us-east-1, as known in November 2025 (https://aws.amazon.com/ec2/pricing/on-demand/): a stage elsewhere, or with a savings plan, names its own. Those that
 * no size is made of are what its hosts may be of where EC2 has none of the first (`alternativesOf`). */
export const ON_DEMAND_PRICES: Readonly<Record<string, number>> = {
  'c5.large': 0.085,
  'c5ad.large': 0.086,
  'c5ad.2xlarge': 0.344,
  'c5ad.4xlarge': 0.688,
  'c5ad.8xlarge': 1.376,
  'c5ad.16xlarge': 2.752,
  'c5d.large': 0.096,
  'c5d.2xlarge': 0.384,
  'c5d.4xlarge': 0.768,
  'c6i.large': 0.085,
  'c6id.large': 0.1008,
  'c6id.2xlarge': 0.4032,
  'c6id.4xlarge': 0.8064,
  'c6id.8xlarge': 1.6128,
  'c6id.16xlarge': 3.2256,
  'r5.large': 0.126,
  'r5.xlarge': 0.252,
  'r6a.large': 0.1134,
  'r6a.xlarge': 0.2268,
  'r6i.large': 0.126,
  'r6i.xlarge': 0.252,
  'r7a.large': 0.15215,
  'r7a.xlarge': 0.3043,
  'r7i.large': 0.1323,
  'r7i.xlarge': 0.2646,
};
