/**
 * Reads the `_metadata` of a checkpoint or a savepoint: which files its state is in. Flink writes it (format versions 3 to 6, Flink 1.11 to 2.3) with
 * Java's DataOutputStream: numbers big-endian, texts behind their length in two bytes. The layout is that of Flink's MetadataV3Serializer to
 * MetadataV6Serializer and of what they call.
 */
export interface CheckpointMetadata {
  readonly version: number;
  /** One counter for a Flink job's checkpoints and savepoints; a job that is restored goes on counting where it was. */
  readonly checkpointId: number;
  readonly files: readonly StateFile[];
  readonly operators: readonly OperatorState[];
}

/** What an operator of the job's graph has of state. */
export interface OperatorState {
  /** Hexadecimal; Flink gives state back to the operator of the same id. */
  readonly id: string;
  /** As the program calls it; empty where Flink does not write it (before format version 5) or does not know it. */
  readonly name: string;
  /** In files and in line; a file that is shared counts up to where the operator's part ends. */
  readonly sizeBytes: number;
}

export interface StateFile {
  /** A whole URI, or (in a savepoint) a path below the directory of the `_metadata`. */
  readonly path: string;
  readonly relative: boolean;
  /** Size of the file as Flink knows it. Where several states share a file: where this one ends in it. Bytes. */
  readonly sizeBytes: number;
  /** `exactly`: the size of the whole file. `at-least`: there may be more behind it. */
  readonly size: 'exactly' | 'at-least';
}

/** What a `_metadata` is not: whole, or one that is understood here. */
export class UnreadableMetadata extends Error {
  constructor(
    /** `broken`: no Flink can restore from it. `unknown`: a newer Flink may. */
    readonly kind: 'broken' | 'unknown',
    message: string,
  ) {
    super(message);
    this.name = 'UnreadableMetadata';
  }
}

const MAGIC = 1_231_054_637;
const MASTER_STATE_MAGIC = -915_728_746;
const [OLDEST, NEWEST] = [3, 6];
/** Bytes of the head: magic number, version, checkpoint id. */
export const METADATA_HEAD_BYTES = 16;

/** @throws UnreadableMetadata */
export const readMetadataHead = (bytes: Buffer): Pick<CheckpointMetadata, 'version' | 'checkpointId'> => head(new Input(bytes));

/** @throws UnreadableMetadata */
export const readCheckpointMetadata = (bytes: Buffer): CheckpointMetadata => readAll(new Input(bytes));

const readAll = (input: Input): CheckpointMetadata => {
  const { version, checkpointId } = head(input);
  input.times(input.count(), () => masterState(input));
  const operators: OperatorState[] = [];
  input.times(input.count(), () => operators.push(operatorState(input, version)));
  // What follows from version 4 on are the checkpoint's properties, a serialized Java object without files.
  return { version, checkpointId, files: input.files, operators };
};

