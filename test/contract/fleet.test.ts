import { AutoScalingClient, DescribeAutoScalingGroupsCommand, SetInstanceHealthCommand } from '@aws-sdk/client-auto-scaling';
import {
  DescribeLaunchTemplateVersionsCommand,
  DescribeSecurityGroupsCommand,
  EC2Client,
  type ResponseLaunchTemplateData,
} from '@aws-sdk/client-ec2';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteInstanceProfileCommand,
  GetInstanceProfileCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutUserPolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
} from '@aws-sdk/client-iam';
import { type ClusterResources, NO_RESOURCES } from '../../lambdas/contracts/cluster';
import { AwsUnavailable } from '../../lambdas/contracts/errors';
import type { Stage } from '../../lambdas/contracts/stage';
import { autoScalingClient, ec2Client, iamClient } from '../../lambdas/gateways/aws/clients';
import { recordedGroups } from '../../lambdas/gateways/aws/ec2/names';
import { deleteNodeRole, denyNodeRole } from '../../lambdas/gateways/aws/ec2/node-role';
import { instancesOf } from '../../lambdas/gateways/aws/ec2/observe-fleet';
import { createFleet } from '../../lambdas/gateways/aws/fleet.adapter';
import type { FleetPort, FleetSeen, FleetSpec } from '../../lambdas/gateways/aws/fleet.port';
import { createVolumes } from '../../lambdas/gateways/aws/volumes.adapter';
import { createFakeFleet } from '../fakes/fake-fleet';
import { BASE_VOLUME_GB, createStage } from './support/ec2-stage';
import { type Emulator, startEmulator } from './support/emulator';
import { eventually } from './support/eventually';
import { aCluster, aFleetSpec } from './support/samples';

const STAGE = 'contract';
let emulator: Emulator;
let stage: Stage;

beforeAll(async () => {
  emulator = await startEmulator();
  await emulator.twin('PUT', 'settings', { launchRetrySeconds: 0.2, launchRetryMaxSeconds: 0.5 });
  stage = await createStage(STAGE);
}, 60_000);
afterAll(() => emulator.stop());

const isComplete = ({ hosts, wanted }: FleetSeen): boolean =>
  hosts.every(({ state }) => state === 'running') && hosts.length === wanted.jobmanager + wanted.taskmanager;

const emptyProfile = (name: string): Promise<unknown> =>
  iamClient().send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
const deleteProfile = async (InstanceProfileName: string): Promise<void> => {
  await emptyProfile(InstanceProfileName);
  await iamClient().send(new DeleteInstanceProfileCommand({ InstanceProfileName }));
};

interface Harness {
  readonly fleet: FleetPort;
  readonly setCapacity: (zone: string, isThere: boolean) => Promise<unknown>;
  /** EC2 has hosts of a type in a zone, or none. */
  readonly setTypeCapacity: (zone: string, type: string, isThere: boolean) => Promise<unknown>;
  /** AWS sees that a zone is impaired, or that this is over. */
  readonly setWell: (zone: string, isWell: boolean) => Promise<unknown>;
  /** EC2 tells of the instances of a zone, or fails calls that are about them. */
  readonly setTold: (zone: string, isTold: boolean) => Promise<unknown>;
  /** The host dies without anybody's wish. */
  readonly lose: (instanceId: string) => Promise<unknown>;
  /** Groups find at once that a host has ended, or after minutes. */
  readonly setNotice: (isPrompt: boolean) => Promise<unknown>;
}
const onFake = (): Harness => {
  const fleet = createFakeFleet({ stage: STAGE });
  return {
    fleet,
    setCapacity: async (zone, isThere) => (isThere ? fleet.zonesWithoutCapacity.delete(zone) : fleet.zonesWithoutCapacity.add(zone)),
    setTypeCapacity: async (zone, type, isThere) =>
      isThere ? fleet.typesWithoutCapacity.delete(`${zone} ${type}`) : fleet.typesWithoutCapacity.add(`${zone} ${type}`),
    setWell: async (zone, isWell) =>
      isWell ? fleet.zonesInTrouble.delete(zone) : fleet.zonesInTrouble.set(zone, 'EC2 says it is impaired: a test wants it'),
    setTold: async (zone, isTold) => (isTold ? fleet.zonesUntold.delete(zone) : fleet.zonesUntold.add(zone)),
    lose: async (instanceId) => fleet.loseHost(instanceId),
    setNotice: async (isPrompt) => (fleet.groupsNotice = isPrompt),
  };
};
const onEc2 = (): Harness => ({
  fleet: createFleet({ ec2: ec2Client(), autoScaling: autoScalingClient(), iam: iamClient(), stage }),
  setCapacity: (zone, isThere) =>
    isThere
      ? emulator.twin('DELETE', 'faults')
      : emulator.twin('POST', 'faults', [{ service: 'ec2', action: 'RunInstances', zone, code: 'InsufficientInstanceCapacity' }]),
  setTypeCapacity: (zone, instanceType, isThere) =>
    isThere
      ? emulator.twin('DELETE', `faults/${zone}-${instanceType}`)
      : emulator.twin('POST', 'faults', [
          {
            service: 'ec2',
            action: 'RunInstances',
            zone,
            instanceType,
            code: 'InsufficientInstanceCapacity',
            name: `${zone}-${instanceType}`,
          },
        ]),
  setWell: (zone, isWell) => emulator.twin('POST', `zones/${zone}/${isWell ? 'well' : 'impaired'}`),
  setTold: (zone, isTold) =>
    isTold
      ? emulator.twin('DELETE', `faults/${zone}-untold`)
      : emulator.twin('POST', 'faults', [
          { name: `${zone}-untold`, service: 'ec2', action: 'DescribeInstances', zone, code: 'InternalError', status: 500 },
        ]),
  lose: (instanceId) => emulator.twin('POST', `instances/${instanceId}/state`, { state: 'terminated', reason: 'The host died' }),
  setNotice: (isPrompt) => emulator.twin('PUT', 'settings', { healthCheckSeconds: isPrompt ? 0 : 600 }),
});

