import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Stage } from '../../lambdas/contracts/stage';
import { s3Client } from '../../lambdas/gateways/aws/clients';
import { nodePolicy } from '../../lambdas/gateways/aws/ec2/node-role';
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

describe('A node, by the policy of its role,', () => {
  const [artifacts, state, assets] = ['artifacts', 'state', 'assets'].map((name) => `${BUCKET}-${name}`) as [string, string, string];
  const stage = {
    kmsKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/k',
    artifactBucket: artifacts,
    stateBucket: state,
    nodeBundle: { bucket: assets, key: 'node.zip' },
  } as unknown as Stage;
  const objects = [
    [artifacts, 'flink/2.3.0/flink.tar.gz'],
    [artifacts, 'flink/2.3.0/flink.tar.gz.sha256'],
    [artifacts, 'flink/2.3.0/java-x86_64.tar.gz'],
    [artifacts, 'jobs/payments.jar'],
    [state, 'clusters/flights/e1/config/node.json'],
    [state, 'clusters/payments/jobs/pay/jar.jar'],
    [state, 'clusters/payments/e1/config/node.json'],
    [assets, 'node.zip'],
  ] as const;
  let node: S3Client;
  const answer = (call: Promise<unknown>): Promise<number> =>
    call.then(
      () => 200,
      (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode ?? 0,
    );

  const asNode = async (name: string, policy: object): Promise<S3Client> => {
    const iam = new IAMClient({});
    const UserName = `${name}-${process.pid}`;
    await iam.send(new CreateUserCommand({ UserName }));
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'node', PolicyDocument: JSON.stringify(policy) }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    const credentials = { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
    return new S3Client({ forcePathStyle: true, credentials });
  };

  beforeAll(async () => {
    node = await asNode('node', nodePolicy(stage, 'flights'));
    for (const Bucket of [artifacts, state, assets]) await s3Client().send(new CreateBucketCommand({ Bucket }));
    for (const [Bucket, Key] of objects) await s3Client().send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  });

  test('reads Flink, Java, its bundle and what is its cluster’s, and nothing of another team', async () => {
    const read = await Promise.all(objects.map(([Bucket, Key]) => answer(node.send(new GetObjectCommand({ Bucket, Key })))));
    expect(Object.fromEntries(objects.map(([, Key], index) => [Key, read[index]]))).toEqual({
      'flink/2.3.0/flink.tar.gz': 200,
      'flink/2.3.0/flink.tar.gz.sha256': 200,
      'flink/2.3.0/java-x86_64.tar.gz': 200,
      'jobs/payments.jar': 403,
      'clusters/flights/e1/config/node.json': 200,
      'clusters/payments/jobs/pay/jar.jar': 403,
      'clusters/payments/e1/config/node.json': 403,
      'node.zip': 200,
    });
  });

  test('reads, on a copy, what is its cluster’s, and changes nothing of it', async () => {
    const copy = await asNode('copy', nodePolicy(stage, 'payments-drill', 'payments'));
    const Key = 'clusters/payments/jobs/pay/jar.jar';
    expect(await answer(copy.send(new GetObjectCommand({ Bucket: state, Key })))).toBe(200);
    expect(await answer(copy.send(new GetObjectCommand({ Bucket: state, Key: 'clusters/flights/e1/config/node.json' })))).toBe(403);
    expect(await answer(copy.send(new PutObjectCommand({ Bucket: state, Key, Body: 'x' })))).toBe(403);
    expect(await answer(copy.send(new DeleteObjectCommand({ Bucket: state, Key })))).toBe(403);
    expect(await answer(copy.send(new PutObjectCommand({ Bucket: state, Key: 'clusters/payments-drill/jobs/pay/x', Body: 'x' })))).toBe(
      200,
    );
  });

  test('is told which Flink is not there, and lists no jars', async () => {
    expect(await answer(node.send(new HeadObjectCommand({ Bucket: artifacts, Key: 'flink/9.9.9/flink.tar.gz' })))).toBe(404);
    expect(await answer(node.send(new ListObjectsV2Command({ Bucket: artifacts, Prefix: 'flink/2.3.0/' })))).toBe(200);
    expect(await answer(node.send(new ListObjectsV2Command({ Bucket: artifacts, Prefix: 'jobs/' })))).toBe(403);
  });
});
