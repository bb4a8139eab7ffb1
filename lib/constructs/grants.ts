import type { Grant } from '../config/functions';
import type { StageNames } from '../config/names';
import type { Permission } from './permissions';

const OBJECTS = 'Keys of objects are made by clusters, jobs and operations; the bucket is the boundary.';
/** Where the control plane keeps SQL scripts of jobs in the state bucket. */
const SCRIPTS = 'clusters/*/jobs/*/scripts/*.sql';
/** Where Flink keeps the state of jobs in the state bucket. */
const STATE_OF_JOBS = ['clusters/*/jobs/*/checkpoints/*', 'clusters/*/jobs/*/savepoints/*'];
const DESCRIBE = 'EC2 and Auto Scaling Describe calls know no resources.';
const RUN_TIME = 'Clusters are made at run time; the tag condition or the name prefix is the boundary.';

/** Key permissions that encrypting services need on behalf of a caller, by exact name. */
const key = (kmsKeyArn: string, actions: readonly string[]): Permission => ({
  actions: actions.map((action) => `kms:${action}`),
  resources: [kmsKeyArn],
});

const tableRead = (names: StageNames, kmsKeyArn: string): Permission[] => [
  {
    actions: ['dynamodb:GetItem', 'dynamodb:ConditionCheckItem', 'dynamodb:Query'],
    resources: [names.arn('dynamodb', `table/${names.table}`), names.arn('dynamodb', `table/${names.table}/index/gsi1`)],
  },
  key(kmsKeyArn, ['Decrypt', 'DescribeKey']),
];

const bucketRead = (names: StageNames, bucket: string, kmsKeyArn: string): Permission[] => [
  { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: [`${names.bucketArn(bucket)}/*`], because: OBJECTS },
  { actions: ['s3:ListBucket', 's3:GetBucketLocation'], resources: [names.bucketArn(bucket)] },
  key(kmsKeyArn, ['Decrypt', 'DescribeKey']),
];

/** Security groups and network interfaces of clusters, only with the stage's tag, and their roles. */
const fleetAccess = (names: StageNames, stage: string, vpcId: string): Permission[] => {
  const ec2 = (resource: string) => names.arn('ec2', resource);
  const requestTag = { StringEquals: { 'aws:RequestTag/sluice:stage': stage } };
  const resourceTag = { StringEquals: { 'aws:ResourceTag/sluice:stage': stage } };
  return [
    { actions: ['ec2:CreateSecurityGroup'], resources: [ec2('security-group/*')], conditions: requestTag, because: RUN_TIME },
    { actions: ['ec2:CreateSecurityGroup'], resources: [ec2(`vpc/${vpcId}`)] },
    {
      actions: [
        'AuthorizeSecurityGroupIngress',
        'AuthorizeSecurityGroupEgress',
        'RevokeSecurityGroupIngress',
        'RevokeSecurityGroupEgress',
        'DeleteSecurityGroup',
      ].map((action) => `ec2:${action}`),
      resources: [ec2('security-group/*')],
      conditions: resourceTag,
      because: RUN_TIME,
    },
    // With the prefix lists of the gateway endpoints as destination, EC2 checks the rule against these as well.
    { actions: ['ec2:AuthorizeSecurityGroupEgress'], resources: [ec2('security-group-rule/*')], because: RUN_TIME },
    { actions: ['ec2:AuthorizeSecurityGroupIngress'], resources: [ec2('security-group-rule/*')], because: RUN_TIME },
    { actions: ['ec2:CreateNetworkInterface'], resources: [ec2('network-interface/*')], conditions: requestTag, because: RUN_TIME },
    {
      actions: ['ec2:CreateNetworkInterface'],
      resources: [ec2('subnet/*'), ec2('security-group/*')],
      conditions: resourceTag,
      because: RUN_TIME,
    },
    {
      actions: ['ec2:DeleteNetworkInterface'],
      resources: [ec2('network-interface/*')],
      conditions: resourceTag,
      because: RUN_TIME,
    },
    {
      actions: ['ec2:CreateTags'],
      resources: [ec2('security-group/*'), ec2('security-group-rule/*'), ec2('network-interface/*')],
      conditions: {
        StringEquals: {
          'ec2:CreateAction': [
            'CreateSecurityGroup',
            'CreateNetworkInterface',
            'AuthorizeSecurityGroupIngress',
            'AuthorizeSecurityGroupEgress',
          ],
        },
      },
      because: RUN_TIME,
    },
    ...nodeRoles(names),
  ];
};

