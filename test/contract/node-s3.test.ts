import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { s3Client } from '../../lambdas/gateways/aws/clients';
import { type Emulator, startEmulator } from './support/emulator';
import { runsPython } from './support/python';

const BUCKET = `contract-${process.pid}-${Date.now()}`;
let emulator: Emulator;

beforeAll(async () => {
  emulator = await startEmulator();
  await s3Client().send(new CreateBucketCommand({ Bucket: BUCKET }));
}, 60_000);
afterAll(() => emulator.stop());

test('A node stores an object with its SHA-256 where there is none, and reads it again', async () => {
  await runsPython('node', 'tests', 'test_s3', { SLUICE_TEST_BUCKET: BUCKET });
}, 120_000);
