import * as z from 'zod';
import { sizeDefinition, sizeName } from '../../lambdas/contracts/cluster';
import { observationInterval } from '../../lambdas/contracts/observer';
import { stage as stageContract } from '../../lambdas/contracts/stage';

const cidr = z.cidrv4('must be an IPv4 range such as 10.20.0.0/16');
const prefixListId = z.string().regex(/^pl-[0-9a-f]{8,17}$/, 'must be a managed prefix list id such as pl-63a5400a');
/** Retention periods that CloudWatch Logs knows, days. */
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

/**
 * A workflow looks at most 900 times at one thing, which are two hours; with these each machine ends by itself (its TimeoutSeconds) only after
 * the longest operation, an upgrade, and the cleaning up after it.
 */
export const MOST_SECONDS = 7_200;
/**
 * An upgrade waits in four places, 9 to 14 events of its history a look, one look in ten seconds in the end: after three hours and with the way back
 * these are about 23,000, and Step Functions ends an execution at 25,000.
 */
const MOST_UPGRADE_SECONDS = 10_800;
/**
 * A failover waits in six places, and looks often again in each further zone and after each further start of a job: with three zones and three starts, each of
 * them waited for longer than five minutes, these are about 21,000 events, and retries have the rest of 25,000.
 */
const MOST_FAILOVER_SECONDS = 7_500;

/** What makes a rule of a security group another than the next: EC2 reads a range by its network, 10.1.2.3/16 as 10.1.0.0/16. */
const ruleOf = ({ cidr, fromPort, toPort }: { readonly cidr: string; readonly fromPort: number; readonly toPort: number }): string => {
  const [address = '', length = '32'] = cidr.split('/');
  const bits = address
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return `${bits.slice(0, Number(length))}/${length} ${fromPort}-${toPort}`;
};

