import type { FleetDependencies } from './ec2/context';
import { launchAs } from './ec2/job-manager-types';
import { observeFleet } from './ec2/observe-fleet';
import { observeZones } from './ec2/zones';
import type { FleetPort } from './fleet.port';

/** The part of the fleet that looks, and has a JobManager's host launched as another type: half the bundle of the whole. */
export const createFleetObserver = (
  dependencies: Pick<FleetDependencies, 'ec2' | 'autoScaling'>,
): Pick<FleetPort, 'observe' | 'launchAs' | 'zones'> => ({
  observe: (resources) => observeFleet(dependencies, resources),
  launchAs: (other) => launchAs(dependencies, other),
  zones: (withinMs) => observeZones(dependencies.ec2, withinMs),
});
