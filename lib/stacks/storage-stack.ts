import { CfnOutput, Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { Effect, PolicyStatement, ServicePrincipal, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { ofAlarms } from '../config/alarms';
import type { StageNames } from '../config/names';
import type { StageConfig } from '../config/schema';
import { removalPolicyOf } from '../constructs/removal';

export interface StorageStackProps extends StackProps {
  readonly config: StageConfig;
  readonly names: StageNames;
}

/** Everything that lasts: the key, the buckets, the table. */
export class StorageStack extends Stack {
  readonly key: kms.Key;
  readonly artifactBucket: s3.Bucket;
  readonly stateBucket: s3.Bucket;
  readonly table: dynamodb.Table;

  constructor(scope: Construct, id: string, props: StorageStackProps) {
    super(scope, id, props);
    const { config, names } = props;
    this.key = this.makeKey(config, names);
    const accessLogs = this.makeAccessLogBucket(config, names);
    this.artifactBucket = this.makeBucket('Artifacts', names.artifactBucket, config, accessLogs, true);
    // Checkpoints are deleted by Flink as newer ones replace them: old versions of those would only cost.
    this.stateBucket = this.makeBucket('State', names.stateBucket, config, accessLogs, false);
    this.table = this.makeTable(config, names);
    new CfnOutput(this, 'ArtifactBucket', { value: names.artifactBucket, description: 'Flink distributions, jars' });
    new CfnOutput(this, 'StateBucket', { value: names.stateBucket, description: 'Checkpoints, savepoints, configurations' });
    new CfnOutput(this, 'TableName', { value: names.table });
  }

  private makeKey(config: StageConfig, names: StageNames): kms.Key {
    const key = new kms.Key(this, 'Key', {
      alias: `alias/${names.prefix}`,
      description: `Sluice ${config.name}: state, artifacts, table, volumes`,
      enableKeyRotation: true,
      pendingWindow: Duration.days(7),
      removalPolicy: removalPolicyOf(config),
    });
    // Auto Scaling starts hosts with encrypted volumes through its service-linked role, which takes rights on a key from the key's policy only.
    // By condition, because a policy cannot name a principal before it exists, and the first group of an account is what makes the role.
    const autoScaling = {
      'kms:CallerAccount': this.account,
      'aws:PrincipalArn': names.iamArn('role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling'),
    };
    const actions = [
      'Encrypt',
      'Decrypt',
      'ReEncryptFrom',
      'ReEncryptTo',
      'GenerateDataKey',
      'GenerateDataKeyWithoutPlaintext',
      'DescribeKey',
    ];
    const statement = (what: readonly string[], conditions: Record<string, unknown>) =>
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals: [new StarPrincipal()],
        actions: what.map((action) => `kms:${action}`),
        resources: ['*'],
        conditions,
      });
    key.addToResourcePolicy(statement(actions, { StringEquals: autoScaling }));
    key.addToResourcePolicy(statement(['CreateGrant'], { StringEquals: autoScaling, Bool: { 'kms:GrantIsForAWSResource': 'true' } }));
    // A topic encrypts with the rights of whoever publishes, and alarms publish as CloudWatch
    // (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services).
    key.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
        conditions: ofAlarms(names),
      }),
    );
    return key;
  }

  private makeAccessLogBucket(config: StageConfig, names: StageNames): s3.Bucket {
    const bucket = new s3.Bucket(this, 'AccessLogs', {
      bucketName: names.accessLogBucket,
      // S3 delivers access logs to buckets with its own key only.
      encryption: s3.BucketEncryption.S3_MANAGED,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      lifecycleRules: [{ expiration: Duration.days(config.logRetentionDays) }],
      removalPolicy: removalPolicyOf(config),
      autoDeleteObjects: config.emptyBucketsOnDestroy,
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'This is the bucket that the access logs go to; logging it into itself never ends.',
    });
    return bucket;
  }

  private makeBucket(id: string, bucketName: string, config: StageConfig, accessLogs: s3.Bucket, versioned: boolean): s3.Bucket {
    return new s3.Bucket(this, id, {
      bucketName,
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: this.key,
      // One data key for many objects: a checkpoint writes hundreds, and each KMS request costs.
      bucketKeyEnabled: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned,
      serverAccessLogsBucket: accessLogs as s3.IBucket,
      serverAccessLogsPrefix: `${id.toLowerCase()}/`,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: Duration.days(1), ...(versioned ? { noncurrentVersionExpiration: Duration.days(30) } : {}) },
      ],
      removalPolicy: removalPolicyOf(config),
      autoDeleteObjects: config.emptyBucketsOnDestroy,
    });
  }

  private makeTable(config: StageConfig, names: StageNames): dynamodb.Table {
    const table = new dynamodb.Table(this, 'Table', {
      tableName: names.table,
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: this.key,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: 'ttl',
      deletionProtection: config.removal === 'retain',
      removalPolicy: removalPolicyOf(config),
    });
    table.addGlobalSecondaryIndex({
      indexName: 'gsi1',
      partitionKey: { name: 'gsi1pk', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'gsi1sk', type: dynamodb.AttributeType.STRING },
      projectionType: dynamodb.ProjectionType.ALL,
    });
    return table;
  }
}
