import { AutoScalingClient, paginateDescribeAutoScalingGroups } from '@aws-sdk/client-auto-scaling';
import {
  DescribeLaunchTemplatesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
  paginateDescribeInstances,
} from '@aws-sdk/client-ec2';
import { IAMClient, ListInstanceProfilesCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import type { TwinFile } from '../twin/twin-file';

const namesOf = (items: readonly (string | undefined)[] = []): string[] => items.filter((item) => item !== undefined).sort();

type Tags = readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined;

const all = async <Page, Item>(pages: AsyncIterable<Page>, itemsOf: (page: Page) => readonly Item[]): Promise<readonly Item[]> => {
  const found: Item[] = [];
  for await (const page of pages) found.push(...itemsOf(page));
  return found;
};

/**
 * Everything in the account that a cluster can own, by kind. Two looks are equal when nothing was left in between.
 * @param cluster counts only what belongs to this one
 */
export const belongingsIn = async (twin: TwinFile, cluster?: string): Promise<Record<string, readonly string[]>> => {
  const configuration = { endpoint: twin.awsEndpoint, region: twin.region, credentials: twin.credentials };
  const ec2 = new EC2Client(configuration);
  const groups = new AutoScalingClient(configuration);
  const iam = new IAMClient(configuration);
  const [instances, securityGroups, interfaces, templates, scaling, roles, profiles] = await Promise.all([
    // The account remembers instances for long after their end.
    all(paginateDescribeInstances({ client: ec2 }, {}), ({ Reservations = [] }) => Reservations.flatMap(({ Instances = [] }) => Instances)),
    ec2.send(new DescribeSecurityGroupsCommand({})),
    ec2.send(new DescribeNetworkInterfacesCommand({})),
    ec2.send(new DescribeLaunchTemplatesCommand({})),
    all(paginateDescribeAutoScalingGroups({ client: groups }, {}), ({ AutoScalingGroups = [] }) => AutoScalingGroups),
    iam.send(new ListRolesCommand({ MaxItems: 1_000 })),
    iam.send(new ListInstanceProfilesCommand({ MaxItems: 1_000 })),
  ]);
  const tagged = (tags: Tags): boolean =>
    cluster === undefined || (tags ?? []).some(({ Key, Value }) => Key === 'sluice:cluster' && Value === cluster);
  const named = (name: string | undefined): boolean =>
    cluster === undefined || (name ?? '').startsWith(`sluice-${twin.stage}-${cluster}-e`);
  const living = instances.filter((one) => one.State?.Name !== 'terminated');
  return {
    instances: namesOf(living.filter((one) => tagged(one.Tags)).map((one) => one.InstanceId)),
    securityGroups: namesOf(securityGroups.SecurityGroups?.filter((one) => tagged(one.Tags)).map((one) => one.GroupId)),
    networkInterfaces: namesOf(interfaces.NetworkInterfaces?.filter((one) => tagged(one.TagSet)).map((one) => one.NetworkInterfaceId)),
    launchTemplates: namesOf(templates.LaunchTemplates?.filter((one) => tagged(one.Tags)).map((one) => one.LaunchTemplateName)),
    autoScalingGroups: namesOf(scaling.filter((one) => tagged(one.Tags)).map((one) => one.AutoScalingGroupName)),
    roles: namesOf(roles.Roles?.filter((one) => named(one.RoleName)).map((one) => one.RoleName)),
    instanceProfiles: namesOf(
      profiles.InstanceProfiles?.filter((one) => named(one.InstanceProfileName)).map((one) => one.InstanceProfileName),
    ),
  };
};

/** How many things of any kind belong to a cluster. */
export const countOf = (found: Record<string, readonly string[]>): number =>
  Object.values(found).reduce((sum, items) => sum + items.length, 0);
