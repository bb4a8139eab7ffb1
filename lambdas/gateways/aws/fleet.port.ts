import type { ClusterResources, ResolvedSize } from '../../contracts/cluster';

/** Everything a provider needs to make one cluster's machines. Names derive from stage, cluster and epoch: making a thing twice finds the first. */
export interface FleetSpec {
  readonly cluster: string;
  readonly epoch: number;
  /** Of the JobManager, and of the TaskManagers where `zones` has no other. */
  readonly zone: string;
  /** Where TaskManager hosts may be. With several, their group is kept even over these zones, and goes on in the others where one has no capacity. */
  readonly zones: readonly string[];
  /** Of the stand-by JobManager. @default - there is none */
  readonly standbyZone?: string | undefined;
  readonly size: ResolvedSize;
  readonly spotPercent: number;
  /** Key in the state bucket below which the node finds its configuration (see node/README.md). */
  readonly configurationPrefix: string;
  readonly flinkVersion: string;
  /** The user's cost allocation tags. */
  readonly tags: Readonly<Record<string, string>>;
  /** Cluster whose prefix of the state bucket the hosts may read besides their own. @default - none */
  readonly readsOf?: string;
}

/** `drain`: its TaskManagers shall end (node/README.md). `leaving`: EC2 will take it, or has said that it may. */
export type HostMark = 'drain' | 'leaving';
export type HostMarks = Readonly<Partial<Record<HostMark, string>>>;

/** An Availability Zone of the region. `trouble`: what EC2 says against it, where it does. */
export interface ZoneSeen {
  readonly name: string;
  readonly trouble?: string;
}

export interface FleetSeen {
  readonly hosts: readonly {
    readonly instanceId: string;
    readonly role: 'jobmanager' | 'taskmanager';
    readonly zone: string;
    readonly state: 'pending' | 'running' | 'leaving';
    /** Primary private IPv4 address. */
    readonly address?: string;
    /** All private IPv4 addresses, the primary one first: one for each TaskManager of the host. */
    readonly addresses?: readonly string[];
    /** Some of its TaskManagers have no address yet. */
    readonly lacksAddresses?: true;
    readonly launchedAt?: string;
    /** Marks that the control plane has put on it, with who did. A host with any of them offers no slots to count on. */
    readonly marks?: HostMarks;
    /** EC2 tells nothing of hosts in its zone now: it may run, and be busy. */
    readonly untold?: true;
  }[];
  /** Wanted number of hosts by role. */
  readonly wanted: { readonly jobmanager: number; readonly taskmanager: number };
  /** Newest failed launch of the groups that the cluster cannot do without, if there is one after which nothing was launched. */
  readonly problem?: LaunchProblem;
  /** JobManagers' groups that EC2 has no host for of the type that they launched, and of which another type was not tried yet: no `problem` before all were. */
  readonly otherTypes?: readonly OtherType[];
  /** Groups whose newest launch failed for what passes within seconds. Auto Scaling tries again by itself, but only after a while. */
  readonly stalled?: readonly string[];
  /** As `problem`, of one JobManager's group while the other's host is there or may come: the cluster works without it. */
  readonly standbyProblem?: LaunchProblem;
}

/** What a JobManager's group is to launch because EC2 has none of what it did. */
export interface OtherType {
  readonly group: string;
  readonly type: string;
  /** Those that EC2 did not have, since the last host that was launched. */
  readonly lacking: readonly string[];
  /** It launches that type already, and how this went is not known yet. */
  readonly asked: boolean;
}

/** A launch that failed, in EC2's own words. */
export interface LaunchProblem {
  readonly kind: 'capacity' | 'other';
  /** It says nothing of the zone: the same launch may succeed now. */
  readonly passing?: true;
  readonly message: string;
  readonly at: string;
}

/** Addresses that a host lacked for its TaskManagers. */
export interface AddressesGiven {
  readonly instanceId: string;
  readonly cluster: string;
  readonly addresses: number;
  /** `refused`: EC2 has none. */
  readonly action: 'give' | 'refused';
  readonly reason: string;
}

/** A host that its group counted as one when it had ended. */
export interface HostEnded {
  readonly instanceId: string;
  readonly group: string;
}

export interface NodeRole {
  readonly roleName: string;
  readonly instanceProfileArn: string;
}

export interface GroupsGone {
  readonly gone: boolean;
  /** Zones of whose hosts EC2 tells nothing now, where all that is known is gone. */
  readonly untold?: readonly string[];
}

export interface HostOwner {
  readonly cluster: string;
  readonly epoch: number;
  readonly role: 'jobmanager' | 'taskmanager';
}

