import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationView } from '../../../lambdas/contracts/api';
import type { Play, Scenario } from './scenario';

export interface SoakOptions {
  readonly minutes: number;
  /** The same seed gives the same faults at the same distances. */
  readonly seed: number;
}

const RATE = 60;
/** Between two faults, seconds. */
const [SOONEST, LATEST] = [30, 90] as const;
/** After the last fault the job is left alone for so long before the orders end. */
const QUIET = 90;
/** What was begun has ended so long after the last order. */
const SETTLED_SECONDS = 300;

/** A small generator of numbers from 0 to 1 (xorshift32); only so that a run can be repeated. */
const numbersFrom = (seed: number): (() => number) => {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
};

interface Fault {
  readonly name: string;
  readonly strike: (play: Play, random: () => number) => Promise<string>;
}

const host = async ({ machines, cluster }: Play, role: 'jobmanager' | 'taskmanager', random: () => number) => {
  const all = await machines.of(cluster, role);
  return all[Math.floor(random() * all.length)];
};

const withRules = async ({ twin, signal }: Play, seconds: number, rules: readonly object[]): Promise<void> => {
  const faults = `${twin.awsEndpoint}/_twin/faults`;
  await fetch(faults, { method: 'POST', body: JSON.stringify(rules), headers: { 'content-type': 'application/json' } });
  await sleep(seconds * 1_000, undefined, { signal }).catch(() => {});
  await fetch(faults, { method: 'DELETE' });
};

const FAULTS: readonly Fault[] = [
  {
    name: 'a TaskManager host dies',
    strike: async (play, random) => {
      const victim = await host(play, 'taskmanager', random);
      if (!victim) return 'there was none';
      await play.machines.signal(victim, 'SIGKILL');
      return victim.instanceId;
    },
  },
  {
    name: 'a TaskManager host stands still for five seconds',
    strike: async (play, random) => {
      const victim = await host(play, 'taskmanager', random);
      if (!victim) return 'there was none';
      await play.machines.signal(victim, 'SIGSTOP');
      await sleep(5_000);
      await play.machines.signal(victim, 'SIGCONT').catch(() => {});
      return victim.instanceId;
    },
  },
  {
    name: 'the JobManager host dies',
    strike: async (play, random) => {
      const victim = await host(play, 'jobmanager', random);
      if (!victim) return 'there was none';
      await play.machines.signal(victim, 'SIGKILL');
      return victim.instanceId;
    },
  },
  {
    name: 'the table answers 500 to its next ten calls, while a savepoint is asked for',
    strike: async (play) => {
      const asked = play.client.call('POST', `/clusters/${play.cluster}/jobs/${play.job}/savepoints`, { body: {} });
      await withRules(play, 10, [{ service: 'dynamodb', action: '*', status: 500, count: 10 }]);
      return `the savepoint's request was answered ${(await asked).status}`;
    },
  },
  {
    name: 'EC2 and Auto Scaling answer 503 for ten seconds, while a rescale is asked for',
    strike: async (play, random) => {
      const parallelism = 1 + Math.floor(random() * 4);
      const { status } = await play.client.call('POST', `/clusters/${play.cluster}/jobs/${play.job}/rescale`, { body: { parallelism } });
      await withRules(play, 10, [
        { service: 'ec2', action: '*', status: 503 },
        { service: 'autoscaling', action: '*', status: 503 },
      ]);
      return `to ${parallelism}, answered ${status}`;
    },
  },
  {
    name: 'the next five functions that workflows call fail, while a rescale is asked for',
    strike: async (play, random) => {
      const parallelism = 1 + Math.floor(random() * 4);
      const { status } = await play.client.call('POST', `/clusters/${play.cluster}/jobs/${play.job}/rescale`, { body: { parallelism } });
      await withRules(play, 10, [{ service: 'lambda', action: 'Invoke', function: '*', status: 500, count: 5 }]);
      return `to ${parallelism}, answered ${status}`;
    },
  },
];

/** Orders come all the time, a fault strikes every half to one and a half minutes, and in the end every order has to be numbered once and nothing be under way. */
export const soak = ({ minutes, seed }: SoakOptions): Scenario => {
  const end = minutes * 60 + QUIET;
  return {
    title: `${minutes} minutes of orders with a fault every ${SOONEST} to ${LATEST} s, seed ${seed}.`,
    cluster: { name: 'orders', size: 'dev', spareSlots: 4, overrides: { taskManagers: { min: 2, max: 3 } } },
    millis: 5,
    job: {
      parallelism: 2,
      flinkConfiguration: { 'execution.checkpointing.interval': '2 s', 'execution.checkpointing.min-pause': '500 ms' },
    },
    profile: [
      { second: 0, recordsPerSecond: RATE },
      { second: end, recordsPerSecond: RATE },
    ],
    act: async (play) => {
      const { say, seconds, until, client, cluster, figures, signal } = play;
      const random = numbersFrom(seed);
      const struck: Record<string, number> = {};
      await until('a first result', 120, async () => figures().committed > 5 * RATE);
      for (;;) {
        const pause = SOONEST + random() * (LATEST - SOONEST);
        if (seconds() + pause > minutes * 60) break;
        await sleep(pause * 1_000, undefined, { signal });
        const fault = FAULTS[Math.floor(random() * FAULTS.length)];
        if (!fault) continue;
        say(`✂ ${fault.name}`);
        struck[fault.name] = (struck[fault.name] ?? 0) + 1;
        say(`  (${await fault.strike(play, random)})`);
      }
      await until('the last order', QUIET + minutes * 60, async () => seconds() > end - 1);
      const open = await until('every operation ended', SETTLED_SECONDS, async () => {
        const { body } = await client.call<{ items: readonly OperationView[] }>('GET', `/clusters/${cluster}/operations?limit=100`);
        return body.items.every(({ endedAt }) => endedAt !== undefined) && body.items;
      });
      const failed = open.filter(({ status }) => status === 'FAILED').length;
      return { ...struck, operations: open.length, operationsFailed: failed };
    },
  };
};
