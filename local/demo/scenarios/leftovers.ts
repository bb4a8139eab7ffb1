import { CloudWatchClient, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { paginateListExecutions, paginateListStateMachines, SFNClient } from '@aws-sdk/client-sfn';
import type { ClusterDescription, OperationView } from '../../../lambdas/contracts/api';
import { belongingsIn } from '../../client/belongings';
import { processesNaming } from '../../twin/processes';
import type { Play } from './scenario';

const configuration = ({ twin }: Play) => ({ endpoint: twin.awsEndpoint, region: twin.region, credentials: twin.credentials });

/** Every operation of the cluster, newest first. */
export const operationsOf = async ({ client, cluster }: Play): Promise<readonly OperationView[]> => {
  const found: OperationView[] = [];
  for (let after: string | undefined; ; ) {
    const { status, body } = await client.call<{ items: readonly OperationView[]; next?: string }>(
      'GET',
      `/clusters/${cluster}/operations?limit=100${after === undefined ? '' : `&after=${after}`}`,
    );
    if (status !== 200) throw new Error(`the operations cannot be listed: ${status}`);
    found.push(...body.items);
    after = body.next;
    if (after === undefined) return found;
  }
};

/** Clusters and jobs that an operation still holds. */
const leases = async (play: Play): Promise<string[]> => {
  const found: string[] = [];
  const table = { TableName: `sluice-${play.twin.stage}`, FilterExpression: 'attribute_exists(lease)' };
  for await (const page of paginateScan({ client: new DynamoDBClient(configuration(play)) }, table))
    for (const item of page.Items ?? []) found.push(`${item.pk?.S}/${item.sk?.S} is still held by ${item.lease?.M?.operationId?.S}`);
  return found;
};

/** What is under way or held, and has not come to its end; nothing when all has. */
export const unsettled = async (play: Play): Promise<string[]> => {
  const { body } = await play.client.call<{ items: readonly OperationView[] }>('GET', `/clusters/${play.cluster}/operations?limit=30`);
  const open = body.items.filter(({ endedAt }) => endedAt === undefined);
  return [...open.map(openLine), ...(await leases(play))];
};

const openLine = ({ operationId, kind, phases }: OperationView): string =>
  `${kind} ${operationId} has not ended; it is at "${phases.at(-1)?.name ?? 'its start'}"`;

const epochsOf = (names: readonly string[]): ReadonlySet<number> =>
  new Set(names.map((name) => Number(/-e(\d+)(?:-|$)/.exec(name)?.[1] ?? Number.NaN)).filter((epoch) => !Number.isNaN(epoch)));

/** What of a cluster that goes on is not as it should be at rest; nothing when all is well. */
export const unrest = async (play: Play): Promise<string[]> => {
  const { client, cluster, job, twin } = play;
  const [seen, ofJob, operations, held, owned] = await Promise.all([
    client.cluster(cluster),
    client.job(cluster, job),
    operationsOf(play),
    leases(play),
    belongingsIn(twin, cluster),
  ]);
  const open = operations.filter(({ endedAt }) => endedAt === undefined);
  const { roles = [], instanceProfiles = [], ...others } = owned;
  const epochs = epochsOf(Object.values(others).flat());
  // The epoch that a move would begin has its role already.
  const ahead = seen.nextRole?.epoch;
  const strange = [...epochsOf([...roles, ...instanceProfiles])].filter((epoch) => !epochs.has(epoch) && epoch !== ahead);
  const hosts = (owned.instances ?? []).length;
  const standsBy = seen.reserve && seen.reserve.status !== 'gone' ? seen.reserve : undefined;
  const wanted = 1 + (seen.live?.taskManagers ?? 0) + (standsBy ? 1 + standsBy.hosts : 0);
  return [
    ...open.map(openLine),
    ...(seen.status === 'RUNNING' ? [] : [`the cluster is ${seen.status}: ${seen.statusReason}`]),
    ...(seen.former?.length ? [`epochs ${seen.former.map(({ epoch }) => epoch).join(', ')} of the cluster are not tidied up`] : []),
    ...(ofJob.live?.state === 'RUNNING' ? [] : [`the job is ${ofJob.live?.state ?? ofJob.status}: ${ofJob.statusReason}`]),
    ...(hosts === wanted ? [] : [`there are ${hosts} hosts, and ${wanted} take part`]),
    ...(epochs.size <= (standsBy ? 2 : 1) ? [] : [`what the cluster owns is of epochs ${[...epochs].join(', ')}`]),
    ...(strange.length === 0 ? [] : [`there are roles of epochs ${strange.join(', ')}`]),
    ...held,
  ];
};

/** Why a cluster that is to have hosts standing by has none that a move could take; nothing when they are there, or it is to have none. */
export const withoutReserve = ({ spec, reserve }: Pick<ClusterDescription, 'spec' | 'reserve'>): string[] =>
  spec.placement.failover.capacity !== 'warm' || reserve?.status === 'ready'
    ? []
    : [`the hosts that are to stand by are ${reserve === undefined ? 'not there' : `${reserve.status}: ${reserve.reason}`}`];

/** What is left of a cluster that is gone, while others go on; nothing when all is well. */
export const ownedLeft = async (play: Play): Promise<string[]> => {
  const { cluster, machines, twin } = play;
  const found: string[] = [];
  for (const [kind, names] of Object.entries(await belongingsIn(twin, cluster)))
    if (names.length > 0) found.push(`${kind} are left: ${names.join(', ')}`);
  for await (const page of paginateDescribeAlarms(
    { client: new CloudWatchClient(configuration(play)) },
    { AlarmNamePrefix: `sluice-${twin.stage}-${cluster}.` },
  ))
    for (const { AlarmName } of page.MetricAlarms ?? []) found.push(`alarm ${AlarmName} is left`);
  const hosts = (await machines.all()).filter(({ tags }) => tags['sluice:cluster'] === cluster);
  found.push(...hosts.map(({ instanceId, phase }) => `host ${instanceId} is ${phase}`));
  for (const { status, kind, operationId } of await operationsOf(play).catch(() => []))
    if (status === 'RUNNING' || status === 'PENDING') found.push(`${kind} ${operationId} is ${status}`);
  return found;
};

/** What is left of a cluster that was terminated, and of everything else; nothing when all is well. */
export const leftovers = async (play: Play): Promise<string[]> => {
  const { settings } = play;
  const found = await ownedLeft(play);
  const sfn = new SFNClient(configuration(play));
  for await (const machines of paginateListStateMachines({ client: sfn }, {}))
    for (const { stateMachineArn, type } of machines.stateMachines ?? []) {
      if (type === 'EXPRESS') continue;
      for await (const page of paginateListExecutions({ client: sfn }, { stateMachineArn, statusFilter: 'RUNNING' }))
        for (const { name } of page.executions ?? []) found.push(`execution ${name} still runs`);
    }
  for (const { pid, command } of processesNaming(`${settings.stateDir}/fleet/instances/`))
    found.push(`process ${pid} is left: ${command.slice(0, 100)}`);
  return [...found, ...(await leases(play))];
};
