import { setTimeout as sleep } from 'node:timers/promises';
import { operationsOf, unrest } from './leftovers';
import { EVERY_FUNCTION_DIES, withRules } from './rules';
import type { Play, Scenario } from './scenario';

const RATE = 100;
const steady = (seconds: number): Scenario['profile'] => [
  { second: 0, recordsPerSecond: RATE },
  { second: seconds, recordsPerSecond: RATE },
];

/** One second to the next result: what is committed with a checkpoint is what a reader of the topic sees. */
const OFTEN = { 'execution.checkpointing.interval': '1 s', 'execution.checkpointing.min-pause': '200 ms' };

/** Waits until results flow, does harm, and measures until results flow again. */
const harm = async (play: Play, what: string, harmful: () => Promise<unknown>, seconds: number): Promise<Record<string, number>> => {
  const { figures, say, until } = play;
  await until('a first result', 60, async () => figures().committed > 5 * RATE);
  const begun = performance.now();
  await harmful();
  say(`✂ ${what}`);
  // What was read and committed before the harm may still arrive: results count from orders that were sent after it.
  const sentThen = figures().sent;
  await until('results again', seconds, async () => figures().committed > sentThen);
  const took = Math.round(performance.now() - begun) / 1_000;
  say(`Results of new orders flow again, ${took.toFixed(1)} s after it.`);
  return { secondsToNewResults: took };
};

export const killTaskManager: Scenario = {
  title:
    'A TaskManager host dies while orders come. Its tasks go on in spare slots from the latest checkpoint, and the group replaces the host.',
  cluster: { name: 'orders', size: 'dev', spareSlots: 4, overrides: { taskManagers: { min: 2, max: 3 } } },
  millis: 10,
  job: { parallelism: 4, flinkConfiguration: OFTEN },
  profile: steady(75),
  act: async (play) => {
    const { client, machines, cluster, say, until } = play;
    const before = await machines.of(cluster, 'taskmanager');
    const victim = before[0];
    if (!victim) throw new Error('the cluster has no TaskManager host');
    const measured = await harm(
      play,
      `TaskManager host ${victim.instanceId} (${victim.address}) is dead`,
      () => machines.signal(victim, 'SIGKILL'),
      60,
    );
    await until('the host replaced', 120, async () => ((await client.cluster(cluster)).live?.taskManagers ?? 0) >= before.length);
    say('The Auto Scaling group has replaced the host: there are spare slots again.');
    return measured;
  },
};

/** One host of each role, both needed. */
const ONE_OF_EACH: Pick<Scenario, 'cluster' | 'millis' | 'job'> = {
  cluster: { name: 'orders', size: 'dev', overrides: { taskManagers: { min: 1, max: 2 } } },
  millis: 10,
  job: { parallelism: 2, flinkConfiguration: OFTEN },
};

export const killJobManager: Scenario = {
  title: 'The JobManager host dies while orders come. Another takes its address, and the job goes on from its latest checkpoint, once.',
  ...ONE_OF_EACH,
  profile: steady(90),
  act: async (play) => {
    const { machines, cluster } = play;
    const [victim] = await machines.of(cluster, 'jobmanager');
    if (!victim) throw new Error('the cluster has no JobManager host');
    return harm(play, `JobManager host ${victim.instanceId} (${victim.address}) is dead`, () => machines.signal(victim, 'SIGKILL'), 120);
  },
};

/** A host that is younger may still boot: it is not replaced for being silent. Seconds. */
export const OLD_ENOUGH = 100;

