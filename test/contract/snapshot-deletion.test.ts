import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { Conflict } from '../../lambdas/contracts/errors';
import { snapshotIdOf } from '../../lambdas/domain/snapshot-id';
import { createArtifacts } from '../../lambdas/gateways/aws/artifacts.adapter';
import { s3Client } from '../../lambdas/gateways/aws/clients';
import { deleteSnapshot } from '../../lambdas/usecases/state/delete-snapshot';
import { listSnapshots } from '../../lambdas/usecases/state/list-snapshots';
import { createFakeArtifacts } from '../fakes/fake-artifacts';
import { createFakeStore } from '../fakes/fake-store';
import { NOW, snapshotsOf } from '../fakes/snapshots';
import { type Emulator, startEmulator } from './support/emulator';

const BUCKET = `deletion-${process.pid}-${Date.now()}`;
const SNAPSHOTS = snapshotsOf(BUCKET);
let emulator: Emulator;

beforeAll(async () => {
  emulator = await startEmulator();
  await s3Client().send(new CreateBucketCommand({ Bucket: BUCKET }));
}, 60_000);
afterAll(() => emulator.stop());

/** What lies in S3 before, as Flink would have put it there. */
const put = async (): Promise<void> => {
  const made = createFakeArtifacts();
  SNAPSHOTS.put(made);
  for (const uri of made.uris())
    await s3Client().send(
      new PutObjectCommand({ Bucket: BUCKET, Key: uri.slice(`s3://${BUCKET}/`.length), Body: (await made.read(uri)) ?? '' }),
    );
};

test('Every snapshot in S3 that no job needs is deleted by its id, twice without harm, and after each the others have all their files', async () => {
  await put();
  const clock = () => NOW;
  const store = createFakeStore(clock);
  store.seed({ clusters: [SNAPSHOTS.cluster], jobs: [...SNAPSHOTS.jobs] });
  const stage = { stateBucket: BUCKET, retention: { count: 10, days: 30 } };
  const artifacts = createArtifacts({ client: s3Client() });
  const deps = { artifacts, store, stage, clock };
  const list = async () =>
    (await Promise.all(['delays', 'totals'].map((job) => listSnapshots(deps, 'flights', job, { limit: 100 })))).flatMap(
      ({ items }) => items,
    );
  const refused: string[] = [];
  const deleted: string[] = [];
  for (const { job, id } of await list()) {
    const named = { cluster: 'flights', job, snapshot: id };
    try {
      const answer = await deleteSnapshot(deps, named);
      expect(answer).toMatchObject({ id, deleted: true });
      deleted.push(id);
      expect(await deleteSnapshot(deps, named)).toMatchObject({ deleted: false, objects: 0 });
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      refused.push(id);
    }
    const left = await list();
    expect(left.map(({ restorable }) => restorable)).toEqual(left.map(() => 'yes'));
    expect(left.filter((one) => deleted.includes(one.id))).toEqual([]);
  }
  expect(refused.sort()).toEqual(
    [SNAPSHOTS.checkpoint('delays', 3, 11), SNAPSHOTS.checkpoint('delays', 3, 12), SNAPSHOTS.savepoint('totals', 1, 'd')]
      .map(snapshotIdOf)
      .sort(),
  );
  expect(deleted).toHaveLength(6);
  // What is left: three snapshots, what they refer to, and what never belonged to one, which retention takes when it is a day old.
  const keys = [...(await artifacts.list(BUCKET, 'clusters/flights'))].map(({ key }) => key);
  const shared = (epoch: number, number: number) => SNAPSHOTS.shared('delays', epoch, number).path.slice(`s3://${BUCKET}/`.length);
  expect(keys.filter((key) => key.includes('/shared/')).sort()).toEqual([shared(1, 77), shared(2, 2), shared(3, 1)].sort());
  expect(keys).toHaveLength(3 + 3 + 3);
}, 60_000);
