import type { Activity } from '@aws-sdk/client-auto-scaling';
import type { ClusterResources, ResolvedSize } from '../../../../lambdas/contracts/cluster';
import type { Stage } from '../../../../lambdas/contracts/stage';
import { failuresOf } from '../../../../lambdas/gateways/aws/ec2/auto-scaling-groups';
import { typeOutlook } from '../../../../lambdas/gateways/aws/ec2/job-manager-types';
import { launchProblems } from '../../../../lambdas/gateways/aws/ec2/launch-problems';
import { templateData } from '../../../../lambdas/gateways/aws/ec2/launch-templates';
import { fleetNames } from '../../../../lambdas/gateways/aws/ec2/names';
import { nodePolicy } from '../../../../lambdas/gateways/aws/ec2/node-role';
import { hostsSeen } from '../../../../lambdas/gateways/aws/ec2/observed-hosts';
import { egressRules, ingressRules, metricRules } from '../../../../lambdas/gateways/aws/ec2/security-group';
import { gbpsOf } from '../../../../lambdas/gateways/aws/instance-facts.adapter';
import { aCluster } from '../../../contract/support/samples';

const stage = {
  name: 'prod',
  flinkClientSecurityGroupId: 'sg-functions',
  prefixLists: ['pl-s3', 'pl-dynamodb'],
  streamSources: [{ cidr: '10.1.0.0/16', fromPort: 9098, toPort: 9098 }],
  kmsKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/k',
  stateBucket: 'state',
  artifactBucket: 'artifacts',
  nodeBundle: { bucket: 'assets', key: 'node.zip' },
} as unknown as Stage;

describe("A cluster's names", () => {
  test('say stage, cluster, epoch, and what they are of', () => {
    const names = fleetNames('prod', 'flights', 3);
    expect(names.jobManagerGroup).toBe('sluice-prod-flights-e3-jobmanager');
    expect(names.standbyGroup).toBe('sluice-prod-flights-e3-jobmanager-standby');
    expect(names.taskManagerGroup(['eu-central-1b'])).toBe('sluice-prod-flights-e3-taskmanager-eu-central-1b');
    const spread = names.taskManagerGroup(['eu-central-1a', 'eu-central-1b']);
    expect(spread).toBe('sluice-prod-flights-e3-taskmanager-spread');
    expect(names.taskManagerGroups(['eu-central-1a', 'eu-central-1b'])).toContain(spread);
    expect(names.role).toBe('sluice-prod-flights-e3');
  });

  test("fit IAM's 64 characters for a role, and stay different where they are cut", () => {
    const long = (end: string): string => fleetNames('a-very-long-stage-name', `${'c'.repeat(39)}${end}`, 12).role;
    expect(long('a')).toHaveLength(64);
    expect(long('a')).not.toBe(long('b'));
  });
});

