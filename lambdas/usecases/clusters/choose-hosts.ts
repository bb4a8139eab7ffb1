import type { Operation } from '../../contracts/operation';
import type { ChooseHostsInput, ChosenHosts } from '../../contracts/workflow';
import { decideCapacity } from '../../domain/capacity';
import { decideDrain } from '../../domain/decide-hosts';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { ownTarget, type StoreDeps } from '../operations/owned';
import { slotDemands } from './slot-demands';

/** Which hosts to empty after a job became smaller. Decides only: the checkpoint comes before. */
export const chooseHosts = async (
  deps: StoreDeps & { readonly fleet: FleetPort },
  operation: Operation,
  input: ChooseHostsInput,
): Promise<ChosenHosts> => {
  const cluster = await ownTarget(deps, operation);
  const capacity = decideCapacity(await slotDemands(deps.store, operation, 'shrink'), cluster.size);
  if (capacity.action === 'refuse') return { hosts: [], reason: capacity.reason };
  const { hosts, reason } = decideDrain(await deps.fleet.observe(cluster.resources), capacity, input.workers);
  return { hosts: hosts.map(({ instanceId, addresses }) => ({ instanceId, addresses: [...addresses] })), reason };
};
