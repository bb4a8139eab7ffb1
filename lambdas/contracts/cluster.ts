import * as z from 'zod';
import { drillOn, failoverMode, onlyWhereItBelongs, rehearsalArguments } from './drill';
import { instant, LEAST_NUMBER, operationId, resourceName, settingValue, timeWindow, zoneName } from './names';
import { observationInterval } from './observer';

export const sizeName = z.enum(['dev', 'small', 'medium', 'large', 'xlarge']);
export type SizeName = z.infer<typeof sizeName>;

const instanceType = z
  .string()
  .max(40)
  .regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'must be an EC2 instance type such as c6id.2xlarge');

/** What a named size stands for before a caller's overrides. Every value can be overridden in a cluster's spec (mission row L3). */
export const sizeDefinition = z.strictObject({
  instanceType: instanceType.describe('EC2 instance type of the TaskManager hosts'),
  jobManager: z.strictObject({
    instanceType: instanceType.describe('EC2 instance type of a JobManager host'),
    memoryMiB: z
      .int()
      .min(512)
      .max(65_536)
      .describe('Memory of the whole JobManager process (`jobmanager.memory.process.size`), MiB; at most two thirds of its host'),
  }),
  taskManagersPerHost: z.int().min(1).max(8).describe('TaskManagers on each host, which share its memory and slots'),
  slotsPerVcpu: z
    .number()
    .min(0.25)
    .max(4)
    .describe('Slots per vCPU of the host, over all its TaskManagers; 2 to 3 keep cores busy while some subtasks wait'),
  taskManagers: z.strictObject({
    min: z.int().min(1).describe('TaskManagers, not hosts, of the smallest fleet'),
    max: z.int().min(1).describe('TaskManagers, not hosts, of the largest fleet'),
  }),
});
export type SizeDefinition = z.infer<typeof sizeDefinition>;

/**
 * What a gp3 volume can be given; it has the least of each for nothing
 * (https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html#gp3-ebs-volume-type).
 */
export const GP3 = {
  throughputMiBps: { min: 125, max: 2_000 },
  iops: { min: 3_000, max: 80_000 },
  mibpsPerIops: 0.25,
  iopsPerGB: 500,
} as const;

/** Every host's: Amazon Linux, Java, two Flink distributions and logs. State has as much more of it as its own size says where the type has no local disk. */
export const ROOT_VOLUME_GB = 20;

const flinkSettings = z
  .record(z.string().min(1).max(200), settingValue)
  .describe('Flink settings of the cluster by key, as in config.yaml');

export const failBackPolicy = z
  .strictObject({
    policy: z
      .enum(['manual', 'quiet-time'])
      .default('manual')
      .describe(
        'manual: a person moves the cluster back (`POST …/failover` with its home zone). quiet-time: the control plane does, with savepoints, in the window, when the home zone is well again',
      ),
    window: timeWindow.optional().describe('Quiet time, UTC; goes with quiet-time'),
    healthyMinutes: z.int().min(5).max(10_080).default(30).describe('So long the home zone has to have been well'),
  })
  .refine(({ policy, window }) => (policy === 'quiet-time') === (window !== undefined), {
    path: ['window'],
    message: 'goes with policy: "quiet-time", and only with it',
  });
export type FailBackPolicy = z.infer<typeof failBackPolicy>;