describe.each([
  ['fake', onFake],
  ['EC2', onEc2],
])('The fleet (%s)', (_, create) => {
  let harness: Harness;
  let fleet: FleetPort;
  beforeEach(() => {
    harness = create();
    fleet = harness.fleet;
  });

  const launch = async (spec: FleetSpec, hosts = 2): Promise<ClusterResources> => {
    const access = { ...NO_RESOURCES, ...(await fleet.prepareAccess(spec)) };
    return { ...access, ...(await fleet.createGroups(spec, access, hosts)) };
  };
  const launched = async (spec: FleetSpec, hosts = 2) => {
    const resources = await launch(spec, hosts);
    return { resources, seen: await eventually(() => fleet.observe(resources), isComplete) };
  };
  const takeAway = async (spec: FleetSpec, resources: ClusterResources): Promise<void> => {
    await fleet.deleteGroups(spec, resources);
    await eventually(
      () => fleet.groupsGone(spec),
      ({ gone }) => gone,
    );
    await fleet.deleteAccess(spec, resources);
  };

  test('gives a cluster its own group, role, profile and JobManager address, the same ones when asked again', async () => {
    const spec = aFleetSpec();
    const access = await fleet.prepareAccess(spec);
    expect(Object.values(access).every((value) => typeof value === 'string' && value !== '')).toBe(true);
    expect(access.jobManagerAddress).toMatch(/^127\.64\./);
    expect(await fleet.prepareAccess(spec)).toEqual(access);
    await fleet.deleteAccess(spec, { ...NO_RESOURCES, ...access });
  });

  test('knows of hosts in a zone of which EC2 tells nothing what their groups say, and all of those elsewhere', async () => {
    const [here, there] = ['us-east-1a', 'us-east-1b'].map((zone) => aFleetSpec({ zone })) as [FleetSpec, FleetSpec];
    const [ill, well] = [(await launched(here)).resources, (await launched(there)).resources];
    await harness.setTold('us-east-1a', false);
    const { hosts, wanted } = await fleet.observe(ill);
    expect(hosts.map(({ state, untold, address, launchedAt }) => [state, untold, address, launchedAt])).toEqual(
      Array.from({ length: wanted.jobmanager + wanted.taskmanager }, () => ['pending', true, undefined, undefined]),
    );
    expect(isComplete(await fleet.observe(well))).toBe(true);
    await harness.setTold('us-east-1a', true);
    expect(isComplete(await fleet.observe(ill))).toBe(true);
    await takeAway(here, ill);
    await takeAway(there, well);
  });

  test('knows where a zone is ill that the hosts of other zones are gone, and of its own when it is well again', async () => {
    const [here, there] = ['us-east-1a', 'us-east-1b'].map((zone) => aFleetSpec({ zone })) as [FleetSpec, FleetSpec];
    const [ill, well] = [(await launched(here)).resources, (await launched(there)).resources];
    await harness.setTold('us-east-1a', false);
    await fleet.deleteGroups(here, ill);
    await takeAway(there, well);
    const untold = await eventually(
      () => fleet.groupsGone(here),
      (seen) => seen.untold !== undefined,
    );
    expect(untold).toEqual({ gone: false, untold: ['us-east-1a'] });
    await harness.setTold('us-east-1a', true);
    await takeAway(here, ill);
  });

  test('raises the wanted hosts of groups that are there already, and never lowers them', async () => {
    const spec = aFleetSpec();
    const resources = await launch(spec, 1);
    for (const [asked, wanted] of [
      [2, 2],
      [1, 2],
    ] as const) {
      await fleet.createGroups(spec, resources, asked);
      expect((await fleet.observe(resources)).wanted).toEqual({ jobmanager: 1, taskmanager: wanted });
    }
    await takeAway(spec, resources);
  });

  test('launches one JobManager on that address and the wanted TaskManager hosts, all in the home zone', async () => {
    const spec = aFleetSpec({ zone: 'us-east-1b' });
    const { resources, seen } = await launched(spec, 3);
    expect(seen.wanted).toEqual({ jobmanager: 1, taskmanager: 3 });
    expect(seen.problem).toBeUndefined();
    expect(seen.hosts.filter(({ role }) => role === 'jobmanager').map(({ address }) => address)).toEqual([resources.jobManagerAddress]);
    expect(seen.hosts.filter(({ role }) => role === 'taskmanager')).toHaveLength(3);
    expect(new Set(seen.hosts.map(({ zone }) => zone))).toEqual(new Set(['us-east-1b']));
    // Two TaskManagers a host, each on an address of its own, which it has when it was given it.
    await fleet.giveAddresses();
    const { hosts } = await fleet.observe(resources);
    expect(hosts.map(({ role, addresses = [] }) => [role, addresses.length]).sort()).toEqual([
      ['jobmanager', 1],
      ['taskmanager', 2],
      ['taskmanager', 2],
      ['taskmanager', 2],
    ]);
    expect(new Set(hosts.flatMap(({ addresses = [] }) => addresses)).size).toBe(7);
    expect(hosts.every(({ address, addresses, lacksAddresses }) => addresses?.[0] === address && !lacksAddresses)).toBe(true);
    expect(seen.hosts.every(({ launchedAt }) => Math.abs(Date.now() - Date.parse(launchedAt ?? '')) < 60_000)).toBe(true);
    await takeAway(spec, resources);
  });

  test('spreads TaskManager hosts over the given zones, goes on in the others when one has no capacity, and counts them together', async () => {
    const spec = aFleetSpec({ zone: 'us-east-1b', zones: ['us-east-1b', 'us-east-1a', 'us-east-1c'] });
    const { resources, seen } = await launched(spec, 3);
    const zonesOf = ({ hosts }: FleetSeen, role: string) =>
      hosts
        .filter((host) => host.role === role)
        .map(({ zone }) => zone)
        .sort();
    expect(zonesOf(seen, 'jobmanager')).toEqual(['us-east-1b']);
    expect(zonesOf(seen, 'taskmanager')).toEqual(['us-east-1a', 'us-east-1b', 'us-east-1c']);
    expect(resources.taskManagerGroups).toMatchObject([{ zone: 'us-east-1b', zones: spec.zones }]);
    await harness.setCapacity('us-east-1a', false);
    const lost = seen.hosts.find(({ role, zone }) => role === 'taskmanager' && zone === 'us-east-1a')?.instanceId as string;
    await harness.lose(lost);
    await fleet.setHosts(resources, 'us-east-1b', 4);
    const after = await eventually(
      () => fleet.observe(resources),
      (now) => isComplete(now) && !now.hosts.some(({ instanceId }) => instanceId === lost),
    );
    expect(zonesOf(after, 'taskmanager')).toEqual(['us-east-1b', 'us-east-1b', 'us-east-1c', 'us-east-1c']);
    await harness.setCapacity('us-east-1a', true);
    // A host that is idle goes where the control plane says, and no other moves because of it.
    const kept = after.hosts.map(({ instanceId }) => instanceId).sort();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await fleet.observe(resources)).hosts.map(({ instanceId }) => instanceId).sort()).toEqual(kept);
    await takeAway(spec, resources);
  });

  test('cuts an epoch off, also twice, without touching the next one, and both can be taken away', async () => {
    const spec = aFleetSpec();
    const next = { ...spec, epoch: spec.epoch + 1, zone: 'us-east-1b' };
    const { resources } = await launched(spec, 1);
    const { resources: nextResources } = await launched(next, 1);
    await fleet.fence(spec, resources);
    await fleet.fence(spec, NO_RESOURCES);
    await eventually(
      () => fleet.groupsGone(spec),
      ({ gone }) => gone,
    );
    expect(isComplete(await fleet.observe(nextResources))).toBe(true);
    await fleet.deleteAccess(spec, resources);
    await takeAway(next, nextResources);
  });

  test('makes a role ahead, which its epoch begins with, and which can be taken away alone', async () => {
    const spec = aFleetSpec();
    const role = await fleet.makeRole(spec);
    expect(await fleet.makeRole(spec)).toEqual(role);
    expect(await fleet.prepareAccess(spec, role)).toMatchObject(role);
    await fleet.deleteAccess(spec, NO_RESOURCES);
    const next = { ...spec, epoch: 2 };
    await fleet.makeRole(next);
    expect(await fleet.groupsGone(next)).toEqual({ gone: true });
    await fleet.deleteAccess(next, NO_RESOURCES);
  });

  test('makes nothing twice when the launch is repeated', async () => {
    const spec = aFleetSpec();
    const first = await launch(spec);
    expect(await launch(spec)).toEqual(first);
    expect((await eventually(() => fleet.observe(first), isComplete)).hosts).toHaveLength(3);
    await takeAway(spec, first);
  });

  test('shows the marks that a host was given, until they are taken off', async () => {
    const spec = aFleetSpec();
    const { resources, seen } = await launched(spec, 2);
    const [first, second] = seen.hosts.filter(({ role }) => role === 'taskmanager').map(({ instanceId }) => instanceId) as [string, string];
    await fleet.markHosts([first, 'i-0000000000000dead'], 'drain', 'op-1');
    await fleet.markHosts([first], 'leaving', 'op-2');
    const marks = async () => new Map((await fleet.observe(resources)).hosts.map((host) => [host.instanceId, host.marks]));
    expect((await marks()).get(first)).toEqual({ drain: 'op-1', leaving: 'op-2' });
    expect((await marks()).get(second)).toBeUndefined();
    await fleet.unmarkHosts([first], 'drain');
    expect((await marks()).get(first)).toEqual({ leaving: 'op-2' });
    await fleet.unmarkHosts([first, 'i-0000000000000dead'], 'leaving');
    expect((await marks()).get(first)).toBeUndefined();
    await takeAway(spec, resources);
  });

  test('launches another host in the place of one that is replaced', async () => {
    const spec = aFleetSpec();
    const { resources, seen } = await launched(spec, 2);
    const [gone] = seen.hosts.filter(({ role }) => role === 'taskmanager').map(({ instanceId }) => instanceId) as [string];
    await fleet.replaceHosts([gone]);
    const after = await eventually(
      () => fleet.observe(resources),
      (now) => isComplete(now) && !now.hosts.some(({ instanceId }) => instanceId === gone),
    );
    expect(after.wanted.taskmanager).toBe(2);
    await takeAway(spec, resources);
  });

  test('has the group of a host that has ended launch another before it looks, at the JobManager’s address, and once', async () => {
    const spec = aFleetSpec();
    const { resources, seen } = await launched(spec, 1);
    const host = seen.hosts.find(({ role }) => role === 'jobmanager')?.instanceId ?? '';
    await harness.setNotice(false);
    await harness.lose(host);
    const ended = async () => (await fleet.observe(resources)).hosts.find(({ role }) => role === 'jobmanager');
    await eventually(ended, (now) => now?.state === 'leaving');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await ended()).toMatchObject({ instanceId: host, state: 'leaving' });
    expect(await fleet.replaceEnded([host, 'i-0000000000000dead'])).toEqual([{ instanceId: host, group: resources.jobManagerGroup }]);
    const after = await eventually(
      () => fleet.observe(resources),
      (now) => isComplete(now) && !now.hosts.some(({ instanceId }) => instanceId === host),
    );
    expect(after.hosts.find(({ role }) => role === 'jobmanager')?.address).toBe(resources.jobManagerAddress);
    expect(await fleet.replaceEnded([host])).toEqual([]);
    await harness.setNotice(true);
    await takeAway(spec, resources);
  });

  test('leaves a host that ends because its group wants it to', async () => {
    const spec = aFleetSpec();
    const { resources, seen } = await launched(spec, 2);
    const host = seen.hosts.find(({ role }) => role === 'taskmanager')?.instanceId ?? '';
    await fleet.terminateHosts([host]);
    expect(await fleet.replaceEnded([host])).toEqual([]);
    expect((await fleet.observe(resources)).wanted.taskmanager).toBe(1);
    await takeAway(spec, resources);
  });

  test("tells whose host an instance is, and nothing of one that is nobody's", async () => {
    const spec = aFleetSpec({ epoch: 3 });
    const { resources, seen } = await launched(spec, 1);
    for (const { instanceId, role } of seen.hosts)
      expect(await fleet.ownerOf(instanceId)).toEqual({ cluster: spec.cluster, epoch: 3, role });
    expect(await fleet.ownerOf('i-0000000000000dead')).toBeUndefined();
    await takeAway(spec, resources);
  });

  test('grows and shrinks the TaskManager hosts of the home zone', async () => {
    const spec = aFleetSpec({ size: { ...aCluster().size, taskManagers: { min: 2, max: 8 } } });
    const { resources } = await launched(spec, 1);
    await fleet.setHosts(resources, spec.zone, 4);
    await eventually(
      () => fleet.observe(resources),
      (seen) => isComplete(seen) && seen.hosts.length === 5,
    );
    await fleet.setHosts(resources, spec.zone, 2);
    const seen = await eventually(
      () => fleet.observe(resources),
      (now) => isComplete(now) && now.hosts.length === 3,
    );
    expect(seen.wanted).toEqual({ jobmanager: 1, taskmanager: 2 });
    await takeAway(spec, resources);
  });

  test('has more TaskManager hosts than the group was made for, where its cluster may have more by now', async () => {
    const small = aFleetSpec({ size: { ...aCluster().size, taskManagers: { min: 2, max: 2 } } });
    const { resources } = await launched(small, 1);
    await fleet.setHosts(resources, small.zone, 4);
    const seen = await eventually(
      () => fleet.observe(resources),
      (now) => isComplete(now) && now.hosts.length === 5,
    );
    expect(seen.wanted).toEqual({ jobmanager: 1, taskmanager: 4 });
    // There is room again for a host more while another leaves.
    await fleet.setHosts(resources, small.zone, 5);
    await eventually(
      () => fleet.observe(resources),
      (now) => isComplete(now) && now.hosts.length === 6,
    );
    await takeAway(small, resources);
  });

  test('ends named hosts and wants that many fewer, once, also when asked twice', async () => {
    const spec = aFleetSpec();
    const { resources, seen } = await launched(spec, 2);
    const victim = seen.hosts.find(({ role }) => role === 'taskmanager')?.instanceId ?? '';
    await fleet.terminateHosts([victim]);
    await fleet.terminateHosts([victim, 'i-0000000000000dead']);
    const after = await eventually(
      () => fleet.observe(resources),
      (now) => isComplete(now) && now.hosts.length === 2,
    );
    expect(after.wanted).toEqual({ jobmanager: 1, taskmanager: 1 });
    expect(after.hosts.map(({ instanceId }) => instanceId)).not.toContain(victim);
    await takeAway(spec, resources);
  });

  test('tells that a zone has no capacity, and stops telling it once the hosts are there', async () => {
    const spec = aFleetSpec({ zone: 'us-east-1c' });
    await harness.setCapacity(spec.zone, false);
    const resources = await launch(spec, 1);
    const seen = await eventually(
      () => fleet.observe(resources),
      ({ problem }) => problem !== undefined,
    );
    expect(seen.problem).toMatchObject({ kind: 'capacity', message: expect.stringContaining('us-east-1c') });
    expect(seen.hosts).toEqual([]);
    expect(seen.wanted).toEqual({ jobmanager: 1, taskmanager: 1 });
    await harness.setCapacity(spec.zone, true);
    expect((await eventually(() => fleet.observe(resources), isComplete)).problem).toBeUndefined();
    await takeAway(spec, resources);
  });

  test('tells what EC2 says against a zone, as long as it does', async () => {
    const troubleOf = async () => (await fleet.zones()).find(({ name }) => name === 'us-east-1c');
    expect(await troubleOf()).toEqual({ name: 'us-east-1c' });
    await harness.setWell('us-east-1c', false);
    expect(await troubleOf()).toEqual({ name: 'us-east-1c', trouble: expect.stringMatching(/^EC2 says it is impaired: \w+/) });
    await harness.setWell('us-east-1c', true);
    expect(await troubleOf()).toEqual({ name: 'us-east-1c' });
  });

  test('replaces a JobManager host that died, on the same address', async () => {
    const spec = aFleetSpec();
    const { resources, seen } = await launched(spec, 1);
    const jobManager = seen.hosts.find(({ role }) => role === 'jobmanager');
    await harness.lose(jobManager?.instanceId ?? '');
    const after = await eventually(
      () => fleet.observe(resources),
      (now) => isComplete(now) && now.hosts.every(({ instanceId }) => instanceId !== jobManager?.instanceId),
    );
    expect(after.hosts.find(({ role }) => role === 'jobmanager')?.address).toBe(resources.jobManagerAddress);
    await takeAway(spec, resources);
  });

  test('launches a stand-by JobManager in its own zone at an address of its own, replaces each there, and takes both away', async () => {
    const spec = aFleetSpec({ standbyZone: 'us-east-1b' });
    const { resources, seen } = await launched(spec, 1);
    expect(await fleet.prepareAccess(spec)).toMatchObject({ jobManagerAddress: resources.jobManagerAddress, standby: resources.standby });
    expect(seen.wanted).toEqual({ jobmanager: 2, taskmanager: 1 });
    const placesIn = ({ hosts }: FleetSeen) =>
      hosts
        .filter(({ role }) => role === 'jobmanager')
        .map(({ zone, address }) => `${zone} ${address}`)
        .sort();
    const places = [`us-east-1a ${resources.jobManagerAddress}`, `us-east-1b ${resources.standby?.address}`];
    expect(placesIn(seen)).toEqual(places);
    for (const { instanceId } of seen.hosts.filter(({ role }) => role === 'jobmanager')) {
      expect(await fleet.ownerOf(instanceId)).toMatchObject({ cluster: spec.cluster, role: 'jobmanager' });
      await harness.lose(instanceId);
    }
    const after = await eventually(
      () => fleet.observe(resources),
      (now) =>
        isComplete(now) &&
        now.hosts.every(({ instanceId }) => !seen.hosts.some((host) => host.role === 'jobmanager' && host.instanceId === instanceId)),
    );
    expect(placesIn(after)).toEqual(places);
    await fleet.fence(spec, NO_RESOURCES);
    await eventually(
      () => fleet.groupsGone(spec),
      ({ gone }) => gone,
    );
    await fleet.deleteAccess(spec, NO_RESOURCES);
    expect((await fleet.observe(resources)).hosts).toEqual([]);
  });

  test('tells apart that a stand-by cannot be launched', async () => {
    const spec = aFleetSpec({ standbyZone: 'us-east-1c' });
    await harness.setCapacity('us-east-1c', false);
    const resources = await launch(spec, 1);
    const seen = await eventually(
      () => fleet.observe(resources),
      ({ hosts, standbyProblem }) => standbyProblem !== undefined && hosts.filter(({ state }) => state === 'running').length === 2,
    );
    expect(seen).toMatchObject({ standbyProblem: { kind: 'capacity', message: expect.stringContaining('us-east-1c') } });
    expect(seen.problem).toBeUndefined();
    await harness.setCapacity('us-east-1c', true);
    expect((await eventually(() => fleet.observe(resources), isComplete)).standbyProblem).toBeUndefined();
    await takeAway(spec, resources);
  });

  describe('whose JobManagers may be of several types', () => {
    const size = {
      ...aCluster().size,
      jobManager: { instanceType: 'c5.large', alternatives: ['c6i.large', 'm5.large'], memoryMiB: 1_024 },
    };
    const tried = async (resources: ClusterResources): Promise<string[]> => {
      const asked: string[] = [];
      await eventually(
        async () => {
          const seen = await fleet.observe(resources);
          for (const other of seen.otherTypes ?? []) {
            if (other.asked) continue;
            asked.push(`${other.group.replace(/.*-e1-/, '')} ${other.lacking.join()} → ${other.type}`);
            await fleet.launchAs(other);
          }
          return seen;
        },
        (seen) => isComplete(seen) || seen.problem !== undefined,
      );
      return asked;
    };

    test('launches the next one where EC2 lacks those before it, on the same address, with a host lost later too', async () => {
      const spec = aFleetSpec({ size, standbyZone: 'us-east-1b' });
      await harness.setTypeCapacity('us-east-1a', 'c5.large', false);
      await harness.setTypeCapacity('us-east-1a', 'c6i.large', false);
      const resources = await launch({ ...spec, size: { ...size, instanceType: 'c5.xlarge' } }, 1);
      expect(await tried(resources)).toEqual(['jobmanager c5.large → c6i.large', 'jobmanager c5.large,c6i.large → m5.large']);
      const seen = await fleet.observe(resources);
      expect(seen).toMatchObject({ wanted: { jobmanager: 2, taskmanager: 1 } });
      expect(seen.otherTypes).toBeUndefined();
      const leader = seen.hosts.find(({ address }) => address === resources.jobManagerAddress);
      await harness.setTypeCapacity('us-east-1a', 'm5.large', false);
      await harness.setTypeCapacity('us-east-1a', 'c5.large', true);
      await harness.lose(leader?.instanceId ?? '');
      await eventually(
        () => fleet.observe(resources),
        ({ otherTypes }) => otherTypes !== undefined,
      );
      expect(await tried(resources)).toEqual(['jobmanager m5.large → c5.large']);
      expect((await fleet.observe(resources)).hosts.map(({ address }) => address)).toContain(resources.jobManagerAddress);
      for (const type of ['c6i.large', 'm5.large']) await harness.setTypeCapacity('us-east-1a', type, true);
      await takeAway(spec, resources);
    });

    test('tells that a zone has none of them when all were tried', async () => {
      const spec = aFleetSpec({ size: { ...size, instanceType: 'c5.xlarge' } });
      const types = ['c5.large', 'c6i.large', 'm5.large'];
      for (const type of types) await harness.setTypeCapacity('us-east-1a', type, false);
      const resources = await launch(spec, 1);
      expect(await tried(resources)).toHaveLength(2);
      const { problem, otherTypes } = await fleet.observe(resources);
      expect(problem).toMatchObject({ kind: 'capacity', message: expect.stringContaining('us-east-1a') });
      expect(otherTypes).toBeUndefined();
      for (const type of types) await harness.setTypeCapacity('us-east-1a', type, true);
      await takeAway(spec, resources);
    });
  });

  test('keeps access while hosts use it, and takes it away afterwards', async () => {
    const spec = aFleetSpec();
    const { resources } = await launched(spec, 1);
    await expect(fleet.deleteAccess(spec, resources)).rejects.toThrow(AwsUnavailable);
    expect(await fleet.groupsGone(spec)).toEqual({ gone: false });
    await takeAway(spec, resources);
    expect(await fleet.groupsGone(spec)).toEqual({ gone: true });
    expect((await fleet.observe(resources)).hosts).toEqual([]);
  });

  test('takes away what was made and never recorded, and is content when there is nothing', async () => {
    const spec = aFleetSpec();
    const { resources } = await launched(spec, 1);
    await takeAway(spec, NO_RESOURCES);
    await takeAway(spec, NO_RESOURCES);
    expect((await fleet.observe(resources)).hosts).toEqual([]);
  });

  test('leaves other clusters and other epochs alone', async () => {
    const [one, other] = [aFleetSpec(), aFleetSpec()];
    const nextEpoch = { ...one, epoch: 2 };
    const made = [await launched(one, 1), await launched(other, 1), await launched(nextEpoch, 1)] as const;
    await takeAway(one, made[0].resources);
    for (const { resources } of made.slice(1)) expect((await fleet.observe(resources)).hosts).toHaveLength(2);
    await takeAway(other, made[1].resources);
    await takeAway(nextEpoch, made[2].resources);
  });
});

