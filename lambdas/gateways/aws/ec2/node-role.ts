import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetInstanceProfileCommand,
  type InstanceProfile,
  PutRolePolicyCommand,
  paginateListInstanceProfiles,
  paginateListRoles,
  RemoveRoleFromInstanceProfileCommand,
} from '@aws-sdk/client-iam';
import { AwsUnavailable } from '../../../contracts/errors';
import { OWN_ARTIFACTS, type Stage } from '../../../contracts/stage';
import { hasCode, laterOn, present, unless } from '../aws-errors';
import type { FleetSpec, NodeRole } from '../fleet.port';
import { type FleetDependencies, NOT_YET_KNOWN, type Owner } from './context';
import { fleetNames } from './names';
import { tagsOf } from './tags';

const POLICY_NAME = 'node';
const FENCE_NAME = 'fenced';
const ABSENT = ['NoSuchEntity', 'NoSuchEntityException'] as const;
/**
 * While IAM tells its servers of what was made a moment ago. One that has not heard of it does not know its path, so rights below a path do not
 * cover it, and it says AccessDenied where another would say that there is none.
 */
const NOT_YET_SEEN = [...NOT_YET_KNOWN, 'AccessDenied', 'AccessDeniedException'] as const;
const PRESENT = ['EntityAlreadyExists', 'EntityAlreadyExistsException'] as const;
/** A profile holds one role at most. */
const HAS_ROLE = ['LimitExceeded', 'LimitExceededException'] as const;

/** It answers in less than a second. A move out of a zone does not wait for it, since what it is changed by is in one region for all the world. */
const IAM_PATIENCE_MS = 5_000;

const TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

/**
 * What a cluster's nodes may do: their own prefix of the state bucket (those of a copy read that of its cluster too, where jobs may have files), Flink and Java to read, the stage's key. Jars and scripts of jobs, of this cluster or another, are
 * read by the control plane, which brings them to the JobManager.
 *
 * S3 tells that an object is not there (404) only to who may list the bucket, and says 403 to anybody else
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html); Flink asks for what is not there before each file that it writes, and so does the fence. Such a request has no
 * `s3:prefix`, so the condition must let its absence pass. The price: a listing without any prefix tells a node the names of other clusters' objects, but not what is in them.
 */
export const nodePolicy = (stage: Stage, cluster: string, readsOf?: string): object => {
  const partition = stage.kmsKeyArn.split(':')[1] ?? 'aws';
  const bucket = (name: string): string => `arn:${partition}:s3:::${name}`;
  const own = `clusters/${cluster}`;
  const others = readsOf === undefined ? [] : [`clusters/${readsOf}/*`];
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'OwnState',
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
        Resource: `${bucket(stage.stateBucket)}/${own}/*`,
      },
      {
        Sid: 'ListOwnState',
        Effect: 'Allow',
        Action: 's3:ListBucket',
        Resource: bucket(stage.stateBucket),
        Condition: { StringLikeIfExists: { 's3:prefix': [own, `${own}/*`, ...others] } },
      },
      ...others.map((keys) => ({
        Sid: 'FilesThatJobsRead',
        Effect: 'Allow',
        Action: 's3:GetObject',
        Resource: `${bucket(stage.stateBucket)}/${keys}`,
      })),
      { Sid: 'Distributions', Effect: 'Allow', Action: 's3:GetObject', Resource: `${bucket(stage.artifactBucket)}/${OWN_ARTIFACTS}*` },
      {
        Sid: 'ListDistributions',
        Effect: 'Allow',
        Action: 's3:ListBucket',
        Resource: bucket(stage.artifactBucket),
        Condition: { StringLikeIfExists: { 's3:prefix': `${OWN_ARTIFACTS}*` } },
      },
      {
        Sid: 'NodeBundle',
        Effect: 'Allow',
        Action: 's3:GetObject',
        Resource: `${bucket(stage.nodeBundle.bucket)}/${stage.nodeBundle.key}`,
      },
      { Sid: 'Key', Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: stage.kmsKeyArn },
    ],
  };
};

const policyOf = (stage: Stage, { cluster, readsOf }: FleetSpec, RoleName: string): PutRolePolicyCommand =>
  new PutRolePolicyCommand({ RoleName, PolicyName: POLICY_NAME, PolicyDocument: JSON.stringify(nodePolicy(stage, cluster, readsOf)) });

const holds = (profile: InstanceProfile | undefined, role: string): boolean =>
  profile?.Roles?.some(({ RoleName }) => RoleName === role) === true;

/**
 * Brings the rights of a role that was made before to what the stage is now, where IAM takes that in time. Without it the role has the rights of the day on which it was made.
 * @returns undefined where it or its instance profile is gone, or they are not together any more
 */
export const refreshNodeRole = async (
  { iam, stage }: FleetDependencies,
  spec: FleetSpec,
  made: NodeRole,
): Promise<NodeRole | undefined> => {
  const { roleName } = made;
  const within = { abortSignal: AbortSignal.timeout(IAM_PATIENCE_MS) };
  try {
    const [{ InstanceProfile }] = await Promise.all([
      iam.send(new GetInstanceProfileCommand({ InstanceProfileName: roleName }), within),
      iam.send(policyOf(stage, spec, roleName), within),
    ]);
    return holds(InstanceProfile, roleName) ? made : undefined;
  } catch (error) {
    if (hasCode(error, ...NOT_YET_SEEN)) return undefined;
    if (!(error instanceof AwsUnavailable)) throw error;
    return made;
  }
};

