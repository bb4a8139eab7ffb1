import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { counterJar } from '../../contract/support/counter-jar';
import { awsConfiguration, twin } from './twin';

/** A stream that never ends: numbers into nothing, at a rate that costs next to no CPU. */
export const endlessSql = (rate = 10): string => `
CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '${rate}');
CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere SELECT n FROM numbers;
`;

export const s3 = new S3Client({ ...awsConfiguration, forcePathStyle: true });

/** The example jar in the artifact bucket. @returns what a job's spec says of it */
export const uploadedCounterJar = async (): Promise<{ uri: string; sha256: string }> => {
  const content = readFileSync(counterJar());
  const sha256 = createHash('sha256').update(content).digest('hex');
  const key = `jars/counter-${sha256.slice(0, 12)}.jar`;
  await s3.send(new PutObjectCommand({ Bucket: twin.artifactBucket, Key: key, Body: content }));
  return { uri: `s3://${twin.artifactBucket}/${key}`, sha256 };
};

export const counterArguments = (options: Record<string, string | number>): string[] =>
  Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
