import type { Operation } from '../../contracts/operation';
import type { TaskAnswer } from '../../contracts/workflow';
import type { Clock } from '../../domain/clock';
import { isSilent } from '../../domain/cluster-fault';
import { silentHosts } from '../../domain/decide-failover';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { ownTarget, type StoreDeps } from '../operations/owned';

/**
 * Ends the hosts of a JobManager that has been silent since they ran; their groups launch others, whose JobManagers find the jobs in S3. A host that was launched
 * since is none of them, so repeating it changes nothing. One that answers again in the last moment stays, and so it does where nobody has looked for a while.
 */
export const replaceJobManager = async (
  deps: StoreDeps & { readonly fleet: FleetPort; readonly clock: Clock },
  operation: Operation,
): Promise<TaskAnswer> => {
  const cluster = await ownTarget(deps, operation);
  const { silentSince = '', evidence } = operation.request.kind === 'replace-host' ? operation.request : {};
  if (!isSilent(cluster, deps.clock().toISOString()) || cluster.fault?.silentSince !== silentSince)
    return { reason: 'The JobManager answers again, or nobody has looked since: its host stays.' };
  const ids = silentHosts(await deps.fleet.observe(cluster.resources), silentSince).map(({ instanceId }) => instanceId);
  if (ids.length === 0) return { reason: 'What ran the JobManager has gone already.' };
  await deps.fleet.replaceHosts(ids);
  return { reason: `${ids.join(' and ')} ended, and another host is launched in its place: ${evidence}.` };
};
