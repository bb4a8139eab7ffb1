import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { BUCKET, type Scene } from '../../bench/recovery/scene';
import { recoveryPrefix } from '../../lambdas/domain/state-paths';
import { awaited, type HostSpec } from '../../local/flink/cluster';
import type { Storage } from '../../local/flink/storage';
import { type StartedScene, startScene } from './support/scene';

/** Real processes with the rendered configuration under the node's supervisor: two JobManagers, of which one leads. */
const ROOT = recoveryPrefix('bench', 1);
const PATIENCE = { withinMs: 120_000, everyMs: 100 };
/** Of a JobManager that another has overtaken. */
const FENCED = 'exit code 43';

const REFUSED = /S3 does not say now who leads, and is asked again|cannot be written now, which is tried again/g;

let storage: Storage;
let scene: Scene;
let started: StartedScene;

beforeAll(async () => {
  started = await startScene('standby');
  ({ scene, storage } = started);
}, 400_000);
afterAll(() => started?.stop(), 60_000);

const log = (host: HostSpec) => readFileSync(join(scene.cluster.home(host), 'log', 'jobmanager.log'), 'utf8');
const other = (than: HostSpec): HostSpec => scene.jobManagers.find(({ id }) => id !== than.id) ?? than;
const deathsOf = (host: HostSpec) => scene.cluster.processes(host)[0]?.deaths ?? [];
const session = (term: number) => `granted leadership with leaderSessionID=00000000-0000-0000-0000-${term.toString(16).padStart(12, '0')}`;
const grants = (term: number) => scene.jobManagers.map((host) => log(host).split(session(term)).length - 1).reduce((a, b) => a + b);

/** @returns the new term, once its leader answers */
const succeeded = async (term: number): Promise<number> => {
  const next = await awaited('The next term', async () => ((await scene.findLeader()) > term ? scene.findLeader() : undefined), PATIENCE);
  await awaited('An answer of its leader', async () => (await scene.client.up()) || undefined, PATIENCE);
  return next;
};
const runningWith = (parallelism: number) =>
  awaited(
    'All tasks',
    async () => {
      const job = await scene.client.flink.job(scene.flinkJobId).catch(() => undefined);
      const { total = 0, running = 0, finished = 0 } = job?.tasks ?? {};
      return job?.state === 'RUNNING' && job.parallelism === parallelism && total > 0 && running + finished === total ? job : undefined;
    },
    PATIENCE,
  );
const checkpoint = async () => {
  const from = Date.now();
  const later = async () => ((await scene.client.latestCheckpoint(scene.flinkJobId))?.triggeredAt ?? 0) > from || undefined;
  await awaited('A checkpoint', later, PATIENCE);
};
/** It goes on from its state, once, and all records counted once: the job looks at each. */
const unharmed = async (since: number): Promise<void> => {
  await runningWith(3);
  await checkpoint();
  expect((await scene.client.flink.jobs()).map(({ flinkJobId }) => flinkJobId)).toEqual([scene.flinkJobId]);
  const restarted = scene.instances().filter(({ openedAt }) => openedAt > since);
  expect(restarted.length).toBeGreaterThanOrEqual(3);
  expect(restarted.filter(({ restored }) => !restored)).toEqual([]);
  expect(scene.instances().reduce((sum, { wrong }) => sum + wrong, 0)).toBe(0);
};

describe('With a stand-by JobManager', () => {
  it('what it answers is what the leader says; and when the leader is killed it leads, and goes on with the job and its parallelism', async () => {
    const first = await scene.findLeader();
    const leader = scene.jobManager;
    await scene.standbyThere();
    await scene.client.flink.setParallelism(scene.flinkJobId, 3);
    await runningWith(3);
    await checkpoint();
    expect((await scene.clientOf(other(leader)).flink.jobs()).map(({ flinkJobId }) => flinkJobId)).toEqual([scene.flinkJobId]);
    const before = Date.now();
    process.kill(scene.cluster.pid(leader), 'SIGKILL');
    const second = await succeeded(first);
    expect([second, scene.jobManager.id]).toEqual([first + 1, other(leader).id]);
    await unharmed(before);
  }, 300_000);

  it('the one that was killed is the stand-by then, and leads when the other one is lost', async () => {
    const term = await scene.findLeader();
    const leader = scene.jobManager;
    await scene.standbyThere();
    const before = Date.now();
    process.kill(scene.cluster.pid(leader), 'SIGKILL');
    expect([await succeeded(term), scene.jobManager.id]).toEqual([term + 1, other(leader).id]);
    await unharmed(before);
  }, 300_000);

  it('it leads also though S3 refuses to write for a while', async () => {
    const term = await scene.findLeader();
    const leader = scene.jobManager;
    await scene.standbyThere();
    const before = Date.now();
    const refused = () => scene.jobManagers.flatMap((host) => log(host).match(REFUSED) ?? []).length;
    const refusedBefore = refused();
    // Checkpoints that are being written are refused too, and the client tries each by itself: how many that takes is not known.
    await storage.refuse('PutObject', 100_000);
    process.kill(scene.cluster.pid(leader), 'SIGKILL');
    await awaited('A write that is refused', () => refused() > refusedBefore || undefined, PATIENCE);
    await storage.refuse('PutObject', 0);
    await succeeded(term);
    await unharmed(before);
  }, 300_000);

  it('it leads when the leader stands still for longer than its TaskManagers wait; that one ends as soon as it goes on', async () => {
    const term = await scene.findLeader();
    const leader = scene.jobManager;
    await scene.standbyThere();
    const before = Date.now();
    const pid = scene.cluster.pid(leader);
    process.kill(pid, 'SIGSTOP');
    expect([await succeeded(term), scene.jobManager.id]).toEqual([term + 1, other(leader).id]);
    await runningWith(3);
    process.kill(pid, 'SIGCONT');
    await awaited('Its end', () => deathsOf(leader).find((one) => one.pid === pid && one.how === FENCED), PATIENCE);
    await scene.standbyThere();
    expect(await scene.findLeader()).toBe(term + 1);
    await unharmed(before);
  }, 300_000);

  it('a leader that was overtaken without knowing it ends itself within seconds', async () => {
    const term = await scene.findLeader();
    const leader = scene.jobManager;
    const before = Date.now();
    const deaths = deathsOf(leader).length;
    const nobody = `${ROOT}/leaders/${String(term + 1).padStart(10, '0')}/leader`;
    await storage.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: nobody, Body: '127.92.9.9\nnone\nnone\n' }));
    const end = await awaited('Its end', () => deathsOf(leader)[deaths], PATIENCE);
    expect(end.how).toBe(FENCED);
    await succeeded(term + 1);
    await unharmed(before);
  }, 300_000);

  it('one of them leads when both stand at once', async () => {
    const term = await scene.findLeader();
    const before = Date.now();
    await Promise.all(scene.jobManagers.map((host) => scene.cluster.endHost(host)));
    for (const host of scene.jobManagers) scene.cluster.startHost(host);
    await succeeded(term);
    await scene.standbyThere();
    const last = await scene.findLeader();
    for (let each = term + 1; each <= last; each += 1) expect(grants(each)).toBe(1);
    await unharmed(before);
  }, 300_000);
});
