import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { BUCKET, type Scene } from '../../bench/recovery/scene';
import { fenceKey, recoveryPrefix, savepointsPrefix } from '../../lambdas/domain/state-paths';
import { awaited } from '../../local/flink/cluster';
import type { Storage } from '../../local/flink/storage';
import { type StartedScene, startScene } from './support/scene';

/** Real processes with the rendered configuration under the node's supervisor, which starts a killed JobManager again at once. */
const ROOT = recoveryPrefix('bench', 1);
const PATIENCE = { withinMs: 120_000, everyMs: 100 };

let storage: Storage;
let scene: Scene;
let started: StartedScene;

beforeAll(async () => {
  started = await startScene('sluice');
  ({ scene, storage } = started);
}, 400_000);
afterAll(() => started?.stop(), 60_000);

const flink = () => scene.client.flink;
const log = () => readFileSync(join(scene.cluster.home(scene.jobManager), 'log', 'jobmanager.log'), 'utf8');

const pid = () => scene.cluster.processes(scene.jobManager)[0]?.pid ?? undefined;
/** Over once a JobManager answers that is not the one of `before`. */
const succeeded = async (before: number | undefined): Promise<void> => {
  const successor = () => (pid() !== undefined && pid() !== before) || undefined;
  await awaited('A new process', successor, PATIENCE);
  await awaited('A JobManager', async () => (await scene.client.up()) || undefined, PATIENCE);
};
/** SIGKILL of the process. Its supervisor starts the next at once, the one after it after a second, and so on: from the third on `loseHost` is quicker. */
const loseJobManager = async (): Promise<void> => {
  const before = await awaited('A process', pid, PATIENCE);
  process.kill(before, 'SIGKILL');
  await succeeded(before);
};
/** The JobManager with its supervisor, who counts anew when the host boots again. */
const loseHost = async (meanwhile?: () => Promise<void>): Promise<void> => {
  const before = pid();
  await scene.cluster.endHost(scene.jobManager);
  await meanwhile?.();
  scene.cluster.startHost(scene.jobManager);
  await succeeded(before);
};
const running = () =>
  awaited(
    'All tasks',
    async () => {
      const job = await flink()
        .job(scene.flinkJobId)
        .catch(() => undefined);
      const { total = 0, running: run = 0, finished = 0 } = job?.tasks ?? {};
      // Subtasks of the source that got none of the numbers have finished.
      return job?.state === 'RUNNING' && total > 0 && run + finished === total ? job : undefined;
    },
    PATIENCE,
  );
const listed = () =>
  awaited(
    'The list',
    async () =>
      flink()
        .jobs()
        .catch(() => undefined),
    PATIENCE,
  );
const state = async () => (await flink().job(scene.flinkJobId))?.state;
const checkpoint = (after: number) =>
  awaited(
    'A checkpoint',
    async () => {
      const latest = await scene.client.latestCheckpoint(scene.flinkJobId);
      return latest && latest.triggeredAt > after ? latest : undefined;
    },
    PATIENCE,
  );
