import type { StageConfigInput } from '../schema';
import { awsDefaults, gatewayPrefixLists } from './common';

/** Buckets, table and key outlive `cdk destroy`; how to take them away afterwards is in docs/deploy.md. */
export const prod = (environment: Readonly<Record<string, string | undefined>>): StageConfigInput => {
  const region = environment.CDK_DEFAULT_REGION ?? 'us-east-1';
  return {
    ...awsDefaults,
    name: 'prod',
    account: environment.CDK_DEFAULT_ACCOUNT,
    region,
    vpcCidr: '10.65.0.0/16',
    availabilityZones: ['a', 'b', 'c'].map((zone) => `${region}${zone}`),
    gatewayPrefixLists: gatewayPrefixLists(region),
    logRetentionDays: 365,
    removal: 'retain',
    emptyBucketsOnDestroy: false,
  };
};
