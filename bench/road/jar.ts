import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { TwinFile } from '../../local/twin/twin-file';
import { ROOT } from '../../tools/bundle';

const MODULE = join(ROOT, 'examples/counter-jar');

export interface Jar {
  readonly content: Buffer;
  readonly sha256: string;
  readonly uri: string;
}

/** The example jar, built when it is not there, and put into the artifact bucket. */
export const uploadedJar = async (twin: TwinFile): Promise<Jar> => {
  const file = join(MODULE, 'target/counter.jar');
  if (!existsSync(file)) execFileSync('mvn', ['-q', '-B', 'package'], { cwd: MODULE, stdio: ['ignore', 'ignore', 'inherit'] });
  const content = readFileSync(file);
  const s3 = new S3Client({ endpoint: twin.awsEndpoint, region: twin.region, credentials: twin.credentials, forcePathStyle: true });
  const key = 'bench/counter.jar';
  await s3.send(new PutObjectCommand({ Bucket: twin.artifactBucket, Key: key, Body: content }));
  return { content, sha256: createHash('sha256').update(content).digest('hex'), uri: `s3://${twin.artifactBucket}/${key}` };
};

/** A job that counts ten generated numbers a second for ever. */
export const ARGUMENTS = ['--rate', '10'];