const keys = async (prefix: string): Promise<readonly string[]> => {
  const { Contents = [] } = await storage.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${ROOT}/${prefix}` }));
  return Contents.map(({ Key = '' }) => Key).sort();
};
const put = (key: string, body: Uint8Array | string) => storage.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }));
const SAVEPOINTS = savepointsPrefix('bench', 'ledger');
const stopWithSavepoint = (trigger: string) => flink().stopWithSavepoint(scene.flinkJobId, trigger, `s3://${BUCKET}/${SAVEPOINTS}`, false);
/** Those that are complete. */
const savepoints = async (): Promise<readonly string[]> => {
  const { Contents = [] } = await storage.s3.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${SAVEPOINTS}/savepoint-` }));
  return Contents.flatMap(({ Key = '' }) => /^(.*)\/_metadata$/.exec(Key)?.[1] ?? []).map((key) => `s3://${BUCKET}/${key}`);
};
const newSavepoint = (before: readonly string[]) =>
  awaited('The savepoint', async () => (await savepoints()).find((location) => !before.includes(location)), PATIENCE);
/** What the job was restored from last, since its log had so many characters. */
const restored = (from: number): string | undefined =>
  [
    ...log()
      .slice(from)
      .matchAll(/Restoring job \w+ from \w+ \d+ @ \d+ for \w+ located at (\S+?)\.?$/gm),
  ].at(-1)?.[1];
const fencedDeaths = () => scene.cluster.processes(scene.jobManager)[0]?.deaths.filter(({ how }) => how === 'exit code 43') ?? [];
const wrong = () => scene.instances().reduce((sum, one) => sum + one.wrong, 0);

describe('A TaskManager that is lost between the savepoint of a stop and the end of the job', () => {
  it('ends the job as failed, and the failure names the savepoint: Flink does not start it again behind what its sinks have committed', async () => {
    const trigger = 'fe'.repeat(16);
    await checkpoint(Date.now());
    const before = await savepoints();
    const [victim] = await scene.busyTaskManagers();
    if (!victim) throw new Error('no TaskManager has a task');
    const isWritten = await storage.delay('CompleteMultipartUpload', 5_000, '*/savepoints/savepoint-*/_metadata');
    await stopWithSavepoint(trigger);
    // All tasks have done their part, and wait to be told that it is complete.
    await awaited('Its metadata', async () => (await isWritten()) || undefined, PATIENCE);
    process.kill(scene.cluster.pid(victim), 'SIGKILL');
    // The JobMaster may not answer as long as the savepoint is being written.
    const failed = async () => ((await state().catch(() => undefined)) === 'FAILED' ? true : undefined);
    await awaited('The end', failed, PATIENCE);
    const location = await newSavepoint(before);
    expect(await flink().savepoint(scene.flinkJobId, trigger)).toMatchObject({ state: 'failed', location });
    await scene.startJob();
  }, 300_000);
});

describe('A JobManager that was killed', () => {
  it('goes on with its job: the same id, state, settings, and the parallelism that it was given since', async () => {
    await flink().setParallelism(scene.flinkJobId, 3);
    await awaited('Parallelism 3', async () => ((await flink().job(scene.flinkJobId))?.parallelism === 3 ? true : undefined), PATIENCE);
    await running();
    await checkpoint(Date.now());
    const before = Date.now();
    await loseJobManager();
    const job = await running();
    expect(job.parallelism).toBe(3);
    // It did not have to read its classes again from Flink's jars.
    expect(readFileSync(`/proc/${pid()}/maps`, 'utf8')).toContain(scene.cluster.classArchive(scene.jobManager));
    // The interval of 3 s is the job's own setting.
    await checkpoint(Date.now());
    const since = scene.instances().filter(({ openedAt }) => openedAt > before);
    expect(since.map(({ restored }) => restored)).toEqual([true, true, true]);
    expect(wrong()).toBe(0);
  }, 300_000);

  it('and killed again as soon as it answers, does so once more', async () => {
    await loseJobManager();
    await loseJobManager();
    await running();
    await checkpoint(Date.now());
    expect((await flink().jobs()).map(({ flinkJobId }) => flinkJobId)).toEqual([scene.flinkJobId]);
    expect(wrong()).toBe(0);
  }, 300_000);

  it('while it took a savepoint has forgotten the request, and takes it when it is asked again', async () => {
    const trigger = 'ab'.repeat(16);
    const ask = () => flink().triggerSavepoint(scene.flinkJobId, trigger, `s3://${BUCKET}/savepoints`);
    await ask();
    await loseHost();
    await running();
    expect(await flink().savepoint(scene.flinkJobId, trigger)).toEqual({ state: 'unknown' });
    await ask();
    const done = async () => {
      const seen = await flink().savepoint(scene.flinkJobId, trigger);
      return seen.state === 'in-progress' ? undefined : seen;
    };
    expect(await awaited('The savepoint', done, PATIENCE)).toMatchObject({ state: 'completed' });
  }, 300_000);

  it('restores the checkpoint before one whose entry is damaged, and says so; a job of which half an entry is there is no job', async () => {
    await checkpoint(Date.now());
    const [newest = ''] = (await keys(`checkpoints/${scene.flinkJobId}/`)).slice(-1);
    const { Body } = await storage.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: newest }));
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
    const half = bytes.subarray(0, bytes.length / 2);
    const from = log().length;
    await loseHost(async () => {
      // Checkpoints that completed since the look are younger than the damaged one.
      for (const key of (await keys(`checkpoints/${scene.flinkJobId}/`)).filter((one) => one >= newest)) await put(key, half);
      await put(`${ROOT}/plans/${'cd'.repeat(16)}`, half);
    });
    await running();
    expect(log()).toMatch(/plans\/(cd){16} cannot be used and is left out: .*has \d+ of \d+ bytes/);
    const said = log().slice(from);
    expect(said).toContain(`${newest.split('/').at(-1)} cannot be used and is left out`);
    const restored = [...log().matchAll(/from Checkpoint (\d+) @/g)].map((match) => Number(match[1])).at(-1);
    expect(restored).toBeLessThan(Number(newest.split('/').at(-1)));
    expect((await flink().jobs()).map(({ flinkJobId }) => flinkJobId)).toEqual([scene.flinkJobId]);
    await checkpoint(Date.now());
    expect(wrong()).toBe(0);
  }, 300_000);

  it('goes on from its newest checkpoint, though S3 refuses to give it for a while: what is not answered is not damaged', async () => {
    await checkpoint(Date.now());
    const from = log().length;
    let newest = '';
    await loseHost(async () => {
      newest = (await keys(`checkpoints/${scene.flinkJobId}/`)).at(-1)?.split('/').at(-1) ?? '';
      // More than its client tries by itself.
      await storage.refuse('GetObject', 16);
    });
    await running();
    await storage.refuse('GetObject', 0);
    const said = log().slice(from);
    expect(said).toContain('cannot be read now and is asked for again');
    const leftOut = said.split('\n').filter((line) => line.includes('is left out') && !/has \d+ of \d+ bytes/.test(line));
    expect(leftOut).toEqual([]);
    expect(Number(/from Checkpoint (\d+) @/.exec(said)?.[1])).toBe(Number(newest));
    expect(wrong()).toBe(0);
  }, 300_000);

  it('while the end of a job that was stopped was not on record yet goes on from the savepoint that the job was stopped with, as its sinks have committed by it', async () => {
    await checkpoint(Date.now());
    const from = log().length;
    await storage.refuse('PutObject', 1_000, '*/job-result-store/*');
    const before = await savepoints();
    const asked = Date.now();
    await stopWithSavepoint('ef'.repeat(16));
    const savepoint = await newSavepoint(before);
    // Where nobody is fenced sinks commit by it.
    await awaited('The commit', () => scene.instances().some(({ toldAt }) => toldAt.some((at) => at > asked)) || undefined, PATIENCE);
    // What S3 refuses for a while is not damaged: more than its client tries by itself.
    await loseHost(() => storage.refuse('GetObject', 16, '*/savepoints/savepoint-*/_metadata'));
    await storage.refuse('PutObject', 0);
    await running();
    expect(restored(from)).toBe(savepoint);
    expect(log().slice(from)).toMatch(/savepoint-\S+_metadata cannot be read now and is asked for again/);
    await checkpoint(Date.now());
    expect(wrong()).toBe(0);
    // A checkpoint since then is newer.
    await loseHost();
    await running();
    expect(restored(from)).toMatch(/\/chk-\d+$/);
    await checkpoint(Date.now());
    expect(wrong()).toBe(0);
  }, 300_000);

  it('while it canceled a job brings it back at most until it is asked again, and never after that', async () => {
    await running();
    await flink().cancel(scene.flinkJobId);
    await loseHost();
    // The dispatcher is there before REST answers for it; a job that it found is in its list from the beginning.
    if ((await state()) !== undefined) {
      await flink().cancel(scene.flinkJobId);
      const gone = async () => ((await flink().job(scene.flinkJobId))?.state === 'CANCELED' ? true : undefined);
      await awaited('The end', gone, PATIENCE);
    }
    const forgotten = async () => ((await keys('plans/')).some((key) => key.endsWith(scene.flinkJobId)) ? undefined : true);
    await awaited('The end on record', forgotten, PATIENCE);
    await loseHost();
    expect(await listed()).toEqual([]);
  }, 300_000);

  it('does not bring back a job whose end is on record, if only by its name', async () => {
    await scene.startJob();
    await put(`${ROOT}/job-result-store/bench/${scene.flinkJobId}_DIRTY.json`, '{"resu');
    await loseHost();
    expect(await listed()).toEqual([]);
    expect((await keys('')).filter((key) => key.includes(scene.flinkJobId))).toEqual([]);
  }, 300_000);

  it('of an epoch that is fenced while it writes the savepoint that its job is to stop with tells nobody that it is complete', async () => {
    // A checkpoint of another job would find the fence.
    const others = (await listed()).filter(({ state: is }) => is === 'RUNNING');
    for (const { flinkJobId } of others) await flink().cancel(flinkJobId);
    const gone = async () => (await listed()).every(({ state: is }) => is !== 'RUNNING' && is !== 'CANCELLING') || undefined;
    await awaited('The end of the others', gone, PATIENCE);
    // The storage that the program chooses would not look for the fence.
    await scene.startJob({ storage: 'filesystem' });
    await checkpoint(Date.now());
    const before = await savepoints();
    const isWritten = await storage.delay('CompleteMultipartUpload', 3_000, '*/savepoints/savepoint-*/_metadata');
    await stopWithSavepoint('cf'.repeat(16));
    await awaited('Its metadata', async () => (await isWritten()) || undefined, PATIENCE);
    const asked = Date.now();
    const ended = fencedDeaths().length;
    await put(fenceKey('bench', 1), 'taken over');
    await awaited('Its end', () => fencedDeaths().length > ended || undefined, PATIENCE);
    // It lies there for whoever has taken over, and no sink has committed by it.
    await newSavepoint(before);
    expect(scene.instances().flatMap(({ toldAt }) => toldAt.filter((at) => at > asked))).toEqual([]);
  }, 300_000);

  it('and keeps ending, and changes nothing more', async () => {
    const before = await keys('checkpoints/');
    const ended = fencedDeaths().length;
    await awaited('Another end', () => fencedDeaths().length > ended || undefined, PATIENCE);
    expect(await keys('checkpoints/')).toEqual(before);
    await storage.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: fenceKey('bench', 1) }));
  }, 300_000);
});
