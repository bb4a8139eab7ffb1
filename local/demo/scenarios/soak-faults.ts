import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import type { OperationView } from '../../../lambdas/contracts/api';
import { control } from '../../client/control';
import type { Machine } from '../../client/machines';
import { EVERY_FUNCTION_DIES, withRules } from './rules';
import type { Play } from './scenario';

interface Struck {
  /** What it hit, for a person. */
  readonly detail: string;
  /** Resolves when the harm is taken back, with what the control plane should have done by then and has not; until then nothing of its kind may strike. Absent: it is over already. */
  readonly mended?: Promise<string | undefined>;
}

interface Fault {
  readonly title: string;
  /** Takes so long that only runs of at least this many minutes have it, unless it is asked for by name. @default 0 */
  readonly minutes?: number;
  readonly strike: (play: Play, random: () => number) => Promise<Struck>;
}

const lastEpoch = new WeakMap<Play, number>();
const taskManagers = z.object({ taskmanagers: z.array(z.object({ path: z.string(), slotsNumber: z.int(), freeSlots: z.int() })) });
/** Hosts of the epoch that the cluster is at: neither those of former ones nor a reserve. While the control plane does not answer, of the last that it told. */
const present = async (play: Play, role: 'jobmanager' | 'taskmanager'): Promise<readonly Machine[]> => {
  const [hosts, seen] = await Promise.all([play.machines.of(play.cluster, role), play.client.cluster(play.cluster).catch(() => undefined)]);
  const epoch = seen?.epoch ?? lastEpoch.get(play) ?? 1;
  lastEpoch.set(play, epoch);
  return hosts.filter(({ tags, status }) => tags['sluice:epoch'] === String(epoch) && status.processes.length > 0);
};

const NOBODY: Struck = { detail: 'there was none to strike' };
/** A zone whose cluster has not moved away after this long comes back all the same, s. */
const ZONE_LOST_SECONDS = 300;
/** The same where nobody says that the zone is lost: earlier moves for the same reason double the time that the last one has to settle. */
export const ZONE_SILENT_SECONDS = 900;
/** What comes back in a zombie zone runs for so long before EC2 ends it, s. */
const ZOMBIE_SECONDS = 12;

