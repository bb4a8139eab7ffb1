import { readdirSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { FlinkUnavailable } from '../../lambdas/contracts/errors';
import { connectFlink } from '../../lambdas/gateways/flink/flink.adapter';
import type { FlinkPort } from '../../lambdas/gateways/flink/flink.port';
import { connectFlinkMetrics } from '../../lambdas/gateways/flink/metrics.adapter';
import type { Session } from '../../local/flink/session';
import { counterJar } from './support/counter-jar';
import { eventually } from './support/eventually';
import { startFlink } from './support/flink';
import { allRun, flinkSuite, newJobId, TABLES } from './support/flink-suite';
import { losingProxy } from './support/losing-proxy';

jest.setTimeout(90_000);
/** The first time, Flink is downloaded. */
const INSTALL_MS = 900_000;

describe('The gateway on real Flink', () => {
  let real: Session;
  let flink: FlinkPort;
  let jar: Buffer;

  beforeAll(async () => {
    jar = readFileSync(counterJar());
    real = await startFlink({ address: '127.71.3.10', restPort: 4681, directory: 'local/.state/test/flink-real', taskManagers: 2 });
    flink = connectFlink({ port: real.restPort })([real.address]);
  }, INSTALL_MS);
  afterAll(() => real?.stop());

  describe('keeps the contract of the port:', () => {
    flinkSuite(() => ({
      flink,
      jar,
      directory: `file://${real.directory}/savepoints`,
      checkpoint: async () => {},
      breakStops: () => {},
    }));
  });

  const sql = (flinkJobId: string, script: string) => ({
    flinkJobId,
    script,
    jobName: 'sql',
    parallelism: 1,
    allowNonRestoredState: false,
    flinkConfiguration: {},
  });

  it('starts a SQL script of 1 MB', async () => {
    const id = newJobId();
    const padding = `-- ${'x'.repeat(96)}\n`.repeat(9_990);
    await flink.runSql(sql(id, `${TABLES}${padding}INSERT INTO nowhere SELECT n FROM numbers;`));
    await eventually(() => flink.job(id), allRun);
  });

  it('warms its processes up by a job on all slots that completes checkpoints, ends, and leaves the slots free', async () => {
    const { slotsTotal, slotsFree } = await flink.overview();
    const id = newJobId();
    const flinkConfiguration = { 'execution.checkpointing.interval': '500 ms', 'execution.checkpointing.min-pause': '0 ms' };
    await flink.runWarmUp({ flinkJobId: id, jobName: '#warm-up', parallelism: slotsFree, flinkConfiguration });
    await eventually(
      () => flink.job(id),
      (job) => job?.state === 'FINISHED',
    );
    expect(await flink.job(id)).toMatchObject({ parallelism: slotsFree });
    expect((await flink.checkpoints(id))?.completed).toBeGreaterThan(0);
    // Those of jobs before it may become free meanwhile.
    const after = await eventually(
      () => flink.overview(),
      (seen) => seen.slotsFree >= slotsFree,
    );
    expect(after.slotsTotal).toBe(slotsTotal);
  });

  it('streams a jar of 300 MB through little memory, past the limit that Flink sets for other requests', async () => {
    const [chunk, chunks] = [Buffer.alloc(1_000_000, 7), 300];
    const before = process.memoryUsage().rss;
    let peak = before;
    const content = Readable.from(
      (function* () {
        for (let n = 0; n < chunks; n += 1) {
          peak = Math.max(peak, process.memoryUsage().rss);
          yield chunk;
        }
      })(),
      { objectMode: false, highWaterMark: 1 },
    );
    await flink.deleteJar(await flink.uploadJar('large.jar', content, chunk.length * chunks));
    // Half of the jar: what a garbage collector leaves lying about varies, a copy of the jar would not fit.
    expect(peak - before).toBeLessThan(150_000_000);
  });

  it('gives slots of one slot sharing group to another in one rescale, with none free', async () => {
    // Jobs of tests before it would have some of the slots.
    for (const { flinkJobId } of await flink.jobs()) await flink.cancel(flinkJobId);
    const allFree = () =>
      eventually(
        () => flink.overview(),
        ({ slotsFree, slotsTotal }) => slotsFree === slotsTotal,
      );
    await allFree();
    const [id, jarId] = [newJobId(), await flink.uploadJar('counter.jar', Readable.from([jar]), jar.length)];
    const request = { jarId, flinkJobId: id, jobName: 'apart', arguments: ['--mode', 'apart', '--keys', '100'], parallelism: 2 };
    await flink.runJar({ ...request, allowNonRestoredState: false, flinkConfiguration: {} });
    try {
      const started = await eventually(() => flink.job(id), allRun);
      const [numbers, count] = started?.vertices ?? [];
      if (!numbers || !count) throw new Error('the job has no two vertices');
      const metrics = connectFlinkMetrics({ port: real.restPort })([real.address]);
      const groups = (await metrics.job(id, {}))?.vertices.map(({ slotSharingGroup }) => slotSharingGroup);
      expect(new Set(groups).size).toBe(2);
      for (const [ofNumbers, ofCount] of [
        [3, 1],
        [1, 3],
      ] as const) {
        expect((await flink.overview()).slotsFree).toBe(0);
        await flink.setVertexParallelism(id, { [numbers.id]: ofNumbers, [count.id]: ofCount });
        await eventually(
          () => flink.job(id),
          (job) => {
            // Flink tells of them in no order.
            const parallelism = new Map(job?.vertices.map((vertex) => [vertex.id, vertex.parallelism]));
            return allRun(job) && parallelism.get(numbers.id) === ofNumbers && parallelism.get(count.id) === ofCount;
          },
        );
      }
    } finally {
      await flink.cancel(id);
      await allFree();
    }
  });

  it('does all it is asked for exactly once when every first answer is lost', async () => {
    const losing = await losingProxy(real.url);
    try {
      const through = connectFlink({ port: losing.port })(['127.71.3.10']);
      const twice = async (ask: () => Promise<unknown>) => {
        losing.loseNext();
        await expect(ask()).rejects.toBeInstanceOf(FlinkUnavailable);
        await ask();
      };
      const [id, trigger, stop] = [newJobId(), newJobId(), newJobId()];
      const savepoints = `file://${real.directory}/savepoints`;
      await twice(() => through.runSql(sql(id, `${TABLES}INSERT INTO nowhere SELECT n FROM numbers;`)));
      await eventually(() => flink.job(id), allRun);
      await twice(() => through.setParallelism(id, 2));
      await eventually(
        () => flink.job(id),
        (job) => allRun(job) && job?.parallelism === 2,
      );
      await twice(() => through.triggerSavepoint(id, trigger, savepoints));
      await eventually(
        () => flink.savepoint(id, trigger),
        ({ state }) => state === 'completed',
      );
      await twice(() => through.stopWithSavepoint(id, stop, savepoints, false));
      await eventually(
        () => flink.savepoint(id, stop),
        ({ state }) => state === 'completed',
      );
      await twice(() => through.cancel(id));
      const started = (await flink.jobs()).filter(({ flinkJobId }) => flinkJobId === id);
      expect(started).toEqual([{ flinkJobId: id, name: 'sql', state: 'FINISHED' }]);
      expect(readdirSync(`${real.directory}/savepoints`).filter((name) => name.includes(id.slice(0, 6)))).toHaveLength(2);
    } finally {
      losing.close();
    }
  });

  it('does not store a jar that is shorter or longer than said', async () => {
    for (const size of [jar.length - 1, jar.length + 1])
      await expect(flink.uploadJar('wrong-size.jar', Readable.from([jar]), size)).rejects.toBeInstanceOf(FlinkUnavailable);
    const answer = (await (await fetch(`${real.url}/jars`)).json()) as { files: { name: string }[] };
    expect(answer.files.map(({ name }) => name)).not.toContain('wrong-size.jar');
  });

  it('shows a job that lost its TaskManagers as not running, and why, then tells of a JobManager that died during an upload', async () => {
    const id = newJobId();
    const restart = { 'restart-strategy.type': 'fixed-delay', 'restart-strategy.fixed-delay.attempts': '1000' };
    await flink.runSql({ ...sql(id, `${TABLES}INSERT INTO nowhere SELECT n FROM numbers;`), flinkConfiguration: restart });
    await eventually(() => flink.job(id), allRun);
    await real.killTaskManagers();
    const lost = await eventually(
      () => flink.job(id),
      (job) => job?.tasks.running === 0 && job.state !== 'RUNNING' && job.failure !== undefined,
    );
    expect(['CREATED', 'RESTARTING']).toContain(lost?.state);
    expect(lost?.failure).toMatch(/TaskManager with id host-[12]-1.* is no longer reachable|The TaskExecutor is shutting down/);
    await eventually(
      () => flink.overview(),
      ({ taskManagers }) => taskManagers === 0,
    );

    const dying = Readable.from(
      (async function* () {
        yield jar.subarray(0, 100);
        await real.killJobManager();
        yield jar.subarray(100);
      })(),
      { objectMode: false },
    );
    await expect(flink.uploadJar('dying.jar', dying, jar.length)).rejects.toBeInstanceOf(FlinkUnavailable);
    await expect(flink.overview()).rejects.toThrow(/GET \/overview: no answer \(/);
    await expect(flink.runSql(sql(newJobId(), `${TABLES}INSERT INTO nowhere SELECT 1;`))).rejects.toBeInstanceOf(FlinkUnavailable);
  });
});
