import type { FakeArtifacts } from './fake-artifacts';

export interface FileWritten {
  /** A whole URI, or a path below the directory of the `_metadata`. */
  readonly path: string;
  readonly sizeBytes: number;
}

const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const long = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
};
const text = (value: string): Buffer => {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};
const NOTHING = Buffer.from([0]);

const handle = ({ path, sizeBytes }: FileWritten): Buffer =>
  /^\w+:\/\//.test(path)
    ? Buffer.concat([Buffer.from([2]), long(sizeBytes), text(path)])
    : Buffer.concat([Buffer.from([6]), text(path), long(sizeBytes)]);

/** A `_metadata` as Flink 2.3 writes it for one operator with one subtask that has an incremental RocksDB state of these files. */
export const checkpointMetadata = (checkpointId: number, files: readonly FileWritten[] = [], operator = 2): Buffer =>
  Buffer.concat([
    ...[int(1_231_054_637), int(6), long(checkpointId), int(0), int(1)],
    ...[text('Count'), text('count'), long(1), long(operator), int(1), int(128), NOTHING],
    // One subtask, the first, without operator state.
    ...[int(1), int(0), int(0), int(0)],
    ...[Buffer.from([11]), long(checkpointId), text('8a99d6af-038e-4b3a-a863-208160c34a7b'), int(0), int(128), long(0), NOTHING],
    int(files.length),
    ...files.flatMap((file, index) => [text(`${index}.sst`), handle(file)]),
    ...[int(0), text('handle'), NOTHING, int(0), int(0)],
  ]);

/** Puts a complete checkpoint or savepoint, with all its files, as Flink would. */
export const putState = (
  artifacts: FakeArtifacts,
  location: string,
  {
    checkpointId,
    files = [],
    at,
    operator,
  }: { readonly checkpointId: number; readonly files?: readonly FileWritten[]; readonly at?: Date; readonly operator?: number },
): void => {
  for (const { path, sizeBytes } of files) artifacts.put(/^\w+:\/\//.test(path) ? path : `${location}/${path}`, sizeBytes, at);
  artifacts.put(`${location}/_metadata`, checkpointMetadata(checkpointId, files, operator), at);
};
