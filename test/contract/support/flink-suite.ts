import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { JobRejected } from '../../../lambdas/contracts/errors';
import type { FlinkJobSeen, FlinkPort, RunRequest, SavepointState } from '../../../lambdas/gateways/flink/flink.port';
import { eventually } from './eventually';

/** A cluster of two TaskManagers with two slots each, whatever it is made of. */
export interface FlinkUnderTest {
  readonly flink: FlinkPort;
  /** The counter example, or bytes that stand for it. */
  readonly jar: Buffer;
  /** Where savepoints may be written. */
  readonly directory: string;
  /** Sees to it that the job gets a checkpoint. */
  checkpoint(flinkJobId: string): Promise<void>;
  /** From now on a stop with savepoint takes the savepoint and then fails. */
  breakStops(broken: boolean): void;
}

export const newJobId = (): string => randomBytes(16).toString('hex');

export const TABLES = `CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');
CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
`;

/** A source subtask that is left without a split, as after growing from one, has finished and is where it should be. */
export const allRun = (job: FlinkJobSeen | undefined): boolean =>
  job?.state === 'RUNNING' && job.tasks.total > 0 && job.tasks.running > 0 && job.tasks.running + job.tasks.finished === job.tasks.total;
const ended = (savepoint: SavepointState): boolean => savepoint.state !== 'in-progress';