/** Roles and profiles of clusters: only below the stage's path, within its boundary. */
const nodeRoles = (names: StageNames): Permission[] => {
  const role = names.iamArn(`role${names.nodeRolePath}*`);
  const profile = names.iamArn(`instance-profile${names.nodeRolePath}*`);
  return [
    // The boundary is what keeps this from being a way to more rights: whatever the inline policy says, a node gets no more than the boundary.
    {
      actions: ['iam:CreateRole', 'iam:PutRolePolicy', 'iam:DeleteRolePolicy'],
      resources: [role],
      conditions: { StringEquals: { 'iam:PermissionsBoundary': names.iamArn(`policy/${names.nodeBoundary}`) } },
      because: RUN_TIME,
    },
    {
      actions: ['iam:TagRole', 'iam:DeleteRole'],
      resources: [role],
      because: RUN_TIME,
    },
    {
      actions: ['iam:PassRole'],
      resources: [role],
      conditions: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
      because: RUN_TIME,
    },
    {
      actions: ['iam:ListRoles', 'iam:ListInstanceProfiles'],
      resources: ['*'],
      because: 'A list below a path knows no resources; it tells whether what may not be deleted is still there.',
    },
    {
      actions: [
        'CreateInstanceProfile',
        'TagInstanceProfile',
        'GetInstanceProfile',
        'AddRoleToInstanceProfile',
        'RemoveRoleFromInstanceProfile',
        'DeleteInstanceProfile',
      ].map((action) => `iam:${action}`),
      resources: [profile],
      because: RUN_TIME,
    },
  ];
};

/** Launch templates and Auto Scaling groups of clusters. */
const fleetGroups = (names: StageNames, stage: string, vpcId: string): Permission[] => {
  const templates = names.arn('ec2', 'launch-template/*');
  const groups = names.arn('autoscaling', `autoScalingGroup:*:autoScalingGroupName/${names.prefix}-*`);
  const resourceTag = { StringEquals: { 'aws:ResourceTag/sluice:stage': stage } };
  return [
    {
      actions: ['ec2:CreateLaunchTemplate'],
      resources: [templates],
      conditions: { StringEquals: { 'aws:RequestTag/sluice:stage': stage } },
      because: RUN_TIME,
    },
    {
      actions: ['ec2:CreateLaunchTemplateVersion', 'ec2:DeleteLaunchTemplate'],
      resources: [templates],
      conditions: resourceTag,
      because: RUN_TIME,
    },
    {
      actions: ['ec2:CreateTags'],
      resources: [
        templates,
        names.arn('ec2', 'instance/*'),
        names.arn('ec2', 'volume/*'),
        names.arn('ec2', 'network-interface/*'),
        names.arn('ec2', 'spot-instances-request/*'),
      ],
      conditions: { StringEquals: { 'ec2:CreateAction': ['CreateLaunchTemplate', 'RunInstances'] } },
      because: RUN_TIME,
    },
    // Placement groups have names, so the stage's prefix is enough.
    {
      actions: ['ec2:CreatePlacementGroup', 'ec2:DeletePlacementGroup'],
      resources: [names.arn('ec2', `placement-group/${names.prefix}-*`)],
      because: RUN_TIME,
    },
    {
      actions: ['ec2:CreateTags'],
      resources: [names.arn('ec2', `placement-group/${names.prefix}-*`)],
      conditions: { StringEquals: { 'ec2:CreateAction': 'CreatePlacementGroup' } },
      because: RUN_TIME,
    },
    {
      actions: ['CreateAutoScalingGroup', 'CreateOrUpdateTags'].map((action) => `autoscaling:${action}`),
      resources: [groups],
      conditions: { StringEquals: { 'aws:RequestTag/sluice:stage': stage } },
      because: RUN_TIME,
    },
    {
      actions: [
        'SetDesiredCapacity',
        'UpdateAutoScalingGroup',
        'TerminateInstanceInAutoScalingGroup',
        'DeleteAutoScalingGroup',
        'SuspendProcesses',
      ].map((action) => `autoscaling:${action}`),
      resources: [groups],
      conditions: resourceTag,
      because: RUN_TIME,
    },
    // Auto Scaling checks that whoever makes a group could launch its template; what the template holds was allowed above.
    {
      actions: ['ec2:RunInstances'],
      resources: ['*'],
      conditions: { Bool: { 'ec2:IsLaunchTemplateResource': 'true' }, ArnLike: { 'ec2:LaunchTemplate': templates } },
      because:
        'RunInstances names images, subnets and templates at once; the conditions hold it to launch templates of this account and region.',
    },
    // A group gives its own subnet (VPCZoneIdentifier), which is then no resource of the template
    // (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html).
    {
      actions: ['ec2:RunInstances'],
      resources: [names.arn('ec2', 'subnet/*')],
      conditions: { ArnLike: { 'ec2:LaunchTemplate': templates }, ArnEquals: { 'ec2:Vpc': names.arn('ec2', `vpc/${vpcId}`) } },
      because: "Subnets of the stage's VPC.",
    },
    // Base templates name their image by SSM parameter.
    {
      actions: ['ssm:GetParameters'],
      resources: [`arn:${names.partition}:ssm:${names.region}::parameter/aws/service/ami-amazon-linux-latest/*`],
      because: 'Public parameters of Amazon Linux images.',
    },
    {
      actions: ['iam:PassRole'],
      resources: [names.iamArn(`role${names.nodeRolePath}*`)],
      conditions: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
      because: RUN_TIME,
    },
    {
      actions: ['iam:CreateServiceLinkedRole'],
      resources: [
        names.iamArn('role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling'),
        names.iamArn('role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot'),
      ],
    },
  ];
};

