import type { FleetPort } from '../../gateways/aws/fleet.port';

export interface ZonesDeps {
  readonly fleet: Pick<FleetPort, 'zones'>;
}

/** Zones that EC2 says are not well: a move goes there only when there is no other. Where EC2 does not say, a move goes blind rather than not at all. */
export const zonesInTrouble = async ({ fleet }: ZonesDeps): Promise<readonly string[]> => {
  const zones = await fleet.zones().catch(() => []);
  return zones.flatMap(({ name, trouble }) => (trouble === undefined ? [] : [name]));
};