/** Addresses of TaskManagers that run tasks, as Flink tells; none when it does not answer. */
const busy = async (play: Play): Promise<ReadonlySet<string>> => {
  const [host] = await present(play, 'jobmanager');
  const answer = await fetch(`http://${host?.address}:8081/taskmanagers`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  if (!answer?.ok) return new Set();
  const { taskmanagers } = taskManagers.parse(await answer.json());
  return new Set(
    taskmanagers.flatMap(({ path, slotsNumber, freeSlots }) => (freeSlots < slotsNumber ? (/@([^:]+):/.exec(path)?.[1] ?? []) : [])),
  );
};

/** A host of the cluster as it is now; of TaskManagers one with tasks, since the loss of another is nothing to a stream. */
const pick = async (play: Play, role: 'jobmanager' | 'taskmanager', random: () => number) => {
  const [all, working] = await Promise.all([present(play, role), busy(play)]);
  const hit = all.filter(({ address }) => working.has(address));
  const from = hit.length > 0 ? hit : all;
  return from[Math.floor(random() * from.length)];
};

/** Asks for a change as a careful client does: again, with the same key, while the answer is a failure of the other side. */
const ask = async (play: Play, verb: 'savepoints' | 'rescale', body: object): Promise<{ status: number; operation?: OperationView }> => {
  const idempotencyKey = randomUUID();
  for (let tries = 0; ; tries += 1) {
    const path = `/clusters/${play.cluster}/jobs/${play.job}/${verb}`;
    const answer = await play.client.call<OperationView>('POST', path, { body, idempotencyKey }).catch(() => undefined);
    if (answer && answer.status < 500) return { status: answer.status, ...(answer.status === 202 ? { operation: answer.body } : {}) };
    if (tries === 8) return { status: answer?.status ?? 0 };
    await sleep(500);
  }
};

const savepoint = async (play: Play): Promise<Struck> => ({
  detail: `a savepoint's request was answered ${(await ask(play, 'savepoints', {})).status}`,
});
const rescale = async (play: Play, random: () => number): Promise<Struck> => {
  const parallelism = 1 + Math.floor(random() * 4);
  return { detail: `a rescale to ${parallelism} was answered ${(await ask(play, 'rescale', { parallelism })).status}` };
};

/** The zone of the cluster is gone, and comes back some time after the cluster has moved away. */
const loseZone =
  (signal: 'SIGSTOP' | 'SIGKILL', announced: boolean): Fault['strike'] =>
  async (play) => {
    const { client, cluster, machines } = play;
    const seen = await client.cluster(cluster).catch(() => undefined);
    if (seen?.status !== 'RUNNING') return NOBODY;
    const { zone } = seen;
    const name = randomUUID();
    await control(play.twin.awsEndpoint, 'POST', 'faults', [
      { service: 'ec2', action: 'RunInstances', zone, code: 'InsufficientInstanceCapacity', name },
    ]);
    await machines.loseZone(zone, signal, announced);
    const lasts = announced ? ZONE_LOST_SECONDS : ZONE_SILENT_SECONDS;
    const comeBack = async (): Promise<string | undefined> => {
      const moved = await play
        .until(`the cluster out of ${zone}`, lasts, async () => {
          const now = await client.cluster(cluster).catch(() => undefined);
          return now?.zone !== undefined && now.zone !== zone && now.status === 'RUNNING';
        })
        .catch(() => false);
      await machines.returnZone(zone, signal === 'SIGSTOP' ? ZOMBIE_SECONDS : 1);
      await control(play.twin.awsEndpoint, 'DELETE', `faults/${name}`);
      play.say(`${zone} is back`);
      return moved ? undefined : `${zone} was lost for ${lasts} s, and the cluster did not leave it`;
    };
    return { detail: zone, mended: comeBack() };
  };

export const FAULTS: Readonly<Record<string, Fault>> = {
  'taskmanager-killed': {
    title: 'a TaskManager process is killed; its host stays',
    strike: async (play, random) => {
      const victim = await pick(play, 'taskmanager', random);
      if (!victim) return NOBODY;
      await play.machines.killProcess(victim);
      return { detail: victim.instanceId };
    },
  },
  'host-dies': {
    title: 'a TaskManager host dies',
    strike: async (play, random) => {
      const victim = await pick(play, 'taskmanager', random);
      if (!victim) return NOBODY;
      await play.machines.signal(victim, 'SIGKILL');
      return { detail: victim.instanceId };
    },
  },
  'host-vanishes': {
    title: 'a TaskManager host answers nothing, without closing a connection, and EC2 sees it dead after 15 s',
    strike: async (play, random) => {
      const victim = await pick(play, 'taskmanager', random);
      if (!victim) return NOBODY;
      await play.machines.signal(victim, 'SIGSTOP');
      await sleep(15_000, undefined, { signal: play.signal }).catch(() => {});
      await play.machines.signal(victim, 'SIGKILL').catch(() => {});
      return { detail: victim.instanceId };
    },
  },
  'host-stands-still': {
    title: 'a TaskManager host stands still for five seconds',
    strike: async (play, random) => {
      const victim = await pick(play, 'taskmanager', random);
      if (!victim) return NOBODY;
      await play.machines.signal(victim, 'SIGSTOP');
      await sleep(5_000, undefined, { signal: play.signal }).catch(() => {});
      await play.machines.signal(victim, 'SIGCONT').catch(() => {});
      return { detail: victim.instanceId };
    },
  },
  'jobmanager-killed': {
    title: 'the JobManager process is killed; its host stays',
    strike: async (play, random) => {
      const victim = await pick(play, 'jobmanager', random);
      if (!victim) return NOBODY;
      await play.machines.killProcess(victim);
      return { detail: victim.instanceId };
    },
  },
  'jobmanager-host-dies': {
    title: 'the JobManager host dies',
    strike: async (play, random) => {
      const victim = await pick(play, 'jobmanager', random);
      if (!victim) return NOBODY;
      await play.machines.signal(victim, 'SIGKILL');
      return { detail: victim.instanceId };
    },
  },
  'zone-lost': { title: 'the zone of the cluster dies, and AWS says so', strike: loseZone('SIGKILL', true) },
  'zone-lost-in-silence': {
    title: 'the zone of the cluster dies, and nobody says so',
    minutes: 20,
    strike: loseZone('SIGKILL', false),
  },
  'zombie-zone': {
    title: 'the zone of the cluster stands still, and comes back after the cluster has moved',
    strike: loseZone('SIGSTOP', true),
  },
  'functions-killed': {
    title: 'the next eight functions are killed while they work, during a rescale',
    strike: (play, random) =>
      withRules(play, 8, [{ service: 'lambda', action: 'Invoke', function: '*', kill: true, delayMs: 30, count: 8 }], () =>
        rescale(play, random),
      ),
  },
  'control-plane-down': {
    title: 'every function dies as soon as it works, for 40 s, and the JobManager process is killed',
    strike: async (play, random) => {
      const victim = await pick(play, 'jobmanager', random);
      if (!victim) return NOBODY;
      await withRules(play, 40, EVERY_FUNCTION_DIES, () => play.machines.killProcess(victim));
      return { detail: victim.instanceId };
    },
  },
  'functions-refused': {
    title: 'Lambda refuses five invocations of workflows, during a rescale',
    strike: (play, random) =>
      withRules(play, 10, [{ service: 'lambda', action: 'Invoke', function: '*', status: 500, count: 5 }], () => rescale(play, random)),
  },
  'table-500': {
    title: 'the table answers 500 to ten calls, during a savepoint',
    strike: (play) => withRules(play, 10, [{ service: 'dynamodb', action: '*', status: 500, count: 10 }], () => savepoint(play)),
  },
  'ec2-503': {
    title: 'EC2 and Auto Scaling answer 503 for ten seconds, during a rescale',
    strike: (play, random) =>
      withRules(
        play,
        10,
        [
          { service: 'ec2', action: '*', status: 503 },
          { service: 'autoscaling', action: '*', status: 503 },
        ],
        () => rescale(play, random),
      ),
  },
  's3-503': {
    title: 'S3 answers 503 to thirty calls, during a savepoint',
    strike: (play) =>
      withRules(play, 10, [{ service: 's3', action: '*', status: 503, code: 'SlowDown', count: 30 }], () => savepoint(play)),
  },
  'events-repeated': {
    title: 'every event comes twice for half a minute, while EC2 takes a TaskManager host with 25 s of notice',
    strike: (play, random) => interruption(play, random, 2),
  },
  'events-lost': {
    title: 'every event is lost for half a minute, while EC2 takes a TaskManager host with 25 s of notice',
    strike: (play, random) => interruption(play, random, 0),
  },
  'execution-stopped': {
    title: 'the execution of a savepoint is stopped, and the event of it is lost',
    strike: async (play) =>
      withRules(play, 5, [{ service: 'events', action: 'Step Functions*', deliveries: 0 }], async () => {
        const { operation, status } = await ask(play, 'savepoints', {});
        if (!operation) return { detail: `the savepoint's request was answered ${status}` };
        const { twin } = play;
        const sfn = new SFNClient({ endpoint: twin.awsEndpoint, region: twin.region, credentials: twin.credentials });
        const machine = `sluice-${twin.stage}-${operation.kind}`;
        const executionArn = `arn:aws:states:${twin.region}:${twin.account}:execution:${machine}:${operation.operationId}`;
        const stopped = await sfn.send(new StopExecutionCommand({ executionArn })).then(
          () => 'stopped',
          (error: Error) => error.name,
        );
        return { detail: `${operation.operationId}: ${stopped}` };
      }),
  },
};

const interruption = (play: Play, random: () => number, deliveries: number): Promise<Struck> =>
  withRules(play, 30, [{ service: 'events', action: '*', deliveries }], async () => {
    const victim = await pick(play, 'taskmanager', random);
    if (!victim) return NOBODY;
    await play.machines.interrupt(victim, new Date(Date.now() + 25_000));
    return { detail: victim.instanceId };
  });