/** One stage as a person writes it in `lib/config/stages/`. Nothing else tells stages apart. */
export const stageConfig = z
  .strictObject({
    /**
     * Part of every name that must be unique in an account and region. 2–16 characters, so that the longest function name stays under
     * Lambda's 64. No hyphen: `sluice-a-*` in a policy of stage `a` would also mean what belongs to a stage `a-b`.
     */
    name: z
      .string()
      .regex(
        /^[a-z][a-z0-9]{1,15}$/,
        'must be 2 to 16 characters: lower-case letters and digits, starting with a letter; a hyphen would let the policies of stage "a" reach stage "a-b"',
      ),
    /** @default - the account of the credentials that deploy */
    account: z
      .string()
      .regex(/^\d{12}$/, 'must be 12 digits')
      .optional(),
    region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be an AWS region such as eu-west-1'),
    vpcCidr: cidr,
    /** One private subnet in each. Three, so that two are left when one fails. */
    availabilityZones: z.array(z.string()).min(1).max(6),
    /** Managed prefix lists of S3 and DynamoDB in the region (`aws ec2 describe-managed-prefix-lists`): the only way out of the VPC. */
    gatewayPrefixLists: z.strictObject({ s3: prefixListId, dynamodb: prefixListId }),
    /** Newest first; the first is the default of a new cluster. */
    flinkVersions: z.array(z.string().regex(/^\d+\.\d+\.\d+$/, 'must be a Flink version such as 2.3.0')).min(1),
    sizes: z.record(sizeName, sizeDefinition),
    limits: z.strictObject({
      maxTaskManagersPerCluster: z.int().min(1).max(1_000),
      maxClusters: z.int().min(1).max(500),
      /**
       * vCPUs of all hosts of all clusters: what of EC2's quota ("Running On-Demand Standard instances", in vCPUs too) is for this stage.
       * @default - no limit but EC2's own
       */
      maxVcpus: z.int().min(1).optional(),
    }),
    /** Dollars an hour of an instance type, as its owner pays them (on demand, or by a savings plan). What `budgetDollarsPerHour` of a job is held to. */
    prices: z.record(z.string(), z.number().positive()).optional(),
    /** Dollars a month of a GB of a gp3 volume, and of each MiB/s over 125 and each operation a second over 3000. Budgets count hosts' volumes too. */
    volumePrices: z
      .strictObject({ gbMonth: z.number().positive(), mibpsMonth: z.number().positive(), iopsMonth: z.number().positive() })
      .optional(),
    flinkConfiguration: stageContract.shape.flinkConfiguration,
    /**
     * A rule of clusters' security groups each, beside those for S3, DynamoDB and Flink; a group may have 60 each way
     * (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html).
     */
    streamSources: z
      .array(z.strictObject({ cidr, fromPort: z.int().min(1).max(65_535), toPort: z.int().min(1).max(65_535) }))
      .max(50, 'must be 50 at most: a security group has 60 rules, and some are taken'),
    /** How many snapshots of a job are kept, and for how many days, where the job does not say. They cost what S3 costs: $0.023 a GB and month. */
    retention: stageContract.shape.retention,
    deadlines: z.strictObject({
      launchSeconds: z.int().min(30).max(MOST_SECONDS),
      submitSeconds: z.int().min(30).max(MOST_SECONDS),
      savepointSeconds: z.int().min(30).max(MOST_SECONDS),
      rescaleSeconds: z.int().min(30).max(MOST_SECONDS),
      terminateSeconds: z.int().min(30).max(MOST_SECONDS),
    }),
    alarms: z.strictObject({
      /** Address of docs/runbook.md where those who are paged can read it; alarms' descriptions link its headings. @default - its path in the project */
      runbook: z.string().min(1).max(300).default('docs/runbook.md'),
      /**
       * Shortest period of jobs' alarms, at least the observation's interval. Below a minute an alarm is of high resolution and costs $0.30 a
       * month instead of $0.10.
       */
      periodSeconds: z
        .union([z.literal(10), z.literal(20), z.literal(30), z.literal(60)], { error: 'must be 10, 20, 30 or 60' })
        .default(60),
    }),
    /**
     * Who hears of the control plane's own alarms (lib/config/alarms.ts). `email` is subscribed to the stage's topic, and confirms that by a link in its first
     * message. `topicArn` is a topic that is there already, instead of the stage's: its policy, and that of its key, must let CloudWatch publish.
     * @default - the stage's topic without subscriptions; its ARN is an output
     */
    onCall: z
      .strictObject({
        email: z.email('must be an e-mail address').optional(),
        topicArn: z
          .string()
          .regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/, 'must be the ARN of a standard SNS topic')
          .optional(),
      })
      .default({}),
    /** How jobs are observed; what each costs is in docs/benchmarks.md. */
    observation: z.strictObject({
      /** Between two passes over a cluster, unless its spec says otherwise. */
      intervalSeconds: observationInterval,
      /** Metrics of every vertex too: six for each, $0.30 a month each. */
      perVertex: z.boolean(),
    }),
    logRetentionDays: z.union(LOG_RETENTION_DAYS.map((days) => z.literal(days)) as [z.ZodLiteral<1>, ...z.ZodLiteral<number>[]], {
      error: `must be a period that CloudWatch Logs knows: ${LOG_RETENTION_DAYS.join(', ')} days`,
    }),
    /** `retain`: buckets, table and key survive `cdk destroy` (they cost only what they store). */
    removal: z.enum(['destroy', 'retain']),
    /** With `removal: destroy`: a deploy-time function empties the buckets first; without it `cdk destroy` stops at a bucket that is not empty. */
    emptyBucketsOnDestroy: z.boolean(),
    /** X-Ray traces of API, functions and state machines: free for the first 100,000 a month, then $5 a million. */
    tracing: z.boolean(),
    /** VPC flow logs to CloudWatch Logs: $0.50 a GB taken in, which on a busy Flink cluster is more than the control plane costs. */
    vpcFlowLogs: z.boolean(),
    api: z.strictObject({
      /** Requests a second over all callers, and how many may come at once. */
      throttle: z.strictObject({ ratePerSecond: z.int().min(1).max(10_000), burst: z.int().min(1).max(5_000) }),
    }),
  })
  .superRefine((config, context) => {
    const wrong = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    config.availabilityZones.forEach((zone, index) => {
      if (!new RegExp(`^${config.region}[a-z]$`).test(zone))
        wrong(['availabilityZones', index], `"${zone}" is not a zone of region ${config.region}`);
    });
    if (new Set(config.availabilityZones).size < config.availabilityZones.length) wrong(['availabilityZones'], 'names a zone twice');
    const prefixLength = Number(config.vpcCidr.split('/')[1]);
    if (prefixLength < 16 || prefixLength > 22)
      wrong(['vpcCidr'], 'must be between /16 and /22: AWS allows no larger VPC, and clusters do not fit a smaller one');
    for (const [name, size] of Object.entries(config.sizes)) {
      const { min, max } = size.taskManagers;
      if (min > max) wrong(['sizes', name, 'taskManagers', 'min'], `${min} is over max (${max})`);
      if (max > config.limits.maxTaskManagersPerCluster)
        wrong(
          ['sizes', name, 'taskManagers', 'max'],
          `${max} is over limits.maxTaskManagersPerCluster (${config.limits.maxTaskManagersPerCluster})`,
        );
    }
    const { launchSeconds, savepointSeconds, submitSeconds, terminateSeconds } = config.deadlines;
    if (savepointSeconds + 2 * submitSeconds > MOST_UPGRADE_SECONDS)
      wrong(
        ['deadlines'],
        `an upgrade would have ${savepointSeconds + 2 * submitSeconds} s (savepointSeconds and twice submitSeconds), its workflow can wait ${MOST_UPGRADE_SECONDS} s`,
      );
    const failoverSeconds = launchSeconds + savepointSeconds + submitSeconds + terminateSeconds;
    if (failoverSeconds > MOST_FAILOVER_SECONDS)
      wrong(
        ['deadlines'],
        `a failover would have ${failoverSeconds} s (launchSeconds, savepointSeconds, submitSeconds and terminateSeconds), its workflow can wait ${MOST_FAILOVER_SECONDS} s`,
      );
    config.streamSources.forEach((source, index) => {
      if (source.fromPort > source.toPort)
        wrong(['streamSources', index, 'fromPort'], `${source.fromPort} is over toPort (${source.toPort})`);
      const first = config.streamSources.findIndex((other) => ruleOf(other) === ruleOf(source));
      // EC2 takes no rule twice, and so none of a group that has one twice.
      if (first < index) wrong(['streamSources', index], `is the same as streamSources[${first}]`);
    });
    const { email, topicArn } = config.onCall;
    if (email !== undefined && topicArn !== undefined) wrong(['onCall'], 'takes email or topicArn: subscribe the address to that topic');
    const topicRegion = topicArn?.split(':')[3];
    if (topicRegion !== undefined && topicRegion !== config.region)
      wrong(['onCall', 'topicArn'], `is in ${topicRegion}; CloudWatch publishes to topics of its own region only (${config.region})`);
    if (config.emptyBucketsOnDestroy && config.removal === 'retain') wrong(['emptyBucketsOnDestroy'], 'needs removal: "destroy"');
  });
export type StageConfig = z.infer<typeof stageConfig>;
/** What a stage's file exports: the same before validation. */
export type StageConfigInput = z.input<typeof stageConfig>;
