import type { FleetPort, FleetSeen, OtherType } from '../../gateways/aws/fleet.port';

/** Where EC2 does not have what a JobManager's host was to be, another of its types is asked for. Says what is tried; undefined: nothing, for nothing is lacking or all is. */
export const tryOtherTypes = async (
  { fleet }: { readonly fleet: Pick<FleetPort, 'launchAs'> },
  { otherTypes = [] }: FleetSeen,
): Promise<string | undefined> => {
  for (const other of otherTypes) if (!other.asked) await fleet.launchAs(other);
  return otherTypes.length === 0 ? undefined : [...new Set(otherTypes.map(describe))].join('; ');
};

const describe = ({ type, lacking }: OtherType): string =>
  lacking.length === 0
    ? `a JobManager host is asked for as ${type}`
    : `EC2 has no ${lacking.join(', nor ')} for a JobManager host now: it is asked for as ${type}`;