export const placement = z.strictObject({
  mode: z
    .enum(['single-zone', 'spread'])
    .default('single-zone')
    .describe(
      'single-zone: all hosts in one zone, so that traffic between them is free and quick; another zone takes over when it fails. spread: TaskManager hosts are balanced over zones, so that those in the other zones go on when one fails; what they send each other across zones costs',
    ),
  zones: z
    .array(zoneName)
    .min(2)
    .max(6)
    .optional()
    .describe(
      'With spread: zones of the TaskManager hosts; default: all of the stage. A new cluster begins without those that AWS shifts traffic away from, while two are left',
    ),
  failover: z
    .strictObject({
      automatic: z.boolean().default(true).describe('Whether the control plane moves the cluster by itself when its zone fails'),
      zones: z
        .array(zoneName)
        .min(1)
        .max(6)
        .optional()
        .describe('Zones to move to, in this order, one besides the home zone at least; default: all of the stage'),
      objectiveSeconds: z
        .int()
        .min(1)
        .max(3_600)
        .default(120)
        .describe('From the loss of the zone to the first record processed again; drills are held against it'),
      capacity: z
        .enum(['cold', 'warm'])
        .default('cold')
        .describe(
          'cold: hosts of the next zone boot when a move begins. warm: a reserve stands by there, a JobManager and as many TaskManager hosts as the jobs need, so that a move waits for no host. It costs as much as the cluster again',
        ),
      volumeSnapshots: z
        .strictObject({
          keep: z.int().min(1).max(10).default(2).describe('Moves whose snapshots are kept'),
          days: z.int().min(1).max(90).default(7).describe('Days that they are kept at most'),
        })
        .optional()
        .describe(
          'EBS snapshots of the state volumes that a move leaves behind, as evidence; jobs are restored from S3 and wait for none. Default: none. They cost $0.05 a month for each GB that is in use (list price, us-east-1). Hosts with NVMe have no such volumes',
        ),
    })
    .prefault({})
    .describe('What becomes of it when its zone fails'),
  failBack: failBackPolicy.optional().describe('How the cluster comes back to its home zone after a failover. Default: manual'),
});

const drillPlan = z
  .strictObject({
    schedule: z
      .string()
      .max(100)
      .describe('`rate(7 days)`, from the launch on, or `cron(0 3 ? * MON *)`, UTC: as EventBridge writes them, an hour or more apart'),
    on: drillOn.optional().describe('As of a drill that is asked for, like the fields below. Default: cluster'),
    mode: failoverMode.optional().describe('Default: planned'),
    zone: zoneName.optional().describe('Default: the next one that the placement of the cluster allows'),
    jobs: z
      .record(resourceName, z.strictObject({ arguments: rehearsalArguments.describe('In place of those of its jar') }))
      .optional()
      .describe('How jars are run on a copy, by job'),
  })
  .superRefine(onlyWhereItBelongs);

const highAvailability = z.strictObject({
  standbyJobManager: z
    .boolean()
    .default(false)
    .describe(
      "true: a second JobManager, warm on a host of its own, leads when the first one is lost, so that jobs wait for no start of a process or host. With `placement.mode` spread it is in another zone, and the loss of the JobManager's zone moves nothing. It costs one more JobManager host",
    ),
});

/**
 * Auto Scaling takes 25 tags in a call, and the rest are ours and those to come
 * (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html#tag_restrictions).
 */
const USER_TAGS_MAX = 20;

const { jobManager, taskManagers } = sizeDefinition.shape;
const [leader, fleet] = [jobManager.shape, taskManagers.shape];
const byOverride = <T extends z.ZodType>(field: T): z.ZodOptional<T> =>
  field.optional().describe(`${field.description}. Default: of the size`);

