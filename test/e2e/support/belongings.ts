import { AutoScalingClient, DescribeAutoScalingGroupsCommand } from '@aws-sdk/client-auto-scaling';
import {
  DescribeInstancesCommand,
  DescribeLaunchTemplatesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { IAMClient, ListInstanceProfilesCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import { awsConfiguration } from './twin';

const ec2 = new EC2Client(awsConfiguration);
const groups = new AutoScalingClient(awsConfiguration);
const iam = new IAMClient(awsConfiguration);

const namesOf = (items: readonly (string | undefined)[] = []): string[] => items.filter((item) => item !== undefined).sort();

/** Everything in the account that a cluster can own, by kind. Two looks are equal when nothing was left in between. */
export const belongings = async (): Promise<Record<string, readonly string[]>> => {
  const [instances, securityGroups, interfaces, templates, scaling, roles, profiles] = await Promise.all([
    ec2.send(new DescribeInstancesCommand({})),
    ec2.send(new DescribeSecurityGroupsCommand({})),
    ec2.send(new DescribeNetworkInterfacesCommand({})),
    ec2.send(new DescribeLaunchTemplatesCommand({})),
    groups.send(new DescribeAutoScalingGroupsCommand({})),
    iam.send(new ListRolesCommand({ MaxItems: 1_000 })),
    iam.send(new ListInstanceProfilesCommand({ MaxItems: 1_000 })),
  ]);
  const living = instances.Reservations?.flatMap((reservation) => reservation.Instances ?? []).filter(
    (one) => one.State?.Name !== 'terminated',
  );
  return {
    instances: namesOf(living?.map((one) => one.InstanceId)),
    securityGroups: namesOf(securityGroups.SecurityGroups?.map((one) => one.GroupId)),
    networkInterfaces: namesOf(interfaces.NetworkInterfaces?.map((one) => one.NetworkInterfaceId)),
    launchTemplates: namesOf(templates.LaunchTemplates?.map((one) => one.LaunchTemplateName)),
    autoScalingGroups: namesOf(scaling.AutoScalingGroups?.map((one) => one.AutoScalingGroupName)),
    roles: namesOf(roles.Roles?.map((one) => one.RoleName)),
    instanceProfiles: namesOf(profiles.InstanceProfiles?.map((one) => one.InstanceProfileName)),
  };
};
