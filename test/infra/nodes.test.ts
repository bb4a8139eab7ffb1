import { listOf, stageOf } from './support/synth';

const stage = stageOf('dev');
const templates = stage.ofType('AWS::EC2::LaunchTemplate').map((template) => template.Properties);

describe('nodes', () => {
  it('come in both architectures, from the newest Amazon Linux 2023 at each launch', () => {
    expect(templates.map((template) => template.LaunchTemplateData.ImageId)).toEqual([
      'resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64',
      'resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64',
    ]);
  });

  it('are asked for nothing that a type may lack: those that can be EBS-optimized are so by default, and T2 would not start', () => {
    for (const template of templates) expect(template.LaunchTemplateData.EbsOptimized).toBeUndefined();
  });

  it('answer metadata requests of version 2 only, one hop far, with their tags', () => {
    for (const template of templates)
      expect(template.LaunchTemplateData.MetadataOptions).toEqual({
        HttpEndpoint: 'enabled',
        HttpTokens: 'required',
        HttpPutResponseHopLimit: 1,
        InstanceMetadataTags: 'enabled',
      });
  });

  it('have encrypted volumes, no SSH key and no public address', () => {
    for (const { LaunchTemplateData: data } of templates) {
      expect(data.BlockDeviceMappings).toEqual([
        expect.objectContaining({ Ebs: expect.objectContaining({ Encrypted: true, VolumeType: 'gp3', KmsKeyId: expect.anything() }) }),
      ]);
      expect(data.KeyName).toBeUndefined();
      expect(data.NetworkInterfaces).toBeUndefined();
    }
  });

  it('boot from a bundle in S3, with every placeholder of the script filled', () => {
    for (const { LaunchTemplateData: data } of templates) {
      const script = JSON.stringify(data.UserData);
      expect(script).toMatch(/s3:\/\/cdk-hnb659fds-assets-111122223333-eu-west-1\/[0-9a-f]{64}\.zip/);
      expect(script).not.toMatch(/__[A-Z_]+__/);
    }
  });

  it('read the bundle that their cluster was launched with, also when a deployment has brought another', () => {
    const statements = stage.ofType('AWS::IAM::ManagedPolicy')[0]?.Properties.PolicyDocument.Statement as {
      Action: string | string[];
      Resource: unknown;
    }[];
    const bundles = statements.filter(({ Resource }) => JSON.stringify(Resource).includes('cdk-hnb659fds-assets'));
    expect(bundles.map(({ Action, Resource }) => [Action, JSON.stringify(Resource)])).toEqual([
      ['s3:GetObject', expect.stringMatching(/:s3:::cdk-hnb659fds-assets-111122223333-eu-west-1\/\*\.zip"/)],
    ]);
  });

  it('may read no jar of a job, whatever their role says', () => {
    const [boundary] = stage.ofType('AWS::IAM::ManagedPolicy');
    const statements = boundary?.Properties.PolicyDocument.Statement as { Action: string | string[]; Resource: unknown }[];
    const reads = statements.filter(({ Action }) => listOf(Action).includes('s3:GetObject'));
    const keys = reads
      .flatMap(({ Resource }) => listOf(Resource))
      .map((resource) => JSON.stringify(resource).replace(/^.*?(\/[^"]*)".*$/, '$1'));
    expect(keys.sort()).toEqual(['/*.zip', '/clusters/*', '/flink/*']);
  });

  it('may at most do what the permissions boundary lists: no IAM, no EC2, no other key', () => {
    const statements = stage.ofType('AWS::IAM::ManagedPolicy')[0]?.Properties.PolicyDocument.Statement as {
      Action: string | string[];
      Effect: string;
    }[];
    const actions = statements.flatMap((statement) => listOf(statement.Action));
    expect(new Set(actions.map((action) => action.split(':')[0]))).toEqual(new Set(['s3', 'kms', 'kafka-cluster']));
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });
});
