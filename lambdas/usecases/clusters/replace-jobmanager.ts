import type { Cluster } from '../../contracts/cluster';
import type { Operation } from '../../contracts/operation';
import type { Awaited_ } from '../../contracts/workflow';
import { type Clock, later } from '../../domain/clock';
import { isSilent } from '../../domain/cluster-fault';
import { quietUntil } from '../../domain/deadlines';
import { BOOT_SECONDS, silentHosts } from '../../domain/decide-failover';
import type { FleetPort } from '../../gateways/aws/fleet.port';
import { notYet, ownTarget, type StoreDeps } from '../operations/owned';

type ReplaceDeps = StoreDeps & { readonly fleet: Pick<FleetPort, 'observe' | 'replaceHosts'>; readonly clock: Clock };

/** Ends the hosts of a JobManager; their groups launch others, whose JobManagers find the jobs in S3. What is repeated changes nothing. */
export const replaceJobManager = async (deps: ReplaceDeps, operation: Operation): Promise<Awaited_> => {
  const cluster = await ownTarget(deps, operation);
  const { request } = operation;
  if (request.kind !== 'replace-host') throw new Error(`operation ${operation.operationId} replaces no host`);
  return request.notice === 'silence' ? replaceSilent(deps, cluster, request) : relieve(deps, operation, cluster, request.instanceId);
};

/**
 * Those that have been silent since they ran. A host that was launched since is none of them. One that answers again in the last moment stays, and so it does
 * where nobody has looked for a while.
 */
const replaceSilent = async (
  deps: ReplaceDeps,
  cluster: Cluster,
  { silentSince = '', evidence }: Extract<Operation['request'], { kind: 'replace-host' }>,
): Promise<Awaited_> => {
  if (!isSilent(cluster, deps.clock().toISOString()) || cluster.fault?.silentSince !== silentSince)
    return { ready: true, reason: 'The JobManager answers again, or nobody has looked since: its host stays.' };
  const ids = silentHosts(await deps.fleet.observe(cluster.resources), silentSince).map(({ instanceId }) => instanceId);
  if (ids.length === 0) return { ready: true, reason: 'What ran the JobManager has gone already.' };
  await deps.fleet.replaceHosts(ids);
  return { ready: true, reason: `${ids.join(' and ')} ended, and another host is launched in its place: ${evidence}.` };
};

/** One that EC2 will take. Where a second JobManager is wanted, it has to be up first; and the end is seen when one of them runs. */
const relieve = async ({ fleet, clock }: ReplaceDeps, operation: Operation, cluster: Cluster, instanceId: string): Promise<Awaited_> => {
  const now = clock().toISOString();
  const hosts = (await fleet.observe(cluster.resources)).hosts.filter(({ role, state }) => role === 'jobmanager' && state !== 'leaving');
  const others = hosts.filter((host) => host.instanceId !== instanceId && host.state === 'running');
  if (!hosts.some((host) => host.instanceId === instanceId)) {
    const [next] = others;
    if (!next) return notYet(operation, clock, `${instanceId} has gone, and the host in its place is launched`);
    return { ready: true, reason: `Its jobs go on from their latest complete checkpoints: ${next.instanceId} runs a JobManager.` };
  }
  const leadsOn = others.find(({ launchedAt = now }) => later(launchedAt, BOOT_SECONDS) <= now);
  if (cluster.resources.standby && !leadsOn && now < quietUntil(operation))
    return notYet(operation, clock, 'Waits for the other JobManager, which is to lead on');
  await fleet.replaceHosts([instanceId]);
  const then = leadsOn ? `the JobManager on ${leadsOn.instanceId} leads on` : 'the jobs go on when the host in its place has booted';
  return { ready: false, reason: `${instanceId} is ended: ${then}` };
};
