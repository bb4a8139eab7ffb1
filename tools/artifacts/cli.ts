import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { S3Client } from '@aws-sdk/client-s3';
import { pack, unpackJava } from './archive';
import { defaultFlinkVersion, flinkImage } from './flink-image';
import { distributionPrefix, upload } from './upload';

const usage = `npm run artifacts -- --bucket NAME [--flink ${defaultFlinkVersion}] [--java FILE]...

Fills the artifact bucket with what nodes need: Flink with its plugins, and a Java runtime.
  --bucket  the stage's artifact bucket (output ArtifactBucket of the storage stack)
  --flink   Flink version
  --java    a Linux JDK or JRE archive (.tar.gz) of Java 17 or 21, for example Amazon Corretto's; give one for each architecture
            that your instance types have. Not needed when your machine image has Java.`;

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      bucket: { type: 'string' },
      flink: { type: 'string', default: defaultFlinkVersion },
      java: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || !values.bucket) {
    console.log(usage);
    process.exitCode = values.help ? 0 : 1;
    return;
  }
  const { bucket, flink, java } = values;
  const s3 = new S3Client({ forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL) });
  const work = await mkdtemp(join(tmpdir(), 'sluice-artifacts-'));
  try {
    const put = async (directory: string, name: string): Promise<void> => {
      const archive = await pack(directory, join(work, name));
      const key = `${distributionPrefix(flink)}${name}`;
      const done = (await upload(s3, bucket, key, archive)) ? 'uploaded' : 'is there already';
      console.log(`s3://${bucket}/${key} ${done} (${Math.round(archive.bytes / 1e6)} MB, SHA-256 ${archive.sha256})`);
    };
    await put(await flinkImage(flink, console.log), 'flink.tar.gz');
    for (const [index, file] of java.entries()) {
      const runtime = await unpackJava(file, join(work, String(index)));
      console.log(`Java ${runtime.version} for ${runtime.architecture}`);
      await put(runtime.directory, `java-${runtime.architecture}.tar.gz`);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

main().catch((error: Error) => {
  console.error(`Artifacts: ${error.message}`);
  process.exitCode = 1;
});
