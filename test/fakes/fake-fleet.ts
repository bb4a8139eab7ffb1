import type { ClusterResources, StandbyJobManager } from '../../lambdas/contracts/cluster';
import { AwsUnavailable } from '../../lambdas/contracts/errors';
import { typeOutlook } from '../../lambdas/gateways/aws/ec2/job-manager-types';
import { launchProblems } from '../../lambdas/gateways/aws/ec2/launch-problems';
import { fleetNames, recordedGroups } from '../../lambdas/gateways/aws/ec2/names';
import type {
  AddressesGiven,
  FleetPort,
  FleetSeen,
  FleetSpec,
  GroupsGone,
  HostEnded,
  HostMark,
  HostOwner,
  LaunchProblem,
  NodeRole,
  OtherType,
  ZoneSeen,
} from '../../lambdas/gateways/aws/fleet.port';
import { type Faults, withFaults } from './faults';

type Host = FleetSeen['hosts'][number];
type EpochOfCluster = Pick<FleetSpec, 'cluster' | 'epoch'>;

interface Group {
  readonly name: string;
  readonly owner: string;
  readonly role: Host['role'];
  readonly zones: readonly string[];
  readonly addressesPerHost: number;
  /** Of a JobManager's host: its interface's. */
  readonly address?: string;
  wanted: number;
  deleting: boolean;
  problem?: LaunchProblem | undefined;
  /** Its launch failed for an instance profile that EC2 did not know yet, and it tries nothing until it is told to. */
  stalled?: boolean;
  /** Of a JobManager's host: those that it may be of, the one that is launched, and what failed since the last one, the newest first. */
  readonly types?: readonly string[];
  type?: string | undefined;
  failures?: readonly LaunchProblem[];
}
interface FakeHost extends Omit<Host, 'state' | 'marks'> {
  state: Host['state'];
  marks?: Partial<Record<HostMark, string>>;
  readonly group: string;
  /** Observations until a pending host runs, or a leaving one is gone. */
  observationsLeft: number;
  /** It has ended, and its group counts it. */
  unnoticed?: true;
}
interface Access {
  readonly securityGroupId: string;
  readonly roleName: string;
  readonly instanceProfileArn: string;
  readonly networkInterfaceId: string;
  readonly jobManagerAddress: string;
  readonly standby?: StandbyJobManager;
}

export interface FakeFleetOptions {
  readonly stage?: string;
  /** How often a new host is observed as `pending` before it runs; default 1. */
  readonly observationsToRun?: number;
  /** How often an ended host is observed as `leaving` before it is gone; default 1. */
  readonly observationsToLeave?: number;
  readonly now?: () => Date;
}

/** Machines in memory: groups that keep their wanted number, hosts that take time to come and go, zones that run out. */
class InMemoryFleet implements FleetPort {
  /** Zones where EC2 has nothing to give now. */
  readonly zonesWithoutCapacity = new Set<string>();
  /** Types that EC2 does not have in a zone, as `us-east-1a c5.large`. */
  readonly typesWithoutCapacity = new Set<string>();
  /** Zones whose subnets have no address to give. */
  readonly zonesWithoutAddresses = new Set<string>();
  /** What EC2 says against a zone. */
  readonly zonesInTrouble = new Map<string, string>();
  /** Zones of whose instances EC2 tells nothing. */
  readonly zonesUntold = new Set<string>();
  /** Epochs (as `sluice-<stage>-<cluster>-e<n>`) whose hosts are cut off. */
  readonly fenced = new Set<string>();
  /** IAM refuses every denial. */
  iamTakesNothing = false;
  /** IAM makes no role. */
  iamMakesNothing = false;
  /** Zones out of reach: their hosts neither come nor go, whatever EC2 is told. */
  readonly zonesOutOfReach = new Set<string>();
  /** Groups find at once that a host has ended. */
  groupsNotice = true;
  /** So many launches fail because EC2 does not know the instance profile yet. */
  launchesWithoutProfile = 0;
  /** EC2 gives no more TaskManager hosts than this, and says nothing. */
  mostHosts = Number.POSITIVE_INFINITY;
  private readonly access = new Map<string, Access>();
  /** Owners that have a role and nothing else. */
  private readonly rolesAhead = new Set<string>();
  private readonly templates = new Map<string, readonly string[]>();
  private readonly groups = new Map<string, Group>();
  private hosts: FakeHost[] = [];
  /** Zones in which hosts of an owner were launched. */
  private readonly zonesOf = new Map<string, Set<string>>();
  private made = 0;