describe("A node's permissions", () => {
  const policy = JSON.stringify(nodePolicy(stage, 'flights'));
  test("end at the cluster's own prefix of the state bucket", () => {
    const resources = [...policy.matchAll(/arn:aws:s3:::state[^"]*/g)].map(([resource]) => resource);
    expect(resources).toEqual(['arn:aws:s3:::state/clusters/flights/*', 'arn:aws:s3:::state']);
    // Of another prefix no node learns a name; a HEAD, which has none, is told that an object is not there.
    expect(policy).toContain('"StringLikeIfExists":{"s3:prefix":["clusters/flights","clusters/flights/*"]}');
  });
  test('reach, on a copy, what is of its cluster, to read it', () => {
    const { Statement } = nodePolicy(stage, 'flights-drill', 'flights') as {
      Statement: { Resource: string; Action: string | string[]; Condition?: object }[];
    };
    const others = Statement.filter((one) => /flights\//.test(JSON.stringify(one)));
    expect(others.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      ['s3:ListBucket', 'arn:aws:s3:::state'],
      ['s3:GetObject', 'arn:aws:s3:::state/clusters/flights/*'],
    ]);
    expect(others[0]?.Condition).toEqual({
      StringLikeIfExists: { 's3:prefix': ['clusters/flights-drill', 'clusters/flights-drill/*', 'clusters/flights/*'] },
    });
  });
  test('change nothing among the artifacts, and read no team’s jar there', () => {
    const statements = (nodePolicy(stage, 'flights') as { Statement: { Resource: string; Action: string | string[] }[] }).Statement;
    for (const { Resource, Action } of statements.filter((one) => one.Resource.includes('artifacts')))
      expect([Resource, Action]).toEqual([Resource, expect.stringMatching(/^s3:(Get|List)/)]);
    const resources = [...policy.matchAll(/arn:aws:s3:::artifacts[^"]*/g)].map(([resource]) => resource);
    expect(resources).toEqual(['arn:aws:s3:::artifacts/flink/*', 'arn:aws:s3:::artifacts']);
  });
});

describe("A cluster's security group", () => {
  test('lets nobody from the internet in and nobody out to all addresses', () => {
    const rules = JSON.stringify([...ingressRules(stage, 'sg-own'), ...egressRules(stage, 'sg-own')]);
    expect(rules).not.toContain('0.0.0.0/0');
    expect(rules).not.toContain('::/0');
  });
  test('admits the control plane to port 8081, and members to 6123 and 6124 only', () => {
    expect(
      ingressRules(stage, 'sg-own').map(({ FromPort, ToPort, UserIdGroupPairs }) => [FromPort, ToPort, UserIdGroupPairs?.[0]?.GroupId]),
    ).toEqual([
      [6123, 6124, 'sg-own'],
      [8081, 8081, 'sg-functions'],
    ]);
  });
  test('admits to 6125, where metrics are, the JobManager by its address and nobody else', () => {
    const { ingress, egress } = metricRules('sg-own', '10.64.0.9');
    expect([ingress.FromPort, ingress.ToPort, ingress.IpRanges?.map(({ CidrIp }) => CidrIp), ingress.UserIdGroupPairs]).toEqual([
      6125,
      6125,
      ['10.64.0.9/32'],
      undefined,
    ]);
    expect([egress.FromPort, egress.ToPort, egress.UserIdGroupPairs?.map(({ GroupId }) => GroupId)]).toEqual([6125, 6125, ['sg-own']]);
  });
});

describe('A launch template', () => {
  const size = { ...aCluster().size, stateVolume: { kind: 'nvme' as const, sizeGB: 474 }, taskManagersPerHost: 1 };
  const spec = {
    cluster: 'flights',
    epoch: 1,
    zone: 'z',
    zones: ['z'],
    size,
    spotPercent: 0,
    configurationPrefix: 'clusters/flights/e1/config/',
    flinkVersion: '2.3.0',
    tags: { 'sluice:stage': 'other', team: 'a' },
  };
  const access: ClusterResources = {
    taskManagerGroups: [],
    launchTemplateIds: [],
    securityGroupId: 'sg-own',
    instanceProfileArn: 'arn:profile',
    networkInterfaceId: 'eni-1',
  };
  const base = {
    ImageId: 'ami',
    BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { VolumeSize: 20 } }],
    MetadataOptions: { State: 'applied' as const, HttpTokens: 'required' as const },
  };
  const data = (role: 'jobmanager' | 'taskmanager') => templateData(base, { stage, spec, role, name: `n-${role}`, access });

  test('asks for no larger volume where the type has NVMe', () => {
    expect(data('taskmanager').BlockDeviceMappings?.[0]?.Ebs?.VolumeSize).toBe(20);
  });
  test('asks for a volume with room for state, as fast as the cluster was given it', () => {
    const asked = (stateVolume: ResolvedSize['stateVolume'], role: 'jobmanager' | 'taskmanager' = 'taskmanager') =>
      templateData(base, { stage, spec: { ...spec, size: { ...size, stateVolume } }, role, name: 'n', access }).BlockDeviceMappings;
    const fast = { kind: 'gp3' as const, sizeGB: 320, throughputMiBps: 256, iops: 3_000 };
    expect(asked(fast)).toEqual([{ DeviceName: '/dev/xvda', Ebs: { VolumeSize: 340, Throughput: 256, Iops: 3_000 } }]);
    expect(asked(fast, 'jobmanager')).toEqual(base.BlockDeviceMappings);
    // Of a cluster that was launched before it was given one.
    expect(asked({ kind: 'gp3', sizeGB: 320 })).toEqual([{ DeviceName: '/dev/xvda', Ebs: { VolumeSize: 340 } }]);
  });
  test("takes the base's metadata options without what EC2 only reports", () => {
    expect(data('jobmanager').MetadataOptions).toMatchObject({ HttpTokens: 'required' });
    expect(data('jobmanager').MetadataOptions).not.toHaveProperty('State');
  });
  test('says how many addresses a host needs where it has several TaskManagers', () => {
    const tagged = (role: 'jobmanager' | 'taskmanager', taskManagersPerHost: number) => {
      const made = templateData(base, { stage, spec: { ...spec, size: { ...spec.size, taskManagersPerHost } }, role, name: 'n', access });
      return made.TagSpecifications?.[0]?.Tags?.find(({ Key }) => Key === 'sluice:addresses')?.Value;
    };
    expect([tagged('taskmanager', 1), tagged('taskmanager', 4), tagged('jobmanager', 4)]).toEqual([undefined, '4', undefined]);
  });
  test("puts our tags over the user's, and tells a host its role and configuration", () => {
    const tags = Object.fromEntries((data('jobmanager').TagSpecifications?.[0]?.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
    expect(tags).toEqual({
      team: 'a',
      Name: 'n-jobmanager',
      'sluice:stage': 'prod',
      'sluice:cluster': 'flights',
      'sluice:epoch': '1',
      'sluice:role': 'jobmanager',
      'sluice:config': 's3://state/clusters/flights/e1/config/',
    });
  });
});

describe('What fails to launch', () => {
  const problem = (at: string) => ({ kind: 'capacity' as const, message: `none at ${at}`, at });
  const jobManager = (hasHost: boolean, at?: string) => ({
    name: 'jm',
    isStalled: false,
    role: 'jobmanager' as const,
    hasHost,
    problem: at === undefined ? undefined : problem(at),
  });
  const OTHER = { group: 'jm', type: 'r6i.large', lacking: ['r7i.large'], asked: false };
  const taskManager = (at?: string) => ({ ...jobManager(true, at), role: 'taskmanager' as const });
  test.each([
    ['is a problem where it is the only JobManager', [jobManager(false, '1'), taskManager()], { problem: problem('1') }],
    [
      'is none where it is a JobManager and the other has a host',
      [jobManager(false, '1'), jobManager(true)],
      { standbyProblem: problem('1') },
    ],
    ['is none where the other JobManager may yet come', [jobManager(false, '1'), jobManager(false)], { standbyProblem: problem('1') }],
    ['is one where neither JobManager can be had', [jobManager(false, '1'), jobManager(false, '2')], { problem: problem('2') }],
    [
      'is one where TaskManagers cannot be had, whatever is with the JobManagers',
      [jobManager(false, '2'), jobManager(true), taskManager('1')],
      { problem: problem('1'), standbyProblem: problem('2') },
    ],
    [
      'is told apart where another type of a JobManager was not tried',
      [{ ...jobManager(false, '1'), otherType: OTHER }, taskManager()],
      { otherTypes: [OTHER] },
    ],
    [
      'is none of both JobManagers while one of them has another type to try',
      [{ ...jobManager(false, '1'), otherType: OTHER }, jobManager(false, '2')],
      { standbyProblem: problem('2'), otherTypes: [OTHER] },
    ],
    [
      'is said of a group that is to try again',
      [jobManager(true), { ...taskManager('1'), name: 'tm', isStalled: true }],
      { problem: problem('1'), stalled: ['tm'] },
    ],
    ['is nothing where nothing fails', [jobManager(true), jobManager(true), taskManager()], {}],
  ])('%s', (_, groups, found) => {
    expect(launchProblems(groups)).toEqual(found);
  });
});

describe('What is seen of a host', () => {
  const resources: ClusterResources = { jobManagerGroup: 'jm', taskManagerGroups: [{ name: 'tm', zone: 'z' }], launchTemplateIds: [] };
  test.each([
    ['Pending', undefined, 'pending'],
    ['Pending', 'running', 'pending'],
    ['InService', 'pending', 'pending'],
    ['InService', undefined, 'pending'],
    ['InService', 'running', 'running'],
    ['InService', 'shutting-down', 'leaving'],
    ['InService', 'terminated', 'leaving'],
    ['Terminating', 'running', 'leaving'],
    ['Terminating:Wait', 'running', 'leaving'],
    ['Standby', 'running', 'leaving'],
  ] as const)('is, with Auto Scaling saying %s and EC2 saying %s: %s', (LifecycleState, Name, state) => {
    const group = { AutoScalingGroupName: 'tm', Instances: [{ InstanceId: 'i-1', AvailabilityZone: 'z', LifecycleState }] };
    const instances = Name === undefined ? [] : [{ InstanceId: 'i-1', State: { Name }, PrivateIpAddress: '10.0.0.9' }];
    expect(hostsSeen([group] as never, instances as never, resources)).toMatchObject([
      { instanceId: 'i-1', role: 'taskmanager', zone: 'z', state },
    ]);
  });
});

describe("What a JobManager's group launches", () => {
  const types = ['r7i.large', 'r6i.large', 'r5.large'];
  const full = (type: string) => ({
    kind: 'capacity' as const,
    message: `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (us-east-1a). You can get it elsewhere.`,
    at: '2026-03-01T12:00:00Z',
  });
  const never = { ...full(''), message: 'Your requested instance type (r7i.large) is not supported in your requested Availability Zone.' };
  const quota = { kind: 'other' as const, message: 'VcpuLimitExceeded: more than your limit', at: '2026-03-01T12:00:00Z' };
  test.each([
    ['stays where nothing fails', 'r7i.large', [], 1, undefined],
    [
      'is the next type where EC2 lacks the present one',
      'r7i.large',
      [full('r7i.large')],
      1,
      { type: 'r6i.large', lacking: ['r7i.large'], asked: false },
    ],
    [
      'is the next type where the zone never has the present one',
      'r7i.large',
      [never],
      1,
      { type: 'r6i.large', lacking: ['r7i.large'], asked: false },
    ],
    [
      'is asked for already where the failure was of the type before it',
      'r6i.large',
      [full('r7i.large')],
      1,
      { type: 'r6i.large', lacking: ['r7i.large'], asked: true },
    ],
    [
      'is the third type where both before it failed, in whatever order',
      'r6i.large',
      [full('r6i.large'), full('r7i.large')],
      1,
      { type: 'r5.large', lacking: ['r7i.large', 'r6i.large'], asked: false },
    ],
    [
      'is the first type where a later one, which it had come to before, is lacking',
      'r5.large',
      [full('r5.large')],
      1,
      { type: 'r7i.large', lacking: ['r5.large'], asked: false },
    ],
    ['stays where all were tried', 'r5.large', types.toReversed().map(full), 1, undefined],
    ['stays where another type would not help', 'r7i.large', [quota, full('r7i.large')], 1, undefined],
    ['stays where EC2 does not say which type it lacks', 'r7i.large', [full('')], 1, undefined],
    ['stays where a longer name is lacking', 'r7i.large', [full('r7i.large-flex')], 1, undefined],
    [
      'is asked for anew where its change was broken off',
      'r6i.large',
      [full('r7i.large')],
      0,
      { type: 'r6i.large', lacking: ['r7i.large'], asked: false },
    ],
    ['is asked for anew where that was so and nobody knows why', 'r6i.large', [], 0, { type: 'r6i.large', lacking: [], asked: false }],
    ['is asked for anew where all were tried', 'r5.large', types.map(full), 0, { type: 'r5.large', lacking: types, asked: false }],
  ])('%s', (_, present, failures, wanted, outlook) => {
    expect(typeOutlook(types, present, failures, wanted)).toEqual(outlook);
  });
});

describe('The launch problem of a group', () => {
  const activity = (StatusCode: string, message = '', Description = 'Launching a new EC2 instance'): Activity =>
    ({ StatusCode, StatusMessage: message, Description, StartTime: new Date(0) }) as Activity;
  const full = 'We currently do not have sufficient c5.large capacity in the Availability Zone you requested';
  test.each([
    ['a failed launch for want of capacity', [activity('Failed', full)], 'capacity'],
    [
      'Spot has none',
      [activity('Failed', 'Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity')],
      'capacity',
    ],
    [
      "the account's quota is used up, where another zone would not help",
      [activity('Failed', 'VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit')],
      'other',
    ],
    ['a failure newer than a success', [activity('Failed', full), activity('Successful')], 'capacity'],
    ['a try under way after a failure', [activity('InProgress'), activity('Failed', full)], 'capacity'],
    ['a termination after a failure', [activity('Successful', '', 'Terminating EC2 instance: i-1'), activity('Failed', full)], 'capacity'],
    ['a success newer than a failure', [activity('Successful'), activity('Failed', full)], undefined],
    [
      "a JobManager's host before it that is still ending",
      [activity('Failed', 'Interface: [eni-0a1] in use. Launching EC2 instance failed.'), activity('Successful')],
      undefined,
    ],
    [
      'the same, after a failure for want of capacity',
      [activity('Failed', 'Interface: [eni-0a1] in use. Launching EC2 instance failed.'), activity('Failed', full)],
      'capacity',
    ],
    [
      'a zone that never has the type',
      [activity('Failed', 'Your requested instance type (r7i.large) is not supported in your requested Availability Zone (us-east-1e).')],
      'capacity',
    ],
    [
      'a zone that takes no more instances',
      [activity('Failed', 'The requested Availability Zone is no longer supported. Please retry your request by choosing us-east-1a.')],
      'capacity',
    ],
    ['nothing', [], undefined],
  ])('%s', (_, activities, kind) => {
    expect(failuresOf(activities)[0]?.kind).toBe(kind);
  });
});

describe("EC2's words for bandwidth", () => {
  test.each([
    ['Up to 12.5 Gigabit', 12.5],
    ['25 Gigabit', 25],
    ['4x 100 Gigabit', 400],
    ['Up to 750 Megabit', 0.75],
    ['High', 0],
    [undefined, 0],
  ])('%s is %d Gbit/s', (words, gbps) => {
    expect(gbpsOf(words)).toBeCloseTo(gbps);
  });
});
