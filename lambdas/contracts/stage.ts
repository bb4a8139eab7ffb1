import * as z from 'zod';
import { sizeDefinition, sizeName } from './cluster';
import { retentionPolicy } from './job';
import { observationInterval } from './observer';

/** Where the control plane keeps Flink's distributions and Java in the artifact bucket, which every node runs. All else there is the jobs'. */
export const OWN_ARTIFACTS = 'flink/';

/**
 * What the deployed functions know of their stage: made by the CDK app from the stage configuration (`lib/config`) and the
 * resources it created, and passed as JSON in the environment variable `SLUICE_STAGE` (under 4 KB with all others).
 */
export const stage = z.strictObject({
  name: z.string(),
  account: z.string(),
  region: z.string(),
  vpcId: z.string(),
  vpcCidr: z.string(),
  /** Private subnets, one a zone. */
  zones: z.array(z.strictObject({ name: z.string(), subnetId: z.string() })).min(1),
  /** Security group of the functions that call Flink: the only source allowed to reach port 8081. */
  flinkClientSecurityGroupId: z.string(),
  /** Managed prefix lists of the S3 and DynamoDB gateway endpoints, for the nodes' egress rules. */
  prefixLists: z.array(z.string()),
  /** Where jobs' sources live: nodes may reach these ports there. */
  streamSources: z.array(z.strictObject({ cidr: z.string(), fromPort: z.int(), toPort: z.int() })),
  /** Launch templates by architecture that every cluster's own templates are made from (IMDSv2, encryption, user data). */
  baseLaunchTemplates: z.strictObject({ x86_64: z.string(), arm64: z.string() }),
  /** Path and permissions boundary of every role made at run time. */
  nodeRolePath: z.string(),
  nodePermissionsBoundaryArn: z.string(),
  kmsKeyArn: z.string(),
  tableName: z.string(),
  artifactBucket: z.string(),
  stateBucket: z.string(),
  /** ARN prefix of the stage's state machines; the kind of an operation is appended. */
  stateMachineArnPrefix: z.string(),
  /** Bucket and key of the bundle that a node boots from (`node/`). */
  nodeBundle: z.strictObject({ bucket: z.string(), key: z.string() }),
  /** Newest first. */
  flinkVersions: z.array(z.string()).min(1),
  sizes: z.record(sizeName, sizeDefinition),
  limits: z.strictObject({
    maxTaskManagersPerCluster: z.int(),
    maxClusters: z.int(),
    /** vCPUs of all hosts of all clusters together, shared by priority where jobs scale by themselves. Absent: EC2's own quota alone. */
    maxVcpus: z.int().optional(),
  }),
  /** Dollars an hour of an instance type, for budgets; a type that is not named has no price, and a budget cannot be kept on it. */
  prices: z.record(z.string(), z.number()).optional(),
  /** Dollars a month of the hosts' gp3 volumes: a GB, and each MiB/s and operation a second over what a volume has for nothing. Absent: a budget cannot be kept either. */
  volumePrices: z.strictObject({ gbMonth: z.number(), mibpsMonth: z.number(), iopsMonth: z.number() }).optional(),
  /** Flink settings of the stage, under those of a cluster and a job. */
  flinkConfiguration: z.record(z.string(), z.string()),
  /** `runbook`: where alarms' descriptions lead, the heading's anchor is appended. `periodSeconds`: shortest period of an alarm. */
  alarms: z.strictObject({ runbook: z.string(), periodSeconds: z.int() }),
  /** How many snapshots of a job are kept, and for how many days, where the job does not say. */
  retention: retentionPolicy,
  observation: z.strictObject({ intervalSeconds: observationInterval, perVertex: z.boolean() }),
  /** Seconds an operation of a kind may take. */
  deadlines: z.strictObject({
    launchSeconds: z.int(),
    submitSeconds: z.int(),
    savepointSeconds: z.int(),
    rescaleSeconds: z.int(),
    terminateSeconds: z.int(),
  }),
});
export type Stage = z.infer<typeof stage>;

/** Reads the stage from a function's environment. @throws when it is missing or not of this shape: a deployment error. */
export const stageFromEnvironment = (environment: Readonly<Record<string, string | undefined>>): Stage =>
  stage.parse(JSON.parse(environment.SLUICE_STAGE ?? 'null'));
