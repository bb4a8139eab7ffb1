import { autoScalingClient, ec2Client, iamClient } from '../gateways/aws/clients';
import { createFleet } from '../gateways/aws/fleet.adapter';
import type { FleetPort } from '../gateways/aws/fleet.port';
import { stage } from './environment';

/** The machines of the stage: EC2 and its Auto Scaling groups. */
export const fleet = (): FleetPort => createFleet({ ec2: ec2Client(), autoScaling: autoScalingClient(), iam: iamClient(), stage: stage() });
