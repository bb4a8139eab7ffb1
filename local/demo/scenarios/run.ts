import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, Tally } from '../../../examples/orders-jar/check';
import { ordersArguments, ordersJar, TOPICS } from '../../../examples/orders-jar/job';
import { rateAt } from '../../../examples/orders-jar/profile';
import { sendOrders } from '../../../examples/orders-jar/send';
import { readCommitted } from '../../../examples/read-committed';
import type { OperationView } from '../../../lambdas/contracts/api';
import { Machines } from '../../client/machines';
import { SluiceClient } from '../../client/sluice-client';
import { uploadJar } from '../../client/upload-jar';
import { makeTopics } from '../../twin/kafka';
import type { TwinSettings } from '../../twin/settings';
import type { TwinFile } from '../../twin/twin-file';
import type { View } from '../view';
import type { Play, Scenario } from './scenario';

export interface ScenarioProps {
  readonly settings: TwinSettings;
  readonly start: () => Promise<TwinFile>;
  readonly view: View;
  readonly signal: AbortSignal;
}

export interface ScenarioSummary extends Answer {
  /** What the scenario measured, by name. */
  readonly measured: Readonly<Record<string, unknown>>;
}

const JOB = 'orders';
/** One answer that an overloaded twin does not give takes the API nine seconds to give up. */
const PATIENCE_MS = 30_000;
/** Longer than the job's Kafka transactions live: one that a lost zone left open may hold back the answer until Kafka ends it. */
const ANSWER_SECONDS = 660;

/** Starts the twin, a cluster and the orders job, lets the scenario act while orders come, and compares the answer. @throws what went wrong, in a sentence */
export const runScenario = async (scenario: Scenario, { settings, start, view, signal }: ScenarioProps): Promise<ScenarioSummary> => {
  const cluster = scenario.cluster.name;
  view.note(scenario.title);
  const twin = await start();
  const client = new SluiceClient({ ...twin, patienceMs: PATIENCE_MS });
  const done = async (operation: OperationView): Promise<OperationView> => client.succeeded(operation, 300, () => signal.throwIfAborted());
  const [jar] = await Promise.all([
    uploadJar(twin, ordersJar()),
    makeTopics(twin.kafkaBootstrap, Object.values(TOPICS)),
    client.launchCluster(scenario.cluster).then(done),
  ]);
  view.note(`Cluster ${cluster} runs.`);
  const program = ordersArguments({ bootstrapServers: twin.kafkaBootstrap, millis: scenario.millis });
  await done(
    await client.submitJob(cluster, { ...scenario.job, name: JOB, jar: { uri: jar.uri, sha256: jar.sha256, arguments: [...program] } }),
  );
  const begun = performance.now();
  const seconds = (): number => (performance.now() - begun) / 1_000;
  const say = (line: string): void => view.note(`${seconds().toFixed(1).padStart(7)} s  ${line}`);
  const tally = new Tally();
  const orders = { sent: 0, total: Number.POSITIVE_INFINITY };
  const stop = new AbortController();
  const enough = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  let deadline = Number.POSITIVE_INFINITY;
  let complete = Number.POSITIVE_INFINITY;
  const reading = readCommitted({
    bootstrapServers: twin.kafkaBootstrap,
    topic: TOPICS.numbered.name,
    onValue: (value) => tally.add(value.toString('utf8')),
    done: ({ atEnd }) => {
      if (tally.rows >= orders.total) complete = Math.min(complete, Date.now());
      return ended.aborted || Date.now() > deadline || (atEnd && Date.now() > complete + 3_000);
    },
  });
  const sending = sendOrders({
    bootstrapServers: twin.kafkaBootstrap,
    topic: TOPICS.orders.name,
    profile: scenario.profile,
    signal: ended,
    enough: enough.signal,
    onProgress: ({ sent }) => {
      orders.sent = sent;
    },
  });
  const play: Play = {
    client,
    machines: new Machines(settings.stateDir),
    settings,
    twin,
    cluster,
    job: JOB,
    signal: ended,
    seconds,
    figures: () => ({ sent: orders.sent, committed: tally.rows }),
    endOrders: () => enough.abort(),
    say,
    until: async (what, within, look) => {
      const until = Date.now() + within * 1_000;
      for (;;) {
        ended.throwIfAborted();
        const found = await look();
        if (found !== undefined && found !== false) return found;
        if (Date.now() > until) throw new Error(`${what}: not within ${within} s`);
        await sleep(50);
      }
    },
  };
  const watching = watch(play, scenario);
  try {
    const acting = scenario.act(play);
    const answering = (async (): Promise<Answer> => {
      const sent = await sending;
      orders.total = [...sent.values()].reduce((sum, count) => sum + count, 0);
      deadline = Date.now() + (scenario.answerSeconds ?? ANSWER_SECONDS) * 1_000;
      say(`The last of ${orders.total} orders is sent.`);
      await reading;
      return tally.compare(sent);
    })();
    const [measured, answer] = await Promise.all([acting, answering]);
    const after = await scenario.afterwards?.(play);
    if (!after) return { ...answer, measured };
    const { problems } = after;
    return {
      ...answer,
      ok: answer.ok && problems.length === 0,
      problems: [...answer.problems, ...problems],
      measured: { ...measured, ...after.measured },
    };
  } finally {
    stop.abort();
    await Promise.allSettled([sending, reading, watching]);
  }
};

/** Every five seconds a line of figures; every operation that nobody here asked for, with its phases as they end. */
const watch = async ({ client, cluster, job, figures, seconds, say, signal }: Play, { profile }: Scenario): Promise<void> => {
  const told = new Set<string>();
  const tell = (key: string, line: string): void => {
    if (told.has(key)) return;
    told.add(key);
    say(line);
  };
  for (let look = 0; !signal.aborted; look += 1) {
    await sleep(1_000, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const operations = await client
      .call<{ items: OperationView[] }>('GET', `/clusters/${cluster}/operations?limit=10`)
      .catch(() => undefined);
    for (const operation of (operations?.body.items ?? []).toReversed()) {
      if (operation.kind === 'launch-cluster' || operation.kind === 'submit-job') continue;
      const name = `${operation.kind}${operation.job === undefined ? '' : ` of ${operation.job}`}`;
      tell(`${operation.operationId} begins`, `▶ ${name} begins (asked for by ${operation.requestedBy.split(/[:/]/).at(-1)})`);
      for (const phase of operation.phases)
        if (phase.outcome === 'ok' || phase.outcome === 'failed')
          tell(
            `${operation.operationId} ${phase.name} ${phase.outcome}`,
            `  ${phase.outcome === 'ok' ? '✓' : '✗'} ${phase.name}: ${phase.reason}`,
          );
      if (operation.endedAt !== undefined) tell(`${operation.operationId} ends`, `■ ${name} ${operation.status}: ${operation.reason}`);
    }
    if (look % 5 !== 4) continue;
    const [seen, fleet] = await Promise.all([
      client.job(cluster, job).catch(() => undefined),
      client.cluster(cluster).catch(() => undefined),
    ]);
    const { sent, committed } = figures();
    say(
      `${Math.round(rateAt(profile, seconds()))} orders/s, ${sent - committed} not numbered yet; job ${seen?.live?.state ?? seen?.status ?? 'not seen'} at parallelism ` +
        `${seen?.live?.parallelism ?? '?'}, ${fleet?.live?.taskManagers ?? '?'} TaskManagers, ${fleet?.live?.slotsFree ?? '?'} of ${fleet?.live?.slotsTotal ?? '?'} slots free`,
    );
  }
};