  constructor(private readonly options: Required<FakeFleetOptions>) {}

  async makeRole(spec: FleetSpec): Promise<NodeRole> {
    const owner = this.names(spec).base;
    if (this.iamMakesNothing) throw new AwsUnavailable('CreateRoleCommand: ServiceUnavailable');
    if (!this.access.has(owner)) this.rolesAhead.add(owner);
    return { roleName: owner, instanceProfileArn: `arn:aws:iam::000000000000:instance-profile/${owner}` };
  }

  async prepareAccess(spec: FleetSpec, role?: NodeRole): Promise<Access> {
    const owner = this.names(spec).base;
    if (this.iamMakesNothing && !role && !this.access.has(owner)) throw new AwsUnavailable('CreateRoleCommand: ServiceUnavailable');
    this.rolesAhead.delete(owner);
    const found = this.access.get(owner);
    const number = ++this.made;
    const access = found ?? {
      securityGroupId: `sg-${number}`,
      roleName: owner,
      instanceProfileArn: `arn:aws:iam::000000000000:instance-profile/${owner}`,
      networkInterfaceId: `eni-${number}`,
      jobManagerAddress: this.address(),
    };
    const both = { ...this.standbyOf(spec), ...access };
    this.access.set(owner, both);
    return both;
  }

  private standbyOf(spec: FleetSpec): Pick<Access, 'standby'> {
    const { standbyZone: zone } = spec;
    if (zone === undefined || this.zonesWithoutAddresses.has(zone)) return {};
    const networkInterfaceId = `eni-${++this.made}`;
    return { standby: { zone, networkInterfaceId, address: this.address(), group: this.names(spec).standbyGroup } };
  }

  async createGroups(
    spec: FleetSpec,
    { jobManagerAddress, standby }: ClusterResources,
    taskManagerHosts: number,
  ): Promise<Required<Pick<ClusterResources, 'jobManagerGroup' | 'taskManagerGroups' | 'launchTemplateIds'>>> {
    const names = this.names(spec);
    const { instanceType, alternatives = [] } = spec.size.jobManager;
    const leader = { types: [instanceType, ...alternatives], type: instanceType };
    const taskManagerGroup = names.taskManagerGroup(spec.zones);
    this.createGroup({
      name: names.jobManagerGroup,
      owner: names.base,
      role: 'jobmanager',
      zones: [spec.zone],
      addressesPerHost: 1,
      ...(jobManagerAddress === undefined ? {} : { address: jobManagerAddress }),
      wanted: 1,
      deleting: false,
      ...leader,
    });
    if (standby)
      this.createGroup({
        name: standby.group,
        owner: names.base,
        role: 'jobmanager',
        zones: [standby.zone],
        addressesPerHost: 1,
        address: standby.address,
        wanted: 1,
        deleting: false,
        ...leader,
      });
    this.createGroup({
      name: taskManagerGroup,
      owner: names.base,
      role: 'taskmanager',
      zones: spec.zones,
      addressesPerHost: spec.size.taskManagersPerHost,
      wanted: taskManagerHosts,
      deleting: false,
    });
    if (!this.templates.has(names.base))
      this.templates.set(names.base, [`lt-${++this.made}`, `lt-${++this.made}`, ...(standby ? [`lt-${++this.made}`] : [])]);
    this.fill();
    return {
      jobManagerGroup: names.jobManagerGroup,
      taskManagerGroups: [{ name: taskManagerGroup, zone: spec.zone, ...(spec.zones.length > 1 ? { zones: [...spec.zones] } : {}) }],
      launchTemplateIds: [...(this.templates.get(names.base) ?? [])],
    };
  }

