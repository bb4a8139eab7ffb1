import {
  type _InstanceType,
  CreateLaunchTemplateCommand,
  CreateLaunchTemplateVersionCommand,
  DeleteLaunchTemplateCommand,
  DescribeLaunchTemplateVersionsCommand,
  type LaunchTemplateBlockDeviceMapping,
  type LaunchTemplateVersion,
  ModifyLaunchTemplateCommand,
  paginateDescribeLaunchTemplates,
  paginateDescribeLaunchTemplateVersions,
  type RequestLaunchTemplateData,
  type ResponseLaunchTemplateData,
} from '@aws-sdk/client-ec2';
import type { ClusterResources, ResolvedSize } from '../../../contracts/cluster';
import type { Stage } from '../../../contracts/stage';
import { laterOn, present, unless } from '../aws-errors';
import type { FleetSpec } from '../fleet.port';
import type { FleetDependencies, Owner, Role } from './context';
import { fleetNames } from './names';
import { hostTags, tagsOf } from './tags';

const ABSENT = [
  'InvalidLaunchTemplateId.NotFound',
  'InvalidLaunchTemplateId.NotFoundException',
  'InvalidLaunchTemplateName.NotFoundException',
] as const;

/**
 * The newest version of the stage's template for this architecture: image, user data, IMDSv2, encryption.
 *
 * @param image `by-parameter`: by the name of the SSM parameter that EC2 reads at each launch. `by-id`: the one that the parameter names now, because a group
 *   with a mixed instances policy takes no parameter
 *   (https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html#using-systems-manager-parameters-limitations)
 */
export const baseTemplate = async (
  { ec2, stage }: FleetDependencies,
  architecture: 'x86_64' | 'arm64',
  image: 'by-parameter' | 'by-id',
): Promise<ResponseLaunchTemplateData> => {
  const command = new DescribeLaunchTemplateVersionsCommand({
    LaunchTemplateId: stage.baseLaunchTemplates[architecture],
    Versions: ['$Latest'],
    ResolveAlias: image === 'by-id',
  });
  const { LaunchTemplateVersions = [] } = await ec2.send(command);
  const data = LaunchTemplateVersions[0]?.LaunchTemplateData;
  if (!data) throw new Error(`The stage's launch template ${stage.baseLaunchTemplates[architecture]} has no version`);
  return data;
};

/** State lives on the root volume where the type has no NVMe of its own, so that volume grows by it and is as fast as state wants it. */
const blockDevices = (
  base: ResponseLaunchTemplateData,
  state: ResolvedSize['stateVolume'] | undefined,
): LaunchTemplateBlockDeviceMapping[] =>
  (base.BlockDeviceMappings ?? []).map((mapping, index) => {
    if (index > 0 || state?.kind !== 'gp3') return mapping;
    const { sizeGB, throughputMiBps, iops } = state;
    return {
      ...mapping,
      Ebs: {
        ...mapping.Ebs,
        VolumeSize: (mapping.Ebs?.VolumeSize ?? 0) + sizeGB,
        ...(throughputMiBps === undefined ? {} : { Throughput: throughputMiBps }),
        ...(iops === undefined ? {} : { Iops: iops }),
      },
    };
  });

export interface TemplateParts {
  readonly stage: Stage;
  readonly spec: FleetSpec;
  readonly role: Role;
  readonly name: string;
  readonly access: ClusterResources;
  readonly placementGroup?: string | undefined;
  /** Of a JobManager's host. @default - the first JobManager's */
  readonly networkInterfaceId?: string | undefined;
}

/** The base template with what is the cluster's own. The JobManager takes its interface, which stays when the host goes; a TaskManager host gets a new one. */
export const templateData = (
  base: ResponseLaunchTemplateData,
  { stage, spec, role, name, access, placementGroup, networkInterfaceId = access.networkInterfaceId }: TemplateParts,
): RequestLaunchTemplateData => {
  const { size } = spec;
  const isJobManager = role === 'jobmanager';
  const instanceType = isJobManager ? size.jobManager.instanceType : size.instanceType;
  const { HttpEndpoint, HttpProtocolIpv6, HttpPutResponseHopLimit, HttpTokens, InstanceMetadataTags } = base.MetadataOptions ?? {};
  const hostTagList = hostTags(stage, spec, role, name);
  const things = isJobManager ? (['instance', 'volume'] as const) : (['instance', 'volume', 'network-interface'] as const);
  return {
    ImageId: base.ImageId,
    UserData: base.UserData,
    InstanceInitiatedShutdownBehavior: base.InstanceInitiatedShutdownBehavior,
    Monitoring: base.Monitoring,
    MetadataOptions: base.MetadataOptions
      ? { HttpEndpoint, HttpProtocolIpv6, HttpPutResponseHopLimit, HttpTokens, InstanceMetadataTags }
      : undefined,
    InstanceType: instanceType as _InstanceType,
    IamInstanceProfile: { Arn: access.instanceProfileArn },
    NetworkInterfaces: [
      isJobManager
        ? { DeviceIndex: 0, NetworkInterfaceId: networkInterfaceId, DeleteOnTermination: false }
        : {
            DeviceIndex: 0,
            Groups: access.securityGroupId === undefined ? [] : [access.securityGroupId],
            AssociatePublicIpAddress: false,
            // Each TaskManager listens on an address of its own; all but the primary one come when the host is there (`host-addresses.ts`).
            DeleteOnTermination: true,
          },
    ],
    BlockDeviceMappings: blockDevices(base, isJobManager ? undefined : size.stateVolume),
    ...(placementGroup === undefined ? {} : { Placement: { GroupName: placementGroup } }),
    TagSpecifications: things.map((ResourceType) => ({
      ResourceType,
      Tags: ResourceType === 'instance' ? hostTagList : tagsOf(stage, spec, name),
    })),
  };
};

