import { Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Stage } from '../../lambdas/contracts/stage';
import type { StageNames } from '../config/names';
import type { StageConfig } from '../config/schema';
import type { NetworkStack } from '../stacks/network-stack';
import type { NodesStack } from '../stacks/nodes-stack';
import type { StorageStack } from '../stacks/storage-stack';

/**
 * Lambda's limit for all environment variables of a function, bytes. It measures their JSON, in which each quote of a value takes two
 * (its refusal shows the text: https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594).
 */
const LAMBDA_ENVIRONMENT_LIMIT = 4_096;
/** Room for a reference once it is resolved: the longest are a KMS key's ARN (75) and a bucket's name (63). */
const REFERENCE_LENGTH = 80;
/** What is no name of a resource has a length that is known: twelve digits, and the longest partition's name. */
const PSEUDO_LENGTHS: Readonly<Record<string, number>> = { 'AWS::AccountId': 12, 'AWS::Partition': 'aws-us-gov'.length };
const lengthOf = (reference: unknown): number => PSEUDO_LENGTHS[(reference as { readonly Ref?: string }).Ref ?? ''] ?? REFERENCE_LENGTH;

/** @returns the stage as functions read it (`lambdas/contracts/stage.ts`), JSON with references in it */
export const stageEnvironment = (
  scope: Construct,
  {
    config,
    names,
    network,
    nodes,
    storage,
  }: { config: StageConfig; names: StageNames; network: NetworkStack; nodes: NodesStack; storage: StorageStack },
): string => {
  const stack = Stack.of(scope);
  const stage: Stage = {
    name: config.name,
    account: names.account,
    region: config.region,
    vpcId: network.vpc.vpcId,
    vpcCidr: config.vpcCidr,
    zones: [...network.zones],
    flinkClientSecurityGroupId: network.flinkClient.securityGroupId,
    prefixLists: [config.gatewayPrefixLists.s3, config.gatewayPrefixLists.dynamodb],
    streamSources: config.streamSources,
    baseLaunchTemplates: { ...nodes.baseLaunchTemplates },
    nodeRolePath: names.nodeRolePath,
    nodePermissionsBoundaryArn: nodes.boundaryArn,
    kmsKeyArn: storage.key.keyArn,
    tableName: names.table,
    artifactBucket: names.artifactBucket,
    stateBucket: names.stateBucket,
    stateMachineArnPrefix: names.arn('states', `stateMachine:${names.prefix}-`),
    nodeBundle: { ...nodes.bundle },
    flinkVersions: config.flinkVersions,
    sizes: config.sizes,
    limits: config.limits,
    ...(config.prices === undefined ? {} : { prices: config.prices }),
    ...(config.volumePrices === undefined ? {} : { volumePrices: config.volumePrices }),
    flinkConfiguration: config.flinkConfiguration,
    alarms: config.alarms,
    retention: config.retention,
    observation: config.observation,
    deadlines: config.deadlines,
  };
  const json = stack.toJsonString(stage);
  const resolved: unknown = stack.resolve(json);
  const parts = typeof resolved === 'string' ? [resolved] : (resolved as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1];
  const size = parts.reduce<number>(
    (sum, part) => sum + (typeof part === 'string' ? Buffer.byteLength(JSON.stringify(part)) - '""'.length : lengthOf(part)),
    JSON.stringify({ SLUICE_STAGE: '' }).length,
  );
  if (size > LAMBDA_ENVIRONMENT_LIMIT)
    throw new Error(
      `The configuration of stage "${config.name}" makes ${size} bytes of function environment, over Lambda's ${LAMBDA_ENVIRONMENT_LIMIT}: shorten flinkConfiguration or streamSources.`,
    );
  return Token.asString(json);
};