describe('The fleet on EC2', () => {
  const launch = async (spec: FleetSpec, fleet = onEc2().fleet): Promise<ClusterResources> => {
    const access = { ...NO_RESOURCES, ...(await fleet.prepareAccess(spec)) };
    return { ...access, ...(await fleet.createGroups(spec, access, 2)) };
  };
  const template = async (resources: ClusterResources, index: number): Promise<ResponseLaunchTemplateData> => {
    const LaunchTemplateId = resources.launchTemplateIds[index];
    const { LaunchTemplateVersions } = await new EC2Client({}).send(
      new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId, Versions: ['$Latest'] }),
    );
    return LaunchTemplateVersions?.[0]?.LaunchTemplateData ?? {};
  };

  test('a fenced epoch has no rule in its group, and its role is denied everything', async () => {
    const { fleet } = onEc2();
    const spec = aFleetSpec();
    const access = await fleet.prepareAccess(spec);
    await fleet.fence(spec, { ...NO_RESOURCES, ...access });
    const { SecurityGroups } = await ec2Client().send(new DescribeSecurityGroupsCommand({ GroupIds: [access.securityGroupId ?? ''] }));
    expect(SecurityGroups?.map(({ IpPermissions, IpPermissionsEgress }) => [IpPermissions, IpPermissionsEgress])).toEqual([[[], []]]);
    const policy = await iamClient().send(new GetRolePolicyCommand({ RoleName: access.roleName, PolicyName: 'fenced' }));
    expect(JSON.parse(decodeURIComponent(policy.PolicyDocument ?? ''))).toMatchObject({
      Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }],
    });
    await fleet.deleteAccess(spec, { ...NO_RESOURCES, ...access });
  });

  test.each([
    ['iam', 'PutRolePolicy'],
    ['ec2', 'RevokeSecurityGroupIngress'],
    ['autoscaling', 'DeleteAutoScalingGroup'],
  ])('what %s cannot do of a fence (%s) keeps nothing else of it', async (service, action) => {
    const spec = aFleetSpec();
    const { fleet } = onEc2();
    const resources = await launch(spec, fleet);
    await emulator.twin('POST', 'faults', [{ service, action, code: 'ServiceUnavailable', status: 503 }]);
    if (service === 'iam') expect(await fleet.fence(spec, resources)).toEqual({ roleKept: expect.stringContaining('ServiceUnavailable') });
    else await expect(fleet.fence(spec, resources)).rejects.toThrow(AwsUnavailable);
    await emulator.twin('DELETE', 'faults');
    const { SecurityGroups } = await ec2Client().send(new DescribeSecurityGroupsCommand({ GroupIds: [resources.securityGroupId ?? ''] }));
    const { AutoScalingGroups: groups = [] } = await autoScalingClient().send(
      new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: recordedGroups(resources) }),
    );
    const { PolicyNames } = await iamClient().send(new ListRolePoliciesCommand({ RoleName: resources.roleName }));
    expect({
      iam: PolicyNames?.includes('fenced') ?? false,
      ec2: SecurityGroups?.[0]?.IpPermissions?.length === 0,
      autoscaling: groups.every(({ Status }) => Status !== undefined),
    }).toEqual({ iam: true, ec2: true, autoscaling: true, [service]: false });
    expect(await fleet.fence(spec, resources)).toEqual({});
    await eventually(
      () => fleet.groupsGone(spec),
      ({ gone }) => gone,
    );
    await fleet.deleteAccess(spec, resources);
  });

  test.each(['PutRolePolicy', 'AddRoleToInstanceProfile'])(
    'get their role later where IAM refuses %s because it has not heard yet of what was just made, and does not know its path',
    async (action) => {
      const spec = aFleetSpec();
      const { fleet } = onEc2();
      await emulator.twin('POST', 'faults', [{ service: 'iam', action, code: 'AccessDenied', status: 403, count: 1 }]);
      await expect(fleet.prepareAccess(spec)).rejects.toThrow(AwsUnavailable);
      const access = await fleet.prepareAccess(spec);
      const { InstanceProfile } = await iamClient().send(new GetInstanceProfileCommand({ InstanceProfileName: access.roleName }));
      expect(InstanceProfile?.Roles?.map(({ RoleName }) => RoleName)).toEqual([access.roleName]);
      await fleet.deleteAccess(spec, { ...NO_RESOURCES, ...access });
    },
  );

  test.each([
    ['access', 'ec2', 'DescribeSecurityGroups', { unseen: true, count: 2 }, 'neither makes nor finds security group'],
    ['groups', 'ec2', 'DescribeLaunchTemplates', { unseen: true, count: 1 }, 'neither makes nor finds launch template'],
    ['groups', 'autoscaling', 'DescribeAutoScalingGroups', { unseen: true, count: 1 }, 'neither makes nor finds Auto Scaling group'],
    ['groups', 'ec2', 'CreateLaunchTemplateVersion', { code: 'InvalidLaunchTemplateId.NotFound', count: 1 }, 'InvalidLaunchTemplateId'],
  ])('are asked for once more where what there is does not show yet (%s: %s %s)', async (part, service, action, fault, says) => {
    const size = { ...aCluster().size, jobManager: { instanceType: 'c5.large', memoryMiB: 1_024 } };
    const [spec, more] = [[], ['c6i.large']].map((alternatives) =>
      aFleetSpec({ cluster: `seen-${action.toLowerCase()}`, size: { ...size, jobManager: { ...size.jobManager, alternatives } } }),
    ) as [FleetSpec, FleetSpec];
    const { fleet } = onEc2();
    const resources = await launch(spec, fleet);
    await emulator.twin('POST', 'faults', [{ service, action, ...fault }]);
    const make = () => (part === 'access' ? fleet.prepareAccess(more) : fleet.createGroups(more, resources, 1));
    const failed = await make().catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(AwsUnavailable);
    expect((failed as Error).message).toContain(says);
    expect(resources).toMatchObject(await make());
    await emulator.twin('DELETE', 'faults');
    await fleet.deleteGroups(spec, resources);
    await eventually(
      () => fleet.groupsGone(spec),
      ({ gone }) => gone,
    );
    await fleet.deleteAccess(spec, resources);
  });

  test('have the role that was made ahead while IAM does not answer, and another where that is gone', async () => {
    const spec = aFleetSpec();
    const { fleet } = onEc2();
    const role = await fleet.makeRole(spec);
    await emulator.twin('POST', 'faults', [{ service: 'iam', action: '*', delayMs: 20_000, name: 'iam' }]);
    const before = Date.now();
    const access = await fleet.prepareAccess(spec, role);
    expect(access).toMatchObject(role);
    expect(Date.now() - before).toBeLessThan(10_000);
    await emulator.twin('DELETE', 'faults/iam');
    const { PolicyNames: kept } = await iamClient().send(new ListRolePoliciesCommand({ RoleName: role.roleName }));
    await deleteNodeRole({ iam: iamClient(), stage }, spec, role.roleName);
    expect(await fleet.prepareAccess(spec, role)).toEqual(access);
    const { PolicyNames: again } = await iamClient().send(new ListRolePoliciesCommand({ RoleName: role.roleName }));
    expect([kept, again]).toEqual([['node'], ['node']]);
    await fleet.deleteAccess(spec, { ...NO_RESOURCES, ...access });
  });

  test.each([
    ['its instance profile was deleted', deleteProfile],
    ['it was taken out of its instance profile', emptyProfile],
  ])('start with the role that was made ahead also where %s meanwhile', async (_, spoil) => {
    const spec = aFleetSpec();
    const { fleet } = onEc2();
    const role = await fleet.makeRole(spec);
    await spoil(role.roleName);
    const access = { ...NO_RESOURCES, ...(await fleet.prepareAccess(spec, role)) };
    expect(access).toMatchObject(role);
    const { InstanceProfile } = await iamClient().send(new GetInstanceProfileCommand({ InstanceProfileName: role.roleName }));
    expect(InstanceProfile).toMatchObject({ Arn: role.instanceProfileArn, Roles: [{ RoleName: role.roleName }] });
    const resources = { ...access, ...(await fleet.createGroups(spec, access, 1)) };
    await eventually(() => fleet.observe(resources), isComplete);
    await fleet.deleteGroups(spec, resources);
    await eventually(
      () => fleet.groupsGone(spec),
      ({ gone }) => gone,
    );
    await fleet.deleteAccess(spec, resources);
  });

  test('do not wait for IAM to take their rights when they are fenced', async () => {
    const spec = aFleetSpec();
    const { fleet } = onEc2();
    const access = await fleet.prepareAccess(spec);
    await emulator.twin('POST', 'faults', [{ service: 'iam', action: 'PutRolePolicy', delayMs: 20_000 }]);
    const before = Date.now();
    expect(await fleet.fence(spec, { ...NO_RESOURCES, ...access })).toEqual({ roleKept: expect.stringContaining('AbortError') });
    expect(Date.now() - before).toBeLessThan(20_000);
    await emulator.twin('DELETE', 'faults');
    await fleet.deleteAccess(spec, { ...NO_RESOURCES, ...access });
  });

  test('are not taken for hosts of an ill zone where EC2 only throttles, and those that it does not know hide no others', async () => {
    const spec = aFleetSpec();
    const { fleet } = onEc2();
    const resources = await launch(spec, fleet);
    const { hosts } = await eventually(() => fleet.observe(resources), isComplete);
    await emulator.twin('POST', 'faults', [{ service: 'ec2', action: 'DescribeInstances', code: 'RequestLimitExceeded', status: 503 }]);
    await expect(fleet.observe(resources)).rejects.toThrow(AwsUnavailable);
    await emulator.twin('DELETE', 'faults');
    const ids = hosts.map(({ instanceId }) => instanceId);
    const found = await instancesOf(ec2Client(), ['i-0123456789abcdef0', ...ids, 'i-0123456789abcdef1']);
    expect(found.map(({ InstanceId }) => InstanceId).sort()).toEqual(ids.sort());
    expect(await instancesOf(ec2Client(), ['i-0123456789abcdef0'])).toEqual([]);
    await fleet.deleteGroups(spec, resources);
    await eventually(
      () => fleet.groupsGone(spec),
      ({ gone }) => gone,
    );
    await fleet.deleteAccess(spec, resources);
  });

  test('are asked about their zones for so long and no longer', async () => {
    await emulator.twin('POST', 'faults', [{ service: 'ec2', action: 'DescribeAvailabilityZones', delayMs: 3_000 }]);
    await expect(onEc2().fleet.zones(300)).rejects.toThrow();
    await emulator.twin('DELETE', 'faults');
    expect(await onEc2().fleet.zones(10_000)).not.toEqual([]);
  });

  test('whose role is gone is fenced and taken away once more by one who has rights below its path only; what may not be taken away is said', async () => {
    const spec = aFleetSpec();
    const { fleet } = onEc2();
    const { roleName } = await fleet.prepareAccess(spec);
    const iam = iamClient();
    const UserName = 'below-a-path';
    const may = (path: string) => ({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: 'iam:*', Resource: [`arn:aws:iam::*:role${path}*`, `arn:aws:iam::*:instance-profile${path}*`] },
        { Effect: 'Allow', Action: ['iam:ListRoles', 'iam:ListInstanceProfiles'], Resource: '*' },
      ],
    });
    const policy = (path: string) => ({ UserName, PolicyName: 'all', PolicyDocument: JSON.stringify(may(path)) });
    await iam.send(new CreateUserCommand({ UserName }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    const credentials = { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
    const access = { iam: new IAMClient({ credentials }), stage };
    await iam.send(new PutUserPolicyCommand(policy('/elsewhere/')));
    await expect(deleteNodeRole(access, spec, roleName)).rejects.toThrow(/not authorized/);
    await iam.send(new PutUserPolicyCommand(policy(stage.nodeRolePath)));
    await denyNodeRole(access, spec, roleName, 10_000);
    await deleteNodeRole(access, spec, roleName);
    await denyNodeRole(access, spec, roleName, 10_000);
    await deleteNodeRole(access, spec, roleName);
    await fleet.deleteAccess(spec, NO_RESOURCES);
  });

  test('opens 6123–6124 between members, 6125 for the JobManager and 8081 for the control plane, and lets nothing else in or out', async () => {
    const { securityGroupId = '', jobManagerAddress } = await onEc2().fleet.prepareAccess(aFleetSpec());
    const { SecurityGroups } = await new EC2Client({}).send(new DescribeSecurityGroupsCommand({ GroupIds: [securityGroupId] }));
    const rules = (permissions: (typeof SecurityGroups & object)[number]['IpPermissions']) =>
      (permissions ?? []).flatMap(({ FromPort, ToPort, UserIdGroupPairs = [], IpRanges = [], PrefixListIds = [] }) =>
        [
          ...UserIdGroupPairs.map(({ GroupId }) => GroupId),
          ...IpRanges.map(({ CidrIp }) => CidrIp),
          ...PrefixListIds.map(({ PrefixListId }) => PrefixListId),
        ].map((peer) => `${FromPort}-${ToPort} ${peer}`),
      );
    expect(rules(SecurityGroups?.[0]?.IpPermissions).sort()).toEqual([
      `6123-6124 ${securityGroupId}`,
      `6125-6125 ${jobManagerAddress}/32`,
      `8081-8081 ${stage.flinkClientSecurityGroupId}`,
    ]);
    expect(rules(SecurityGroups?.[0]?.IpPermissionsEgress).sort()).toEqual(
      [
        ...stage.prefixLists.map((id) => `443-443 ${id}`),
        `6123-6124 ${securityGroupId}`,
        `6125-6125 ${securityGroupId}`,
        `9092-9098 ${stage.vpcCidr}`,
      ].sort(),
    );
  });

  test('have their hosts launched at once where EC2 did not know the new instance profile, and never too many or too few of them', async () => {
    const spec = aFleetSpec();
    const { fleet } = onEc2();
    await emulator.twin('PUT', 'settings', { launchRetrySeconds: 60, launchRetryMaxSeconds: 60 });
    const message =
      'Value (arn:aws:iam::000000000000:instance-profile/new) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN';
    await emulator.twin('POST', 'faults', [
      { service: 'ec2', action: 'RunInstances', code: 'InvalidParameterValue', message, name: 'profile' },
    ]);
    const resources = await launch(spec, fleet);
    const names = recordedGroups(resources);
    const failed = await eventually(
      () => fleet.observe(resources),
      ({ stalled = [] }) => stalled.length === 2,
    );
    expect(failed).toMatchObject({ hosts: [], stalled: names, problem: { kind: 'other', passing: true } });
    for (const name of names) await fleet.launchAgain(name);
    await eventually(
      () => fleet.observe(resources),
      ({ stalled = [] }) => stalled.length === 2,
    );
    await emulator.twin('DELETE', 'faults/profile');
    for (const name of names) await fleet.launchAgain(name);
    const seen = await eventually(() => fleet.observe(resources), isComplete, 10_000);
    expect([seen.hosts.length, seen.wanted, seen.stalled]).toEqual([3, { jobmanager: 1, taskmanager: 2 }, undefined]);
    for (const name of [...names, 'no-such-group']) await fleet.launchAgain(name);
    expect((await fleet.observe(resources)).wanted).toEqual(seen.wanted);
    await emulator.twin('PUT', 'settings', { launchRetrySeconds: 0.2, launchRetryMaxSeconds: 0.5 });
    await fleet.deleteGroups(spec, resources);
    await eventually(
      () => fleet.groupsGone(spec),
      ({ gone }) => gone,
    );
    await fleet.deleteAccess(spec, resources);
  });

  test('goes on with a change of type that was broken off in the middle', async () => {
    const jobManager = { instanceType: 'c5.large', alternatives: ['c6i.large'], memoryMiB: 1_024 };
    const spec = aFleetSpec({ size: { ...aCluster().size, instanceType: 'c5.xlarge', jobManager } });
    const { fleet } = onEc2();
    await emulator.twin('POST', 'faults', [
      { service: 'ec2', action: 'RunInstances', instanceType: 'c5.large', zone: spec.zone, code: 'InsufficientInstanceCapacity' },
    ]);
    const resources = await launch(spec, fleet);
    const { otherTypes = [] } = await eventually(
      () => fleet.observe(resources),
      (seen) => seen.otherTypes !== undefined,
    );
    const other = otherTypes[0] as (typeof otherTypes)[number];
    await emulator.twin('POST', 'faults', [
      { service: 'ec2', action: 'ModifyLaunchTemplate', status: 503, code: 'Unavailable', name: 'off' },
    ]);
    await expect(fleet.launchAs(other)).rejects.toThrow();
    await emulator.twin('DELETE', 'faults/off');
    expect(await fleet.observe(resources)).toMatchObject({ wanted: { jobmanager: 1 }, otherTypes: [{ ...other, asked: false }] });
    await fleet.launchAs(other);
    await eventually(() => fleet.observe(resources), isComplete);
    await emulator.twin('DELETE', 'faults');
    const machines = (await emulator.twin('GET', 'instances')) as { tags: Record<string, string>; instanceType: string }[];
    const ours = machines.filter(({ tags }) => tags['sluice:cluster'] === spec.cluster && tags['sluice:role'] === 'jobmanager');
    expect(ours.map(({ instanceType }) => instanceType)).toEqual(['c6i.large']);
  });

  test('gives a stand-by JobManager an interface, a launch template and a group of its own, and lets it ask for metrics', async () => {
    const spec = aFleetSpec({ standbyZone: 'us-east-1b' });
    const { fleet } = onEc2();
    const resources = await launch(spec, fleet);
    const { standby, securityGroupId = '' } = resources;
    expect(standby?.group).toBe(`sluice-${STAGE}-${spec.cluster}-e1-jobmanager-standby`);
    expect((await template(resources, 2)).NetworkInterfaces).toMatchObject([
      { NetworkInterfaceId: standby?.networkInterfaceId, DeleteOnTermination: false },
    ]);
    const { AutoScalingGroups = [] } = await new AutoScalingClient({}).send(
      new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [standby?.group as string] }),
    );
    expect(AutoScalingGroups).toMatchObject([{ AvailabilityZones: ['us-east-1b'], MinSize: 0, MaxSize: 1 }]);
    const { SecurityGroups } = await ec2Client().send(new DescribeSecurityGroupsCommand({ GroupIds: [securityGroupId] }));
    const metrics = SecurityGroups?.[0]?.IpPermissions?.filter(({ FromPort }) => FromPort === 6125).flatMap(
      ({ IpRanges = [] }) => IpRanges,
    );
    expect(metrics?.map(({ CidrIp }) => CidrIp).sort()).toEqual([`${resources.jobManagerAddress}/32`, `${standby?.address}/32`].sort());
    await eventually(() => fleet.observe(resources), isComplete);
    const machines = (await emulator.twin('GET', 'instances')) as { tags: Record<string, string> }[];
    const configurations = machines
      .filter(({ tags }) => tags['sluice:cluster'] === spec.cluster && tags['sluice:role'] === 'jobmanager')
      .map(({ tags }) => tags['sluice:config']);
    expect(configurations).toEqual(Array(2).fill(`s3://${stage.stateBucket}/clusters/${spec.cluster}/e1/config/`));
  });

  test('does without a stand-by where its subnet has no address', async () => {
    const spec = aFleetSpec();
    const { fleet } = onEc2();
    const first = await fleet.prepareAccess(spec);
    await emulator.twin('POST', 'faults', [
      { service: 'ec2', action: 'CreateNetworkInterface', code: 'InsufficientFreeAddressesInSubnet' },
    ]);
    expect(await fleet.prepareAccess({ ...spec, standbyZone: 'us-east-1b' })).toEqual(first);
    await emulator.twin('DELETE', 'faults');
    expect(await fleet.prepareAccess({ ...spec, standbyZone: 'us-east-1b' })).toMatchObject({ ...first, standby: { zone: 'us-east-1b' } });
    await fleet.deleteAccess(spec, NO_RESOURCES);
  });

  test('gives a host with several TaskManagers an address for each when it is there, its tags, and a volume that holds the state', async () => {
    const stateVolume = { kind: 'gp3' as const, sizeGB: 50, throughputMiBps: 1_000, iops: 4_000 };
    const spec = aFleetSpec({ size: { ...aCluster().size, taskManagersPerHost: 3, stateVolume } });
    const fleet = onEc2().fleet;
    const resources = await launch(spec, fleet);
    const [jobManager, taskManager] = [await template(resources, 0), await template(resources, 1)];
    expect(jobManager.NetworkInterfaces).toMatchObject([{ NetworkInterfaceId: resources.networkInterfaceId, DeleteOnTermination: false }]);
    expect(taskManager.NetworkInterfaces).toMatchObject([{ Groups: [resources.securityGroupId], DeleteOnTermination: true }]);
    // Auto Scaling would take no template with them.
    expect(taskManager.NetworkInterfaces?.[0]).not.toHaveProperty('SecondaryPrivateIpAddressCount');
    expect(jobManager.BlockDeviceMappings?.[0]?.Ebs).toMatchObject({ VolumeSize: BASE_VOLUME_GB, Encrypted: true });
    expect(taskManager.BlockDeviceMappings?.[0]?.Ebs).toMatchObject({
      VolumeSize: BASE_VOLUME_GB + 50,
      Throughput: 1_000,
      Iops: 4_000,
      Encrypted: true,
      KmsKeyId: stage.kmsKeyArn,
    });
    expect(taskManager.MetadataOptions).toMatchObject({ HttpTokens: 'required', InstanceMetadataTags: 'enabled' });
    expect(taskManager.Placement).toMatchObject({ GroupName: `sluice-${STAGE}-${spec.cluster}-e1` });
    const { hosts } = await eventually(() => fleet.observe(resources), isComplete);
    const [instanceId = ''] = hosts.filter(({ role }) => role === 'taskmanager').map((one) => one.instanceId);
    expect(hosts.filter(({ lacksAddresses }) => lacksAddresses).map(({ role }) => role)).toEqual(['taskmanager', 'taskmanager']);
    await emulator.twin('POST', 'faults', [
      { service: 'ec2', action: 'AssignPrivateIpAddresses', code: 'InsufficientFreeAddressesInSubnet', count: 1 },
    ]);
    expect(await fleet.giveAddresses([instanceId])).toMatchObject([{ instanceId, cluster: spec.cluster, addresses: 2, action: 'refused' }]);
    await emulator.twin('DELETE', 'faults');
    // As the sweep does, for all hosts of the stage; and for each one, and again.
    expect(await fleet.giveAddresses()).toContainEqual(expect.objectContaining({ instanceId, addresses: 2, action: 'give' }));
    expect([await fleet.giveAddresses([instanceId]), await fleet.giveAddresses(['i-0123456789abcdef0'])]).toEqual([[], []]);
    const seen = (await fleet.observe(resources)).hosts.find((one) => one.instanceId === instanceId);
    expect(new Set(seen?.addresses)).toHaveProperty('size', 3);
    expect(seen?.addresses?.[0]).toBe(seen?.address);
    const machines = (await emulator.twin('GET', 'instances')) as {
      instanceId: string;
      tags: Record<string, string>;
      secondaryIps: string[];
    }[];
    const host = machines.find((one) => one.instanceId === instanceId);
    expect(host?.secondaryIps).toEqual(seen?.addresses?.slice(1));
    expect(host?.tags).toMatchObject({
      'sluice:stage': STAGE,
      'sluice:epoch': '1',
      'sluice:config': `s3://${stage.stateBucket}/clusters/${spec.cluster}/e1/config/`,
      team: 'delays',
    });
  });

  test('takes EBS snapshots of the state volumes of an epoch, once each, and deletes them', async () => {
    const spec = aFleetSpec();
    const fleet = onEc2().fleet;
    const access = { ...NO_RESOURCES, ...(await fleet.prepareAccess(spec)) };
    const resources = { ...access, ...(await fleet.createGroups(spec, access, 1)) };
    await eventually(() => fleet.observe(resources), isComplete);
    const volumes = createVolumes({ ec2: ec2Client(), stage });
    const by = { operationId: `op-${spec.cluster}`, keepUntil: '2026-03-10T12:00:00.000Z' };
    const { snapshots, failures } = await volumes.snapshotVolumes(spec, by);
    expect(failures).toEqual([]);
    expect(snapshots).toMatchObject([
      { ...by, cluster: spec.cluster, zone: 'us-east-1a', sizeGB: BASE_VOLUME_GB + 50, snapshotId: expect.stringMatching(/^snap-/) },
    ]);
    expect((await volumes.snapshotVolumes(spec, by)).snapshots).toEqual(snapshots);
    expect((await volumes.snapshotVolumes({ ...spec, epoch: 9 }, { ...by, operationId: 'op-other' })).snapshots).toEqual([]);
    expect(await volumes.snapshots()).toEqual(snapshots);
    // EC2 fails what names no instance while a zone is ill, which is when these are wanted.
    await emulator.twin('POST', 'faults', [
      { service: 'ec2', action: 'DescribeInstances', zone: 'us-east-1a', code: 'InternalError', status: 500, name: 'ill' },
    ]);
    const again = await volumes.snapshotVolumes(spec, { ...by, operationId: `${by.operationId}-ill` });
    expect(again).toMatchObject({ snapshots: [{ zone: 'us-east-1a' }], failures: [] });
    await volumes.deleteSnapshots(again.snapshots.map(({ snapshotId }) => snapshotId));
    await emulator.twin('DELETE', 'faults/ill');
    await volumes.deleteSnapshots([snapshots[0]?.snapshotId as string, 'snap-00000000000000000']);
    expect(await volumes.snapshots()).toEqual([]);
  }, 30_000);

  test.each(['DescribeVolumes', 'DescribeSnapshots'])('says of volumes that EBS does not answer %s, soon', async (action) => {
    await emulator.twin('POST', 'faults', [{ service: 'ec2', action, delayMs: 60_000, name: 'slow' }]);
    const asked = Date.now();
    const seen = await createVolumes({ ec2: ec2Client(), stage }).snapshotVolumes(aFleetSpec(), { operationId: 'op-slow', keepUntil: '' });
    await emulator.twin('DELETE', 'faults/slow');
    expect(seen).toMatchObject({ snapshots: [], failures: [], untold: expect.stringContaining(action) });
    expect(Date.now() - asked).toBeLessThan(9_000);
  });

  test.each(['ScalingActivityInProgress', 'ResourceContention'])('has to ask again where Auto Scaling says %s', async (code) => {
    const fleet = onEc2().fleet;
    const spec = aFleetSpec();
    const resources = await launch(spec, fleet);
    const { hosts } = await eventually(() => fleet.observe(resources), isComplete);
    const [host] = hosts.filter(({ role }) => role === 'taskmanager').map(({ instanceId }) => instanceId) as [string];
    const asks: readonly [string, () => Promise<unknown>][] = [
      ['TerminateInstanceInAutoScalingGroup', () => fleet.terminateHosts([host])],
      ['SetDesiredCapacity', () => fleet.setHosts(resources, spec.zone, 3)],
      ['DeleteAutoScalingGroup', () => fleet.deleteGroups(spec, resources)],
    ];
    for (const [action, ask] of asks) {
      await emulator.twin('POST', 'faults', [{ service: 'autoscaling', action, code, name: 'busy' }]);
      await expect(ask()).rejects.toThrow(AwsUnavailable);
      await emulator.twin('DELETE', 'faults/busy');
      await ask();
    }
  });

  test('replaces an unhealthy JobManager on its interface also where the account launches before it terminates', async () => {
    await emulator.twin('PUT', 'settings', { launchBeforeTerminate: true });
    const fleet = onEc2().fleet;
    const resources = await launch(aFleetSpec(), fleet);
    const leader = ({ hosts }: FleetSeen) => hosts.find(({ role, state }) => role === 'jobmanager' && state === 'running');
    const first = leader(await eventually(() => fleet.observe(resources), isComplete))?.instanceId;
    await new AutoScalingClient({}).send(new SetInstanceHealthCommand({ InstanceId: first, HealthStatus: 'Unhealthy' }));
    const after = await eventually(
      () => fleet.observe(resources),
      (seen) => leader(seen) !== undefined && leader(seen)?.instanceId !== first,
    );
    expect(leader(after)?.address).toBe(resources.jobManagerAddress);
    await emulator.twin('PUT', 'settings', { launchBeforeTerminate: false });
  });

  test('buys the wanted share of hosts as Spot', async () => {
    const fleet = onEc2().fleet;
    const spec = aFleetSpec({ spotPercent: 100 });
    const resources = await launch(spec, fleet);
    await eventually(() => fleet.observe(resources), isComplete);
    const machines = (await emulator.twin('GET', 'instances')) as { tags: Record<string, string>; lifecycle: string }[];
    const bought = machines
      .filter(({ tags }) => tags['sluice:cluster'] === spec.cluster)
      .map(({ tags, lifecycle }) => `${tags['sluice:role']} ${lifecycle}`);
    expect(bought.sort()).toEqual(['jobmanager on-demand', 'taskmanager spot', 'taskmanager spot']);
  });

  test('buys Spot hosts of every type that fits, by price and capacity, and of another type where there is none of the first', async () => {
    const fleet = onEc2().fleet;
    const size = { ...aCluster().size, instanceType: 'c5.2xlarge', alternatives: ['c6i.2xlarge', 'c5n.2xlarge', 't3.2xlarge'] };
    const spec = aFleetSpec({ spotPercent: 75, size });
    await emulator.twin('POST', 'faults', [
      {
        service: 'ec2',
        action: 'RunInstances',
        instanceType: size.instanceType,
        zone: spec.zone,
        code: 'InsufficientInstanceCapacity',
        name: 'no-first',
      },
    ]);
    const resources = await launch(spec, fleet);
    const { AutoScalingGroups = [] } = await new AutoScalingClient({}).send(
      new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: resources.taskManagerGroups.map(({ name }) => name) }),
    );
    expect(AutoScalingGroups).toHaveLength(1);
    const { CapacityRebalance, MixedInstancesPolicy } = AutoScalingGroups[0] ?? {};
    expect(CapacityRebalance ?? false).toBe(false);
    expect(MixedInstancesPolicy).toMatchObject({
      InstancesDistribution: {
        SpotAllocationStrategy: 'price-capacity-optimized',
        OnDemandBaseCapacity: 0,
        OnDemandPercentageAboveBaseCapacity: 25,
        OnDemandAllocationStrategy: 'prioritized',
      },
      LaunchTemplate: { LaunchTemplateSpecification: { LaunchTemplateId: resources.launchTemplateIds[1] } },
    });
    // One that cannot be in the placement group of the others is not among them.
    expect(MixedInstancesPolicy?.LaunchTemplate?.Overrides?.map(({ InstanceType }) => InstanceType)).toEqual([
      size.instanceType,
      'c6i.2xlarge',
      'c5n.2xlarge',
    ]);
    await eventually(() => fleet.observe(resources), isComplete);
    await emulator.twin('DELETE', 'faults');
    const machines = (await emulator.twin('GET', 'instances')) as { tags: Record<string, string>; instanceType: string }[];
    const types = machines
      .filter(({ tags }) => tags['sluice:cluster'] === spec.cluster && tags['sluice:role'] === 'taskmanager')
      .map(({ instanceType }) => instanceType);
    expect(types).toEqual(['c6i.2xlarge', 'c6i.2xlarge']);
  }, 60_000);

  test('launches on demand what there is, in the order of the types', async () => {
    const fleet = onEc2().fleet;
    const size = { ...aCluster().size, instanceType: 'c5.2xlarge', alternatives: ['c6i.2xlarge', 'c5n.2xlarge'] };
    const spec = aFleetSpec({ size });
    const none = { service: 'ec2', action: 'RunInstances', instanceType: size.instanceType, zone: spec.zone };
    await emulator.twin('POST', 'faults', [{ ...none, code: 'InsufficientInstanceCapacity' }]);
    const resources = await launch(spec, fleet);
    await eventually(() => fleet.observe(resources), isComplete);
    await emulator.twin('DELETE', 'faults');
    // Auto Scaling takes no parameter in place of an image for several types; a group of one type goes on with the newest image.
    expect((await template(resources, 1)).ImageId).toMatch(/^ami-/);
    expect((await template(resources, 0)).ImageId).toMatch(/^resolve:ssm:/);
    await fleet.setHosts(resources, spec.zone, 3);
    const seen = await eventually(() => fleet.observe(resources), isComplete);
    expect(seen.problem).toBeUndefined();
    const machines = (await emulator.twin('GET', 'instances')) as {
      tags: Record<string, string>;
      instanceType: string;
      lifecycle: string;
    }[];
    const bought = machines
      .filter(({ tags }) => tags['sluice:cluster'] === spec.cluster && tags['sluice:role'] === 'taskmanager')
      .map(({ instanceType, lifecycle }) => `${instanceType} ${lifecycle}`);
    expect(bought.sort()).toEqual(['c5.2xlarge on-demand', 'c6i.2xlarge on-demand', 'c6i.2xlarge on-demand']);
  }, 60_000);

  test('launches types that cannot be EBS-optimized', async () => {
    const fleet = onEc2().fleet;
    const { size } = aCluster();
    const spec = aFleetSpec({ size: { ...size, instanceType: 't2.large', jobManager: { ...size.jobManager, instanceType: 't2.medium' } } });
    const resources = await launch(spec, fleet);
    expect((await eventually(() => fleet.observe(resources), isComplete)).problem).toBeUndefined();
  });

  test('leaves a type that cannot be in a placement group out of one', async () => {
    const resources = await launch(aFleetSpec({ size: { ...aCluster().size, instanceType: 't3.large' } }));
    expect((await template(resources, 1)).Placement?.GroupName).toBeUndefined();
  });

  test('takes an image of the architecture that each type has', async () => {
    const size = { ...aCluster().size, instanceType: 'c7gd.2xlarge', architecture: 'arm64' as const };
    const resources = await launch(aFleetSpec({ size }));
    expect((await template(resources, 0)).ImageId).toMatch(/x86_64$/);
    expect((await template(resources, 1)).ImageId).toMatch(/arm64$/);
  });
});
