import { Conflict } from '../../../lambdas/contracts/errors';
import { metadataOf } from '../../../lambdas/domain/plan-retention';
import { snapshotIdOf } from '../../../lambdas/domain/snapshot-id';
import { checkpointsPrefix } from '../../../lambdas/domain/state-paths';
import { deleteSnapshot } from '../../../lambdas/usecases/state/delete-snapshot';
import { listSnapshots } from '../../../lambdas/usecases/state/list-snapshots';
import { type RetainDeps, retainSnapshots } from '../../../lambdas/usecases/state/retain-snapshots';
import { putState } from '../../fakes/checkpoint-metadata';
import { createFakeArtifacts } from '../../fakes/fake-artifacts';
import { createFakeStore } from '../../fakes/fake-store';
import { NOW, snapshotsOf, startId } from '../../fakes/snapshots';

const BUCKET = 'state';
const SNAPSHOTS = snapshotsOf(BUCKET);
const { savepoint, checkpoint, shared, cluster } = SNAPSHOTS;
const clock = () => NOW;

const world = async () => {
  const artifacts = createFakeArtifacts(clock);
  const store = createFakeStore(clock);
  SNAPSHOTS.put(artifacts);
  store.seed({ clusters: [cluster], jobs: [...SNAPSHOTS.jobs] });
  for (const [job, location] of [
    ['delays', savepoint('delays', 1, 'a')],
    ['totals', savepoint('totals', 1, 'c')],
    ['totals', savepoint('totals', 1, 'd')],
  ] as const)
    await store.putSnapshot({
      ...{ cluster: 'flights', job, location, kind: 'savepoint', origin: 'op-1' },
      ...{ flinkJobId: startId(job, 1), takenAt: NOW.toISOString() },
    });
  const stage = { stateBucket: BUCKET, retention: { count: 2, days: 30 } };
  return { artifacts, store, stage, clock };
};
type World = Awaited<ReturnType<typeof world>>;

/** `half`: of the objects that were to be deleted, the first half is. */
type When = 'before' | 'half' | 'after';

/** The same ports, of whose calls the one of this number ends the function. */
const interrupted = (deps: World, at: number, when: When): RetainDeps & { readonly made: () => number } => {
  let calls = 0;
  const port = <T extends object>(real: T): T =>
    new Proxy(real, {
      get(target, key) {
        const value = Reflect.get(target, key) as unknown;
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]): Promise<unknown> => {
          const number = ++calls;
          const call = value as (...given: unknown[]) => Promise<unknown>;
          if (number !== at) return call.apply(target, args);
          if (when === 'after') await call.apply(target, args);
          const [bucket, keys] = args;
          if (when === 'half' && Array.isArray(keys)) await call.apply(target, [bucket, keys.slice(0, keys.length / 2)]);
          throw new Error('The function was killed');
        };
      },
    });
  return { ...deps, artifacts: port(deps.artifacts), store: port(deps.store), made: () => calls };
};

const listed = async (deps: World) =>
  (await Promise.all(['delays', 'totals'].map((job) => listSnapshots(deps, 'flights', job, { limit: 100 })))).flatMap(({ items }) => items);
const there = async (deps: World): Promise<readonly string[]> =>
  (await listed(deps)).filter(({ sizeBytes }) => sizeBytes > 0).map(({ location }) => location);

/** What is listed as restorable is whole, and of what is not, nothing is left that looks like a snapshot. */
const expectNoHalves = async (deps: World, stays: readonly string[]): Promise<void> => {
  const items = await listed(deps);
  const whole = items.filter(({ restorable }) => restorable === 'yes').map(({ location }) => location);
  expect(whole).toEqual(expect.arrayContaining([...stays]));
  expect(items.filter(({ restorable }) => restorable !== 'yes').map(({ reason }) => reason)).toEqual(
    items.filter(({ restorable }) => restorable !== 'yes').map(() => expect.stringMatching(/^It is gone/)),
  );
};

