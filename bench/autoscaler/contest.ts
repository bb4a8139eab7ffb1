import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Tally } from '../../examples/orders-jar/check';
import { ordersArguments, ordersJar, TOPICS } from '../../examples/orders-jar/job';
import { rateAt } from '../../examples/orders-jar/profile';
import { sendOrders } from '../../examples/orders-jar/send';
import { readCommitted } from '../../examples/read-committed';
import { type JobInput, SluiceClient } from '../../local/client/sluice-client';
import { uploadJar } from '../../local/client/upload-jar';
import { paths } from '../../local/install/install';
import { makeTopics } from '../../local/twin/kafka';
import type { TwinSettings } from '../../local/twin/settings';
import type { TwinFile } from '../../local/twin/twin-file';
import { type Busyness, MachineWatch } from '../machine';
import { judge, LAG_LEVEL_SECONDS, type Sample, type Verdict } from './judge';
import { startPeer } from './peer';
import { MILLIS, type Shape } from './shapes';

export type Contestant = 'sluice' | 'peer';

export interface ContestProps {
  readonly settings: TwinSettings;
  readonly twin: TwinFile;
  readonly jar: string;
  readonly cluster: string;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  /** For how much of its time a subtask is to be busy: by each one's own defaults, or the same for both. */
  readonly band: 'own' | 'same';
}

export interface Run extends Verdict {
  readonly contestant: Contestant;
  readonly shape: string;
  /** Orders that are missing from the answer, or came twice: 0 and 0. */
  readonly missing: number;
  readonly doubled: number;
  /** `second parallelism` at every change. */
  readonly sizes: readonly string[];
  /** Why each rescale of Sluice was made, in its own words. */
  readonly reasons: readonly string[];
  readonly machine: Busyness;
}

/** No subtask beyond the partitions has something to read. */
const MOST = TOPICS.orders.partitions;

/** Catch-up and limits are the peer's too; windows are as short as the peer's intervals. */
const SCALING: JobInput['scaling'] = {
  catchUpSeconds: 60,
  restartSeconds: 3,
  minParallelism: 1,
  maxParallelism: MOST,
  highLagSeconds: 5,
  scaleOutWindowSeconds: 10,
  scaleInWindowSeconds: 30,
  flapSeconds: 30,
  rescalesPerDay: 1_000,
  repeatAfterSeconds: 120,
  serviceLevels: { maxLagSeconds: LAG_LEVEL_SECONDS / 2 },
};

/** What Apache's aims at by default, within edges at which both are calm. */
const SAME_BAND = { targetUtilization: 0.7, uMin: 0.5, uMax: 0.9 };

const flinkJob = async (address: string, flinkJobId: string): Promise<{ parallelism: number; running: boolean }> => {
  const answer = await fetch(`http://${address}:8081/jobs/${flinkJobId}`, { signal: AbortSignal.timeout(2_000) });
  const { state, vertices } = (await answer.json()) as { state: string; vertices: { parallelism: number; tasks: { RUNNING: number } }[] };
  return {
    parallelism: Math.max(0, ...vertices.map(({ parallelism }) => parallelism)),
    running: state === 'RUNNING' && vertices.every(({ parallelism, tasks }) => tasks.RUNNING === parallelism),
  };
};

