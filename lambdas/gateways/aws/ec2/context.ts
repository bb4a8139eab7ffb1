import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { Stage } from '../../../contracts/stage';
import type { FleetSpec } from '../fleet.port';

export interface FleetDependencies {
  readonly ec2: EC2Client;
  readonly autoScaling: AutoScalingClient;
  readonly iam: IAMClient;
  readonly stage: Stage;
}

/** One epoch of a cluster: who owns what is made here. */
export type Owner = Pick<FleetSpec, 'cluster' | 'epoch'>;
export type Role = 'jobmanager' | 'taskmanager';

/** Codes of EC2 and IAM for something made a moment ago that another of their servers has not heard of yet. */
export const NOT_YET_KNOWN = [
  'InvalidGroup.NotFound',
  'InvalidGroupId.NotFound',
  'InvalidSecurityGroupID.NotFound',
  'NoSuchEntity',
  'NoSuchEntityException',
] as const;

/** Codes of EC2 where a zone is ill; what passes was tried again by then (`clients.ts`). */
export const ZONE_ILL = ['InternalError', 'Unavailable', 'ServiceUnavailable'] as const;
