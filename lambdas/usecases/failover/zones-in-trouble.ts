import type { FleetPort } from '../../gateways/aws/fleet.port';

export interface ZonesDeps {
  readonly fleet: Pick<FleetPort, 'zones'>;
}

/** EC2's own API may be slow on the day on which a zone is lost, and records wait meanwhile. ms. */
const PATIENCE_MS = 2_000;

/** Zones that EC2 says are not well: a move goes there only when there is no other. Where EC2 does not say, a move goes blind rather than late. */
export const zonesInTrouble = async ({ fleet }: ZonesDeps): Promise<readonly string[]> => {
  const zones = await fleet.zones(PATIENCE_MS).catch(() => []);
  return zones.flatMap(({ name, trouble }) => (trouble === undefined ? [] : [name]));
};