/** EBS snapshots of hosts' volumes. The ARN of a snapshot names no account. */
const volumeSnapshots = (names: StageNames, stage: string): Permission[] => {
  const snapshots = `arn:${names.partition}:ec2:${names.region}::snapshot/*`;
  const resourceTag = { StringEquals: { 'aws:ResourceTag/sluice:stage': stage } };
  return [
    { actions: ['ec2:CreateSnapshot'], resources: [names.arn('ec2', 'volume/*')], conditions: resourceTag, because: RUN_TIME },
    {
      actions: ['ec2:CreateSnapshot'],
      resources: [snapshots],
      conditions: { StringEquals: { 'aws:RequestTag/sluice:stage': stage } },
      because: RUN_TIME,
    },
    {
      actions: ['ec2:CreateTags'],
      resources: [snapshots],
      conditions: { StringEquals: { 'ec2:CreateAction': 'CreateSnapshot' } },
      because: RUN_TIME,
    },
    { actions: ['ec2:DeleteSnapshot'], resources: [snapshots], conditions: resourceTag, because: RUN_TIME },
    { actions: ['ec2:DescribeSnapshots', 'ec2:DescribeVolumes'], resources: ['*'], because: DESCRIBE },
  ];
};

const observe: Permission = {
  actions: [
    ...[
      'AvailabilityZones',
      'Instances',
      'InstanceTypes',
      'LaunchTemplates',
      'LaunchTemplateVersions',
      'NetworkInterfaces',
      'SecurityGroups',
      'SecurityGroupRules',
      'Subnets',
    ].map((what) => `ec2:Describe${what}`),
    ...['AutoScalingGroups', 'AutoScalingInstances', 'ScalingActivities', 'Tags'].map((what) => `autoscaling:Describe${what}`),
  ],
  resources: ['*'],
  because: DESCRIBE,
};