export const hangJobManager: Scenario = {
  title: 'The JobManager hangs on a host that EC2 finds well. After a minute it gets another host in its zone, and the job goes on, once.',
  ...ONE_OF_EACH,
  profile: steady(OLD_ENOUGH + 200),
  act: async (play) => {
    const { client, machines, cluster, say, seconds, signal } = play;
    await sleep(Math.max(0, OLD_ENOUGH - seconds()) * 1_000, undefined, { signal });
    const before = await client.cluster(cluster);
    const [victim] = await machines.of(cluster, 'jobmanager');
    if (!victim) throw new Error('the cluster has no JobManager host');
    const measured = await harm(
      play,
      `JobManager host ${victim.instanceId} (${victim.address}) stands still`,
      () => machines.signal(victim, 'SIGSTOP'),
      190,
    );
    const { zone, epoch } = await client.cluster(cluster);
    if (zone !== before.zone || epoch !== before.epoch) throw new Error(`the cluster has moved to ${zone}`);
    const replacement = (await operationsOf(play)).find(({ request }) => request.kind === 'replace-host' && request.notice === 'silence');
    if (!replacement) throw new Error('no operation has replaced the host');
    say(replacement.reason);
    return measured;
  },
};

export const killLeader: Scenario = {
  title: 'Both JobManager hosts of a cluster die, one after the other, while orders come. Whichever is left leads on with the job, once.',
  cluster: {
    name: 'orders',
    size: 'dev',
    highAvailability: { standbyJobManager: true },
    overrides: { taskManagers: { min: 1, max: 2 } },
  },
  millis: 10,
  job: { parallelism: 2, flinkConfiguration: OFTEN },
  profile: steady(150),
  act: async (play) => {
    const { machines, cluster, say, until } = play;
    const both = () => until('both JobManager hosts', 90, async () => (await machines.of(cluster, 'jobmanager')).length === 2);
    const measured: Record<string, number> = {};
    const victims = await machines.of(cluster, 'jobmanager');
    for (const [index, victim] of victims.entries()) {
      await both();
      // One that has just booted needs some seconds to stand by.
      if (index > 0) await sleep(30_000, undefined, { signal: play.signal });
      const { secondsToNewResults = Number.NaN } = await harm(
        play,
        `JobManager host ${victim.instanceId} (${victim.address}) is dead`,
        () => machines.signal(victim, 'SIGKILL'),
        60,
      );
      measured[`secondsToNewResults${index + 1}`] = secondsToNewResults;
    }
    await both();
    say('The Auto Scaling groups have replaced both hosts.');
    return measured;
  },
};

const DOWN_SECONDS = 300;

export const loseControlPlane: Scenario = {
  title:
    'Every function of the control plane dies as soon as it works, for five minutes. Meanwhile the JobManager host and a TaskManager process die; the job goes on by itself, once.',
  cluster: { name: 'orders', size: 'dev', overrides: { taskManagers: { min: 1, max: 2 } } },
  millis: 10,
  job: { parallelism: 2, flinkConfiguration: OFTEN },
  profile: steady(DOWN_SECONDS + 90),
  act: async (play) => {
    const { client, machines, cluster, job, say, seconds, until } = play;
    await until('a first result', 60, async () => play.figures().committed > RATE);
    const before = await client.job(cluster, job);
    say(`✂ every function dies, for ${DOWN_SECONDS} s`);
    const measured = await withRules(play, DOWN_SECONDS, EVERY_FUNCTION_DIES, async () => {
      const [leader] = await machines.of(cluster, 'jobmanager');
      if (!leader) throw new Error('the cluster has no JobManager host');
      const hostLost = await harm(play, `JobManager host ${leader.instanceId} is dead`, () => machines.signal(leader, 'SIGKILL'), 120);
      const [worker] = await machines.of(cluster, 'taskmanager');
      if (!worker) throw new Error('the cluster has no TaskManager host');
      const processLost = await harm(play, `the TaskManager on ${worker.instanceId} is dead`, () => machines.killProcess(worker), 60);
      return { afterJobManagerHost: hostLost.secondsToNewResults, afterTaskManager: processLost.secondsToNewResults };
    });
    const back = seconds();
    await until('the control plane to find cluster and job as they are to be', 60, async () => (await unrest(play)).length === 0);
    await client.succeeded(await client.changeJob(cluster, job, 'savepoints'), 60);
    const after = await client.job(cluster, job);
    if (after.epoch !== before.epoch) throw new Error(`the job was started again by the control plane: ${after.statusReason}`);
    say('The control plane is back, and has started nothing anew.');
    return { ...measured, secondsUntilBack: Math.round((seconds() - back) * 10) / 10 };
  },
};