/** A provider of machines (`ec2` now, `emr` later). Every method can be repeated; what is there already is left as it is. */
export interface FleetPort {
  /** Role and instance profile of an epoch that has not begun. */
  makeRole(spec: FleetSpec): Promise<NodeRole>;
  /**
   * Security group, role and instance profile, network interfaces of the JobManagers: a stand-by that there is no address for is left out.
   * @param role made before: IAM is not waited for. @default - it is made
   */
  prepareAccess(
    spec: FleetSpec,
    role?: NodeRole,
  ): Promise<
    Pick<ClusterResources, 'securityGroupId' | 'roleName' | 'instanceProfileArn' | 'networkInterfaceId' | 'jobManagerAddress' | 'standby'>
  >;
  /** Launch templates and Auto Scaling groups, with `taskManagerHosts` hosts wanted at least: groups that are there keep what they have. @throws AwsUnavailable also while IAM has not yet spread the profile. */
  createGroups(
    spec: FleetSpec,
    access: ClusterResources,
    taskManagerHosts: number,
  ): Promise<Pick<ClusterResources, 'jobManagerGroup' | 'taskManagerGroups' | 'launchTemplateIds'>>;
  /** Name of a zone by its id, which is the same in all accounts, or by its name; undefined when the region has none such. */
  zoneName(zone: string): Promise<string | undefined>;
  /** @param withinMs fails when EC2 has not answered by then; absent: it is asked again, as any other call */
  zones(withinMs?: number): Promise<readonly ZoneSeen[]>;
  /** A host of a zone of which EC2 tells nothing now is `pending` and `untold`, without an address. */
  observe(resources: ClusterResources): Promise<FleetSeen>;
  /** Sets the wanted number of TaskManager hosts of the group whose home zone this is, also where it was made for fewer. */
  setHosts(resources: ClusterResources, zone: string, hosts: number): Promise<void>;
  /** Has a JobManager's group launch its host as that type, at once: one that the group was made with. */
  launchAs(other: Pick<OtherType, 'group' | 'type'>): Promise<void>;
  /** Has a group try at once to launch the hosts that it lacks. */
  launchAgain(group: string): Promise<void>;
  /** Takes the given hosts out of their group and ends them; the wanted number shrinks with them. */
  terminateHosts(instanceIds: readonly string[]): Promise<void>;
  /**
   * Cuts an epoch's hosts off for good: nothing goes in or out by new connections, their role may do nothing any more, and their groups are deleted
   * with their instances. What can be done of it is done, also when it fails. Returns before they are gone: a host in a zone that is lost may stay for long.
   *
   * @returns `roleKept`: why IAM has not taken the denial. Then the role's rights end when it is deleted.
   */
  fence(spec: Pick<FleetSpec, 'cluster' | 'epoch'>, resources: ClusterResources): Promise<{ readonly roleKept?: string }>;
  /** Ends the given hosts; their groups launch others in their place. */
  replaceHosts(instanceIds: readonly string[]): Promise<void>;
  /**
   * Tells groups of hosts that have ended, where they have not found it yet: they launch others at once. What is no host of the stage is left.
   *
   * @returns the hosts whose groups were told
   */
  replaceEnded(instanceIds: readonly string[]): Promise<readonly HostEnded[]>;
  /** Puts a mark on running hosts. @param by who asks for it: an operation's id */
  markHosts(instanceIds: readonly string[], mark: HostMark, by: string): Promise<void>;
  unmarkHosts(instanceIds: readonly string[], mark: HostMark): Promise<void>;
  /** Gives hosts the addresses that they lack for their TaskManagers. @param instanceIds @default - all hosts of the stage */
  giveAddresses(instanceIds?: readonly string[]): Promise<readonly AddressesGiven[]>;
  /** Whose host an instance is. undefined: of no cluster of this stage. */
  ownerOf(instanceId: string): Promise<HostOwner | undefined>;
  /** Deletes the groups with their instances. Returns before they are gone. Finds them by name (spec), recorded or not. */
  deleteGroups(spec: Pick<FleetSpec, 'cluster' | 'epoch'>, resources: ClusterResources): Promise<void>;
  /** Whether no instance and no group of this cluster's epoch is left. */
  groupsGone(spec: Pick<FleetSpec, 'cluster' | 'epoch'>): Promise<GroupsGone>;
  /** Launch templates, network interfaces, security group, role: whatever of them is there, recorded or not. */
  deleteAccess(spec: Pick<FleetSpec, 'cluster' | 'epoch'>, resources: ClusterResources): Promise<void>;
}
