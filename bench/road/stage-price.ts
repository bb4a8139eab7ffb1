import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { rounded } from '../statistics';
import { PRICES, priceOf } from './prices';

const template = z.object({
  Resources: z.record(z.string(), z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).optional() })).default({}),
});

const MINUTES_A_MONTH = 43_800;

/** What is billed by the month whether it is used or not; types that are dear and must not appear are here so that they would show. */
const MONTHLY: Readonly<Record<string, number>> = {
  'AWS::KMS::Key': PRICES.kmsKeyMonth,
  'AWS::CloudWatch::Alarm': PRICES.alarmMonth,
  'AWS::EC2::NatGateway': 32.85,
  'AWS::ElasticLoadBalancingV2::LoadBalancer': 16.43,
  'AWS::SecretsManager::Secret': 0.4,
  'AWS::CloudWatch::Dashboard': 3,
};
const INTERFACE_ENDPOINT_MONTH_PER_ZONE = 7.3;

export interface StagePrice {
  readonly dollarsPerMonth: number;
  readonly parts: Readonly<Record<string, number>>;
}

/** Price of a stage without clusters, from its synthesised templates and the measured time of the function that runs once a minute. */
export const priceOfEmptyStage = (assembly: string, sweepMs: number): StagePrice => {
  const resources = readdirSync(assembly)
    .filter((name) => name.endsWith('.template.json'))
    .flatMap((name) => Object.values(template.parse(JSON.parse(readFileSync(join(assembly, name), 'utf8'))).Resources));
  const parts: Record<string, number> = {};
  for (const { Type, Properties } of resources) {
    const monthly =
      MONTHLY[Type] ??
      (Type === 'AWS::EC2::VPCEndpoint' && Properties?.VpcEndpointType === 'Interface' ? 3 * INTERFACE_ENDPOINT_MONTH_PER_ZONE : 0);
    if (monthly > 0) parts[Type] = rounded((parts[Type] ?? 0) + monthly, 3);
  }
  parts['function once a minute'] = rounded(
    priceOf({ transitions: 0, invocations: MINUTES_A_MONTH, billedMs: MINUTES_A_MONTH * sweepMs, memoryMiB: 512, apiRequests: 0 }),
    3,
  );
  return {
    dollarsPerMonth: rounded(
      Object.values(parts).reduce((sum, part) => sum + part, 0),
      2,
    ),
    parts,
  };
};
