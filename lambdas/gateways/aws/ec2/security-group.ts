import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  type IpPermission,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import type { Stage } from '../../../contracts/stage';
import { everyOne, laterOn, present, unless } from '../aws-errors';
import type { FleetSpec } from '../fleet.port';
import { type FleetDependencies, NOT_YET_KNOWN, type Owner } from './context';
import { fleetNames } from './names';
import { tagsOf } from './tags';

const FLINK_PORTS = { FromPort: 6123, ToPort: 6124 } as const;
/** The metric query service of a TaskManager, from which the JobManager fetches what its REST API tells of metrics. */
const METRICS_PORT = 6125;
const REST_PORT = 8081;
const HTTPS_PORT = 443;

/** Members among themselves: RPC 6123 and data or blobs 6124. REST: only the functions that call Flink, because Flink's job submission runs any code. */
export const ingressRules = (stage: Stage, groupId: string): IpPermission[] => [
  { IpProtocol: 'tcp', ...FLINK_PORTS, UserIdGroupPairs: [{ GroupId: groupId, Description: 'Flink RPC, data and blobs between members' }] },
  {
    IpProtocol: 'tcp',
    FromPort: REST_PORT,
    ToPort: REST_PORT,
    UserIdGroupPairs: [{ GroupId: stage.flinkClientSecurityGroupId, Description: 'Flink REST from the control plane' }],
  },
];

/**
 * Members among themselves, S3 and DynamoDB through the gateway endpoints, the jobs' sources. Name resolution, time and instance metadata need no rule:
 * https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
 */
export const egressRules = (stage: Stage, groupId: string): IpPermission[] => [
  { IpProtocol: 'tcp', ...FLINK_PORTS, UserIdGroupPairs: [{ GroupId: groupId, Description: 'Flink RPC, data and blobs between members' }] },
  ...stage.prefixLists.map((PrefixListId) => ({
    IpProtocol: 'tcp',
    FromPort: HTTPS_PORT,
    ToPort: HTTPS_PORT,
    PrefixListIds: [{ PrefixListId, Description: 'AWS through a gateway endpoint' }],
  })),
  ...stage.streamSources.map(({ cidr, fromPort, toPort }) => ({
    IpProtocol: 'tcp',
    FromPort: fromPort,
    ToPort: toPort,
    IpRanges: [{ CidrIp: cidr, Description: 'Sources of the jobs' }],
  })),
];

/**
 * A JobManager's way to its TaskManagers' metrics (docs/adr/0007): by its own address, so that no other member is let in. What a rule lets out is
 * let in by the other side's rule only, and an answer needs none.
 */
export const metricRules = (
  groupId: string,
  jobManagerAddress: string,
): { readonly ingress: IpPermission; readonly egress: IpPermission } => {
  const port = { IpProtocol: 'tcp', FromPort: METRICS_PORT, ToPort: METRICS_PORT };
  return {
    ingress: { ...port, IpRanges: [{ CidrIp: `${jobManagerAddress}/32`, Description: 'Metrics of TaskManagers, for the JobManager' }] },
    egress: { ...port, UserIdGroupPairs: [{ GroupId: groupId, Description: 'Metrics of TaskManagers, for the JobManager' }] },
  };
};

const find = async ({ ec2, stage }: FleetDependencies, name: string): Promise<SecurityGroup | undefined> => {
  const Filters = [
    { Name: 'vpc-id', Values: [stage.vpcId] },
    { Name: 'group-name', Values: [name] },
  ];
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters }));
  return SecurityGroups[0];
};

const create = async ({ ec2, stage }: FleetDependencies, spec: FleetSpec, name: string): Promise<string | undefined> => {
  const created = await unless(
    ['InvalidGroup.Duplicate'],
    ec2.send(
      new CreateSecurityGroupCommand({
        GroupName: name,
        VpcId: stage.vpcId,
        Description: `Members of Flink cluster ${spec.cluster}, epoch ${spec.epoch}`,
        TagSpecifications: [{ ResourceType: 'security-group', Tags: tagsOf(stage, spec, name) }],
      }),
    ),
  );
  return created?.GroupId;
};

