import { buffer } from 'node:stream/consumers';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { ArtifactMissing } from '../../lambdas/contracts/errors';
import { createArtifacts } from '../../lambdas/gateways/aws/artifacts.adapter';
import type { ArtifactsPort } from '../../lambdas/gateways/aws/artifacts.port';
import { s3Client } from '../../lambdas/gateways/aws/clients';
import { createFakeArtifacts } from '../fakes/fake-artifacts';
import { type Emulator, startEmulator } from './support/emulator';

const BUCKET = `contract-${process.pid}-${Date.now()}`;
let emulator: Emulator;
let directories = 0;

beforeAll(async () => {
  emulator = await startEmulator();
  await s3Client().send(new CreateBucketCommand({ Bucket: BUCKET }));
}, 60_000);
afterAll(() => emulator.stop());

type Put = (key: string, content: string | Buffer) => Promise<unknown>;
const onFake = (): { artifacts: ArtifactsPort; put: Put } => {
  const artifacts = createFakeArtifacts();
  return { artifacts, put: async (key, content) => artifacts.put(`s3://${BUCKET}/${key}`, content) };
};
const onS3 = (): { artifacts: ArtifactsPort; put: Put } => {
  const client = s3Client();
  return {
    artifacts: createArtifacts({ client }),
    put: (key, content) => client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: content })),
  };
};

