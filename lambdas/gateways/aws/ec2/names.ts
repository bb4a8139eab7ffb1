import { createHash } from 'node:crypto';
import type { ClusterResources } from '../../../contracts/cluster';
import { jobManagerGroups } from '../../../domain/job-managers';

/** Names of everything one epoch of a cluster owns. They derive from stage, cluster and epoch, so that making a thing twice finds the first. */
export interface FleetNames {
  /** Security group and placement group; also the prefix of all others. */
  readonly base: string;
  /** IAM role and instance profile. */
  readonly role: string;
  /** Auto Scaling group and launch template of the JobManager; its network interface too. */
  readonly jobManagerGroup: string;
  /** The same of the stand-by JobManager. */
  readonly standbyGroup: string;
  /** Auto Scaling group and launch template of the TaskManagers of a zone, or of several. */
  readonly taskManagerGroup: (zones: readonly string[]) => string;
  /** Every name that `taskManagerGroup` can give in a stage with these zones. */
  readonly taskManagerGroups: (zones: readonly string[]) => readonly string[];
}

/** IAM's limit of a role's name, the shortest of all: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const ROLE_NAME_MAX = 64;
const HASH_LENGTH = 8;
/** In place of a zone. */
const SPREAD = 'spread';

/** The name as it is where it fits, else its beginning and a hash of the whole. */
const fitting = (name: string): string =>
  name.length <= ROLE_NAME_MAX
    ? name
    : `${name.slice(0, ROLE_NAME_MAX - HASH_LENGTH - 1)}-${createHash('sha256').update(name).digest('hex').slice(0, HASH_LENGTH)}`;

export const fleetNames = (stage: string, cluster: string, epoch: number): FleetNames => {
  const base = `sluice-${stage}-${cluster}-e${epoch}`;
  const of = (where: string): string => `${base}-taskmanager-${where}`;
  return {
    base,
    role: fitting(base),
    jobManagerGroup: `${base}-jobmanager`,
    standbyGroup: `${base}-jobmanager-standby`,
    taskManagerGroup: (zones) => of(zones.length === 1 ? (zones[0] as string) : SPREAD),
    taskManagerGroups: (zones) => [...zones, SPREAD].map(of),
  };
};

/** Names of the groups that a cluster has on record. */
export const recordedGroups = (resources: ClusterResources): string[] => [
  ...jobManagerGroups(resources),
  ...resources.taskManagerGroups.map(({ name }) => name),
];