/** The same metadata with other texts, such as the paths of files that lie elsewhere now. @throws UnreadableMetadata */
export const rewriteCheckpointMetadata = (bytes: Buffer, change: (text: string) => string): Buffer => {
  const input = new Input(bytes);
  readAll(input);
  const parts: Buffer[] = [];
  let from = 0;
  for (const { at, length, value } of input.texts) {
    const changed = change(value);
    // Java writes characters beyond the first plane in its own way.
    if (changed === value) continue;
    const next = Buffer.from(changed, 'utf8');
    const size = Buffer.alloc(2);
    size.writeUInt16BE(next.byteLength);
    parts.push(bytes.subarray(from, at), size, next);
    from = at + 2 + length;
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
};

const head = (input: Input): Pick<CheckpointMetadata, 'version' | 'checkpointId'> => {
  if (input.int() !== MAGIC) throw new UnreadableMetadata('broken', 'it does not begin as the metadata of a checkpoint does');
  const version = input.int();
  if (version < OLDEST || version > NEWEST)
    throw new UnreadableMetadata('unknown', `format version ${version} is not among those that are known here (${OLDEST} to ${NEWEST})`);
  return { version, checkpointId: input.long() };
};

/** Bytes of a Buffer from first to last; every file handle that it meets is kept. */
class Input {
  readonly files: StateFile[] = [];
  /** Of state that does not lie in files. */
  inLineBytes = 0;
  /** Where each text begins with its length, and how many bytes it has behind that. */
  readonly texts: { readonly at: number; readonly length: number; readonly value: string }[] = [];
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  byte(): number {
    return this.bytes.readUInt8(this.step(1));
  }
  int(): number {
    return this.bytes.readInt32BE(this.step(4));
  }
  long(): number {
    return Number(this.bytes.readBigInt64BE(this.step(8)));
  }
  text(): string {
    const at = this.step(2);
    const length = this.bytes.readUInt16BE(at);
    const from = this.step(length);
    const value = this.bytes.toString('utf8', from, from + length);
    this.texts.push({ at, length, value });
    return value;
  }
  hex(length: number): string {
    const from = this.step(length);
    return this.bytes.toString('hex', from, from + length);
  }
  skip(length: number): void {
    this.step(length);
  }
  skipState(length: number): void {
    this.step(length);
    this.inLineBytes += length;
  }
  /** How many of something follow. */
  count(): number {
    const count = this.int();
    if (count < 0) throw new UnreadableMetadata('broken', `it counts ${count} of something at byte ${this.at - 4}`);
    return count;
  }
  times(count: number, read: () => void): void {
    for (let n = 0; n < count; n += 1) read();
  }
  unknown(what: string, tag: number): never {
    throw new UnreadableMetadata('unknown', `${what} of type ${tag} at byte ${this.at - 1} is not known here`);
  }

  private step(length: number): number {
    const from = this.at;
    if (length < 0 || from + length > this.bytes.length)
      throw new UnreadableMetadata('broken', `it ends after ${this.bytes.length} bytes, in the middle of something`);
    this.at += length;
    return from;
  }
}

const masterState = (input: Input): void => {
  if (input.int() !== MASTER_STATE_MAGIC) throw new UnreadableMetadata('broken', "the state of a coordinator's hook does not begin as one");
  input.skip(input.count());
};

const operatorState = (input: Input, version: number): OperatorState => {
  const { files, inLineBytes } = input;
  const known = files.length;
  const name = version >= 5 ? input.text() : '';
  // The operator's uid, as the program gives it.
  if (version >= 5) input.text();
  const id = input.hex(16);
  // Parallelism, max parallelism.
  input.skip(8);
  streamState(input);
  const subtasks = input.int();
  // Negative: all subtasks have finished.
  for (let n = 0; n < subtasks; n += 1) {
    const finished = input.int() < 0;
    if (!finished) subtaskState(input, version);
  }
  const inFiles = files.slice(known).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { id, name, sizeBytes: inFiles + input.inLineBytes - inLineBytes };
};

const subtaskState = (input: Input, version: number): void => {
  // Managed and raw.
  input.times(2, () => input.times(input.count(), () => operatorStreamState(input)));
  input.times(2, () => keyedState(input));
  // Buffers in flight of an unaligned checkpoint: of the inputs, then of the outputs.
  input.times(input.count(), () => channelState(input, version, INPUT));
  input.times(input.count(), () => channelState(input, version, OUTPUT));
};

const offsets = (input: Input): void => input.skip(8 * input.count());

/** State as a stream of bytes, in a file or in line. */
const streamState = (input: Input): void => {
  const tag = input.byte();
  switch (tag) {
    case 0:
    case 16:
      return;
    case 1:
      input.text();
      input.skipState(input.count());
      return;
    case 2: {
      const sizeBytes = input.long();
      input.files.push({ path: input.text(), relative: false, sizeBytes, size: 'exactly' });
      return;
    }
    case 3:
      keyGroups(input);
      streamState(input);
      return;
    case 6: {
      const path = input.text();
      input.files.push({ path, relative: true, sizeBytes: input.long(), size: 'exactly' });
      return;
    }
    case 15:
      segment(input);
      return;
    default:
      input.unknown('a state handle', tag);
  }
};

/** A part of a file that several states are written into (`execution.checkpointing.file-merging`). */
const segment = (input: Input): void => {
  const start = input.long();
  const length = input.long();
  // Scope.
  input.int();
  input.files.push({ path: input.text(), relative: false, sizeBytes: start + length, size: 'at-least' });
  // Id of the logical file.
  input.text();
};

/** First key group, how many, and for each its offset. */
const keyGroups = (input: Input): void => {
  input.int();
  offsets(input);
};

const keyedState = (input: Input): void => {
  const tag = input.byte();
  switch (tag) {
    case 0:
      return;
    case 3:
    case 7:
    case 12:
      keyGroups(input);
      streamState(input);
      if (tag === 12) input.text();
      return;
    case 5:
    case 11:
      incrementalState(input, tag === 11);
      return;
    case 8:
    case 14:
      changelogState(input, tag === 14);
      return;
    case 9:
      changelogInLine(input);
      return;
    case 10:
    case 13:
      changelogInFiles(input, tag === 13);
      return;
    default:
      input.unknown('keyed state', tag);
  }
};

/** RocksDB's: its own description, files that checkpoints share, and files of this one alone. */
const incrementalState = (input: Input, second: boolean): void => {
  input.long();
  input.text();
  // Key groups: the first, how many.
  input.skip(8);
  // What is new in this checkpoint, bytes.
  if (second) input.long();
  streamState(input);
  for (let part = 0; part < 2; part += 1)
    input.times(input.count(), () => {
      input.text();
      streamState(input);
    });
  if (second) input.text();
};

const changelogState = (input: Input, second: boolean): void => {
  input.skip(8);
  input.long();
  input.times(input.count(), () => keyedState(input));
  input.times(input.count(), () => keyedState(input));
  input.long();
  if (second) input.long();
  input.text();
};

const changelogInLine = (input: Input): void => {
  // Key groups, from and to.
  input.skip(8 + 16);
  input.times(input.count(), () => {
    input.int();
    input.skipState(input.count());
  });
  input.text();
};

const changelogInFiles = (input: Input, second: boolean): void => {
  input.skip(8);
  input.times(input.count(), () => {
    input.long();
    streamState(input);
  });
  // Size, and size of what is new.
  input.skip(16);
  input.text();
  if (second) input.text();
};

const operatorStreamState = (input: Input): void => {
  const tag = input.byte();
  if (tag === 0) return;
  if (tag !== 4 && tag !== 17) input.unknown('operator state', tag);
  input.times(input.count(), () => {
    input.text();
    input.byte();
    offsets(input);
  });
  if (tag === 17) {
    // Directories of the task and of what tasks share, and whether nothing was written.
    input.times(2, () => input.text());
    input.byte();
  }
  streamState(input);
};

interface ChannelTags {
  readonly one: number;
  readonly merged: number;
  readonly what: string;
}
const INPUT: ChannelTags = { one: 1, merged: 3, what: 'state of an input channel' };
const OUTPUT: ChannelTags = { one: 2, merged: 4, what: 'state of an output partition' };

const channelState = (input: Input, version: number, { one, merged, what }: ChannelTags): void => {
  const tag = version >= 6 ? input.byte() : one;
  if (tag === one) {
    // Subtask, gate or partition, channel.
    input.skip(12);
    offsets(input);
    input.long();
    streamState(input);
  } else if (tag === merged) {
    // Subtask, size.
    input.skip(12);
    streamState(input);
    input.skip(input.count());
  } else input.unknown(what, tag);
};
