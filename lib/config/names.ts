import type { StageConfig } from './schema';

/** Names and ARNs that follow from the stage alone, so that policies can say exactly what they mean without a reference between stacks. */
export interface StageNames {
  readonly prefix: string;
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  readonly artifactBucket: string;
  readonly stateBucket: string;
  readonly accessLogBucket: string;
  readonly table: string;
  /** Where events lie that nothing could be made of. */
  readonly deadLetters: string;
  /**
   * Of the control plane's own alarms. A point, not the hyphen of everything else: what makes, hears of and deletes alarms of jobs has no
   * right to these and is not woken by them.
   */
  readonly alarmPrefix: string;
  /** IAM path of roles and profiles that the control plane makes for clusters. */
  readonly nodeRolePath: string;
  readonly nodeBoundary: string;
  readonly arn: (service: string, resource: string) => string;
  readonly iamArn: (resource: string) => string;
  readonly bucketArn: (bucket: string) => string;
}

/** `account`, `partition`: as known at synth, or CloudFormation's pseudo parameters. */
export const namesOf = (config: Pick<StageConfig, 'name' | 'region'>, account: string, partition: string): StageNames => {
  const prefix = `sluice-${config.name}`;
  const { region } = config;
  return {
    prefix,
    account,
    region,
    partition,
    artifactBucket: `${prefix}-artifacts-${account}-${region}`,
    stateBucket: `${prefix}-state-${account}-${region}`,
    accessLogBucket: `${prefix}-access-logs-${account}-${region}`,
    table: prefix,
    deadLetters: `${prefix}-dead-letters`,
    alarmPrefix: `${prefix}.`,
    nodeRolePath: `/sluice/${config.name}/`,
    nodeBoundary: `${prefix}-node-boundary`,
    arn: (service, resource) => `arn:${partition}:${service}:${region}:${account}:${resource}`,
    iamArn: (resource) => `arn:${partition}:iam::${account}:${resource}`,
    bucketArn: (bucket) => `arn:${partition}:s3:::${bucket}`,
  };
};
