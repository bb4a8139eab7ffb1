import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { JobView, OperationView } from '../../../lambdas/contracts/api';
import { type OperationKind, type WorkflowKind, workflowKind } from '../../../lambdas/contracts/operation';
import { givesBack } from '../../../lambdas/domain/interruption';
import { control } from '../../client/control';
import type { Machine } from '../../client/machines';
import { signedFetch } from '../../client/signed-fetch';
import type { JobInput } from '../../client/sluice-client';
import { OLD_ENOUGH } from './losses';
import type { Play } from './scenario';

/** Rule of the emulator (local/emulator/faults.py). */
export type Rule = Readonly<Record<string, string | number | boolean>>;

/** How the cluster and its job are when a way begins. */
export interface Before {
  /** @default running */
  readonly cluster?: 'running' | 'gone';
  /** @default running */
  readonly job?: 'running' | 'stopped';
  /** @default 2 */
  readonly parallelism?: number;
  /** A second job takes the other half of the host that the job began on: made as small as then, the job stays on the next host, and one of the two is to be emptied. */
  readonly neighbour?: boolean;
  /** Hosts stand by for a move (docs/adr/0023). */
  readonly reserve?: boolean;
}

/** The workflow of an operation, or the loop that looks at the clusters: it is begun each minute, and by nobody else. */
export type Workflow = WorkflowKind | 'observe-clusters';
export const WORKFLOWS: readonly Workflow[] = [...workflowKind.options, 'observe-clusters'];

/** A way through a workflow that passes some of its states. */
export interface Way {
  readonly title: string;
  readonly kind: Workflow;
  /** Absent: every state of the workflow that no other way of its kind has. */
  readonly states?: readonly string[];
  readonly before?: Before;
  /** What makes the workflow go this way. @param zone where the cluster is */
  readonly rules?: (zone: string) => readonly Rule[];
  /** From the entry into this state until the interruption the TaskManagers stand still: what they are asked for takes that long. */
  readonly stillFrom?: string;
  /** @returns the operation whose workflow is interrupted; undefined: none has one */
  readonly begin: (play: Play, context: Context) => Promise<OperationView | undefined>;
  /** What comes of it although it was interrupted. @throws when that does not come. @param since epoch ms from which on it counts */
  readonly follows?: (play: Play, since: number) => Promise<unknown>;
  /** Takes back, once the workflow was interrupted, what nobody else would. */
  readonly mend?: (play: Play, context: Context) => Promise<unknown>;
}

export interface Context {
  readonly zone: string;
  readonly job: JobInput;
  readonly launch: () => Promise<OperationView>;
}

const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
const nextZone = (zone: string): string => ZONES[(ZONES.indexOf(zone) + 1) % ZONES.length] as string;
/** Enough for a host more than parallelism 2 takes. */
const WIDE = 6;
const NARROW = 4;
/** Of a host. */
const HALF = 2;

/** The function of this state is not there: an error that no state tries again. */
const missing = (kind: OperationKind, state: string): readonly Rule[] => [
  { service: 'lambda', action: 'Invoke', machine: `*-${kind}`, state, status: 404, code: 'ResourceNotFoundException' },
];
/** Step Functions takes so long to enter this state, ms. */
const late = (kind: OperationKind, state: string, delayMs: number): readonly Rule[] => [
  { service: 'states', action: 'EnterState', machine: `*-${kind}`, state, delayMs, count: 1 },
];

/** S3 says of these objects that it is asked too much. @param path of the request: bucket and key. @param delayMs until it says so */
const slowDown = (action: 'GetObject' | 'PutObject', path: string, delayMs = 0): readonly Rule[] => [
  { service: 's3', action, path, status: 503, code: 'SlowDown', delayMs },
];
const METADATA = '/*/jobs/*/checkpoints/*/_metadata';
const METADATA_OF_COPY = '/*-drill/jobs/*/checkpoints/*/_metadata';
/** S3 lets the first two tries for a jar run into the ten seconds that the control plane gives it, and the third almost. */
const jarsAfterHalfAMinute = (action: 'HeadObject' | 'GetObject'): readonly Rule[] => [
  { service: 's3', action, path: '/*/jars/*', delayMs: 11_000, count: 2 },
  { service: 's3', action, path: '/*/jars/*', delayMs: 9_500 },
];

