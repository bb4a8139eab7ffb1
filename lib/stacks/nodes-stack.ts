import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fn, Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import * as assets from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import { ROOT_VOLUME_GB } from '../../lambdas/contracts/cluster';
import { OWN_ARTIFACTS } from '../../lambdas/contracts/stage';
import type { StageNames } from '../config/names';
import type { StageConfig } from '../config/schema';
import { permit } from '../constructs/permissions';

export interface NodesStackProps extends StackProps {
  readonly config: StageConfig;
  readonly names: StageNames;
  readonly key: IKey;
  /** Folder of the node's software; its `user-data.sh` is the first thing a node runs. */
  readonly nodeFolder: string;
}

type Architecture = 'x86_64' | 'arm64';

/** What every node has in common. Clusters' own launch templates are made from these at run time. */
export class NodesStack extends Stack {
  readonly baseLaunchTemplates: Readonly<Record<Architecture, string>>;
  readonly boundaryArn: string;
  readonly bundle: { readonly bucket: string; readonly key: string };

  constructor(scope: Construct, id: string, props: NodesStackProps) {
    super(scope, id, props);
    const asset = new assets.Asset(this, 'NodeBundle', {
      path: props.nodeFolder,
      exclude: ['**/__pycache__', '**/__pycache__/**', '*.md', 'user-data.sh', 'test*'],
    });
    this.bundle = { bucket: asset.s3BucketName, key: asset.s3ObjectKey };
    const userData = this.renderUserData(props);
    this.baseLaunchTemplates = {
      x86_64: this.makeLaunchTemplate('x86_64', props, userData),
      arm64: this.makeLaunchTemplate('arm64', props, userData),
    };
    this.boundaryArn = this.makeBoundary(props);
  }

  private renderUserData(props: NodesStackProps): string {
    const values: Readonly<Record<string, string>> = {
      REGION: this.region,
      BUNDLE_BUCKET: this.bundle.bucket,
      BUNDLE_KEY: this.bundle.key,
    };
    const script = readFileSync(join(props.nodeFolder, 'user-data.sh'), 'utf8').replaceAll(
      /__([A-Z_]+)__/g,
      (placeholder, name: string) => {
        const value = values[name];
        if (value === undefined) throw new Error(`user-data.sh has a placeholder that nothing fills: ${placeholder}`);
        return value;
      },
    );
    return Fn.base64(script);
  }

  private makeLaunchTemplate(architecture: Architecture, props: NodesStackProps, userData: string): string {
    const { config, names, key } = props;
    return new ec2.CfnLaunchTemplate(this, architecture === 'arm64' ? 'BaseArm64' : 'BaseX86', {
      launchTemplateName: `${names.prefix}-base-${architecture.replace('_', '-')}`,
      versionDescription: 'What every node has in common',
      launchTemplateData: {
        // Resolved by EC2 at each launch, so that new hosts get the newest patched image and the synth needs no lookup; for groups of several types or with
        // Spot when they are made (lambdas/gateways/aws/ec2/launch-templates.ts).
        imageId: `resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`,
        instanceInitiatedShutdownBehavior: 'terminate',
        // IMDSv2 only, and not from inside a container. The node reads its role and configuration from its tags.
        metadataOptions: { httpEndpoint: 'enabled', httpTokens: 'required', httpPutResponseHopLimit: 1, instanceMetadataTags: 'enabled' },
        blockDeviceMappings: [
          {
            deviceName: '/dev/xvda',
            ebs: { volumeType: 'gp3', volumeSize: ROOT_VOLUME_GB, encrypted: true, kmsKeyId: key.keyArn, deleteOnTermination: true },
          },
        ],
        userData,
        tagSpecifications: ['instance', 'volume'].map((resourceType) => ({
          resourceType,
          tags: [{ key: 'sluice:stage', value: config.name }],
        })),
      },
    }).ref;
  }

  /** The most that a node may ever do, whatever the inline policy that the control plane writes for its cluster says. */
  private makeBoundary(props: NodesStackProps): string {
    const { config, names, key } = props;
    const policy = new iam.ManagedPolicy(this, 'NodeBoundary', {
      managedPolicyName: names.nodeBoundary,
      description: `Permissions boundary of the nodes of Sluice stage ${config.name}`,
    });
    const state = names.bucketArn(names.stateBucket);
    const artifacts = names.bucketArn(names.artifactBucket);
    permit(policy, [
      {
        actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
        resources: [`${state}/clusters/*`],
        because: 'A boundary for all clusters; the role of each is held to its own prefix.',
      },
      { actions: ['s3:GetObject'], resources: [`${artifacts}/${OWN_ARTIFACTS}*`], because: 'Flink and Java, read only.' },
      {
        actions: ['s3:GetObject'],
        resources: [`${names.bucketArn(this.bundle.bucket)}/*.zip`],
        // Replacing hosts and scaling out would end with a deployment that changes the bundle, if this named the newest.
        because:
          'A cluster boots from the bundle that it was launched with, which its role names, also when a deployment has brought another.',
      },
      { actions: ['s3:ListBucket', 's3:GetBucketLocation', 's3:ListBucketMultipartUploads'], resources: [state, artifacts] },
      { actions: ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:DescribeKey'], resources: [key.keyArn] },
      {
        actions: [
          'Connect',
          'DescribeCluster',
          'DescribeTopic',
          'ReadData',
          'WriteData',
          'WriteDataIdempotently',
          'DescribeGroup',
          'AlterGroup',
          'DescribeTransactionalId',
          'AlterTransactionalId',
        ].map((action) => `kafka-cluster:${action}`),
        resources: ['cluster', 'topic', 'group', 'transactional-id'].map((what) => names.arn('kafka', `${what}/*`)),
        because: 'MSK clusters are the user’s own; which topics a cluster may use is for its role to say.',
      },
    ]);
    return policy.managedPolicyArn;
  }
}