describe.each([
  ['fake', onFake],
  ['S3', onS3],
])('The artifacts (%s)', (_, create) => {
  let artifacts: ArtifactsPort;
  let put: Put;
  let directory: string;
  const uri = (key: string): string => `s3://${BUCKET}/${directory}/${key}`;
  beforeEach(() => {
    ({ artifacts, put } = create());
    directory = `test-${++directories}`;
  });

  test('tell the size of an object, and of none for what is not there', async () => {
    await put(`${directory}/job.jar`, Buffer.alloc(100_000, 7));
    expect(await artifacts.size(uri('job.jar'))).toBe(100_000);
    expect(await artifacts.size(uri('other.jar'))).toBeUndefined();
    expect(await artifacts.size(`s3://no-such-bucket-${Date.now()}/job.jar`)).toBeUndefined();
  });

  test('put an object, and copy one whatever its name, or say that there is none', async () => {
    await artifacts.put(uri('a b/größe+1?.sst'), Buffer.from([0, 255, 10]));
    expect(await artifacts.copy(uri('a b/größe+1?.sst'), uri('copy/x'))).toBe(true);
    expect(await artifacts.read(uri('copy/x'))).toEqual(Buffer.from([0, 255, 10]));
    expect(await artifacts.size(uri('a b/größe+1?.sst'))).toBe(3);
    expect(await artifacts.copy(uri('a b/missing'), uri('copy/y'))).toBe(false);
    expect(await artifacts.size(uri('copy/y'))).toBeUndefined();
  });

  test('tell when an object was written, by the second', async () => {
    const before = Math.floor(Date.now() / 1_000) * 1_000;
    await put(`${directory}/savepoint/_metadata`, 'x');
    const written = Date.parse((await artifacts.modifiedAt(uri('savepoint/_metadata'))) ?? '');
    expect(written).toBeGreaterThanOrEqual(before);
    expect(written).toBeLessThan(before + 60_000);
    expect(await artifacts.modifiedAt(uri('savepoint-2/_metadata'))).toBeUndefined();
  });

  test('open an object as a stream of its bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_value, index) => index % 251));
    await put(`${directory}/job.jar`, bytes);
    expect((await buffer(await artifacts.open(uri('job.jar')))).equals(bytes)).toBe(true);
  });

  test('name what is missing when it is to be opened', async () => {
    await expect(artifacts.open(uri('none.jar'))).rejects.toThrow(ArtifactMissing);
    await expect(artifacts.open(uri('none.jar'))).rejects.toThrow(/none\.jar/);
  });

  test('keep a text as it is, umlauts too, and replace it when it is put again', async () => {
    const location = await artifacts.putText(BUCKET, `${directory}/scripts/größe.sql`, 'SELECT «ä»;\n');
    expect(location).toBe(uri('scripts/größe.sql'));
    expect(await artifacts.getText(location)).toBe('SELECT «ä»;\n');
    await artifacts.putText(BUCKET, `${directory}/scripts/größe.sql`, '');
    expect(await artifacts.getText(location)).toBe('');
    expect(await artifacts.getText(uri('nothing'))).toBeUndefined();
  });

  test('read an object whole or its first bytes, and nothing of what is not there', async () => {
    await put(`${directory}/chk-1/_metadata`, 'metadata');
    await put(`${directory}/chk-1/empty`, '');
    expect((await artifacts.read(uri('chk-1/_metadata')))?.toString()).toBe('metadata');
    expect((await artifacts.read(uri('chk-1/_metadata'), 4))?.toString()).toBe('meta');
    expect((await artifacts.read(uri('chk-1/_metadata'), 100))?.toString()).toBe('metadata');
    expect((await artifacts.read(uri('chk-1/empty'), 16))?.length).toBe(0);
    expect(await artifacts.read(uri('chk-2/_metadata'))).toBeUndefined();
    expect(await artifacts.read(uri('chk-2/_metadata'), 16)).toBeUndefined();
  });

  test('list the objects below a directory, and the directories right in it, and not those of a directory with a longer name', async () => {
    await put(`${directory}/checkpoints/aaa/chk-12/_metadata`, 'xyz');
    await put(`${directory}/checkpoints/aaa/shared/file`, 'x');
    await put(`${directory}/checkpoints/bbb/shared/chk-99/_metadata`, 'x');
    await put(`${directory}/checkpoints/alone`, 'x');
    await put(`${directory}/checkpoints-2/ccc/chk-99/_metadata`, 'x');
    const listed = await artifacts.list(BUCKET, `${directory}/checkpoints`);
    expect(listed.map(({ key, sizeBytes }) => [key, sizeBytes])).toEqual([
      [`${directory}/checkpoints/aaa/chk-12/_metadata`, 3],
      [`${directory}/checkpoints/aaa/shared/file`, 1],
      [`${directory}/checkpoints/alone`, 1],
      [`${directory}/checkpoints/bbb/shared/chk-99/_metadata`, 1],
    ]);
    for (const { modifiedAt } of listed) expect(Math.abs(Date.now() - Date.parse(modifiedAt))).toBeLessThan(60_000);
    expect(await artifacts.directories(BUCKET, `${directory}/checkpoints`)).toEqual(['aaa', 'bbb']);
    expect(await artifacts.directories(BUCKET, `${directory}/checkpoints/aaa/`)).toEqual(['chk-12', 'shared']);
    expect(await artifacts.directories(BUCKET, `${directory}/none`)).toEqual([]);
    expect(await artifacts.list(BUCKET, `${directory}/none/`)).toEqual([]);
    await expect(artifacts.list(BUCKET, '/')).rejects.toThrow(/whole bucket/);
    await expect(artifacts.directories(BUCKET, '')).rejects.toThrow(/whole bucket/);
  });

  test('delete the objects that are named, more than fit in one request, and miss none that is not there', async () => {
    const names = Array.from({ length: 1_100 }, (_value, index) => `file-${index}`);
    for (let from = 0; from < names.length; from += 20)
      await Promise.all(names.slice(from, from + 20).map((name) => put(`${directory}/many/${name}`, 'x')));
    const all = await artifacts.list(BUCKET, `${directory}/many`);
    expect(all).toHaveLength(1_100);
    await artifacts.deleteObjects(BUCKET, [...all.slice(1).map(({ key }) => key), `${directory}/many/never-there`]);
    expect((await artifacts.list(BUCKET, `${directory}/many`)).map(({ key }) => key)).toEqual([all[0]?.key]);
    await artifacts.deleteObjects(BUCKET, []);
  }, 30_000);

  test('delete all below a directory, more than one page of it, and nothing beside it', async () => {
    for (let from = 0; from < 1_100; from += 20)
      await Promise.all(Array.from({ length: 20 }, (_value, index) => put(`${directory}/state/file-${from + index}`, 'x')));
    await put(`${directory}/state-of-another`, 'x');
    await artifacts.deletePrefix(BUCKET, `${directory}/state`);
    expect(await artifacts.size(uri('state/file-0'))).toBeUndefined();
    expect(await artifacts.size(uri('state/file-1099'))).toBeUndefined();
    expect(await artifacts.size(uri('state-of-another'))).toBe(1);
    await artifacts.deletePrefix(BUCKET, `${directory}/state`);
  }, 30_000);

  test('never take an empty prefix for the whole bucket', async () => {
    await expect(artifacts.deletePrefix(BUCKET, '')).rejects.toThrow(/whole bucket/);
    await expect(artifacts.deletePrefix(BUCKET, '/')).rejects.toThrow(/whole bucket/);
  });
});