describe.each([
  ['Retention', (deps: RetainDeps) => retainSnapshots(deps, cluster)],
  [
    'The deletion of one snapshot',
    (deps: RetainDeps) => deleteSnapshot(deps, { cluster: 'flights', job: 'delays', snapshot: snapshotIdOf(checkpoint('delays', 1, 6)) }),
  ],
])('%s', (_, run) => {
  test('broken off at each of its calls leaves no snapshot that has lost a file, none of those that stay, and is finished by the next run', async () => {
    const undisturbed = await world();
    const before = await there(undisturbed);
    const counted = interrupted(undisturbed, 0, 'before');
    await run(counted);
    const stays = await there(undisturbed);
    const left = undisturbed.artifacts.uris();
    expect(stays.length).toBeLessThan(before.length);
    expect(counted.made()).toBeGreaterThan(20);
    let changed = 0;
    for (let at = 1; at <= counted.made(); at++)
      for (const when of ['before', 'half', 'after'] as const) {
        const deps = await world();
        const all = deps.artifacts.uris().length;
        await expect(run(interrupted(deps, at, when))).rejects.toThrow('The function was killed');
        if (deps.artifacts.uris().length < all) changed += 1;
        await expectNoHalves(deps, stays);
        await run(deps);
        expect(await there(deps)).toEqual(stays);
        // What a deletion of one snapshot could not finish, because it no longer knows its files, retention finds.
        await retainSnapshots(deps, cluster);
        const compared = await world();
        await run(compared);
        await retainSnapshots(compared, cluster);
        expect(deps.artifacts.uris()).toEqual(compared.artifacts.uris());
      }
    expect(changed).toBeGreaterThan(1);
    expect(left.length).toBeGreaterThan(0);
  });
});

/** The same, where Flink goes on each time when what `delays` has has been listed and nothing of it has been read. */
const meanwhile = (deps: World, act: (listing: number) => void): RetainDeps => {
  let listings = 0;
  const artifacts = new Proxy(deps.artifacts, {
    get: (target, key) => {
      const value = Reflect.get(target, key);
      if (key !== 'list') return value;
      return async (bucket: string, directory: string): Promise<unknown> => {
        const found = await target.list(bucket, directory);
        if (directory === checkpointsPrefix('flights', 'delays')) act(++listings);
        return found;
      };
    },
  });
  return { ...deps, artifacts };
};
const vanish = ({ artifacts }: World, ...locations: readonly string[]): void => {
  for (const uri of artifacts.uris().filter((one) => locations.some((location) => one.startsWith(`${location}/`)))) artifacts.remove(uri);
};
/** Another start's file that every checkpoint of the running start goes on with. */
const needed = shared('delays', 1, 1);
const complete = ({ artifacts }: World, number: number): void =>
  putState(artifacts, checkpoint('delays', 3, number), { checkpointId: number, files: [{ path: 'a', sizeBytes: 70 }, needed] });

describe('Retention while Flink completes checkpoints and deletes those before', () => {
  test('deletes what is over, and leaves out what is gone before it was looked into', async () => {
    const deps = await world();
    const compared = await world();
    vanish(compared, checkpoint('delays', 3, 11));
    const expected = await retainSnapshots(compared, cluster);
    const seen = await retainSnapshots(
      meanwhile(deps, () => vanish(deps, checkpoint('delays', 3, 11))),
      cluster,
    );
    expect(seen.deleted).toBeGreaterThan(0);
    expect(seen).toEqual(expected);
    expect(deps.artifacts.uris()).toEqual(compared.artifacts.uris());
  });

  test('looks again when all that the running start had is gone, and keeps what its newer checkpoints need', async () => {
    const deps = await world();
    const seen = await retainSnapshots(
      meanwhile(deps, (listing) => {
        if (listing > 1) return;
        vanish(deps, SNAPSHOTS.origin, checkpoint('delays', 3, 11), checkpoint('delays', 3, 12));
        complete(deps, 13);
      }),
      cluster,
    );
    expect(seen.dropped.map(({ location }) => location)).toContain(checkpoint('delays', 1, 4));
    expect(await deps.artifacts.size(needed.path)).toBe(needed.sizeBytes);
    expect(await deps.artifacts.size(shared('delays', 1, 77).path)).toBeUndefined();
  });

  test('deletes nothing where no checkpoint of the running start could be read, though a savepoint of it could', async () => {
    const deps = await world();
    putState(deps.artifacts, savepoint('delays', 3, 'e'), { checkpointId: 14, files: [{ path: 'a', sizeBytes: 70 }] });
    const seen = await retainSnapshots(
      meanwhile(deps, (listing) => {
        vanish(deps, SNAPSHOTS.origin, ...[11, 12, 13].map((number) => checkpoint('delays', 3, number)));
        if (listing === 1) complete(deps, 13);
      }),
      cluster,
    );
    expect(seen).toMatchObject({ deleted: 0, reason: expect.stringMatching(/neither a checkpoint of its own nor its origin .* is there/) });
  });

  test('deletes nothing where a snapshot is there and may not be read', async () => {
    const deps = await world();
    const forbidden = metadataOf(checkpoint('delays', 2, 8));
    const artifacts = new Proxy(deps.artifacts, {
      get: (target, key) =>
        key === 'read' ? async (uri: string) => (uri === forbidden ? undefined : target.read(uri)) : Reflect.get(target, key),
    });
    const seen = await retainSnapshots({ ...deps, artifacts }, cluster);
    expect(seen).toMatchObject({ deleted: 0, reason: expect.stringMatching(/chk-8 needs is not known: its _metadata may not be read/) });
  });
});