/** The IAM meaning of each grant. */
export const permissionsOf = (
  grant: Grant,
  names: StageNames,
  about: { readonly stage: string; readonly vpcId: string; readonly kmsKeyArn: string },
): readonly Permission[] => {
  const { stage, vpcId, kmsKeyArn } = about;
  switch (grant) {
    case 'table:read':
      return tableRead(names, kmsKeyArn);
    case 'table:write':
      return [
        ...tableRead(names, kmsKeyArn),
        {
          actions: ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
          resources: [names.arn('dynamodb', `table/${names.table}`)],
        },
        key(kmsKeyArn, ['Encrypt', 'GenerateDataKey', 'ReEncryptFrom', 'ReEncryptTo']),
      ];
    case 'artifacts:read':
      return bucketRead(names, names.artifactBucket, kmsKeyArn);
    case 'state:read':
      return bucketRead(names, names.stateBucket, kmsKeyArn);
    case 'state:write':
      return [
        ...bucketRead(names, names.stateBucket, kmsKeyArn),
        {
          actions: ['s3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
          resources: [`${names.bucketArn(names.stateBucket)}/*`],
          because: OBJECTS,
        },
        key(kmsKeyArn, ['GenerateDataKey']),
      ];
    case 'state:scripts':
      return [
        ...bucketRead(names, names.stateBucket, kmsKeyArn),
        { actions: ['s3:PutObject'], resources: [`${names.bucketArn(names.stateBucket)}/${SCRIPTS}`], because: OBJECTS },
        key(kmsKeyArn, ['GenerateDataKey']),
      ];
    case 'state:retain':
      return [
        ...bucketRead(names, names.stateBucket, kmsKeyArn),
        {
          actions: ['s3:DeleteObject'],
          resources: STATE_OF_JOBS.map((keys) => `${names.bucketArn(names.stateBucket)}/${keys}`),
          because: OBJECTS,
        },
      ];
    case 'fleet:facts':
      return [{ actions: ['ec2:DescribeInstanceTypes', 'ec2:DescribeInstanceTypeOfferings'], resources: ['*'], because: DESCRIBE }];
    case 'fleet:observe':
      return [observe];
    case 'fleet:access':
      return fleetAccess(names, stage, vpcId);
    case 'fleet:roles':
      return nodeRoles(names);
    case 'fleet:mark':
      return [
        {
          actions: ['ec2:CreateTags', 'ec2:DeleteTags'],
          resources: [names.arn('ec2', 'instance/*')],
          conditions: {
            StringEquals: { 'aws:ResourceTag/sluice:stage': stage },
            'ForAllValues:StringEquals': { 'aws:TagKeys': ['sluice:drain', 'sluice:leaving'] },
          },
          because: RUN_TIME,
        },
      ];
    case 'volumes:snapshot':
      return volumeSnapshots(names, stage);
    case 'fleet:replace':
      return [
        {
          actions: ['autoscaling:TerminateInstanceInAutoScalingGroup'],
          resources: [names.arn('autoscaling', `autoScalingGroup:*:autoScalingGroupName/${names.prefix}-*`)],
          conditions: { StringEquals: { 'aws:ResourceTag/sluice:stage': stage } },
          because: RUN_TIME,
        },
      ];
    case 'fleet:addresses':
      return [
        {
          actions: ['ec2:AssignPrivateIpAddresses'],
          resources: [names.arn('ec2', 'network-interface/*')],
          conditions: { StringEquals: { 'aws:ResourceTag/sluice:stage': stage } },
          because: RUN_TIME,
        },
      ];
    case 'fleet:types': {
      const resourceTag = { StringEquals: { 'aws:ResourceTag/sluice:stage': stage } };
      const groups = names.arn('autoscaling', `autoScalingGroup:*:autoScalingGroupName/${names.prefix}-*-jobmanager*`);
      return [
        // Which of its versions is launched, not what is in one.
        {
          actions: ['ec2:ModifyLaunchTemplate'],
          resources: [names.arn('ec2', 'launch-template/*')],
          conditions: resourceTag,
          because: RUN_TIME,
        },
        { actions: ['autoscaling:SetDesiredCapacity'], resources: [groups], conditions: resourceTag, because: RUN_TIME },
      ];
    }
    case 'fleet:again':
      return [
        {
          actions: ['autoscaling:SetDesiredCapacity'],
          resources: [names.arn('autoscaling', `autoScalingGroup:*:autoScalingGroupName/${names.prefix}-*-taskmanager-*`)],
          conditions: { StringEquals: { 'aws:ResourceTag/sluice:stage': stage } },
          because: RUN_TIME,
        },
      ];
    case 'fleet:groups':
      return fleetGroups(names, stage, vpcId);
    case 'alarms:write':
      return [
        {
          actions: ['cloudwatch:PutMetricAlarm', 'cloudwatch:DeleteAlarms', 'cloudwatch:TagResource'],
          resources: [names.arn('cloudwatch', `alarm:${names.prefix}-*`)],
          because: 'Alarms are made at run time, one to five a job and one for each topic of MSK; the name prefix is the boundary.',
        },
        {
          actions: ['cloudwatch:DescribeAlarms'],
          resources: ['*'],
          because: 'Alarms are listed by prefix, which is a call about all of them.',
        },
      ];
    case 'metrics:read':
      return [{ actions: ['cloudwatch:GetMetricData'], resources: ['*'], because: 'GetMetricData knows no resources and no conditions.' }];
    case 'workflows:start':
      return [
        {
          actions: ['states:StartExecution'],
          resources: [names.arn('states', `stateMachine:${names.prefix}-*`)],
          because: 'The machines of this stage, one a kind of operation.',
        },
        {
          actions: ['states:DescribeExecution'],
          resources: [names.arn('states', `execution:${names.prefix}-*:*`)],
          because: 'An execution is named after its operation.',
        },
      ];
  }
};