export const clusterSpec = z.strictObject({
  name: resourceName.describe('Name of the cluster; that of one that is gone can be used again'),
  provider: z.enum(['ec2']).default('ec2').describe('Where its hosts come from'),
  size: sizeName.describe('What it is made of, by a name that the stage explains: hosts, memory, slots and the limits of its fleet'),
  flinkVersion: z
    .string()
    .max(20)
    .regex(/^\d+\.\d+\.\d+$/)
    .optional()
    .describe("One of the stage's Flink versions; default: the stage's newest"),
  zone: zoneName.optional().describe("Home zone; default: chosen by the control plane from the stage's zones, and kept here"),
  overrides: z
    .strictObject({
      instanceType: byOverride(sizeDefinition.shape.instanceType),
      jobManager: z
        .strictObject({
          instanceType: byOverride(leader.instanceType),
          instanceTypes: z
            .array(instanceType)
            .max(10)
            .optional()
            .describe(
              'Further types that a JobManager host may be of, in this order where EC2 has none of the first; default: up to four that EC2 has with the same vCPUs, memory and architecture, at a price of the stage that is at most a fifth over that of the first',
            ),
          memoryMiB: byOverride(leader.memoryMiB),
        })
        .optional()
        .describe('The same for the JobManager'),
      taskManagersPerHost: byOverride(sizeDefinition.shape.taskManagersPerHost),
      slotsPerVcpu: byOverride(sizeDefinition.shape.slotsPerVcpu),
      taskManagers: z
        .strictObject({ min: byOverride(fleet.min), max: byOverride(fleet.max) })
        .optional()
        .describe('How many TaskManagers there are'),
      stateVolume: z
        .strictObject({
          throughputMiBps: z
            .int()
            .min(GP3.throughputMiBps.min)
            .max(GP3.throughputMiBps.max)
            .optional()
            .describe(
              'Throughput, MiB/s; the EBS bandwidth of the instance type has to reach it. Default: 16 for each vCPU, no less than 125 and no more than the type sustains. What is over 125 costs $0.04 a month each for each host (list price, us-east-1)',
            ),
          iops: z
            .int()
            .min(GP3.iops.min)
            .max(GP3.iops.max)
            .optional()
            .describe(
              'Operations a second, at least four for each MiB/s of throughput, at most 500 for each GB. Default: the fewest that the throughput needs, 3000 up to 750 MiB/s. What is over 3000 costs $0.005 a month each for each host (list price, us-east-1)',
            ),
        })
        .optional()
        .describe('The gp3 volume that state lies on where the instance type of the TaskManager hosts has no local disk'),
    })
    .default({})
    .describe('Values that take the place of those of the size'),
  network: z
    .strictObject({
      allowSlow: z.boolean().default(false).describe('Accept an instance type whose peak is under 10 Gbit/s'),
      minimumBaselineGbps: z
        .number()
        .min(LEAST_NUMBER)
        .max(100_000)
        .optional()
        .describe('Demand this much sustained bandwidth, Gbit/s. Default: any'),
    })
    .prefault({})
    .describe('What the network of its hosts has to be'),
  purchase: z
    .strictObject({
      spotPercent: z
        .int()
        .min(0)
        .max(100)
        .default(0)
        .describe(
          'Share of TaskManager hosts that are bought as Spot, percent; 0 is right for streaming, 100 for batch. Tasks of every job may be on any host, so above 0 a job has to allow it (`allowSpot`)',
        ),
      instanceTypes: z
        .array(instanceType)
        .max(20)
        .optional()
        .describe(
          'Further types that TaskManager hosts may be of, on demand in this order where EC2 has none of the first; default: those that EC2 has with the same vCPUs, memory and architecture, on demand at a price of the stage that is at most a fifth over that of the first',
        ),
    })
    .prefault({})
    .describe('How its hosts are bought'),
  spareSlots: z
    .int()
    .min(0)
    .max(512)
    .optional()
    .describe(
      'Slots that stay free so that a lost TaskManager needs no boot. Default: none in size `dev` and where the fleet cannot grow, else those of one host',
    ),
  observation: z
    .strictObject({ intervalSeconds: observationInterval.describe('Time between two observations, seconds') })
    .optional()
    .describe("How often its jobs are looked at. Default: the stage's"),
  flinkConfiguration: flinkSettings.default({}),
  placement: placement.prefault({}).describe('Where its hosts are, and where it goes when a zone fails'),
  highAvailability: highAvailability.optional().describe('What stands by beside the JobManager. Default: nothing'),
  drill: drillPlan
    .optional()
    .describe(
      'Drills by schedule; each is held against `placement.failover.objectiveSeconds`. One that cannot begin within 15 minutes is left out',
    ),
  tags: z
    .record(
      // Hosts read their tags through instance metadata, and EC2 then takes no space and no slash in a key, and none of the names of its folders
      // (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html).
      z
        .string()
        .regex(
          /^(?!aws:|sluice:|(?:\.|\.\.|_index)$)[\w.:=+@-]{1,128}$/i,
          'must be letters, digits and . : = + @ _ - and not begin with aws: or sluice:, nor be ".", ".." or "_index"',
        ),
      // IAM takes fewer characters than EC2, and the cluster's role has the tags too (https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html).
      z
        .string()
        .max(256)
        .regex(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u, 'must be letters, digits, spaces and _ . : / = + - @'),
    )
    .refine((tags) => Object.keys(tags).length <= USER_TAGS_MAX, `may hold ${USER_TAGS_MAX} tags at most`)
    // To IAM the keys of a role's tags are the same where only their case differs, and it refuses two; every thing has a `Name` of ours
    // (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html).
    .refine((tags) => {
      const keys = ['Name', ...Object.keys(tags).filter((key) => key !== 'Name')];
      return new Set(keys.map((key) => key.toLowerCase())).size === keys.length;
    }, 'must not have keys that differ in case only, from each other or from Name')
    .default({})
    .describe('Cost allocation tags that everything of the cluster in AWS has'),
});
export type ClusterSpec = z.infer<typeof clusterSpec>;