describe('The deletion of one snapshot', () => {
  const remove = (deps: RetainDeps, job: string, location: string) =>
    deleteSnapshot(deps, { cluster: 'flights', job, snapshot: snapshotIdOf(location) });

  test('takes what only it needs: files that checkpoints of other starts go on with stay', async () => {
    const deps = await world();
    const answer = await remove(deps, 'delays', checkpoint('delays', 1, 6));
    // Metadata and its own file; both shared files are of checkpoints 4 and 8 as well.
    expect(answer).toMatchObject({ deleted: true, objects: 2, reason: expect.stringMatching(/2 stay/) });
    await remove(deps, 'delays', checkpoint('delays', 1, 4));
    expect(await deps.artifacts.size(shared('delays', 1, 1).path)).toBeUndefined();
    expect(await deps.artifacts.size(shared('delays', 1, 2).path)).toBe(1_002);
    expect((await listed(deps)).map(({ restorable }) => restorable)).toEqual((await listed(deps)).map(() => 'yes'));
  });

  test('counts the bytes that it gave back', async () => {
    const deps = await world();
    const size = (await deps.artifacts.size(`${savepoint('delays', 1, 'a')}/_metadata`)) ?? 0;
    expect(await remove(deps, 'delays', savepoint('delays', 1, 'a'))).toMatchObject({ objects: 3, freedBytes: size + 140 });
  });

  test.each([
    ['the newest state of a stopped job', 'totals', savepoint('totals', 1, 'd'), /newest state of job totals/],
    ['a checkpoint of the running start', 'delays', checkpoint('delays', 3, 11), /Flink keeps and deletes itself/],
  ] as const)('refuses %s and says why', async (_, job, location, why) => {
    const deps = await world();
    const before = deps.artifacts.uris();
    await expect(remove(deps, job, location)).rejects.toThrow(why);
    await expect(remove(deps, job, location)).rejects.toThrow(Conflict);
    expect(deps.artifacts.uris()).toEqual(before);
  });

  test('refuses the only state that a job could be restored from', async () => {
    const deps = await world();
    await remove(deps, 'totals', savepoint('totals', 1, 'c'));
    await expect(remove(deps, 'totals', savepoint('totals', 1, 'd'))).rejects.toThrow(/only state that job totals could be restored from/);
  });

  test('refuses what a start has begun with, until that has a checkpoint of its own', async () => {
    const deps = await world();
    for (const uri of deps.artifacts.uris().filter((one) => /\/chk-1[12]\//.test(one))) deps.artifacts.remove(uri);
    await expect(remove(deps, 'delays', SNAPSHOTS.origin)).rejects.toThrow(/was started from it and has no checkpoint of its own/);
    // Flink does not recover from a savepoint that it took on the way.
    putState(deps.artifacts, savepoint('delays', 3, 'e'), { checkpointId: 13, files: [{ path: 'a', sizeBytes: 70 }] });
    await expect(remove(deps, 'delays', SNAPSHOTS.origin)).rejects.toThrow(/has no checkpoint of its own/);
    expect(await remove(await world(), 'delays', SNAPSHOTS.origin)).toMatchObject({ deleted: true });
  });

  test('refuses what a failover has stopped a job with, whatever the job says of itself', async () => {
    const deps = await world();
    const [delays, totals] = SNAPSHOTS.jobs;
    const waiting = savepoint('totals', 1, 'c');
    if (!delays || !totals) throw new Error('no jobs');
    const by = { by: `op-${'a'.repeat(26)}`, at: NOW.toISOString(), savepoint: waiting };
    deps.store.seed({ jobs: [delays, { ...totals, interrupted: by }] });
    await expect(remove(deps, 'totals', waiting)).rejects.toThrow(/failover has stopped job totals/);
  });

  test('leaves the files where it is not known which of them others need', async () => {
    const deps = await world();
    deps.artifacts.put(`${savepoint('totals', 1, 'c')}/_metadata`, Buffer.from([0x49, 0x60, 0x67, 0x2d, 0, 0, 0, 99]));
    const unknown = (await listed(deps)).find(({ location }) => location === savepoint('totals', 1, 'c'));
    expect(unknown?.restorable).toBe('unknown');
    expect(await remove(deps, 'delays', savepoint('delays', 1, 'a'))).toMatchObject({
      objects: 1,
      reason: expect.stringMatching(/Its 2 files stay until it is known/),
    });
    expect(await there(deps)).not.toContain(savepoint('delays', 1, 'a'));
  });
});
