import type { Operation } from '../../contracts/operation';
import type { ChosenHosts } from '../../contracts/workflow';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { ownTarget, type StoreDeps } from '../operations/owned';

/**
 * Marks a host that EC2 takes: from now on it is no capacity, and another is wanted besides. No host when it has gone already, or when hosts
 * are only to be given back as far as nothing runs on them.
 */
export const markHost = async (deps: StoreDeps & { readonly fleet: FleetPort }, operation: Operation): Promise<ChosenHosts> => {
  const cluster = await ownTarget(deps, operation);
  const { instanceId: id, notice } = operation.request.kind === 'replace-host' ? operation.request : {};
  if (notice === 'surplus') return { hosts: [], reason: 'Only hosts without an occupied slot are given back, so none is emptied' };
  const host = (await deps.fleet.observe(cluster.resources)).hosts.find((one) => one.instanceId === id && one.role === 'taskmanager');
  if (!host || host.state === 'leaving') return { hosts: [], reason: `${id} is not there any more` };
  await deps.fleet.markHosts([host.instanceId], 'leaving', operation.operationId);
  const addresses = [...new Set([host.address, ...(host.addresses ?? [])].filter((address) => address !== undefined))];
  return { hosts: [{ instanceId: host.instanceId, addresses }], reason: `${id} is marked as leaving` };
};