/** The contract of FlinkPort: true of the fake and of the adapter on real Flink. */
export function flinkSuite(cluster: () => FlinkUnderTest): void {
  const flink = (): FlinkPort => cluster().flink;
  let jarId: string;
  const program = (flinkJobId: string, mode: string, more: Partial<RunRequest> = {}): RunRequest => ({
    jarId,
    flinkJobId,
    jobName: `counter-${mode}`,
    arguments: ['--mode', mode],
    parallelism: 1,
    allowNonRestoredState: false,
    flinkConfiguration: {},
    ...more,
  });
  const script = (flinkJobId: string, text: string) => {
    const { jarId: _, arguments: __, ...request } = program(flinkJobId, 'sql');
    return { ...request, script: text };
  };
  const running = async (mode = 'run', more: Partial<RunRequest> = {}): Promise<string> => {
    const id = newJobId();
    await flink().runJar(program(id, mode, more));
    await eventually(() => flink().job(id), allRun);
    return id;
  };
  const upload = (): Promise<string> => flink().uploadJar('counter.jar', Readable.from([cluster().jar]), cluster().jar.length);

  beforeAll(async () => {
    jarId = await upload();
  });

  afterEach(async () => {
    cluster().breakStops(false);
    for (const { flinkJobId } of await flink().jobs()) await flink().cancel(flinkJobId);
    await eventually(
      async () => {
        for (const { flinkJobId } of await flink().jobs()) await flink().job(flinkJobId);
        return flink().overview();
      },
      ({ slotsFree, slotsTotal }) => slotsFree === slotsTotal,
    );
  });

  it('counts TaskManagers and slots, and tells the address of each TaskManager', async () => {
    expect(await flink().overview()).toEqual({ taskManagers: 2, slotsTotal: 4, slotsFree: 4 });
    const seen = await flink().listTaskManagers();
    expect(seen.map(({ slotsTotal, slotsFree }) => [slotsTotal, slotsFree])).toEqual([
      [2, 2],
      [2, 2],
    ]);
    expect(new Set(seen.map(({ address }) => address)).size).toBe(2);
    for (const { address } of seen) expect(address).toMatch(/^127\.\d+\.\d+\.\d+$/);
  });

  it('stores a jar under an id of its own, and deletes it once or twice', async () => {
    const [first, second] = [await upload(), await upload()];
    expect(first).toMatch(/_counter\.jar$/);
    expect(second).not.toBe(first);
    expect(await flink().jarsNamed('counter.jar')).toEqual(expect.arrayContaining([first, second]));
    expect(await flink().jarsNamed('other.jar')).toEqual([]);
    for (const id of [first, second, second]) await flink().deleteJar(id);
    await expect(flink().runJar(program(newJobId(), 'run', { jarId: second }))).rejects.toThrow(/has no jar .*_counter\.jar/);
  });

  it('starts a jar under the given id and name, at the given parallelism', async () => {
    const id = await running('run', { parallelism: 2 });
    const job = await flink().job(id);
    expect(job).toMatchObject({ state: 'RUNNING', parallelism: 2 });
    expect(job?.failure).toBeUndefined();
    expect(job?.vertices[0]).toMatchObject({ parallelism: 2, maxParallelism: 128 });
    expect(Date.parse(job?.startedAt ?? '')).not.toBeNaN();
    expect(await flink().jobs()).toContainEqual({ flinkJobId: id, name: 'counter-run', state: 'RUNNING' });
  });

  it('counts a start of a job that is there as started: running, canceled, finished', async () => {
    const again = async (id: string, mode: string) => {
      await flink().runJar(program(id, mode));
      expect((await flink().jobs()).filter(({ flinkJobId }) => flinkJobId === id)).toHaveLength(1);
    };
    const id = await running();
    await again(id, 'run');
    expect((await flink().job(id))?.state).toBe('RUNNING');
    await flink().cancel(id);
    await eventually(
      () => flink().job(id),
      (job) => job?.state === 'CANCELED',
    );
    await again(id, 'run');
    expect((await flink().job(id))?.state).toBe('CANCELED');
    const finished = newJobId();
    await flink().runJar(program(finished, 'finish'));
    const end = await eventually(
      () => flink().job(finished),
      (job) => job?.state === 'FINISHED',
    );
    expect(end?.tasks.finished).toBe(end?.tasks.total);
    await again(finished, 'finish');
    expect((await flink().job(finished))?.state).toBe('FINISHED');
  });

  it('tells when a job has processed a record, also where all its work is in one task', async () => {
    const id = await running();
    await eventually(
      () => flink().job(id),
      (job) => job?.hasProcessed === true,
    );
  });

  it('makes one job of several starts of one id at the same time', async () => {
    const id = newJobId();
    await Promise.all([1, 2, 3].map(() => flink().runJar(program(id, 'run'))));
    await eventually(() => flink().job(id), allRun);
    expect((await flink().jobs()).filter(({ state }) => state === 'RUNNING')).toHaveLength(1);
  });

  it.each([
    ['whose main throws', 'main-fails', {}, /^IllegalStateException: the orders table is not there$/],
    ['without the entry class', 'run', { entryClass: 'no.such.Klass' }, /^no such class in the jar: no\.such\.Klass$/],
    [
      'with a setting that cannot be read',
      'run',
      { flinkConfiguration: { 'execution.checkpointing.interval': '7 parsecs' } },
      /parsecs.*execution\.checkpointing\.interval/,
    ],
    ['that starts two jobs', 'twice', {}, /more than 1 streaming job/],
  ])('rejects a jar %s, with its own error, and leaves nothing running', async (_, mode, more, reason) => {
    const id = newJobId();
    const start = flink().runJar(program(id, mode, more));
    await expect(start).rejects.toThrow(reason);
    await expect(start).rejects.toBeInstanceOf(JobRejected);
    const left = await eventually(
      () => flink().job(id),
      (job) => job === undefined || job.state === 'CANCELED',
    );
    expect(left?.tasks.running ?? 0).toBe(0);
  });

  it('tells why a job failed that was accepted', async () => {
    const id = newJobId();
    await flink().runJar(program(id, 'fail'));
    const job = await eventually(
      () => flink().job(id),
      (seen) => seen?.state === 'FAILED',
    );
    expect(job?.failure).toBe('IllegalArgumentException: number 0 is not a valid order');
  });

  it('starts a SQL script, once', async () => {
    const id = newJobId();
    const request = script(id, `SET 'parallelism.default' = '1';\n${TABLES}INSERT INTO nowhere SELECT n FROM numbers;`);
    await flink().runSql(request);
    await flink().runSql(request);
    await eventually(() => flink().job(id), allRun);
    expect(await flink().jobs()).toContainEqual({ flinkJobId: id, name: 'counter-sql', state: 'RUNNING' });
  });

  it('starts a statement set as one job', async () => {
    const id = newJobId();
    const set = `${TABLES}EXECUTE STATEMENT SET BEGIN\nINSERT INTO nowhere SELECT n FROM numbers;\nINSERT INTO nowhere SELECT n + 1 FROM numbers;\nEND;`;
    await flink().runSql(script(id, set));
    await eventually(() => flink().job(id), allRun);
  });

  it.each([
    ['an unknown column', 'INSERT INTO nowhere\n  SELECT nope FROM numbers;', /line 4, column 10.*nope/],
    ['no INSERT', '', /starts no job/],
    ['two INSERTs', 'INSERT INTO nowhere SELECT 1;\nINSERT INTO nowhere SELECT 2;', /line 3 and line 4.*STATEMENT SET/],
    ['a SELECT only', 'SELECT n FROM numbers;', /line 3: a query without INSERT INTO/],
  ])('rejects a SQL script with %s, with the line', async (_, text, reason) => {
    const id = newJobId();
    const start = flink().runSql(script(id, `${TABLES}${text}`));
    await expect(start).rejects.toThrow(reason);
    await expect(start).rejects.toBeInstanceOf(JobRejected);
    expect(await flink().job(id)).toBeUndefined();
  });

  it('knows nothing of a job that is not there, and has nothing to cancel', async () => {
    const id = newJobId();
    expect(await flink().job(id)).toBeUndefined();
    expect(await flink().checkpoints(id)).toBeUndefined();
    expect(await flink().savepoint(id, newJobId())).toEqual({ state: 'unknown' });
    await flink().cancel(id);
    await expect(flink().setParallelism(id, 2)).rejects.toBeInstanceOf(JobRejected);
  });

  it('tells the latest checkpoint, from which another job can go on', async () => {
    const id = await running();
    await cluster().checkpoint(id);
    const seen = await eventually(
      () => flink().checkpoints(id),
      (checkpoints) => checkpoints?.latestCompleted !== undefined,
    );
    expect(seen?.completed).toBeGreaterThan(0);
    const location = seen?.latestCompleted?.location ?? '';
    expect(location).toContain(id);
    await flink().cancel(id);
    await eventually(
      () => flink().job(id),
      (job) => job?.state === 'CANCELED',
    );
    await running('run', { savepoint: location });
  });

  it('takes one checkpoint for a trigger however often it is asked for', async () => {
    const [id, trigger] = [await running(), newJobId()];
    expect(await flink().checkpoint(id, trigger)).toEqual({ state: 'unknown' });
    await flink().triggerCheckpoint(id, trigger);
    const done = await eventually(
      () => flink().checkpoint(id, trigger),
      ({ state }) => state !== 'in-progress',
    );
    expect(done).toEqual({ state: 'completed', id: expect.any(Number) });
    await flink().triggerCheckpoint(id, trigger);
    expect(await flink().checkpoint(id, trigger)).toEqual(done);
    expect((await flink().job(id))?.state).toBe('RUNNING');
  });

  it('tells why there is no checkpoint of a job that does not run', async () => {
    const trigger = newJobId();
    const id = await running();
    await flink().cancel(id);
    await eventually(
      () => flink().job(id),
      (job) => job?.state === 'CANCELED',
    );
    await flink()
      .triggerCheckpoint(id, trigger)
      .catch(() => undefined);
    expect(await flink().checkpoint(id, trigger)).toMatchObject({ state: expect.stringMatching(/failed|unknown/) });
  });

  it('takes one savepoint for a trigger however often it is asked for, and the job goes on', async () => {
    const [id, trigger] = [await running(), 'op-abcdefghijklmnopqrstuvwxyz'];
    for (let n = 0; n < 3; n += 1) await flink().triggerSavepoint(id, trigger, cluster().directory);
    const first = await eventually(() => flink().savepoint(id, trigger), ended);
    expect(first).toMatchObject({ state: 'completed', location: expect.stringContaining('savepoint-') });
    await flink().triggerSavepoint(id, trigger, cluster().directory);
    expect(await eventually(() => flink().savepoint(id, trigger), ended)).toEqual(first);
    expect((await flink().job(id))?.state).toBe('RUNNING');
    expect(await flink().savepoint(id, 'another')).toEqual({ state: 'unknown' });
  });

  it.each([
    ['keeping what is in flight for the next', false],
    ['drained', true],
  ])('stops a job with a savepoint, once, %s, and restores another from it', async (_, drain) => {
    const [id, trigger] = [await running(), newJobId()];
    await flink().stopWithSavepoint(id, trigger, cluster().directory, drain);
    await flink().stopWithSavepoint(id, trigger, cluster().directory, drain);
    const savepoint = await eventually(() => flink().savepoint(id, trigger), ended);
    await eventually(
      () => flink().job(id),
      (job) => job?.state === 'FINISHED',
    );
    if (savepoint.state !== 'completed') throw new Error(JSON.stringify(savepoint));
    await running('run', { savepoint: savepoint.location, parallelism: 2 });
  });

  it('gives the location of a savepoint that is complete although the job did not stop', async () => {
    cluster().breakStops(true);
    const [id, trigger] = [await running('stuck'), newJobId()];
    await flink().stopWithSavepoint(id, trigger, cluster().directory, false);
    const savepoint = await eventually(() => flink().savepoint(id, trigger), ended);
    expect(savepoint).toMatchObject({ state: 'failed', location: expect.stringContaining('savepoint-'), reason: expect.any(String) });
    cluster().breakStops(false);
    if (savepoint.state === 'failed') await running('run', { savepoint: savepoint.location ?? '' });
  });

  it('tells why there is no savepoint of a job that has ended', async () => {
    const [id, trigger] = [await running(), newJobId()];
    await flink().cancel(id);
    await eventually(
      () => flink().job(id),
      (job) => job?.state === 'CANCELED',
    );
    await flink().triggerSavepoint(id, trigger, cluster().directory);
    const savepoint = await eventually(() => flink().savepoint(id, trigger), ended);
    expect(savepoint).toMatchObject({ state: 'failed', reason: expect.stringContaining('Could not find Flink job') });
  });

  it('fails a job whose savepoint is not there, and names it', async () => {
    const id = newJobId();
    await flink().runJar(program(id, 'run', { savepoint: `${cluster().directory}/savepoint-nope` }));
    const job = await eventually(
      () => flink().job(id),
      (seen) => seen?.state === 'FAILED',
    );
    expect(job?.failure).toMatch(/Cannot find checkpoint or savepoint.*savepoint-nope/);
  });

  it('restores a savepoint with state that the program does not have only when told so', async () => {
    const [id, trigger] = [await running(), newJobId()];
    await flink().stopWithSavepoint(id, trigger, cluster().directory, false);
    const savepoint = await eventually(() => flink().savepoint(id, trigger), ended);
    if (savepoint.state !== 'completed') throw new Error(JSON.stringify(savepoint));
    const refused = newJobId();
    await flink().runJar(program(refused, 'other-state', { savepoint: savepoint.location }));
    const failed = await eventually(
      () => flink().job(refused),
      (job) => job?.state === 'FAILED',
    );
    expect(failed?.failure).toMatch(/Cannot map checkpoint\/savepoint state/);
    await running('other-state', { savepoint: savepoint.location, allowNonRestoredState: true });
  });

  it('cancels a job, and cancels it again without complaint', async () => {
    const id = await running();
    await flink().cancel(id);
    await eventually(
      () => flink().job(id),
      (job) => job?.state === 'CANCELED',
    );
    await flink().cancel(id);
    expect((await flink().job(id))?.state).toBe('CANCELED');
  });

  it('changes the parallelism of a running job, at most to what its vertices allow and the slots give', async () => {
    const id = await running();
    const at = (parallelism: number) => (job: FlinkJobSeen | undefined) => allRun(job) && job?.parallelism === parallelism;
    await flink().setParallelism(id, 3);
    await eventually(() => flink().job(id), at(3));
    await flink().setParallelism(id, 1_000);
    await eventually(() => flink().job(id), at(4));
    await flink().setParallelism(id, 1);
    await eventually(() => flink().job(id), at(1));
  });
}
