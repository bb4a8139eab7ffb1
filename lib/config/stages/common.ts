import type { StageConfigInput } from '../schema';
import { GP3_PRICES, ON_DEMAND_PRICES, PRODUCTION_SIZES } from '../sizes';

/**
 * Ids of the AWS-managed prefix lists by region, as `aws ec2 describe-managed-prefix-lists` prints them; they never change.
 * A stage in another region names its own in `gatewayPrefixLists`.
 */
const GATEWAY_PREFIX_LISTS: Readonly<Record<string, StageConfigInput['gatewayPrefixLists']>> = {
  'us-east-1': { s3: 'pl-63a5400a', dynamodb: 'pl-02cd2c6b' },
  'us-east-2': { s3: 'pl-7ba54012', dynamodb: 'pl-4ca54025' },
  'us-west-2': { s3: 'pl-68a54001', dynamodb: 'pl-00a54069' },
  'eu-west-1': { s3: 'pl-6da54004', dynamodb: 'pl-6fa54006' },
  'eu-central-1': { s3: 'pl-6ea54007', dynamodb: 'pl-66a5400f' },
};

/** @returns for an unknown region, ids that stop the synth with the field's name */
export const gatewayPrefixLists = (region: string): StageConfigInput['gatewayPrefixLists'] =>
  GATEWAY_PREFIX_LISTS[region] ?? { s3: `unknown in ${region}`, dynamodb: `unknown in ${region}` };

/** What stages on AWS have in common. */
export const awsDefaults = {
  flinkVersions: ['2.3.0', '2.2.0'],
  sizes: PRODUCTION_SIZES,
  limits: { maxTaskManagersPerCluster: 100, maxClusters: 50 },
  prices: ON_DEMAND_PRICES,
  volumePrices: GP3_PRICES,
  flinkConfiguration: {},
  streamSources: [],
  retention: { count: 10, days: 30 },
  observation: { intervalSeconds: 30, perVertex: false },
  deadlines: { launchSeconds: 900, submitSeconds: 600, savepointSeconds: 1_800, rescaleSeconds: 900, terminateSeconds: 3_600 },
  alarms: {},
  tracing: true,
  vpcFlowLogs: false,
  api: { throttle: { ratePerSecond: 50, burst: 100 } },
} satisfies Partial<StageConfigInput>;