/** Facts of an instance type as EC2 gives them (DescribeInstanceTypes). */
export interface InstanceFacts {
  readonly instanceType: string;
  readonly vcpus: number;
  readonly memoryMiB: number;
  /** Peak bandwidth of the fastest network card set, Gbit/s. */
  readonly peakGbps: number;
  /** Sustained bandwidth, Gbit/s; undefined where EC2 states none. */
  readonly baselineGbps?: number;
  /** Local NVMe, GB, all disks together, as a host uses them (node/sluice_node/volume.py); 0 without. */
  readonly localStorageGB: number;
  /** To EBS, all volumes of a host together: what it sustains, and its peak (MiB/s, operations a second); undefined where EC2 states none. */
  readonly ebs?: { readonly baselineMiBps: number; readonly peakMiBps: number; readonly peakIops: number };
  readonly architecture: 'x86_64' | 'arm64';
  /** Private IPv4 addresses one network interface can hold: an upper limit for TaskManagers per host. */
  readonly addressesPerInterface: number;
}

/** A spec's size made concrete by `domain/sizing`. Memory in MiB. */
export const resolvedSize = z.object({
  instanceType: z.string(),
  /** Further types that TaskManager hosts may be of, in this order on demand: a TaskManager's memory, slots and addresses fit each. */
  alternatives: z.array(z.string()).optional(),
  vcpus: z.int(),
  hostMemoryMiB: z.int(),
  architecture: z.enum(['x86_64', 'arm64']),
  peakGbps: z.number(),
  baselineGbps: z.number().optional(),
  stateVolume: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('nvme'), sizeGB: z.number() }),
    z.object({
      kind: z.literal('gp3'),
      sizeGB: z.number(),
      /** Absent where the cluster was launched before they were chosen: what gp3 has for nothing. */
      throughputMiBps: z.int().optional(),
      iops: z.int().optional(),
    }),
  ]),
  jobManager: z.object({
    instanceType: z.string(),
    /** Further types that its host may be of, in this order: what runs there fits each. */
    alternatives: z.array(z.string()).optional(),
    memoryMiB: z.int(),
  }),
  taskManagersPerHost: z.int(),
  /** `taskmanager.memory.process.size` of each TaskManager: two thirds of the host over its TaskManagers (mission row L5). */
  taskManagerMemoryMiB: z.int(),
  slotsPerTaskManager: z.int(),
  taskManagers: z.object({ min: z.int(), max: z.int() }),
  /** `parallelism.default`: 2–3 times the vCPUs of the smallest fleet (mission row L7). */
  defaultParallelism: z.int(),
  spareSlots: z.int(),
});
export type ResolvedSize = z.infer<typeof resolvedSize>;