  async zoneName(zone: string): Promise<string | undefined> {
    const letter = 'abc'[Number(/^use1-az([123])$/.exec(zone)?.[1] ?? 0) - 1];
    return letter === undefined ? (/^us-east-1[abc]$/.test(zone) ? zone : undefined) : `us-east-1${letter}`;
  }

  async zones(): Promise<readonly ZoneSeen[]> {
    return ['us-east-1a', 'us-east-1b', 'us-east-1c'].map((name) => {
      const trouble = this.zonesInTrouble.get(name);
      return { name, ...(trouble === undefined ? {} : { trouble }) };
    });
  }

  private asTold({ group: _, observationsLeft: __, ...host }: FakeHost): Host {
    const { instanceId, role, zone, state } = host;
    return this.zonesUntold.has(zone)
      ? { instanceId, role, zone, state: state === 'leaving' ? state : 'pending', untold: true }
      : { ...host };
  }

  async observe(resources: ClusterResources): Promise<FleetSeen> {
    const names = recordedGroups(resources);
    this.pass();
    const groups = [...this.groups.values()].filter(({ name }) => names.includes(name));
    const wanted = (role: Host['role']): number =>
      groups.filter((group) => group.role === role).reduce((sum, group) => sum + group.wanted, 0);
    return {
      hosts: this.hosts.filter(({ group }) => names.includes(group)).map((host) => this.asTold(host)),
      wanted: { jobmanager: wanted('jobmanager'), taskmanager: wanted('taskmanager') },
      ...launchProblems(
        groups.map((group) => ({
          ...group,
          isStalled: group.stalled ?? false,
          hasHost: this.stayingOf(group).length > 0,
          otherType: this.otherTypeOf(group),
        })),
      ),
    };
  }

  async launchAs({ group: name, type }: Pick<OtherType, 'group' | 'type'>): Promise<void> {
    const group = this.groups.get(name);
    if (!group || group.deleting || this.stayingOf(group).length > 0) return;
    if (!group.types?.includes(type)) throw new Error(`Group ${name} was not made with type ${type}`);
    group.type = type;
    this.fill();
  }

  async launchAgain(name: string): Promise<void> {
    const group = this.groups.get(name);
    if (group) group.stalled = false;
    this.fill();
  }

  private otherTypeOf({ name, types = [], type, failures = [] }: Group): OtherType | undefined {
    const other = type === undefined ? undefined : typeOutlook(types, type, failures, 1);
    return other && { group: name, ...other };
  }

  async setHosts(resources: ClusterResources, zone: string, hosts: number): Promise<void> {
    const name = resources.taskManagerGroups.find((group) => group.zone === zone)?.name;
    const group = name === undefined ? undefined : this.groups.get(name);
    if (!group) throw new Error(`The cluster has no TaskManager group in ${zone}`);
    group.wanted = hosts;
    this.shrink(group);
    this.fill();
  }

  async terminateHosts(instanceIds: readonly string[]): Promise<void> {
    for (const host of this.hosts) {
      if (!instanceIds.includes(host.instanceId) || host.state === 'leaving') continue;
      this.leave(host);
      const group = this.groups.get(host.group);
      if (group) group.wanted -= 1;
    }
  }

  async fence(spec: EpochOfCluster, resources: ClusterResources): Promise<{ readonly roleKept?: string }> {
    this.fenced.add(this.names(spec).base);
    await this.deleteGroups(spec, resources);
    return this.iamTakesNothing ? { roleKept: 'PutRolePolicyCommand: ServiceUnavailable' } : {};
  }

  async replaceHosts(instanceIds: readonly string[]): Promise<void> {
    for (const host of this.hosts) if (instanceIds.includes(host.instanceId) && host.state !== 'leaving') this.leave(host);
    this.fill();
  }

  async replaceEnded(instanceIds: readonly string[]): Promise<readonly HostEnded[]> {
    const ended = this.hosts.filter(({ instanceId, unnoticed }) => unnoticed && instanceIds.includes(instanceId));
    this.hosts = this.hosts.filter((host) => !ended.includes(host));
    this.fill();
    return ended.map(({ instanceId, group }) => ({ instanceId, group }));
  }

