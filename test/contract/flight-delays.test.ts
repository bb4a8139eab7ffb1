import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { compareResults } from '../../examples/flight-delays/compare';
import { expectedAnswer } from '../../examples/flight-delays/expected';
import { renderJob, TOPICS } from '../../examples/flight-delays/job';
import { replay } from '../../examples/flight-delays/replay';
import { connectFlink } from '../../lambdas/gateways/flink/flink.adapter';
import type { Session } from '../../local/flink/session';
import { install } from '../../local/install/install';
import type { Component } from '../../local/twin/component';
import { makeTopics, startKafka } from '../../local/twin/kafka';
import { readSettings } from '../../local/twin/settings';
import { eventually } from './support/eventually';
import { startFlink } from './support/flink';
import { allRun, newJobId } from './support/flink-suite';

jest.setTimeout(180_000);
/** The first time, Flink and Kafka are downloaded. */
const INSTALL_MS = 900_000;

/** Its own broker and its own Flink: the example by itself, without the control plane. */
const LIMIT = Number(process.env.SLUICE_TEST_FLIGHTS ?? 60_000);
const state = resolve('local/.state/test/flight-delays');
const settings = { ...readSettings(), stateDir: state, logDir: join(state, 'log'), kafkaPort: 4690, kafkaControllerPort: 4691 };
const bootstrapServers = `127.0.0.1:${settings.kafkaPort}`;

describe('The flight delays example', () => {
  let kafka: Component | undefined;
  let real: Session | undefined;

  beforeAll(async () => {
    rmSync(state, { recursive: true, force: true });
    await install();
    const broker = startKafka(settings, (component) => {
      kafka = component;
    });
    real = await startFlink({ address: '127.71.5.10', restPort: 4682, directory: join(state, 'flink'), taskManagers: 2 });
    await broker;
    await makeTopics(bootstrapServers, Object.values(TOPICS));
  }, INSTALL_MS);
  afterAll(async () => {
    await real?.stop();
    await kafka?.stop();
  });

  it('gives the right answer, each row once, although a TaskManager dies on the way', async () => {
    const flink = connectFlink({ port: 4682 })(['127.71.5.10']);
    const flinkJobId = newJobId();
    await flink.runSql({
      flinkJobId,
      jobName: 'flight-delays',
      script: renderJob({ bootstrapServers }),
      parallelism: 2,
      allowNonRestoredState: false,
      flinkConfiguration: { 'restart-strategy.type': 'fixed-delay', 'restart-strategy.fixed-delay.attempts': '100' },
    });
    await eventually(() => flink.job(flinkJobId), allRun);
    let killed: Promise<void> | undefined;
    const kill = async () => {
      await real?.killTaskManagers();
      real?.startTaskManager();
      real?.startTaskManager();
    };
    const begun = performance.now();
    const sending = replay({
      bootstrapServers,
      limit: LIMIT,
      recordsPerSecond: 10_000,
      onProgress: ({ sent, total }) => {
        if (sent > total / 2) killed ??= kill();
      },
    });
    const comparison = await compareResults({ bootstrapServers, expected: await expectedAnswer({ limit: LIMIT }) });
    const sent = await sending;
    await killed;
    expect(comparison).toMatchObject({ ok: true, rowsWrong: 0, rowsMissing: 0, rowsDoubled: 0, rowsUnexpected: 0, problems: [] });
    expect(comparison.rowsCompared).toBe(comparison.rowsExpected);
    if (process.env.SLUICE_TEST_FLIGHTS)
      process.stderr.write(`${JSON.stringify({ sent, comparison, seconds: (performance.now() - begun) / 1_000 })}\n`);
  });
});
