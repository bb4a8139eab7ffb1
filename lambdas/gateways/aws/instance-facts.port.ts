import type { InstanceFacts } from '../../contracts/cluster';

export interface InstanceFactsPort {
  /** Facts by type; a type that EC2 does not know is missing from the answer. */
  describe(instanceTypes: readonly string[]): Promise<ReadonlyMap<string, InstanceFacts>>;
}
