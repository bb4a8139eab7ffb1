import type { ShiftedZone } from '../../contracts/events';
import type { Clock } from '../../domain/clock';
import { isShifted } from '../../domain/shifted-zone';
import type { FleetPort, ZoneSeen } from '../../gateways/aws/fleet.port';
import type { StorePort } from '../../gateways/aws/store.port';

interface ShiftedDeps {
  readonly store: Pick<StorePort, 'shiftedZones'>;
  readonly clock: Clock;
}

export interface ZonesDeps extends ShiftedDeps {
  readonly fleet: Pick<FleetPort, 'zones'>;
}

/** EC2's own API may be slow on the day on which a zone is lost, and records wait meanwhile. ms. */
const PATIENCE_MS = 2_000;

/** Zones that AWS shifts traffic away from, by the last event of it. */
export const shiftedAway = async ({ store, clock }: ShiftedDeps): Promise<readonly ShiftedZone[]> => {
  const now = clock().toISOString();
  return (await store.shiftedZones()).filter((one) => isShifted(one, now));
};

/** Zones with what is said against them: by EC2, or by an event. */
export const seeZones = async (deps: ZonesDeps): Promise<readonly ZoneSeen[]> => {
  const [zones, shifted] = await Promise.all([deps.fleet.zones(), shiftedAway(deps)]);
  return zones.map((zone) => {
    const trouble = zone.trouble ?? shifted.find((one) => one.zone === zone.name)?.says;
    return { ...zone, ...(trouble === undefined ? {} : { trouble }) };
  });
};

/**
 * Zones that EC2 says are not well, or that AWS shifts traffic away from: a move goes there only when there is no other. Where EC2 does not say, a move goes
 * blind rather than late.
 */
export const zonesInTrouble = async (deps: ZonesDeps): Promise<readonly string[]> => {
  const [zones, shifted] = await Promise.all([deps.fleet.zones(PATIENCE_MS).catch(() => []), shiftedAway(deps)]);
  const troubled = zones.flatMap(({ name, trouble }) => (trouble === undefined ? [] : [name]));
  return [...new Set([...troubled, ...shifted.map(({ zone }) => zone)])];
};