/** Makes the launch template of this name, or finds it. Returns its id. */
export const ensureLaunchTemplate = async (
  { ec2, stage }: FleetDependencies,
  spec: FleetSpec,
  name: string,
  data: RequestLaunchTemplateData,
): Promise<string> => {
  const command = new CreateLaunchTemplateCommand({
    LaunchTemplateName: name,
    LaunchTemplateData: data,
    TagSpecifications: [{ ResourceType: 'launch-template', Tags: tagsOf(stage, spec, name) }],
  });
  const created = await unless(['InvalidLaunchTemplateName.AlreadyExistsException'], ec2.send(command));
  return present(created?.LaunchTemplate?.LaunchTemplateId ?? (await find({ ec2 }, [name]))[0], `launch template ${name}`);
};

/** A type that a launch template can launch. */
export interface TypeVersion {
  readonly type: string;
  readonly version: number;
  readonly isDefault: boolean;
}

/**
 * Gives a template a version for each of the types, in their order; its first is the default one until another is made that (`launchAs`).
 * What is there already stays.
 */
export const ensureTypeVersions = async (
  dependencies: Pick<FleetDependencies, 'ec2'>,
  launchTemplateId: string,
  types: readonly string[],
): Promise<void> => {
  if (types.length < 2) return;
  // A server that has not heard of the template yet is asked again.
  const there = (await laterOn(ABSENT, typeVersions(dependencies, launchTemplateId))).map(({ type }) => type);
  for (const type of types.filter((one) => !there.includes(one))) {
    const command = new CreateLaunchTemplateVersionCommand({
      LaunchTemplateId: launchTemplateId,
      SourceVersion: '1',
      LaunchTemplateData: { InstanceType: type as _InstanceType },
    });
    await laterOn(ABSENT, dependencies.ec2.send(command));
  }
};

/** The first version first. */
export const typeVersions = async ({ ec2 }: Pick<FleetDependencies, 'ec2'>, launchTemplateId: string): Promise<readonly TypeVersion[]> => {
  const found: LaunchTemplateVersion[] = [];
  const pages = paginateDescribeLaunchTemplateVersions({ client: ec2 }, { LaunchTemplateId: launchTemplateId });
  for await (const { LaunchTemplateVersions = [] } of pages) found.push(...LaunchTemplateVersions);
  return found
    .flatMap(({ VersionNumber: version, DefaultVersion: isDefault = false, LaunchTemplateData: { InstanceType: type } = {} }) =>
      version === undefined || type === undefined ? [] : [{ type, version, isDefault }],
    )
    .toSorted((a, b) => a.version - b.version);
};

export const setDefaultVersion = async (
  { ec2 }: Pick<FleetDependencies, 'ec2'>,
  launchTemplateId: string,
  version: number,
): Promise<void> => {
  await ec2.send(new ModifyLaunchTemplateCommand({ LaunchTemplateId: launchTemplateId, DefaultVersion: String(version) }));
};

/** By filter, because asking for a name that does not exist is an error. */
const find = async ({ ec2 }: Pick<FleetDependencies, 'ec2'>, names: readonly string[]): Promise<string[]> => {
  const Filters = [{ Name: 'launch-template-name', Values: [...names] }];
  const ids: string[] = [];
  for await (const { LaunchTemplates = [] } of paginateDescribeLaunchTemplates({ client: ec2 }, { Filters }))
    ids.push(...LaunchTemplates.flatMap(({ LaunchTemplateId }) => LaunchTemplateId ?? []));
  return ids;
};

export const deleteLaunchTemplates = async (
  { ec2, stage }: FleetDependencies,
  owner: Owner,
  recordedIds: readonly string[],
): Promise<void> => {
  const names = fleetNames(stage.name, owner.cluster, owner.epoch);
  const found = await find({ ec2 }, [
    names.jobManagerGroup,
    names.standbyGroup,
    ...names.taskManagerGroups(stage.zones.map(({ name }) => name)),
  ]);
  for (const LaunchTemplateId of new Set([...found, ...recordedIds]))
    await unless(ABSENT, ec2.send(new DeleteLaunchTemplateCommand({ LaunchTemplateId })));
};