const asked = async (play: Play, method: string, path: string, body?: unknown): Promise<OperationView> => {
  const answer = await play.client.call<OperationView>(method, path, body === undefined ? {} : { body });
  if (answer.status !== 202)
    throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body).slice(0, 500)}`);
  return answer.body;
};
type Begin = (play: Play, context: Context) => Promise<OperationView>;
const change =
  (verb: 'stop' | 'cancel' | 'savepoints' | 'upgrade' | 'rescale', body: unknown = {}): Begin =>
  ({ client, cluster, job }) =>
    client.changeJob(cluster, job, verb, body);
const move =
  (mode?: 'planned' | 'lost') =>
  (play: Play): Promise<OperationView> =>
    asked(play, 'POST', `/clusters/${play.cluster}/failover`, mode === undefined ? {} : { mode });
const moveToNext: Begin = (play, { zone }) =>
  asked(play, 'POST', `/clusters/${play.cluster}/failover`, { mode: 'planned', zone: nextZone(zone) });
/** All that runs is rehearsed: what has no output writes nowhere as it is. */
const drillOnCopy: Begin = async (play) => {
  const { body } = await play.client.call<{ items: readonly JobView[] }>('GET', `/clusters/${play.cluster}/jobs`);
  const jobs = body.items.flatMap(({ name, status, spec: { program } }) => {
    if (status !== 'RUNNING' || program.kind !== 'jar') return [];
    const { arguments: own } = program;
    const out = own.indexOf('--out') + 1;
    return [[name, { arguments: out === 0 ? own : own.with(out, '-') }] as const];
  });
  return asked(play, 'POST', `/clusters/${play.cluster}/drills`, { on: 'copy', jobs: Object.fromEntries(jobs) });
};
const terminate: Begin = ({ client, cluster }) => client.terminateCluster(cluster, 'savepoint');
const submit: Begin = ({ client, cluster }, { job }) => client.submitJob(cluster, job);
const submitWide: Begin = ({ client, cluster }, { job }) => client.submitJob(cluster, { ...job, parallelism: WIDE });

/** The rules of the emulator as they stand, and how often each was used. */
export const rulesSeen = z.array(z.object({ name: z.string().nullish(), hits: z.number(), stop: z.boolean(), delayMs: z.number() }));
/** Within it there is another execution of the loop that is begun each minute, and it has come to its last state. */
const NEXT_LOOK_SECONDS = 150;

/** The newest operation of a kind, once it has begun after this. */
const appears = (play: Play, kind: OperationKind, since: number, seconds: number): Promise<OperationView> =>
  play.until(`an operation ${kind}`, seconds, async () => {
    const { body } = await play.client.call<{ items: readonly OperationView[] }>('GET', `/clusters/${play.cluster}/operations?limit=10`);
    return body.items.find((one) => one.kind === kind && !givesBack(one) && Date.parse(one.requestedAt) >= since);
  });

/** EC2 tells a TaskManager host that it may take it. */
const rebalance: Begin = async (play) => {
  const [host] = await play.machines.of(play.cluster, 'taskmanager');
  if (!host) throw new Error('there is no TaskManager host');
  const since = Date.now() - 1_000;
  await play.machines.recommendRebalance(host);
  return appears(play, 'replace-host', since, 30);
};

/** EC2 plans to retire the host of the JobManager. */
const retire: Way['begin'] = async (play) => {
  const [host] = await play.machines.of(play.cluster, 'jobmanager');
  if (!host) throw new Error('there is no JobManager host');
  const since = Date.now() - 1_000;
  await play.machines.announceRetirement(host);
  return appears(play, 'replace-host', since, 30);
};

/** EC2 tells a host so that its cluster is just moving to. */
const rebalanceOfNext: Begin = async (play) => {
  const before = await play.client.cluster(play.cluster);
  await move('planned')(play);
  const host = await play.until('a host in the next zone', 60, async () => {
    const hosts = await play.machines.of(play.cluster, 'taskmanager');
    return hosts.find(({ tags }) => Number(tags['sluice:epoch']) > before.epoch);
  });
  const since = Date.now() - 1_000;
  await play.machines.recommendRebalance(host);
  return appears(play, 'replace-host', since, 30);
};

const launched = z.array(z.object({ instanceId: z.string(), launchedAt: z.iso.datetime({ offset: true }) }));
const ageOf = async ({ twin }: Play, { instanceId }: Machine): Promise<number> => {
  const found = launched.parse(await control(twin.awsEndpoint, 'GET', 'instances')).find((one) => one.instanceId === instanceId);
  return found ? (Date.now() - Date.parse(found.launchedAt)) / 1_000 : 0;
};

/** The JobManager stands still, on a host that was seen well: after a minute it is to have another. */
const stopJobManager = async (play: Play): Promise<Machine> => {
  const [host] = await play.machines.of(play.cluster, 'jobmanager');
  if (!host) throw new Error('there is no JobManager host');
  await play.until('a JobManager host that was seen well', OLD_ENOUGH + 20, async () => (await ageOf(play, host)) > OLD_ENOUGH);
  await play.machines.signal(host, 'SIGSTOP');
  return host;
};
const hang: Begin = async (play) => {
  const since = Date.now() - 1_000;
  const host = await stopJobManager(play);
  return appears(play, 'replace-host', since, 180).catch(async (error: Error) => {
    await play.machines.signal(host, 'SIGCONT').catch(() => undefined);
    throw error;
  });
};

/** The zone is dead, and EC2 cannot end what is in it. */
const moveOutOfLostZone: Begin = async (play, { zone }) => {
  await play.machines.loseZone(zone, 'SIGKILL', false);
  return move('lost')(play);
};

const invoke = ({ twin }: Play, name: string, payload: object): Promise<Response> =>
  signedFetch(
    { region: twin.region, credentials: twin.credentials, service: 'lambda' },
    {
      method: 'POST',
      url: new URL(`${twin.awsEndpoint}/2015-03-31/functions/sluice-${twin.stage}-${name}/invocations`),
      body: JSON.stringify(payload),
    },
  );

/** What the sweeper does each minute, now. */
export const sweepNow = async (play: Play): Promise<void> => {
  const answer = await invoke(play, 'sweep-operations', {});
  if (!answer.ok) throw new Error(`the sweeper was answered ${answer.status}: ${(await answer.text()).slice(0, 500)}`);
};

/** A move takes what stands by, so that it has to be made anew. */
const moveToReserve: Begin = async (play) => {
  const since = Date.now() - 1_000;
  await play.client.succeeded(await move('planned')(play), 240, () => play.signal.throwIfAborted());
  await sweepNow(play);
  return appears(play, 'prepare-reserve', since, 90);
};

const considered = z.object({ outcome: z.string(), reason: z.string(), operationId: z.string().optional() });
/** Whatever the observations say, it is too much or too little. */
const ALWAYS = { scaleOutWindowSeconds: 0, scaleInWindowSeconds: 0, flapSeconds: 0, repeatAfterSeconds: 0, rescalesPerDay: 1_000 };
const OUT = { ...ALWAYS, minParallelism: WIDE, maxParallelism: 8 };
const IN = { ...ALWAYS, minParallelism: NARROW, maxParallelism: NARROW };
const FAR_IN = { ...ALWAYS, minParallelism: HALF, maxParallelism: HALF };

/** The job is to scale by itself, with these settings. */
const setScaling = async (play: Play, scaling: object): Promise<void> => {
  await play.client.succeeded(await asked(play, 'PUT', `/clusters/${play.cluster}/jobs/${play.job}/scaling`, scaling), 60);
};

/** The same, decided at once, as its next pass of observation would. */
const decided =
  (scaling: object): Begin =>
  async (play) => {
    const { client, cluster, job } = play;
    await setScaling(play, scaling);
    const since = Date.now();
    let held = 'nothing was considered';
    const decision = play.until('a decision to scale', 120, async () => {
      const { body } = await client.call<{ items: readonly OperationView[] }>('GET', `/clusters/${cluster}/operations?limit=5`);
      const begun = body.items.find((one) => one.kind === 'scale-job' && one.endedAt === undefined && Date.parse(one.requestedAt) >= since);
      if (begun) return begun;
      // On a machine that is full of other work an answer may not come in time: it is asked for again.
      const answer = await invoke(play, 'consider-scaling', { cluster, job, trigger: 'alarm busy' })
        .then((response) => response.json())
        .catch((error: Error) => error.message);
      const said = considered.safeParse(answer);
      if (said.success) held = `${said.data.outcome}: ${said.data.reason}`;
      return said.success && said.data.operationId !== undefined ? client.operation(cluster, said.data.operationId) : undefined;
    });
    return decision.catch((error: Error) => {
      throw new Error(`${error.message} (${held})`);
    });
  };

/** The loop comes to this state again, in an execution of a later minute. */
const comesAgain =
  (state: string) =>
  async ({ twin, until }: Play): Promise<void> => {
    const name = randomUUID();
    await control(twin.awsEndpoint, 'POST', 'faults', [
      { service: 'states', action: 'EnterState', machine: '*-observe-clusters', state, delayMs: 1, name },
    ]);
    try {
      await until(`the next look at clusters to come to ${state}`, NEXT_LOOK_SECONDS, async () =>
        rulesSeen.parse(await control(twin.awsEndpoint, 'GET', 'faults')).some((rule) => rule.name === name && rule.hits > 0),
      );
    } finally {
      await control(twin.awsEndpoint, 'DELETE', `faults/${name}`);
    }
  };
const NOTHING: Way['begin'] = async () => undefined;

const GONE = { cluster: 'gone' } as const;
const STOPPED = { job: 'stopped' } as const;
const AT_WIDE = { parallelism: WIDE } as const;
const WARM = { reserve: true } as const;
const BESIDE_ANOTHER = { ...AT_WIDE, neighbour: true } as const;

/** Ways that together pass every state of every workflow of an operation. The first of a kind is the one without trouble. */
export const WAYS: readonly Way[] = [
  { kind: 'take-savepoint', title: 'a savepoint', begin: change('savepoints') },
  {
    kind: 'take-savepoint',
    title: 'a savepoint that takes its time',
    states: ['Wait for the savepoint'],
    stillFrom: 'Ask for a savepoint',
    begin: change('savepoints'),
  },
  {
    kind: 'take-savepoint',
    title: 'a savepoint that cannot be asked for',
    states: ['End operation as failed'],
    rules: () => missing('take-savepoint', 'Ask for a savepoint'),
    begin: change('savepoints'),
  },
  {
    kind: 'set-scaling',
    title: 'new settings of scaling',
    begin: (play) => asked(play, 'PUT', `/clusters/${play.cluster}/jobs/${play.job}/scaling`, { enabled: false }),
  },
  {
    kind: 'set-scaling',
    title: 'new settings of scaling that cannot be stored',
    states: ['End operation as failed'],
    rules: () => missing('set-scaling', 'Begin change of scaling'),
    begin: (play) => asked(play, 'PUT', `/clusters/${play.cluster}/jobs/${play.job}/scaling`, { enabled: false }),
  },
  { kind: 'stop-job', title: 'a stop with savepoint', begin: change('stop') },
  {
    kind: 'stop-job',
    title: 'a stop whose savepoint takes its time',
    states: ['Wait for the savepoint'],
    stillFrom: 'Stop with savepoint',
    begin: change('stop'),
  },
  { kind: 'stop-job', title: 'a cancellation', states: ['Cancel job'], begin: change('cancel') },
  {
    kind: 'stop-job',
    title: 'a cancellation that takes its time',
    states: ['Wait for the job to end'],
    stillFrom: 'Cancel job',
    begin: change('cancel'),
  },
  {
    kind: 'stop-job',
    title: 'a cancellation during a savepoint',
    states: ['Wait for the job to be free'],
    rules: () => late('take-savepoint', 'Ask for a savepoint', 4_000),
    begin: async (play, context) => {
      await change('savepoints')(play, context);
      return change('cancel')(play, context);
    },
  },
  {
    kind: 'stop-job',
    title: 'a stop whose savepoint cannot be looked at',
    states: ['Look at the job once more', 'Wait for what was asked', 'End operation as failed'],
    stillFrom: 'Stop with savepoint',
    rules: () => missing('stop-job', 'Look at the savepoint'),
    begin: change('stop'),
  },
  { kind: 'submit-job', title: 'a submission', before: STOPPED, begin: submit },
  {
    kind: 'submit-job',
    title: 'a submission that needs a host more',
    states: ['Look at the hosts', 'Wait for slots'],
    before: STOPPED,
    begin: submitWide,
  },
  {
    kind: 'submit-job',
    title: 'a submission that is withdrawn',
    states: ['Withdraw job', 'Wait for the withdrawal', 'Look for idle hosts', 'Give back idle hosts', 'End operation as failed'],
    before: STOPPED,
    stillFrom: 'Withdraw job',
    rules: () => missing('submit-job', 'Look at the job'),
    begin: submit,
  },
  { kind: 'rescale-job', title: 'a smaller job', before: AT_WIDE, begin: change('rescale', { parallelism: NARROW }) },
  {
    kind: 'rescale-job',
    title: 'a smaller job that leaves two hosts half empty',
    states: ['Take a checkpoint', 'Empty hosts', 'Look at the emptied hosts', 'Wait for the emptied hosts'],
    before: BESIDE_ANOTHER,
    begin: change('rescale', { parallelism: HALF }),
  },
  {
    kind: 'rescale-job',
    title: 'a smaller job that leaves two hosts half empty, and whose checkpoint takes its time',
    states: ['Wait for the checkpoint'],
    before: BESIDE_ANOTHER,
    stillFrom: 'Take a checkpoint',
    begin: change('rescale', { parallelism: HALF }),
  },
  {
    kind: 'rescale-job',
    title: 'a smaller job whose hosts are not seen empty',
    states: ['Take hosts back'],
    before: BESIDE_ANOTHER,
    rules: () => missing('rescale-job', 'Look at the emptied hosts'),
    begin: change('rescale', { parallelism: HALF }),
  },
  {
    kind: 'rescale-job',
    title: 'a larger job',
    states: ['Record ended jobs', 'Ensure capacity', 'Look for slots', 'Look at the hosts', 'Wait for slots'],
    begin: change('rescale', { parallelism: WIDE }),
  },
  {
    kind: 'rescale-job',
    title: 'a larger job that gets its former parallelism again',
    states: ['Restore parallelism', 'Look at the former parallelism', 'End operation as failed'],
    rules: () => missing('rescale-job', 'Look at the job'),
    begin: change('rescale', { parallelism: NARROW }),
  },
  {
    kind: 'rescale-job',
    title: 'a larger job that takes its time to get its former parallelism again',
    states: ['Wait for the former parallelism'],
    stillFrom: 'Restore parallelism',
    rules: () => missing('rescale-job', 'Look at the job'),
    begin: change('rescale', { parallelism: NARROW }),
  },
  { kind: 'upgrade-job', title: 'an upgrade', begin: change('upgrade', { parallelism: 3 }) },
  {
    kind: 'upgrade-job',
    title: 'an upgrade whose savepoint takes its time',
    states: ['Wait for the savepoint'],
    stillFrom: 'Stop previous version',
    begin: change('upgrade', { parallelism: 3 }),
  },
  {
    kind: 'upgrade-job',
    title: 'an upgrade that needs a host more',
    states: ['Look at the hosts', 'Wait for slots'],
    begin: change('upgrade', { parallelism: WIDE }),
  },
  {
    kind: 'upgrade-job',
    title: 'an upgrade whose new version is withdrawn',
    states: [
      'Withdraw new version',
      'Go back to the previous version',
      'Look at the previous version',
      'Wait for its tasks',
      'End operation as failed',
    ],
    rules: () => missing('upgrade-job', 'Look at the job'),
    begin: change('upgrade', { parallelism: 3 }),
  },
  {
    kind: 'upgrade-job',
    title: 'an upgrade whose new version takes its time to be withdrawn',
    states: ['Wait for the withdrawal'],
    stillFrom: 'Withdraw new version',
    rules: () => missing('upgrade-job', 'Look at the job'),
    begin: change('upgrade', { parallelism: 3 }),
  },
  {
    kind: 'upgrade-job',
    title: 'an upgrade whose savepoint cannot be looked at',
    states: ['Wait for the previous version'],
    stillFrom: 'Stop previous version',
    rules: () => missing('upgrade-job', 'Look at the savepoint'),
    begin: change('upgrade', { parallelism: 3 }),
  },
  {
    kind: 'upgrade-job',
    title: 'an upgrade whose previous version comes back, because S3 refuses the record of its end',
    states: ['Wait for the previous version to end'],
    rules: () => [
      ...slowDown('PutObject', '/*/recovery/job-result-store/*', 3_000),
      // Until then the JobManager has given up, and was started again.
      ...late('upgrade-job', 'Look whether the previous version has ended', 30_000),
    ],
    begin: change('upgrade', { parallelism: 3 }),
  },
  { kind: 'scale-job', title: 'a decision to scale in', before: AT_WIDE, begin: decided(IN) },
  {
    kind: 'scale-job',
    title: 'a decision to scale in that leaves two hosts half empty',
    states: ['Take a last checkpoint', 'Empty hosts', 'Look at the emptied hosts', 'Wait for the emptied hosts'],
    before: BESIDE_ANOTHER,
    begin: decided(FAR_IN),
  },
  {
    kind: 'scale-job',
    title: 'a decision to scale in that leaves two hosts half empty, and a checkpoint that takes its time',
    states: ['Wait for the last checkpoint'],
    before: BESIDE_ANOTHER,
    stillFrom: 'Take a last checkpoint',
    begin: decided(FAR_IN),
  },
  {
    kind: 'scale-job',
    title: 'a decision to scale in, and hosts that are not seen empty',
    states: ['Take hosts back'],
    before: BESIDE_ANOTHER,
    rules: () => missing('scale-job', 'Look at the emptied hosts'),
    begin: decided(FAR_IN),
  },
  {
    kind: 'scale-job',
    title: 'a decision to scale out',
    states: ['Record ended jobs', 'Ensure capacity', 'Look for slots', 'Look at the hosts', 'Wait for slots'],
    begin: decided(OUT),
  },
  {
    kind: 'scale-job',
    title: 'a decision to scale that is taken back',
    states: ['Restore parallelism', 'Look at the former parallelism', 'End operation as failed'],
    before: AT_WIDE,
    rules: () => missing('scale-job', 'Look at the job'),
    begin: decided(IN),
  },
  {
    kind: 'scale-job',
    title: 'a decision to scale of which nobody sees that it is taken back',
    states: ['Record how the job is'],
    before: AT_WIDE,
    rules: () => [...missing('scale-job', 'Look at the job'), ...missing('scale-job', 'Look at the former parallelism')],
    begin: decided(IN),
  },
  {
    kind: 'scale-job',
    title: 'a decision to scale that takes its time to be taken back',
    states: ['Wait for the former parallelism'],
    before: AT_WIDE,
    stillFrom: 'Restore parallelism',
    rules: () => missing('scale-job', 'Look at the job'),
    begin: decided(IN),
  },
  { kind: 'replace-host', title: 'a host that EC2 may take', begin: rebalance },
  {
    kind: 'replace-host',
    title: 'a host that EC2 may take, and a checkpoint that takes its time',
    states: ['Wait for the checkpoint'],
    stillFrom: 'Take a checkpoint',
    begin: rebalance,
  },
  {
    kind: 'replace-host',
    title: 'a host that EC2 may take, and a last checkpoint that takes its time',
    states: ['Wait for the last checkpoint'],
    stillFrom: 'Take a last checkpoint',
    begin: rebalance,
  },
  {
    kind: 'replace-host',
    title: 'a host that EC2 may take, and that is not seen empty',
    states: ['Take host back', 'End operation as failed'],
    rules: () => missing('replace-host', 'Look at the emptied host'),
    begin: rebalance,
  },
  {
    kind: 'replace-host',
    title: 'a host that EC2 may take, and that its cluster is just moving to',
    states: ['Wait for the move'],
    rules: () => late('fail-over-cluster', 'Secure state', 10_000),
    begin: rebalanceOfNext,
  },
  {
    kind: 'replace-host',
    title: 'a JobManager whose host is retired',
    states: ['Take a checkpoint of the jobs', 'Wait for the other JobManager'],
    begin: retire,
  },
  {
    kind: 'replace-host',
    title: 'a JobManager whose host is retired, and a checkpoint that takes its time',
    states: ['Wait for the checkpoint of the jobs'],
    stillFrom: 'Take a checkpoint of the jobs',
    begin: retire,
  },
  { kind: 'replace-host', title: 'a JobManager that hangs', states: ['Replace JobManager'], begin: hang },
  { kind: 'fail-over-cluster', title: 'a planned move', begin: move('planned') },
  {
    kind: 'fail-over-cluster',
    title: 'a planned move whose savepoints take their time',
    states: ['Wait for the savepoints'],
    stillFrom: 'Secure state',
    begin: move('planned'),
  },
  { kind: 'fail-over-cluster', title: 'a move, as the JobManager answers', states: ['Ask the former hosts'], begin: move() },
  {
    kind: 'fail-over-cluster',
    title: 'a move out of a zone that is lost',
    states: ['Ask the lost hosts', 'Fence lost hosts', 'Let the fence of lost hosts take hold'],
    begin: move('lost'),
  },
  {
    kind: 'fail-over-cluster',
    title: 'a move out of a zone that is lost, whose savepoints take their time',
    states: ['Wait for the lost hosts'],
    stillFrom: 'Ask the lost hosts',
    begin: move('lost'),
  },
  {
    kind: 'fail-over-cluster',
    title: 'a move to a zone without capacity',
    states: ['Take the next zone', 'Prepare access there', 'Write configuration there', 'Create fleet there'],
    rules: (zone) => [{ service: 'ec2', action: 'RunInstances', zone: nextZone(zone), code: 'InsufficientInstanceCapacity' }],
    begin: moveToNext,
  },
  {
    kind: 'fail-over-cluster',
    title: 'a move that is given back',
    states: ['Give back', 'End operation as failed'],
    rules: () => missing('fail-over-cluster', 'Create fleet'),
    begin: move('planned'),
  },
  {
    kind: 'fail-over-cluster',
    title: 'a move out of a zone that is lost, and where EC2 cannot end anything',
    states: ['Wait for the hosts to go'],
    begin: moveOutOfLostZone,
    mend: ({ machines }, { zone }) => machines.returnZone(zone, 1),
  },
  {
    kind: 'fail-over-cluster',
    title: 'a planned move of a job whose savepoint cannot be read for a moment',
    states: ['Wait before another start'],
    rules: () => slowDown('GetObject', '/*/jobs/*/savepoints/*'),
    begin: move('planned'),
  },
  {
    kind: 'fail-over-cluster',
    title: 'a planned move of two jobs, the first of which takes a minute to start',
    states: ['Wait before the next jobs'],
    before: { neighbour: true },
    rules: () => [...jarsAfterHalfAMinute('HeadObject'), ...jarsAfterHalfAMinute('GetObject')],
    begin: move('planned'),
  },
  { kind: 'prepare-reserve', title: 'hosts that stand by', before: WARM, begin: moveToReserve },
  {
    kind: 'prepare-reserve',
    title: 'hosts that were to stand by, and are given up',
    states: [
      'Give up reserve',
      'Delete fleet',
      'Look whether the hosts are gone',
      'Wait for the hosts to go',
      'Delete access',
      'End operation as failed',
    ],
    before: WARM,
    rules: () => missing('prepare-reserve', 'Look at the hosts'),
    begin: moveToReserve,
  },
  { kind: 'drill-on-copy', title: 'a drill on a copy', begin: drillOnCopy },
  {
    kind: 'drill-on-copy',
    title: 'a drill whose copy is taken away without having been whole',
    states: ['Delete fleet', 'Look whether the hosts are gone', 'Wait for the hosts to go', 'Delete access', 'End operation as failed'],
    rules: () => missing('drill-on-copy', 'Look at the hosts'),
    begin: drillOnCopy,
  },
  {
    kind: 'drill-on-copy',
    title: 'a drill for which checkpoints are read more slowly than Flink deletes them',
    states: ['Wait before the next copies'],
    rules: () => [{ service: 's3', action: 'GetObject', path: METADATA, delayMs: 9_500 }],
    begin: drillOnCopy,
  },
  {
    kind: 'drill-on-copy',
    title: 'a drill whose job finds its state unreadable for a moment',
    states: ['Wait before another start'],
    // Of the copied metadata, which only Flink reads.
    rules: () => slowDown('GetObject', METADATA_OF_COPY),
    begin: drillOnCopy,
  },
  {
    kind: 'drill-on-copy',
    title: 'a drill with two jobs, the first of which takes a minute to start',
    states: ['Wait before the next jobs'],
    before: { neighbour: true },
    rules: () => [...jarsAfterHalfAMinute('HeadObject'), ...jarsAfterHalfAMinute('GetObject')],
    begin: drillOnCopy,
  },
  { kind: 'terminate-cluster', title: 'a termination', begin: terminate },
  {
    kind: 'terminate-cluster',
    title: 'a termination whose jobs take their time',
    states: ['Wait for the jobs to end'],
    stillFrom: 'Stop jobs',
    begin: terminate,
  },
  {
    kind: 'terminate-cluster',
    title: 'a termination during a savepoint',
    states: ['Wait for the jobs to be free'],
    rules: () => late('take-savepoint', 'Ask for a savepoint', 4_000),
    begin: async (play, context) => {
      await change('savepoints')(play, context);
      return terminate(play, context);
    },
  },
  {
    kind: 'terminate-cluster',
    title: 'a termination that cannot delete hosts',
    states: ['End operation as failed'],
    rules: () => missing('terminate-cluster', 'Delete fleet'),
    begin: terminate,
  },
  { kind: 'launch-cluster', title: 'a launch', before: GONE, begin: (_, { launch }) => launch() },
  {
    kind: 'launch-cluster',
    title: 'a launch that is taken back',
    states: ['Delete fleet', 'Look whether the hosts are gone', 'Wait for the hosts to go', 'Delete access', 'End operation as failed'],
    before: GONE,
    rules: () => missing('launch-cluster', 'Look at the hosts'),
    begin: (_, { launch }) => launch(),
  },
  {
    kind: 'terminate-cluster',
    title: 'a termination during the launch',
    states: ['Wait for the cluster'],
    before: GONE,
    rules: () => late('launch-cluster', 'Create fleet', 4_000),
    begin: async (play, context) => {
      const { operationId } = await context.launch();
      await play.until('the launch to hold its cluster', 30, async () =>
        (await play.client.operation(play.cluster, operationId)).phases.some(({ name }) => name === 'Prepare access'),
      );
      return terminate(play, context);
    },
  },
  {
    kind: 'observe-clusters',
    title: 'a minute of looks at the cluster',
    states: ['List running clusters', 'Wait for its turn', 'Observe Flink', 'Wait for the next pass'],
    begin: NOTHING,
    follows: comesAgain('Wait for the next pass'),
  },
  {
    kind: 'observe-clusters',
    title: 'a look that finds a job too small',
    states: ['Consider scaling'],
    begin: (play) => setScaling(play, OUT).then(() => undefined),
    follows: (play, since) => appears(play, 'scale-job', since, NEXT_LOOK_SECONDS),
  },
  {
    kind: 'observe-clusters',
    title: 'a look that finds a JobManager silent',
    states: ['Consider failover'],
    begin: (play) => stopJobManager(play).then(() => undefined),
    follows: (play, since) => appears(play, 'replace-host', since, 240),
  },
];
