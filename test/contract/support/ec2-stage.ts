import { AutoScalingClient, DescribeAutoScalingGroupsCommand } from '@aws-sdk/client-auto-scaling';
import {
  CreateLaunchTemplateCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeInstancesCommand,
  DescribeLaunchTemplatesCommand,
  DescribeManagedPrefixListsCommand,
  DescribeNetworkInterfacesCommand,
  DescribePlacementGroupsCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { CreatePolicyCommand, IAMClient, ListInstanceProfilesCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import type { Stage } from '../../../lambdas/contracts/stage';

const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
const KEY = 'arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555';
export const BASE_VOLUME_GB = 20;

/** What the CDK app deploys and a fleet needs, made by hand in the emulator: VPC, subnets, the functions' group, a base launch template, a boundary. */
export const createStage = async (name: string): Promise<Stage> => {
  const ec2 = new EC2Client({});
  const vpcCidr = '127.64.0.0/16';
  const vpcId = (await ec2.send(new CreateVpcCommand({ CidrBlock: vpcCidr }))).Vpc?.VpcId ?? '';
  const zones: { name: string; subnetId: string }[] = [];
  for (const [index, zone] of ZONES.entries()) {
    const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId: vpcId, CidrBlock: `127.64.${index}.0/24`, AvailabilityZone: zone }));
    zones.push({ name: zone, subnetId: Subnet?.SubnetId ?? '' });
  }
  const functions = await ec2.send(
    new CreateSecurityGroupCommand({ GroupName: `${name}-functions`, Description: 'Functions that call Flink', VpcId: vpcId }),
  );
  const baseTemplate = async (architecture: string): Promise<string> => {
    const command = new CreateLaunchTemplateCommand({
      LaunchTemplateName: `${name}-base-${architecture}`,
      LaunchTemplateData: {
        ImageId: `resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`,
        UserData: Buffer.from('#!/bin/sh\n').toString('base64'),
        MetadataOptions: { HttpTokens: 'required', InstanceMetadataTags: 'enabled', HttpPutResponseHopLimit: 1 },
        BlockDeviceMappings: [
          { DeviceName: '/dev/xvda', Ebs: { VolumeType: 'gp3', VolumeSize: BASE_VOLUME_GB, Encrypted: true, KmsKeyId: KEY } },
        ],
      },
    });
    return (await ec2.send(command)).LaunchTemplate?.LaunchTemplateId ?? '';
  };
  const { PrefixLists = [] } = await ec2.send(new DescribeManagedPrefixListsCommand({}));
  const boundary = await new IAMClient({}).send(
    new CreatePolicyCommand({
      PolicyName: `${name}-boundary`,
      PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] }),
    }),
  );
  return {
    name,
    account: '000000000000',
    region: 'us-east-1',
    vpcId,
    vpcCidr,
    zones,
    flinkClientSecurityGroupId: functions.GroupId ?? '',
    prefixLists: PrefixLists.flatMap(({ PrefixListId }) => PrefixListId ?? []),
    streamSources: [{ cidr: vpcCidr, fromPort: 9092, toPort: 9098 }],
    baseLaunchTemplates: { x86_64: await baseTemplate('x86_64'), arm64: await baseTemplate('arm64') },
    nodeRolePath: `/sluice/${name}/`,
    nodePermissionsBoundaryArn: boundary.Policy?.Arn ?? '',
    kmsKeyArn: KEY,
    tableName: name,
    artifactBucket: `${name}-artifacts`,
    stateBucket: `${name}-state`,
    stateMachineArnPrefix: `arn:aws:states:us-east-1:000000000000:stateMachine:sluice-${name}-`,
    nodeBundle: { bucket: 'assets', key: 'node.zip' },
    flinkVersions: ['2.3.0'],
    sizes: {} as Stage['sizes'],
    limits: { maxTaskManagersPerCluster: 100, maxClusters: 10 },
    flinkConfiguration: {},
    alarms: { runbook: 'docs/runbook.md', periodSeconds: 60 },
    retention: { count: 10, days: 30 },
    observation: { intervalSeconds: 30, perVertex: false },
    deadlines: { launchSeconds: 600, submitSeconds: 600, savepointSeconds: 600, rescaleSeconds: 600, terminateSeconds: 600 },
  };
};

let onlookers: { readonly ec2: EC2Client; readonly autoScaling: AutoScalingClient; readonly iam: IAMClient } | undefined;

/** Everything there is whose name begins with `prefix`, by kind: what a test of crashes counts. */
export const inventory = async (prefix: string): Promise<Record<string, string[]>> => {
  onlookers ??= { ec2: new EC2Client({}), autoScaling: new AutoScalingClient({}), iam: new IAMClient({}) };
  const { ec2, autoScaling, iam } = onlookers;
  const own = (names: readonly (string | undefined)[]): string[] =>
    names.filter((name): name is string => name?.startsWith(prefix) === true).sort();
  const nameTag = (tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined): string | undefined =>
    tags?.find(({ Key }) => Key === 'Name')?.Value;
  const [groups, interfaces, templates, placements, scaling, roles, profiles, hosts] = await Promise.all([
    ec2.send(new DescribeSecurityGroupsCommand({})),
    ec2.send(new DescribeNetworkInterfacesCommand({ Filters: [{ Name: 'tag:Name', Values: [`${prefix}-jobmanager`] }] })),
    ec2.send(new DescribeLaunchTemplatesCommand({ MaxResults: 200 })),
    ec2.send(new DescribePlacementGroupsCommand({})),
    autoScaling.send(new DescribeAutoScalingGroupsCommand({})),
    iam.send(new ListRolesCommand({})),
    iam.send(new ListInstanceProfilesCommand({})),
    ec2.send(new DescribeInstancesCommand({ Filters: [{ Name: 'instance-state-name', Values: ['pending', 'running', 'shutting-down'] }] })),
  ]);
  return {
    securityGroups: own((groups.SecurityGroups ?? []).map(({ GroupName }) => GroupName)),
    networkInterfaces: own((interfaces.NetworkInterfaces ?? []).map(({ TagSet }) => nameTag(TagSet))),
    launchTemplates: own((templates.LaunchTemplates ?? []).map(({ LaunchTemplateName }) => LaunchTemplateName)),
    placementGroups: own((placements.PlacementGroups ?? []).map(({ GroupName }) => GroupName)),
    autoScalingGroups: own((scaling.AutoScalingGroups ?? []).map(({ AutoScalingGroupName }) => AutoScalingGroupName)),
    roles: own((roles.Roles ?? []).map(({ RoleName }) => RoleName)),
    instanceProfiles: own((profiles.InstanceProfiles ?? []).map(({ InstanceProfileName }) => InstanceProfileName)),
    hosts: own((hosts.Reservations ?? []).flatMap(({ Instances = [] }) => Instances.map(({ Tags }) => nameTag(Tags)))),
  };
};
