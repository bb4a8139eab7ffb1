import type { InstanceFacts } from '../../lambdas/contracts/cluster';
import type { InstanceFactsPort } from '../../lambdas/gateways/aws/instance-facts.port';
import { type Faults, withFaults } from './faults';

const x86 = (
  instanceType: string,
  vcpus: number,
  memoryGiB: number,
  [peakGbps, baselineGbps]: readonly [number, number],
  addressesPerInterface: number,
  [baselineMiBps, peakMiBps, peakIops]: readonly [number, number, number],
  localStorageGB = 0,
): InstanceFacts => ({
  instanceType,
  vcpus,
  memoryMiB: memoryGiB * 1024,
  peakGbps,
  baselineGbps,
  addressesPerInterface,
  localStorageGB,
  ebs: { baselineMiBps, peakMiBps, peakIops },
  architecture: 'x86_64',
});

/** As DescribeInstanceTypes answers in us-east-1; the contract suite compares them with the emulator's copy of EC2's catalogue. */
export const KNOWN_INSTANCE_FACTS: readonly InstanceFacts[] = [
  x86('t3.micro', 2, 1, [5, 0.064], 2, [10, 248, 11_800]),
  x86('m5.large', 2, 8, [10, 0.75], 10, [77, 566, 18_750]),
  x86('c5.large', 2, 4, [10, 0.75], 10, [77, 566, 20_000]),
  x86('c5.xlarge', 4, 8, [10, 1.25], 15, [137, 566, 20_000]),
  x86('c5.2xlarge', 8, 16, [10, 2.5], 15, [274, 566, 20_000]),
  x86('c5.4xlarge', 16, 32, [10, 5], 30, [566, 566, 20_000]),
  x86('c5.9xlarge', 36, 72, [12, 12], 30, [1_132, 1_132, 40_000]),
  x86('c6i.2xlarge', 8, 16, [12.5, 3.125], 15, [298, 1_192, 40_000]),
  x86('c6i.8xlarge', 32, 64, [12.5, 12.5], 30, [1_192, 1_192, 40_000]),
  x86('c6id.2xlarge', 8, 16, [12.5, 3.125], 15, [298, 1_192, 40_000], 474),
  x86('c6id.4xlarge', 16, 32, [12.5, 6.25], 30, [596, 1_192, 40_000], 950),
  x86('c6id.8xlarge', 32, 64, [12.5, 12.5], 30, [1_192, 1_192, 40_000], 1900),
  x86('c7i.2xlarge', 8, 16, [12.5, 3.125], 15, [298, 1_192, 40_000]),
  { ...x86('c7gd.2xlarge', 8, 16, [15, 3.75], 15, [298, 1_192, 40_000], 474), architecture: 'arm64' },
  { ...x86('c7gd.4xlarge', 16, 32, [15, 7.5], 30, [596, 1_192, 40_000], 950), architecture: 'arm64' },
];

class InMemoryInstanceFacts implements InstanceFactsPort {
  constructor(private readonly known: readonly InstanceFacts[]) {}

  async describe(instanceTypes: readonly string[]): Promise<ReadonlyMap<string, InstanceFacts>> {
    const facts = instanceTypes.flatMap((type) => this.known.find(({ instanceType }) => instanceType === type) ?? []);
    return new Map(facts.map((one) => [one.instanceType, one]));
  }

  async alike({ vcpus, memoryMiB }: InstanceFacts): Promise<readonly InstanceFacts[]> {
    return this.known.filter((facts) => facts.vcpus === vcpus && facts.memoryMiB === memoryMiB);
  }
}

export type FakeInstanceFacts = InMemoryInstanceFacts & Faults<InstanceFactsPort>;
export const createFakeInstanceFacts = (known: readonly InstanceFacts[] = KNOWN_INSTANCE_FACTS): FakeInstanceFacts =>
  withFaults(new InMemoryInstanceFacts(known)) as FakeInstanceFacts;
