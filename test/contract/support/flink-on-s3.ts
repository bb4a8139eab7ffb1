import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { s3Client } from '../../../lambdas/gateways/aws/clients';
import type { Session, SessionProps } from '../../../local/flink/session';
import { type Emulator, startEmulator } from './emulator';
import { startFlink } from './flink';

/** Real Flink whose checkpoints and savepoints lie in the emulator's S3, in a bucket of its own. */
export interface FlinkOnS3 extends Pick<Session, 'address' | 'restPort' | 'url' | 'stop'> {
  readonly bucket: string;
  readonly emulator: Emulator;
  /** All that TaskManagers have printed so far. */
  printed(): string;
}

export async function startFlinkOnS3(options: SessionProps & { readonly bucket: string }): Promise<FlinkOnS3> {
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
    const { address, restPort, url } = real;
    return {
      address,
      restPort,
      url,
      bucket,
      emulator,
      printed: () => real.printed(),
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
