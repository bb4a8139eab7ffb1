import type { FleetDependencies } from './ec2/context';
import { observeFleet } from './ec2/observe-fleet';
import { observeZones } from './ec2/zones';
import type { FleetPort } from './fleet.port';

/** The part of the fleet that only looks: half the bundle of the whole. */
export const createFleetObserver = (
  dependencies: Pick<FleetDependencies, 'ec2' | 'autoScaling'>,
): Pick<FleetPort, 'observe' | 'zones'> => ({
  observe: (resources) => observeFleet(dependencies, resources),
  zones: (withinMs) => observeZones(dependencies.ec2, withinMs),
});