export const lease = z.object({ operationId, acquiredAt: instant, /** After this instant anybody may take the lease. */ until: instant });
export type Lease = z.infer<typeof lease>;

/** FAILING_OVER: its jobs are on their way to another zone and cannot be changed meanwhile. */
export const clusterStatus = z.enum(['LAUNCHING', 'RUNNING', 'FAILING_OVER', 'TERMINATING', 'TERMINATED', 'FAILED']);

/** A second JobManager, warm beside the first: either may lead. It has what the first has, each of its own, and reads the same configuration. */
const standbyJobManager = z.object({
  zone: z.string(),
  networkInterfaceId: z.string(),
  /** Private IPv4 address, with the ports of the first one's. */
  address: z.string(),
  /** Auto Scaling group of its one host. It is made with the other groups; its name is known before. */
  group: z.string(),
});
export type StandbyJobManager = z.infer<typeof standbyJobManager>;

/** What a cluster owns in AWS; each is recorded as soon as it exists, so that it can be taken away. */
export const clusterResources = z.object({
  /** Epoch under whose names they were made; default: the cluster's. Another where a failover was given up and the former hosts stayed. */
  epoch: z.int().min(1).optional(),
  securityGroupId: z.string().optional(),
  roleName: z.string().optional(),
  instanceProfileArn: z.string().optional(),
  /** The JobManager's network interface: it outlives the instance, so the address stays when the host is replaced. */
  networkInterfaceId: z.string().optional(),
  /** Private IPv4 address of the JobManager: RPC 6123, blob 6124, REST 8081. */
  jobManagerAddress: z.string().optional(),
  jobManagerGroup: z.string().optional(),
  /** Absent where none is wanted, or where its zone had no address for it. */
  standby: standbyJobManager.optional(),
  /** `zone`: the home zone; `zones`: all that the group's hosts may be in, where these are several. */
  taskManagerGroups: z.array(z.object({ name: z.string(), zone: z.string(), zones: z.array(z.string()).optional() })).default([]),
  launchTemplateIds: z.array(z.string()).default([]),
});
export type ClusterResources = z.infer<typeof clusterResources>;
export const NO_RESOURCES: ClusterResources = { taskManagerGroups: [], launchTemplateIds: [] };

/** Role and instance profile of the epoch that a move would begin, without its hosts. Recorded before they are made, and completed then. */
const nextRole = z.object({
  epoch: z.int().min(1),
  roleName: z.string().optional(),
  instanceProfileArn: z.string().optional(),
});

/** What an earlier epoch of a cluster still owns: a failover leaves it behind and takes it away once the jobs run again. */
const formerEpoch = z.object({
  epoch: z.int().min(1),
  zone: z.string(),
  /** Zones of a spread cluster that it put no TaskManager into. */
  avoidedZones: z.array(z.string()).optional(),
  resources: clusterResources,
  /** Since when its jobs are being stopped or its hosts cut off: from then on it cannot be gone back to. Stored before either. */
  leftAt: instant.optional(),
  /** Since when its hosts are cut off and being ended: nobody needs to do it again. */
  fencedAt: instant.optional(),
  /** A reserve that a move had no use for: no job ever ran there. */
  unused: z.boolean().optional(),
});
export type FormerEpoch = z.infer<typeof formerEpoch>;

/**
 * Hosts that stand by for a move (`placement.failover.capacity: "warm"`): the next epoch's fleet, made ahead of time under that epoch's names. A move into
 * its zone takes it over while it is `ready`; any other files it under `former`.
 */
