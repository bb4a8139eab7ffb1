import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  readCheckpointMetadata,
  readMetadataHead,
  rewriteCheckpointMetadata,
  type StateFile,
  UnreadableMetadata,
} from '../../../lambdas/domain/checkpoint-metadata';
import { checkpointMetadata } from '../../fakes/checkpoint-metadata';

/** Written by Flink 2.3 for the counter example: test/contract/checkpoint-metadata.test.ts reads fresh ones. */
const written = (name: string): Buffer => readFileSync(join(__dirname, 'flink-metadata', `${name}.metadata`));

const refusal = (bytes: Buffer): UnreadableMetadata => {
  try {
    readCheckpointMetadata(bytes);
  } catch (error) {
    if (error instanceof UnreadableMetadata) return error;
    throw error;
  }
  throw new Error('it was read');
};
const directoryOf = ({ path }: StateFile): string => path.slice(0, path.lastIndexOf('/')).replace(/[0-9a-f]{32}/, '<job>');

test.each<[string, string, number, { shared: number; own: number; bytes: number }]>([
  [
    'an incremental RocksDB checkpoint names files of its own and files that it shares',
    'incremental-chk',
    4,
    { shared: 14, own: 4, bytes: 252_810 },
  ],
  ['a native savepoint has all files below its own directory', 'incremental-sp', 5, { shared: 0, own: 14, bytes: 222_901 }],
  ['a small state is in line, and only large files are named', 'inline-chk', 4, { shared: 2, own: 0, bytes: 42_484 }],
  ['an unaligned checkpoint names the file of the buffers in flight', 'unaligned-chk', 5, { shared: 10, own: 5, bytes: 1_056_527 }],
  ['a savepoint of the hash map backend', 'hashmap-sp', 5, { shared: 0, own: 4, bytes: 307_737 }],
])('%s', (_, name, checkpointId, expected) => {
  const bytes = written(name);
  const metadata = readCheckpointMetadata(bytes);
  expect(metadata).toMatchObject({ version: 6, checkpointId });
  expect(readMetadataHead(bytes.subarray(0, 16))).toEqual({ version: 6, checkpointId });
  const files = new Map(metadata.files.map((file) => [file.path, file]));
  const own = [...files.values()].filter(({ relative }) => relative);
  const shared = [...files.values()].filter(({ relative }) => !relative);
  expect({ shared: shared.length, own: own.length, bytes: [...files.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }).toEqual(
    expected,
  );
  for (const { path } of own) expect(path).toMatch(/^[0-9a-f-]{36}$/);
  for (const file of shared) expect(directoryOf(file)).toMatch(/^s3:\/\/[^/]+\/checkpoints\/<job>\/shared$/);
});

test.each(['incremental-chk', 'unaligned-chk', 'inline-chk', 'hashmap-sp'])(
  '%s cut off anywhere is broken, never a shorter list of files',
  (name) => {
    const bytes = written(name);
    // Behind the state come the properties of the checkpoint, a Java object of a few hundred bytes.
    const state = bytes.indexOf(Buffer.from([0xac, 0xed, 0x00, 0x05]));
    expect(state).toBeGreaterThan(1_000);
    for (let length = 0; length < state; length += 7) expect(refusal(bytes.subarray(0, length)).kind).toBe('broken');
    expect(readCheckpointMetadata(bytes.subarray(0, state)).files).toEqual(readCheckpointMetadata(bytes).files);
  },
);

test('what is no metadata at all is broken; a newer format is not understood', () => {
  expect(refusal(Buffer.from('PK\x03\x04, a jar and no metadata')).kind).toBe('broken');
  const newer = written('inline-chk');
  newer.writeInt32BE(7, 4);
  expect(refusal(newer)).toMatchObject({ kind: 'unknown', message: expect.stringContaining('version 7') });
});

test('what the fakes write is read as it was written', () => {
  const files = [
    { path: 's3://state/clusters/flights/jobs/delays/checkpoints/f/shared/1', sizeBytes: 5_000_000_000 },
    { path: 'größe', sizeBytes: 7 },
  ];
  expect(readCheckpointMetadata(checkpointMetadata(12, files))).toEqual({
    version: 6,
    checkpointId: 12,
    files: files.map((file, index) => ({ ...file, relative: index === 1, size: 'exactly' })),
    operators: [{ id: '00000000000000010000000000000002', name: 'Count', sizeBytes: 5_000_000_007 }],
  });
});

test('metadata is written again with other paths, longer or shorter, and is the same otherwise', () => {
  const files = [
    { path: 's3://state/clusters/flights/jobs/delays/checkpoints/a/shared/größe', sizeBytes: 7 },
    { path: 'relative', sizeBytes: 9 },
  ];
  const bytes = Buffer.concat([checkpointMetadata(12, files), Buffer.from('what Flink writes behind it')]);
  expect(rewriteCheckpointMetadata(bytes, (text) => text)).toEqual(bytes);
  const moved = rewriteCheckpointMetadata(bytes, (text) => text.replace('/flights/', '/flights-drill/'));
  expect(readCheckpointMetadata(moved)).toEqual({
    ...readCheckpointMetadata(bytes),
    files: readCheckpointMetadata(bytes).files.map((file) => ({ ...file, path: file.path.replace('/flights/', '/flights-drill/') })),
  });
  expect(moved.byteLength).toBe(bytes.byteLength + 6);
  expect(rewriteCheckpointMetadata(moved, (text) => text.replace('/flights-drill/', '/flights/'))).toEqual(bytes);
  expect(() => rewriteCheckpointMetadata(bytes.subarray(0, 40), (text) => text)).toThrow(UnreadableMetadata);
});

test('texts that are not changed stay as Java wrote them, which writes characters beyond the first plane in its own way', () => {
  const path = 's3://state/clusters/flights/jobs/delays/checkpoints/a/shared/ABCDEF';
  const bytes = checkpointMetadata(1, [{ path, sizeBytes: 1 }]);
  Buffer.from([0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]).copy(bytes, bytes.indexOf('ABCDEF'));
  expect(rewriteCheckpointMetadata(bytes, (text) => text).equals(bytes)).toBe(true);
});

test.each(readdirSync(join(__dirname, 'flink-metadata')))(
  '%s, as Flink has written it, is the same with the same texts, and back again',
  (file) => {
    const bytes = written(file.replace('.metadata', ''));
    expect(rewriteCheckpointMetadata(bytes, (text) => text).equals(bytes)).toBe(true);
    const other = rewriteCheckpointMetadata(bytes, (text) => `${text}, elsewhere`);
    expect(other.equals(bytes)).toBe(false);
    expect(readCheckpointMetadata(other).operators.map(({ id, sizeBytes }) => [id, sizeBytes])).toEqual(
      readCheckpointMetadata(bytes).operators.map(({ id, sizeBytes }) => [id, sizeBytes]),
    );
    expect(rewriteCheckpointMetadata(other, (text) => text.replace(', elsewhere', '')).equals(bytes)).toBe(true);
  },
);