  async markHosts(instanceIds: readonly string[], mark: HostMark, by: string): Promise<void> {
    for (const host of this.hosts) if (instanceIds.includes(host.instanceId)) host.marks = { ...host.marks, [mark]: by };
  }

  async unmarkHosts(instanceIds: readonly string[], mark: HostMark): Promise<void> {
    for (const host of this.hosts) {
      if (!instanceIds.includes(host.instanceId)) continue;
      const { [mark]: _, ...others } = host.marks ?? {};
      if (Object.keys(others).length > 0) host.marks = others;
      else delete host.marks;
    }
  }

  /** Its hosts have all their addresses from the start. */
  async giveAddresses(): Promise<readonly AddressesGiven[]> {
    return [];
  }

  async ownerOf(instanceId: string): Promise<HostOwner | undefined> {
    const host = this.hosts.find((one) => one.instanceId === instanceId);
    const group = host && this.groups.get(host.group);
    const match = /^sluice-[^-]+-(.+)-e(\d+)$/.exec(group?.owner ?? '');
    return host && match ? { cluster: match[1] as string, epoch: Number(match[2]), role: host.role } : undefined;
  }

  async deleteGroups(spec: EpochOfCluster, resources: ClusterResources): Promise<void> {
    const recorded = recordedGroups(resources);
    for (const group of this.groups.values()) {
      if (group.owner !== this.names(spec).base && !recorded.includes(group.name)) continue;
      group.wanted = 0;
      group.deleting = true;
      this.shrink(group);
    }
  }

  async groupsGone(spec: EpochOfCluster): Promise<GroupsGone> {
    this.pass();
    const owner = this.names(spec).base;
    const groups = [...this.groups.values()].filter((group) => group.owner === owner);
    for (const group of groups) if (group.deleting && !this.hosts.some((host) => host.group === group.name)) this.groups.delete(group.name);
    if ([...this.groups.values()].some((group) => group.owner === owner)) return { gone: false };
    const untold = [...(this.zonesOf.get(owner) ?? [])].filter((zone) => this.zonesUntold.has(zone)).sort();
    return untold.length === 0 ? { gone: true } : { gone: false, untold };
  }

  async deleteAccess(spec: EpochOfCluster): Promise<void> {
    const owner = this.names(spec).base;
    this.templates.delete(owner);
    if (this.hosts.some((host) => this.groups.get(host.group)?.owner === owner))
      throw new AwsUnavailable(`Hosts of ${owner} still use its security group`);
    this.access.delete(owner);
    this.rolesAhead.delete(owner);
  }

  /** A host dies of itself; its group replaces it, when it notices. */
  loseHost(instanceId: string): void {
    const host = this.hosts.find((one) => one.instanceId === instanceId);
    if (host && !this.groupsNotice) Object.assign(host, { state: 'leaving', unnoticed: true, observationsLeft: Number.POSITIVE_INFINITY });
    else this.hosts = this.hosts.filter((host) => host.instanceId !== instanceId);
    this.fill();
  }

  /** Every instance there is, of whatever cluster and epoch. `owner` as in `fenced`. */
  instances(): readonly (Host & { readonly owner: string })[] {
    return this.hosts.map(({ group, observationsLeft: _, ...host }) => ({ ...host, owner: this.groups.get(group)?.owner ?? group }));
  }

  /** Time passes, and nobody looks. */
  goOn(): void {
    this.pass();
  }

  /** What there is that costs money or gives access; empty when nothing is left behind. */
  leftovers(): readonly string[] {
    return [
      ...this.hosts.map(({ instanceId }) => instanceId),
      ...this.groups.keys(),
      ...[...this.templates.values()].flat(),
      ...this.access.keys(),
      ...this.rolesAhead,
    ];
  }

  private names({ cluster, epoch }: EpochOfCluster): ReturnType<typeof fleetNames> {
    return fleetNames(this.options.stage, cluster, epoch);
  }

