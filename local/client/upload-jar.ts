import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { TwinFile } from '../twin/twin-file';

/** Puts a jar into the artifact bucket, under its hash. @returns what a job's spec says of it, and its content */
export const uploadJar = async (twin: TwinFile, file: string): Promise<{ uri: string; sha256: string; content: Buffer }> => {
  const content = readFileSync(file);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const s3 = new S3Client({ endpoint: twin.awsEndpoint, region: twin.region, credentials: twin.credentials, forcePathStyle: true });
  const key = `jars/${basename(file, '.jar')}-${sha256.slice(0, 12)}.jar`;
  await s3.send(new PutObjectCommand({ Bucket: twin.artifactBucket, Key: key, Body: content }));
  return { uri: `s3://${twin.artifactBucket}/${key}`, sha256, content };
};