const reserve = z.object({
  /** Above the cluster's, and above that of every reserve before. */
  epoch: z.int().min(1),
  zone: z.string(),
  /** Zones of a spread cluster that it puts no TaskManager into. */
  avoidedZones: z.array(z.string()).optional(),
  /** `making`: not all of it is there, or is becoming smaller. `leaving`: it is taken away; nothing takes it over any more. `gone`: nothing is left of it. */
  status: z.enum(['making', 'ready', 'leaving', 'gone']),
  since: instant,
  /** TaskManager hosts that it is to have. */
  hosts: z.int().min(0),
  /** Those that it was last seen to have: while it grows, fewer than it is to have. */
  standing: z.int().min(0).optional(),
  /** Operation that works on it: nobody else may write it. One that has ended holds nothing. */
  by: operationId.optional(),
  /** How many in a row came to nothing, this one included. */
  failures: z.int().min(0),
  reason: z.string(),
  resources: clusterResources,
});
export type Reserve = z.infer<typeof reserve>;

/** What passes of observation have found wrong with a cluster, from the first to the last of them without one between that found it well. */
const clusterFault = z.object({
  /** The JobManager does not answer, or answers and has no TaskManager. */
  kind: z.enum(['jobmanager-unreachable', 'members-lost']),
  /** Since when no pass has had any answer; undefined: the last had one, if only that nobody leads yet: a JobManager's process lives, and recovers its jobs. */
  silentSince: instant.optional(),
  /** Epoch of the cluster that it was seen of; of another one it says nothing. */
  epoch: z.int().min(1),
  since: instant,
  seenAt: instant,
});
export type ClusterFault = z.infer<typeof clusterFault>;

/** What was found of the home zone of a cluster that is elsewhere and is to go back by itself. */
const homeSeen = z.object({
  /** Since when every look has found it well; absent: the last did not. */
  wellSince: instant.optional(),
  seenAt: instant,
  /** AWS has shifted traffic away from it: nothing goes there before. */
  shunnedUntil: instant.optional(),
  /** Why the cluster is not back yet. */
  reason: z.string(),
});
export type HomeSeen = z.infer<typeof homeSeen>;

/** What was said last of why a cluster stays in a zone that AWS shifts traffic away from: it is looked at each minute, and said when it changes. */
const heldShift = z.object({
  /** Epoch of the cluster that has come there. */
  epoch: z.int().min(1),
  zone: z.string(),
  /** Of the event. */
  saidAt: instant,
  reason: z.string(),
});
export type HeldShift = z.infer<typeof heldShift>;

/** A cluster as stored. `spec` and `desired` are what the user wants, the rest is what was seen or made. */
export const cluster = z.object({
  name: resourceName,
  /** The cluster that a drill rehearses on this one, which is its copy and goes with the drill. */
  copyOf: resourceName.optional(),
  spec: clusterSpec,
  size: resolvedSize,
  /** How often its settings were changed since its launch; absent: never. */
  revision: z.int().min(1).optional(),
  /** Since when its drills are those of its spec; absent: since its launch. */
  drillSince: instant.optional(),
  flinkVersion: z.string(),
  /** Of the JobManager; of the TaskManagers too where `zones` is absent. */
  zone: z.string(),
  /** Zones that TaskManager hosts are spread over. */
  zones: z.array(z.string()).optional(),
  /** Zones that this epoch puts no TaskManager host into: they were lost or impaired when it began, or AWS shifted traffic away from them. */
  avoidedZones: z.array(z.string()).optional(),
  status: clusterStatus,
  desired: z.enum(['RUNNING', 'TERMINATED']),
  /** Raised by one conditional write whenever somebody takes the cluster over (launch, failover); never goes back, also not when a name is used again. */
  epoch: z.int().min(1),
  lease: lease.optional(),
  resources: clusterResources,
  /** The oldest first. Absent when nothing is left of any. */
  former: z.array(formerEpoch).optional(),
  reserve: reserve.optional(),
  nextRole: nextRole.optional(),
  fault: clusterFault.optional(),
  home: homeSeen.optional(),
  heldShift: heldShift.optional(),
  /** How many changes that made one of its jobs larger were accepted, and times that hosts were found too many and ended; absent: none. */
  turn: z.int().min(0).optional(),
  statusReason: z.string(),
  createdAt: instant,
  updatedAt: instant,
});
export type Cluster = z.infer<typeof cluster>;