  private createGroup(group: Group): void {
    const found = this.groups.get(group.name);
    if (!found) this.groups.set(group.name, group);
    else if (!found.deleting) found.wanted = Math.max(found.wanted, group.wanted);
  }

  private address(): string {
    return `127.64.0.${10 + ++this.made}`;
  }

  /** One observation goes by: pending hosts come nearer to running, leaving ones to being gone, missing ones are launched. */
  private pass(): void {
    for (const host of this.hosts) {
      if (host.state === 'running' || this.zonesOutOfReach.has(host.zone)) continue;
      host.observationsLeft -= 1;
      if (host.state === 'pending' && host.observationsLeft < 0) host.state = 'running';
    }
    this.hosts = this.hosts.filter((host) => host.state !== 'leaving' || host.observationsLeft >= 0);
    this.fill();
  }

  private fill(): void {
    for (const group of this.groups.values()) {
      const staying = this.stayingOf(group).length;
      for (let missing = group.stalled ? 0 : group.wanted - staying; missing > 0; missing--) {
        if (this.launchesWithoutProfile > 0) {
          this.launchesWithoutProfile -= 1;
          const message =
            'Value (arn:aws:iam::000000000000:instance-profile/new) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN';
          group.problem = { kind: 'other', passing: true, message, at: this.options.now().toISOString() };
          group.stalled = true;
          break;
        }
        const zone = this.emptiestZone(group);
        if (zone === undefined || this.typesWithoutCapacity.has(`${zone} ${group.type}`)) {
          const type = zone !== undefined && group.type !== undefined ? `${group.type} ` : '';
          group.problem = {
            kind: 'capacity',
            message: `We currently do not have sufficient ${type}capacity in the Availability Zone you requested (${group.zones.join(', ')}).`,
            at: this.options.now().toISOString(),
          };
          const { message } = group.problem;
          group.failures = [group.problem, ...(group.failures ?? []).filter((one) => one.message !== message)];
          break;
        }
        if (
          group.role === 'taskmanager' &&
          this.hosts.filter(({ role, state }) => role === 'taskmanager' && state !== 'leaving').length >= this.mostHosts
        )
          break;
        delete group.problem;
        group.failures = [];
        const first = group.role === 'jobmanager' ? group.address : this.address();
        const addresses = first === undefined ? [] : [first, ...Array.from({ length: group.addressesPerHost - 1 }, () => this.address())];
        this.zonesOf.set(group.owner, (this.zonesOf.get(group.owner) ?? new Set()).add(zone));
        this.hosts.push({
          instanceId: `i-${String(++this.made).padStart(17, '0')}`,
          role: group.role,
          zone,
          state: 'pending',
          ...(first === undefined ? {} : { address: first, addresses }),
          launchedAt: this.options.now().toISOString(),
          group: group.name,
          observationsLeft: this.options.observationsToRun,
        });
      }
    }
  }

  /** Of those that have capacity, the one with the fewest hosts of the group. */
  private emptiestZone(group: Group): string | undefined {
    const hostsIn = (zone: string): number => this.stayingOf(group).filter((host) => host.zone === zone).length;
    return group.zones.filter((zone) => !this.zonesWithoutCapacity.has(zone)).toSorted((a, b) => hostsIn(a) - hostsIn(b))[0];
  }

  private stayingOf(group: Group): readonly FakeHost[] {
    return this.hosts.filter((host) => host.group === group.name && (host.state !== 'leaving' || host.unnoticed));
  }

  private shrink(group: Group): void {
    const staying = this.stayingOf(group);
    for (const host of staying.slice(group.wanted)) this.leave(host);
    if (staying.length >= group.wanted) delete group.problem;
  }

  private leave(host: FakeHost): void {
    host.state = 'leaving';
    host.observationsLeft = this.options.observationsToLeave;
  }
}

export type FakeFleet = InMemoryFleet & Faults<FleetPort>;
export const createFakeFleet = (options: FakeFleetOptions = {}): FakeFleet =>
  withFaults(
    new InMemoryFleet({ stage: 'test', observationsToRun: 1, observationsToLeave: 1, now: () => new Date(), ...options }),
  ) as FakeFleet;
