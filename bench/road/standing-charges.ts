import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOURS_A_MONTH, PRICES } from '../prices';

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

export interface StandingCharges {
  /** USD a month by type of resource; types that cost nothing are left out. */
  readonly byType: Readonly<Record<string, number>>;
  readonly total: number;
  readonly resources: number;
  /** Types of which nothing is known here: the total does not hold them. */
  readonly unknown: readonly string[];
}

/** What a resource costs a month though nobody uses it, USD. */
const CHARGES: Readonly<Record<string, (properties: Readonly<Record<string, unknown>>) => number>> = {
  'AWS::KMS::Key': () => PRICES.keyMonth,
  'AWS::CloudWatch::Alarm': () => PRICES.alarmMonth,
  'AWS::CloudWatch::CompositeAlarm': () => 5 * PRICES.alarmMonth,
  'AWS::CloudWatch::Dashboard': () => PRICES.dashboardMonth,
  'AWS::SecretsManager::Secret': () => PRICES.secretMonth,
  'AWS::EC2::NatGateway': () => PRICES.natGatewayHour * HOURS_A_MONTH,
  'AWS::EC2::EIP': () => PRICES.publicAddressHour * HOURS_A_MONTH,
  'AWS::EC2::VPCEndpoint': ({ VpcEndpointType, SubnetIds }) =>
    VpcEndpointType === 'Interface' ? PRICES.interfaceEndpointHour * HOURS_A_MONTH * (Array.isArray(SubnetIds) ? SubnetIds.length : 1) : 0,
  'AWS::ElasticLoadBalancingV2::LoadBalancer': () => PRICES.loadBalancerHour * HOURS_A_MONTH,
};

/** Billed by use or not at all. */
const NO_STANDING_CHARGE =
  /^(AWS::(IAM|Lambda|Logs|Events|SQS|SNS|StepFunctions|ApiGatewayV2|S3|CDK|KMS|SSM|DynamoDB|CloudFormation)::|AWS::EC2::(LaunchTemplate|RouteTable|Route|SecurityGroup\w*|Subnet\w*|VPC\w*|FlowLog|PlacementGroup)$|Custom::)/;

export const standingCharges = (resources: readonly TemplateResource[]): StandingCharges => {
  const byType: Record<string, number> = {};
  const unknown = new Set<string>();
  for (const { Type, Properties = {} } of resources) {
    const charge = CHARGES[Type]?.(Properties);
    if (charge === undefined && !NO_STANDING_CHARGE.test(Type)) unknown.add(Type);
    if (charge) byType[Type] = (byType[Type] ?? 0) + charge;
  }
  const total = Object.values(byType).reduce((sum, charge) => sum + charge, 0);
  return { byType, total, resources: resources.length, unknown: [...unknown].sort() };
};

/** Every resource of the templates that `cdk synth` wrote. */
export const resourcesIn = (assembly: string): TemplateResource[] =>
  readdirSync(assembly)
    .filter((file) => file.endsWith('.template.json'))
    .flatMap((file) =>
      Object.values(
        (JSON.parse(readFileSync(join(assembly, file), 'utf8')) as { Resources?: Record<string, TemplateResource> }).Resources ?? {},
      ),
    );
