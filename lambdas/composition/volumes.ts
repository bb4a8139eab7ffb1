import { ec2Client } from '../gateways/aws/clients';
import { createVolumes } from '../gateways/aws/volumes.adapter';
import type { VolumesPort } from '../gateways/aws/volumes.port';
import { stage } from './environment';

/** State volumes of the stage's hosts, and their snapshots. */
export const volumes = (): VolumesPort => createVolumes({ ec2: ec2Client(), stage: stage() });
