import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationView } from '../../../lambdas/contracts/api';
import { control } from '../../client/control';
import { ownedLeft } from './leftovers';
import type { Play, Scenario } from './scenario';
import { quick, rise, spikeFrom } from './spike';

const RATE = 100;
const OFTEN = { 'execution.checkpointing.interval': '1 s', 'execution.checkpointing.min-pause': '200 ms' };

const seconds = (from: string, to: string | undefined): number =>
  to === undefined ? Number.NaN : (Date.parse(to) - Date.parse(from)) / 1_000;

/** EC2 has nothing to give in a zone. */
const withoutCapacity = (play: Play, zone: string): Promise<unknown> =>
  control(play.twin.awsEndpoint, 'POST', 'faults', [
    { service: 'ec2', action: 'RunInstances', zone, code: 'InsufficientInstanceCapacity', name: zone },
  ]);

/** Everything works again as before the loss of a zone. */
const restore = async ({ machines, twin }: Play, zone: string): Promise<void> => {
  await machines.returnZone(zone, 1);
  await control(twin.awsEndpoint, 'DELETE', `faults/${zone}`);
};

/** The zone is lost, and the cluster is moved by itself; measures until results of new orders flow again. @param announced AWS says that the zone is lost */
const lose = async (
  play: Play,
  signal: 'SIGSTOP' | 'SIGKILL',
  announced = true,
): Promise<{ readonly operation: OperationView; readonly measured: Record<string, number> }> => {
  const { client, machines, cluster, figures, say, until } = play;
  await until('a first result', 60, async () => figures().committed > 5 * RATE);
  const { zone } = await client.cluster(cluster);
  await withoutCapacity(play, zone);
  const begun = performance.now();
  await machines.loseZone(zone, signal, announced);
  say(
    `✂ ${zone} is lost: its hosts ${signal === 'SIGSTOP' ? 'stand still' : 'are dead'}, it has no capacity, and ${announced ? 'AWS says so' : 'nobody says so'}`,
  );
  const sentThen = figures().sent;
  const operation = await until('a failover', 180, async () => {
    const { body } = await client.call<{ items: OperationView[] }>('GET', `/clusters/${cluster}/operations?limit=10`);
    return body.items.find(({ kind }) => kind === 'fail-over-cluster');
  });
  const secondsToFailover = Math.round(performance.now() - begun) / 1_000;
  await until('results again', 180, async () => figures().committed > sentThen);
  const secondsToNewResults = Math.round(performance.now() - begun) / 1_000;
  say(`Results of new orders flow again, ${secondsToNewResults.toFixed(1)} s after the loss.`);
  return { operation, measured: { secondsToFailover, secondsToNewResults } };
};

const timesOf = ({ phases, requestedAt }: OperationView): Record<string, number> =>
  Object.fromEntries([
    ...phases.map(({ name, startedAt, endedAt }) => [`phase ${name}`, seconds(startedAt, endedAt)] as const),
    ['running', seconds(requestedAt, phases.find(({ name }) => name === 'Look at the jobs')?.endedAt)] as const,
  ]);

const base = {
  cluster: { name: 'orders', size: 'dev', overrides: { taskManagers: { min: 1, max: 2 } } },
  millis: 10,
  job: { parallelism: 2, flinkConfiguration: OFTEN },
  profile: [
    { second: 0, recordsPerSecond: RATE },
    { second: 110, recordsPerSecond: RATE },
  ],
} as const satisfies Partial<Scenario>;

export const loseZone: Scenario = {
  ...base,
  title: 'The zone of a cluster dies while orders come. Its job goes on in another zone from its latest checkpoint.',
  act: async (play) => {
    const { operation, measured } = await lose(play, 'SIGKILL');
    const handedOver = await play.until('the hand-over', 60, async () => {
      const { body } = await play.client.call<OperationView>('GET', operation.href);
      return body.phases.some(({ name, outcome }) => name === 'Look for first checkpoints' && outcome === 'ok') && body;
    });
    return { ...measured, ...timesOf(handedOver) };
  },
};

