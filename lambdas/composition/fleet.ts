import { autoScalingClient, ec2Client, iamClient } from '../gateways/aws/clients';
import { createFleet } from '../gateways/aws/fleet.adapter';
import type { FleetPort } from '../gateways/aws/fleet.port';
import { createFleetEnd } from '../gateways/aws/fleet-end.adapter';
import { createFleetObserver } from '../gateways/aws/fleet-observer.adapter';
import { stage } from './environment';

/** The machines of the stage: EC2 and its Auto Scaling groups. */
export const fleet = (): FleetPort => createFleet({ ec2: ec2Client(), autoScaling: autoScalingClient(), iam: iamClient(), stage: stage() });

/** For functions that cut hosts off or take away what was made. */
export const fleetEnd = (): ReturnType<typeof createFleetEnd> =>
  createFleetEnd({ ec2: ec2Client(), autoScaling: autoScalingClient(), iam: iamClient(), stage: stage() });

/** For functions that decide about machines and begin no change of them, but for the type of a JobManager's next host. */
export const fleetObserver = (): Pick<FleetPort, 'observe' | 'launchAs' | 'zones'> =>
  createFleetObserver({ ec2: ec2Client(), autoScaling: autoScalingClient() });
