import { DescribeAvailabilityZonesCommand, type EC2Client } from '@aws-sdk/client-ec2';
import type { ZoneSeen } from '../fleet.port';

export const observeZones = async (ec2: EC2Client, withinMs?: number): Promise<readonly ZoneSeen[]> => {
  const patience = withinMs === undefined ? {} : { abortSignal: AbortSignal.timeout(withinMs) };
  const { AvailabilityZones = [] } = await ec2.send(new DescribeAvailabilityZonesCommand({}), patience);
  return AvailabilityZones.flatMap(({ ZoneName, State, Messages = [] }) => {
    if (ZoneName === undefined) return [];
    // EC2 knows more states than one that is well: information, impaired, unavailable, constrained.
    const said = [...(State === 'available' ? [] : [`EC2 says it is ${State}`]), ...Messages.map(({ Message = '' }) => Message)];
    return [{ name: ZoneName, ...(said.length > 0 ? { trouble: said.join(': ').slice(0, 300) } : {}) }];
  });
};