export const zombieZone: Scenario = {
  ...base,
  title: 'The zone of a cluster stands still while orders come, and comes back after its job has gone on in another zone.',
  act: async (play) => {
    const { client, cluster, machines, say, until } = play;
    const from = (await client.cluster(cluster)).zone;
    const { operation, measured } = await lose(play, 'SIGSTOP');
    await until('the hand-over', 60, async () => (await client.cluster(cluster)).status === 'RUNNING');
    await machines.returnZone(from, 12);
    say(`${from} is back: its hosts go on with what they were doing, for 12 s`);
    await sleep(14_000);
    const ended = await until('the end of the failover', 120, async () => {
      const { body } = await client.call<OperationView>('GET', operation.href);
      return body.endedAt !== undefined && body;
    });
    say(`${ended.status}: ${ended.reason}`);
    if (ended.status !== 'SUCCEEDED') throw new Error(`the failover ended as ${ended.status}: ${ended.reason}`);
    return { ...measured, ...timesOf(ended) };
  },
};

/** When the orders come faster, when slower again, and when no more, seconds. */
const [UP, DOWN, END] = [10, 70, 100] as const;

/** What two things at once come to: a job that has just grown loses its zone. */
export const riseAndLoss: Scenario = {
  ...quick,
  title: 'Orders come five times as fast. When the job has grown by itself, its zone dies, and it goes on in another.',
  profile: spikeFrom(UP, DOWN, END),
  act: async (play) => {
    const { zone: from } = await play.client.cluster(play.cluster);
    const grown = await rise(play, UP);
    await play.until('the end of the scaling', 60, async () => (await play.client.job(play.cluster, play.job)).operation === undefined);
    try {
      const { measured } = await lose(play, 'SIGKILL');
      const { zone, live } = await play.client.cluster(play.cluster);
      return { ...grown, ...measured, from, zone, slotsInUse: (live?.slotsTotal ?? 0) - (live?.slotsFree ?? 0) };
    } finally {
      await restore(play, from);
    }
  },
};

/** Its jobs go on from their latest checkpoints on a copy in another zone, of which nothing is left in the end. */
export const drillOnCopy: Scenario = {
  ...base,
  title: 'While orders come, the loss of the zone is rehearsed on a copy of the cluster, which reads them too and writes nowhere.',
  act: async (play) => {
    const { client, cluster, job, figures, say, until } = play;
    await until('a first result', 60, async () => figures().committed > 5 * RATE);
    const before = await client.job(cluster, job);
    if (before.spec.program.kind !== 'jar') throw new Error('the orders job is a jar');
    const { arguments: own } = before.spec.program;
    const body = { on: 'copy', jobs: { [job]: { arguments: own.with(own.indexOf('--out') + 1, '-') } } };
    const accepted = await client.call<OperationView>('POST', `/clusters/${cluster}/drills`, { body });
    if (accepted.status !== 202) throw new Error(`the drill is refused: ${JSON.stringify(accepted.body)}`);
    const ended = await client.ended(accepted.body, 300);
    if (ended.status !== 'SUCCEEDED') throw new Error(`the drill ended as ${ended.status}: ${ended.reason}`);
    const { seconds: parts, ...report } = ended.result?.failover ?? { seconds: {} };
    say(`The drill by part, s: ${JSON.stringify(parts)}; ${JSON.stringify(report)}`);
    const after = await client.job(cluster, job);
    if (after.flinkJobId !== before.flinkJobId || after.live?.state !== 'RUNNING')
      throw new Error('the job that was rehearsed does not run on as it did');
    const copy = { ...play, cluster: ended.request.kind === 'drill-on-copy' ? ended.request.copy : '' };
    const left = await ownedLeft(copy);
    if (left.length > 0) throw new Error(`of the copy ${left.join('; ')}`);
    return { ...timesOf(ended), ...report };
  },
};
