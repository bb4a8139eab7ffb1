import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { s3Client } from '../../../lambdas/gateways/aws/clients';
import { type Emulator, startEmulator } from './emulator';
import { type FlinkOptions, type RealFlink, startFlink } from './flink';

/** Real Flink whose checkpoints and savepoints lie in the emulator's S3, in a bucket of its own. */
export interface FlinkOnS3 extends RealFlink {
  readonly bucket: string;
  readonly emulator: Emulator;
  /** All that TaskManagers have printed so far. */
  printed(): string;
}

export async function startFlinkOnS3(options: FlinkOptions & { readonly bucket: string }): Promise<FlinkOnS3> {
  const { bucket } = options;
  const emulator = await startEmulator();
  try {
    await s3Client().send(new CreateBucketCommand({ Bucket: bucket }));
    const real = await startFlink({
      ...options,
      configuration: {
        's3.endpoint': emulator.endpoint,
        's3.path.style.access': 'true',
        's3.region': 'us-east-1',
        's3.access-key': 'test',
        's3.secret-key': 'test',
        'execution.checkpointing.dir': `s3://${bucket}/checkpoints`,
        'execution.checkpointing.savepoint-dir': `s3://${bucket}/savepoints`,
        ...options.configuration,
      },
    });
    const logs = join(real.directory, 'log');
    return {
      ...real,
      bucket,
      emulator,
      printed: () =>
        readdirSync(logs)
          .filter((name) => name.startsWith('taskmanager-'))
          .map((name) => readFileSync(join(logs, name), 'utf8'))
          .join(''),
      async stop() {
        await real.stop();
        await emulator.stop();
      },
    };
  } catch (error) {
    await emulator.stop();
    throw error;
  }
}
