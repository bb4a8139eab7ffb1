import { type InstanceTypeInfo, paginateDescribeInstanceTypes } from '@aws-sdk/client-ec2';
import type { FleetDependencies } from './context';

/** What making a host of a type depends on, beyond the facts that its size was resolved from. */
export interface TypeTraits {
  readonly architecture: 'x86_64' | 'arm64';
  /** Burstable and some flexible types cannot be in a cluster placement group. */
  readonly clusterPlacement: boolean;
}

/** As EC2 says; a JobManager's type may have another architecture than its TaskManagers'. */
export const typeTraits = async ({ ec2 }: FleetDependencies, types: readonly string[]): Promise<(type: string) => TypeTraits> => {
  const Filters = [{ Name: 'instance-type', Values: [...new Set(types)] }];
  const all: InstanceTypeInfo[] = [];
  for await (const { InstanceTypes = [] } of paginateDescribeInstanceTypes({ client: ec2 }, { Filters })) all.push(...InstanceTypes);
  return (type) => {
    const found = all.find(({ InstanceType }) => InstanceType === type);
    if (!found) throw new Error(`EC2 has no instance type ${type}`);
    return {
      architecture: found.ProcessorInfo?.SupportedArchitectures?.includes('arm64') ? 'arm64' : 'x86_64',
      clusterPlacement: found.PlacementGroupInfo?.SupportedStrategies?.includes('cluster') ?? false,
    };
  };
};
