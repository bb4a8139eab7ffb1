import { Match } from 'aws-cdk-lib/assertions';
import { stageOf } from './support/synth';

const stage = stageOf('dev');
const prod = stageOf('prod');
const BLOCKED = { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true };

describe('storage', () => {
  it('blocks every form of public access on every bucket', () => {
    stage.storage.allResourcesProperties('AWS::S3::Bucket', { PublicAccessBlockConfiguration: BLOCKED });
  });

  it.each(['artifacts', 'state'])('encrypts the %s bucket with the stage’s own key', (name) => {
    stage.storage.hasResourceProperties('AWS::S3::Bucket', {
      BucketName: `sluice-dev-${name}-111122223333-eu-west-1`,
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: Match.anyValue() } },
        ],
      },
    });
  });

  it('refuses requests without TLS on every bucket', () => {
    const policies = stage.ofType('AWS::S3::BucketPolicy').map((policy) => policy.Properties.PolicyDocument.Statement);
    expect(policies).toHaveLength(stage.ofType('AWS::S3::Bucket').length);
    for (const statements of policies)
      expect(statements).toContainEqual(
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      );
  });

  it('keeps old versions of artifacts, not of checkpoints, and cleans up broken uploads', () => {
    const bucket = (name: string) =>
      stage.ofType('AWS::S3::Bucket').find((each) => String(each.Properties.BucketName).includes(name))?.Properties;
    expect(bucket('artifacts').VersioningConfiguration).toEqual({ Status: 'Enabled' });
    expect(bucket('state').VersioningConfiguration).toBeUndefined();
    expect(bucket('state').LifecycleConfiguration.Rules).toEqual([
      { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' },
    ]);
  });

  it('has one table with recovery to any point in time, the stage’s own key, and payment by request', () => {
    stage.storage.resourceCountIs('AWS::DynamoDB::Table', 1);
    stage.storage.hasResourceProperties('AWS::DynamoDB::Table', {
      TableName: 'sluice-dev',
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: Match.anyValue() },
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      GlobalSecondaryIndexes: [Match.objectLike({ IndexName: 'gsi1', Projection: { ProjectionType: 'ALL' } })],
    });
  });

  it('turns its key every year', () => {
    stage.storage.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
  });

  it('lets Auto Scaling’s service role use the key for volumes, and nobody else outside IAM', () => {
    const key = stage.ofType('AWS::KMS::Key')[0]?.Properties.KeyPolicy.Statement as {
      Principal: { AWS: unknown };
      Condition?: Record<string, Record<string, string>>;
    }[];
    const open = key.filter((statement) => JSON.stringify(statement.Principal).includes('"*"'));
    expect(open).toHaveLength(2);
    for (const statement of open) {
      expect(statement.Condition?.StringEquals?.['kms:CallerAccount']).toBe('111122223333');
      expect(JSON.stringify(statement.Condition?.StringEquals?.['aws:PrincipalArn'])).toContain('AWSServiceRoleForAutoScaling');
    }
    expect(open[1]?.Condition?.Bool).toEqual({ 'kms:GrantIsForAWSResource': 'true' });
  });

  it('of stage dev goes with the stage, buckets emptied first', () => {
    const lasting = stage.resources.filter((resource) => resource.DeletionPolicy !== undefined && resource.DeletionPolicy !== 'Delete');
    expect(lasting).toEqual([]);
    expect(stage.ofType('Custom::S3AutoDeleteObjects')).toHaveLength(3);
  });

  it('of stage prod stays when the stage goes, protected against deletion, but not when the deployment that made it fails', () => {
    for (const type of ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::KMS::Key', 'AWS::Logs::LogGroup'])
      expect(new Set(prod.ofType(type).map(({ DeletionPolicy }) => DeletionPolicy))).toEqual(new Set(['RetainExceptOnCreate']));
    expect(prod.ofType('AWS::DynamoDB::Table')[0]?.Properties.DeletionProtectionEnabled).toBe(true);
    expect(prod.ofType('Custom::S3AutoDeleteObjects')).toEqual([]);
  });
});
