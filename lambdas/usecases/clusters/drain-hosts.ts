import type { Operation } from '../../contracts/operation';
import type { DrainHostsInput, TaskAnswer } from '../../contracts/workflow';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { ownTarget, type StoreDeps } from '../operations/owned';

/** Tells hosts to end their TaskManagers, or to run them again. The nodes read it as a tag of their instance. */
export const drainHosts = async (
  deps: StoreDeps & { readonly fleet: FleetPort },
  operation: Operation,
  { hosts, direction }: DrainHostsInput,
): Promise<TaskAnswer> => {
  await ownTarget(deps, operation, direction === 'drain' ? 'changing' : 'cleaning');
  const ids = hosts.map(({ instanceId }) => instanceId);
  if (direction === 'drain') await deps.fleet.markHosts(ids, 'drain', operation.operationId);
  else await deps.fleet.unmarkHosts(ids, 'drain');
  // Given up: it counts as a host again, and none is wanted in its place.
  if (direction === 'take-back' && operation.kind === 'replace-host') await deps.fleet.unmarkHosts(ids, 'leaving');
  return { reason: direction === 'drain' ? `${ids.join(', ')} shall be emptied` : `${ids.join(', ')} shall run again` };
};
