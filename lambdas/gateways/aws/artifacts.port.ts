import type { Readable } from 'node:stream';

export interface ArtifactsPort {
  /** Size in bytes, or undefined when there is no such object or it may not be read. */
  size(uri: string): Promise<number | undefined>;
  /** The object as a stream, never whole in memory. @throws ArtifactMissing */
  open(uri: string): Promise<Readable>;
  /** Writes a small text and returns its s3:// URI. `bucket` is the artifact or the state bucket of the stage. */
  putText(bucket: string, key: string, text: string): Promise<string>;
  getText(uri: string): Promise<string | undefined>;
  /**
   * The newest retained checkpoint directory (`…/chk-N` that has a `_metadata`) below a prefix, and when it was written.
   * A prefix stands for a directory, with or without a slash at its end; an empty one is an error.
   */
  latestCheckpoint(bucket: string, prefix: string): Promise<{ readonly location: string; readonly takenAt: string } | undefined>;
  /** Deletes everything below a prefix (a directory) of the state bucket. */
  deletePrefix(bucket: string, prefix: string): Promise<void>;
}
