import type { StageConfigInput } from '../schema';
import { awsDefaults, gatewayPrefixLists } from './common';

/** A stage to try things on AWS, in the account and region of the credentials at hand; `cdk destroy` takes all of it away, data included. */
export const dev = (environment: Readonly<Record<string, string | undefined>>): StageConfigInput => {
  const region = environment.CDK_DEFAULT_REGION ?? 'us-east-1';
  return {
    ...awsDefaults,
    name: 'dev',
    account: environment.CDK_DEFAULT_ACCOUNT,
    region,
    vpcCidr: '10.64.0.0/16',
    availabilityZones: ['a', 'b', 'c'].map((zone) => `${region}${zone}`),
    gatewayPrefixLists: gatewayPrefixLists(region),
    limits: { maxTaskManagersPerCluster: 100, maxClusters: 10 },
    logRetentionDays: 14,
    removal: 'destroy',
    emptyBucketsOnDestroy: true,
  };
};
