import type { Readable } from 'node:stream';

export interface StoredObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** S3's LastModified, to the second. ISO 8601. */
  readonly modifiedAt: string;
}

export interface ArtifactsPort {
  /** Size in bytes, or undefined when there is no such object or it may not be read. */
  size(uri: string): Promise<number | undefined>;
  /** When the object was written (S3's LastModified, to the second), or undefined as `size`. */
  modifiedAt(uri: string): Promise<string | undefined>;
  /** The object as a stream, never whole in memory. @throws ArtifactMissing */
  open(uri: string): Promise<Readable>;
  /** Writes a small text and returns its s3:// URI. `bucket` is the artifact or the state bucket of the stage. */
  putText(bucket: string, key: string, text: string): Promise<string>;
  /** Writes an object whole. */
  put(uri: string, content: Buffer): Promise<void>;
  /** Copies an object of at most 5 GB within S3, which writes it whole or not at all; false when there is none to copy. */
  copy(from: string, to: string): Promise<boolean>;
  getText(uri: string): Promise<string | undefined>;
  /** The object in memory, or its first bytes only; undefined as `size`. */
  read(uri: string, firstBytes?: number): Promise<Buffer | undefined>;
  /** Every object below a directory. With or without a slash at its end; an empty one is an error. */
  list(bucket: string, directory: string): Promise<readonly StoredObject[]>;
  /** Names of the directories right in a directory, without slashes. With or without a slash at its end; an empty one is an error. */
  directories(bucket: string, directory: string): Promise<readonly string[]>;
  /** Deletes objects; what is not there is not missed. */
  deleteObjects(bucket: string, keys: readonly string[]): Promise<void>;
  /** Deletes everything below a prefix (a directory) of the state bucket. */
  deletePrefix(bucket: string, prefix: string): Promise<void>;
}