/** One contestant under one shape, on a job and topics of its own. */
export const contest = async (props: ContestProps, contestant: Contestant, shape: Shape): Promise<Run> => {
  const { settings, twin, cluster, signal } = props;
  const band = props.band === 'same' ? SAME_BAND : undefined;
  const client = new SluiceClient(twin);
  const job = `${contestant}-${shape.name.replace(/\W+/g, '-')}`.toLowerCase().slice(0, 30);
  const topics = { orders: `${job}-orders`, numbered: `${job}-numbered` };
  await makeTopics(twin.kafkaBootstrap, [
    { ...TOPICS.orders, name: topics.orders },
    { ...TOPICS.numbered, name: topics.numbered },
  ]);
  const { uri, sha256 } = await uploadJar(twin, ordersJar());
  await client.succeeded(
    await client.submitJob(cluster, {
      name: job,
      jar: {
        uri,
        sha256,
        arguments: [
          ...ordersArguments({
            bootstrapServers: twin.kafkaBootstrap,
            millis: MILLIS,
            group: job,
            from: topics.orders,
            to: topics.numbered,
          }),
        ],
      },
      parallelism: 1,
      flinkConfiguration: { 'execution.checkpointing.interval': '2 s', 'execution.checkpointing.min-pause': '500 ms' },
      ...(contestant === 'sluice' ? { scaling: { ...SCALING, ...band } } : {}),
    }),
  );
  const { flinkJobId } = await client.job(cluster, job);
  const address = (await client.cluster(cluster)).resources.jobManagerAddress ?? '';
  const peer =
    contestant === 'peer'
      ? startPeer(settings, props.jar, address, join(paths().flink(), 'lib'), { maxParallelism: MOST, ...band })
      : undefined;
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  const samples: Sample[] = [];
  const machine = new MachineWatch();
  const tally = new Tally();
  const progress = { sent: 0, reading: true };
  try {
    const reading = readCommitted({
      bootstrapServers: twin.kafkaBootstrap,
      topic: topics.numbered,
      onValue: (value) => tally.add(value.toString('utf8')),
      done: () => !progress.reading || ended.aborted,
    });
    reading.catch(() => {}); // awaited below
    const begun = performance.now();
    const now = (): number => (performance.now() - begun) / 1_000;
    const sampling = (async (): Promise<void> => {
      while (!ended.aborted) {
        await sleep(500, undefined, { signal: ended }).catch(() => {});
        machine.look();
        const seen = await flinkJob(address, flinkJobId).catch(() => undefined);
        samples.push({
          second: now(),
          sent: progress.sent,
          committed: tally.rows,
          parallelism: seen?.running === true ? seen.parallelism : 0,
        });
      }
    })();
    const orders = await sendOrders({
      bootstrapServers: twin.kafkaBootstrap,
      topic: topics.orders,
      profile: shape.profile,
      signal: ended,
      onProgress: ({ second, sent }) => {
        progress.sent = sent;
        if (Math.floor(second) % 30 === 0 && second % 1 < 0.1)
          props.progress(
            `${job}: ${Math.round(second)} s, ${sent} sent, ${tally.rows} numbered, parallelism ${samples.at(-1)?.parallelism}`,
          );
      },
    });
    const deadline = Date.now() + 90_000;
    while (tally.rows < progress.sent && Date.now() < deadline && !ended.aborted) await sleep(500);
    await sleep(3_000);
    stop.abort();
    progress.reading = false;
    await Promise.all([sampling, reading]);
    signal.throwIfAborted();
    const answer = tally.compare(orders);
    const sizes = samples.filter(({ parallelism }, index) => parallelism > 0 && parallelism !== before(samples, index));
    return {
      contestant,
      shape: shape.name,
      ...judge(samples, shape.from, (second) => rateAt(shape.profile, second)),
      missing: answer.missing,
      doubled: answer.doubled,
      sizes: sizes.map(({ second, parallelism }) => `${Math.round(second)} s: ${parallelism}`),
      reasons: contestant === 'sluice' ? await reasonsOf(client, cluster, job) : [],
      machine: machine.seen,
    };
  } finally {
    stop.abort();
    await peer?.stop();
    await client
      .changeJob(cluster, job, 'cancel')
      .then((operation) => client.ended(operation, 60))
      .catch(() => {});
  }
};

const before = (samples: readonly Sample[], index: number): number =>
  samples.slice(0, index).findLast(({ parallelism }) => parallelism > 0)?.parallelism ?? 0;

const reasonsOf = async (client: SluiceClient, cluster: string, job: string): Promise<readonly string[]> => {
  const answer = await client.call<{ items: readonly { kind: string; job?: string; reason: string; status: string }[] }>(
    'GET',
    `/clusters/${cluster}/operations?limit=100`,
  );
  return answer.body.items
    .filter((one) => one.job === job && one.kind === 'scale-job')
    .map(({ status, reason }) => `${status}: ${reason}`)
    .reverse();
};