/** Makes the group with exactly its rules, or completes the one that an earlier run began. Returns its id. */
export const ensureSecurityGroup = async (dependencies: FleetDependencies, spec: FleetSpec): Promise<string> => {
  const { ec2, stage } = dependencies;
  const name = fleetNames(stage.name, spec.cluster, spec.epoch).base;
  const id =
    (await find(dependencies, name))?.GroupId ?? (await create(dependencies, spec, name)) ?? (await find(dependencies, name))?.GroupId;
  const groupId = present(id, `security group ${name}`);
  const complete = async (): Promise<void> => {
    // A call with several rules is taken or refused as a whole, so that a duplicate means that all are there.
    await unless(
      ['InvalidPermission.Duplicate'],
      ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: groupId, IpPermissions: ingressRules(stage, groupId) })),
    );
    await unless(
      ['InvalidPermission.Duplicate'],
      ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId: groupId, IpPermissions: egressRules(stage, groupId) })),
    );
    // EC2 gives every new group a rule that lets everything out.
    await unless(
      ['InvalidPermission.NotFound'],
      ec2.send(
        new RevokeSecurityGroupEgressCommand({
          GroupId: groupId,
          IpPermissions: [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }],
        }),
      ),
    );
  };
  await laterOn(NOT_YET_KNOWN, complete());
  return groupId;
};

/**
 * Takes every rule from an epoch's group. New connections are refused at once; one that is open may live on until its host ends, which is why
 * state and transactions of an epoch are fenced on their own (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html).
 */
export const closeSecurityGroup = async (dependencies: FleetDependencies, owner: Owner, recordedId: string | undefined): Promise<void> => {
  const { ec2, stage } = dependencies;
  const group = await find(dependencies, fleetNames(stage.name, owner.cluster, owner.epoch).base);
  const recorded = group || recordedId === undefined ? undefined : await byId(dependencies, recordedId);
  const { GroupId, IpPermissions = [], IpPermissionsEgress = [] } = group ?? recorded ?? {};
  if (GroupId === undefined) return;
  const revoked = ['InvalidPermission.NotFound', 'InvalidGroup.NotFound', 'InvalidGroupId.NotFound'] as const;
  const ingress = new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions });
  const egress = new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions: IpPermissionsEgress });
  await everyOne([
    ...(IpPermissions.length > 0 ? [unless(revoked, ec2.send(ingress))] : []),
    ...(IpPermissionsEgress.length > 0 ? [unless(revoked, ec2.send(egress))] : []),
  ]);
};

const byId = async ({ ec2 }: FleetDependencies, id: string): Promise<SecurityGroup | undefined> =>
  (await unless(['InvalidGroup.NotFound', 'InvalidGroupId.NotFound'], ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }))))
    ?.SecurityGroups?.[0];

/** Lets the JobManager at this address ask its TaskManagers for their metrics: one that stands by answers on its REST API too. */
export const admitMetricQueries = async ({ ec2 }: FleetDependencies, groupId: string, jobManagerAddress: string): Promise<void> => {
  const { ingress, egress } = metricRules(groupId, jobManagerAddress);
  const admit = async (): Promise<void> => {
    await unless(
      ['InvalidPermission.Duplicate'],
      ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: groupId, IpPermissions: [ingress] })),
    );
    await unless(
      ['InvalidPermission.Duplicate'],
      ec2.send(new AuthorizeSecurityGroupEgressCommand({ GroupId: groupId, IpPermissions: [egress] })),
    );
  };
  await laterOn(NOT_YET_KNOWN, admit());
};

/** @throws AwsUnavailable while an interface uses it: hosts that are being ended hold theirs for a minute or two. */
export const deleteSecurityGroup = async (dependencies: FleetDependencies, owner: Owner, recordedId: string | undefined): Promise<void> => {
  const name = fleetNames(dependencies.stage.name, owner.cluster, owner.epoch).base;
  const found = (await find(dependencies, name))?.GroupId;
  for (const GroupId of new Set([found, recordedId])) {
    if (GroupId === undefined) continue;
    const deleted = dependencies.ec2.send(new DeleteSecurityGroupCommand({ GroupId }));
    await laterOn(['DependencyViolation'], unless(['InvalidGroup.NotFound', 'InvalidGroupId.NotFound'], deleted));
  }
};
