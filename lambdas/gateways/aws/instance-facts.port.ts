import type { InstanceFacts } from '../../contracts/cluster';

export interface InstanceFactsPort {
  /** Facts by type; a type that EC2 does not know is missing from the answer. */
  describe(instanceTypes: readonly string[]): Promise<ReadonlyMap<string, InstanceFacts>>;
  /**
   * Types of the present generation that can be bought so and have as many vCPUs and as much memory, and nothing else that makes them dear or slow (accelerators, hard disks,
   * a share of a CPU); the given one is among them where that is so. None where the given one has such itself.
   */
  alike(facts: InstanceFacts, bought: 'spot' | 'on-demand'): Promise<readonly InstanceFacts[]>;
}