/** Role and instance profile of the cluster's nodes. */
export const ensureNodeRole = async ({ iam, stage }: FleetDependencies, spec: FleetSpec): Promise<NodeRole> => {
  const { role: name, base } = fleetNames(stage.name, spec.cluster, spec.epoch);
  const Tags = tagsOf(stage, spec, base);
  const role = new CreateRoleCommand({
    RoleName: name,
    Path: stage.nodeRolePath,
    PermissionsBoundary: stage.nodePermissionsBoundaryArn,
    AssumeRolePolicyDocument: JSON.stringify(TRUST),
    Description: `Nodes of Flink cluster ${spec.cluster}, epoch ${spec.epoch}`,
    Tags,
  });
  await unless(PRESENT, iam.send(role));
  await laterOn(NOT_YET_SEEN, iam.send(policyOf(stage, spec, name)));
  const profile = await ensureProfile({ iam, stage }, name, Tags);
  if (!holds(profile, name)) {
    const add = new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name });
    await laterOn(NOT_YET_SEEN, unless(HAS_ROLE, iam.send(add)));
  }
  return { roleName: name, instanceProfileArn: present(profile.Arn, `the ARN of instance profile ${name}`) };
};

const ensureProfile = async (
  { iam, stage }: Pick<FleetDependencies, 'iam' | 'stage'>,
  name: string,
  Tags: ReturnType<typeof tagsOf>,
): Promise<InstanceProfile> => {
  const created = await unless(
    PRESENT,
    iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name, Path: stage.nodeRolePath, Tags })),
  );
  const profile =
    created?.InstanceProfile ??
    (await laterOn(NOT_YET_SEEN, iam.send(new GetInstanceProfileCommand({ InstanceProfileName: name })))).InstanceProfile;
  return present(profile, `instance profile ${name}`);
};

type Access = Pick<FleetDependencies, 'iam' | 'stage'>;

const isListed = async ({ iam, stage }: Access, name: string): Promise<boolean> => {
  const below = { PathPrefix: stage.nodeRolePath };
  for await (const { Roles = [] } of paginateListRoles({ client: iam }, below))
    if (Roles.some(({ RoleName }) => RoleName === name)) return true;
  for await (const { InstanceProfiles = [] } of paginateListInstanceProfiles({ client: iam }, below))
    if (InstanceProfiles.some(({ InstanceProfileName }) => InstanceProfileName === name)) return true;
  return false;
};

/**
 * What a call answers about a role or a profile, or undefined when that is gone. A call names it without its path, which IAM does not know of what is not there: rights below
 * a path do not cover it then, and the answer may be AccessDenied.
 */
const unlessGone = async <T>(access: Access, name: string, call: Promise<T>): Promise<T | undefined> => {
  try {
    return await unless(ABSENT, call);
  } catch (error) {
    if (!hasCode(error, 'AccessDenied', 'AccessDeniedException') || (await isListed(access, name))) throw error;
    return undefined;
  }
};

/**
 * Takes every right from the nodes of an epoch, also from credentials that they have already: a session is checked against its role at each call
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html). Spreads over IAM within seconds.
 *
 * @throws AwsUnavailable also when IAM has not answered within `withinMs`
 */
export const denyNodeRole = async (
  access: Access,
  owner: Owner,
  recordedName: string | undefined,
  withinMs = IAM_PATIENCE_MS,
): Promise<void> => {
  const { iam, stage } = access;
  const abortSignal = AbortSignal.timeout(withinMs);
  const derived = fleetNames(stage.name, owner.cluster, owner.epoch).role;
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Sid: 'Fenced', Effect: 'Deny', Action: '*', Resource: '*' }],
  });
  for (const RoleName of new Set([derived, recordedName ?? derived]))
    await unlessGone(
      access,
      RoleName,
      iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: FENCE_NAME, PolicyDocument }), { abortSignal }),
    );
};

/** Profile first, then policy, then role: IAM refuses to delete what something else still holds. */
export const deleteNodeRole = async (access: Access, owner: Owner, recordedName: string | undefined): Promise<void> => {
  const { iam, stage } = access;
  const derived = fleetNames(stage.name, owner.cluster, owner.epoch).role;
  for (const name of new Set([derived, recordedName ?? derived])) {
    const gone = (call: Promise<unknown>): Promise<unknown> => unlessGone(access, name, call);
    await gone(iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: name, RoleName: name })));
    await gone(iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName: name })));
    for (const PolicyName of [POLICY_NAME, FENCE_NAME]) await gone(iam.send(new DeleteRolePolicyCommand({ RoleName: name, PolicyName })));
    await laterOn(['DeleteConflict', 'DeleteConflictException'], gone(iam.send(new DeleteRoleCommand({ RoleName: name }))));
  }
};
