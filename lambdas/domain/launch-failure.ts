import type { FleetSeen } from '../gateways/aws/fleet.port';
import { shorten } from './describe-failure';

/** The JobManager's host before the one that was to be launched is still ending: the group tries again, and what is wrong with the zone shows then. */
export const isInterfaceInUse = (message: string): boolean => /Interface: \[eni-[^\]]*\] in use/i.test(message);

/**
 * The instance profile is new, and IAM has not told all of EC2 of it: of two calls one finds it and the next does not, for seconds
 * (https://github.com/hashicorp/terraform-provider-aws/issues/29866).
 */
export const isProfileUnknown = (message: string): boolean => /Invalid IAM Instance Profile/i.test(message);

/** What speaks against the zone, in EC2's words: nothing that passes by itself does. */
export const lastingProblem = ({ problem }: Pick<FleetSeen, 'problem'>): string | undefined =>
  problem && !problem.passing ? shorten(problem.message, 300) : undefined;
