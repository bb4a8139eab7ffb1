import { createReadStream } from 'node:fs';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Archive } from './archive';

/** Below this prefix a node looks for a Flink version: the control plane names it in `node.json`. */
export const distributionPrefix = (flinkVersion: string): string => `flink/${flinkVersion}/`;

/**
 * Puts an archive and then its checksum object `<key>.sha256`. A node that boots in between sees the old checksum with the new
 * archive and refuses it, so a half-done upload is never used.
 *
 * @returns false when the bucket held the same archive already
 */
export const upload = async (s3: S3Client, bucket: string, key: string, archive: Archive): Promise<boolean> => {
  if ((await statedChecksum(s3, bucket, key)) === archive.sha256) return false;
  await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: createReadStream(archive.file),
      ContentLength: archive.bytes,
      ChecksumSHA256: Buffer.from(archive.sha256, 'hex').toString('base64'),
    }),
  );
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${key}.sha256`, Body: `${archive.sha256}  ${key.split('/').at(-1)}\n` }));
  return true;
};

const statedChecksum = async (s3: S3Client, bucket: string, key: string): Promise<string | undefined> => {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `${key}.sha256` }));
    return (await Body?.transformToString())?.split(' ')[0];
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
};
