import type { Readable } from 'node:stream';

export interface ArtifactsPort {
  /** Size in bytes, or undefined when there is no such object or it may not be read. */
  size(uri: string): Promise<number | undefined>;
  /** When the object was written (S3's LastModified, to the second), or undefined as `size`. */
  modifiedAt(uri: string): Promise<string | undefined>;
  /** The object as a stream, never whole in memory. @throws ArtifactMissing */
  open(uri: string): Promise<Readable>;
  /** Writes a small text and returns its s3:// URI. `bucket` is the artifact or the state bucket of the stage. */
  putText(bucket: string, key: string, text: string): Promise<string>;
  getText(uri: string): Promise<string | undefined>;
  /**
   * The newest retained checkpoint (one that has a `_metadata`) of all starts of a job, and when it was written. `directory` holds what Flink makes:
   * `<flinkJobId>/chk-<n>/_metadata`. With or without a slash at its end; an empty one is an error.
   */
  latestCheckpoint(bucket: string, directory: string): Promise<{ readonly location: string; readonly takenAt: string } | undefined>;
  /** Deletes everything below a prefix (a directory) of the state bucket. */
  deletePrefix(bucket: string, prefix: string): Promise<void>;
}
