import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { SluiceClient } from '../../local/client/sluice-client';
import { awsConfiguration, client, sharedCluster, twin } from './support/twin';

const iam = new IAMClient(awsConfiguration);
const UserName = 'analyst';
const PolicyName = 'one-cluster';
let cluster: string;
let analyst: SluiceClient;
let AccessKeyId: string;

/** Everything about one cluster, nothing about others. */
const policy = (name: string) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: 'execute-api:Invoke',
      Resource: [`arn:aws:execute-api:*:*:*/*/*/clusters/${name}`, `arn:aws:execute-api:*:*:*/*/*/clusters/${name}/*`],
    },
  ],
});

beforeAll(async () => {
  cluster = await sharedCluster();
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName, PolicyDocument: JSON.stringify(policy(cluster)) }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  AccessKeyId = AccessKey?.AccessKeyId ?? '';
  analyst = new SluiceClient({ ...twin, credentials: { accessKeyId: AccessKeyId, secretAccessKey: AccessKey?.SecretAccessKey ?? '' } });
}, 240_000);

afterAll(async () => {
  await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
  await iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName }));
  await iam.send(new DeleteUserCommand({ UserName }));
});

test('who may use one cluster can read it', async () => {
  expect((await analyst.call('GET', `/clusters/${cluster}`)).status).toBe(200);
  expect((await analyst.call('GET', `/clusters/${cluster}/jobs`)).status).toBe(200);
});

test.each([
  ['GET', '/clusters'],
  ['GET', '/clusters/another'],
  ['DELETE', '/clusters/another'],
  ['PATCH', '/clusters/another'],
  ['POST', '/clusters/another/jobs'],
  ['POST', '/clusters'],
])('but gets 403 for %s %s', async (method, path) => {
  expect((await analyst.call(method, path, method === 'POST' ? { body: {} } : {})).status).toBe(403);
});

test('an operation of another cluster cannot be read through the own one', async () => {
  const launch = await client.call<{ items: { operationId: string }[] }>('GET', `/clusters/${cluster}/operations?limit=1`);
  const id = launch.body.items[0]?.operationId;
  expect((await client.call('GET', `/clusters/another/operations/${id}`)).status).toBe(404);
});

test('a call without a signature, and one with a wrong one, get 403', async () => {
  expect((await fetch(`${twin.apiUrl}/clusters`)).status).toBe(403);
  const forger = new SluiceClient({ ...twin, credentials: { accessKeyId: AccessKeyId, secretAccessKey: 'guessed' } });
  expect((await forger.call('GET', `/clusters/${cluster}`)).status).toBe(403);
});

test("the caller's ARN is on the operation", async () => {
  const answer = await analyst.call<{ requestedBy: string }>('POST', `/clusters/${cluster}/jobs`, {
    body: { name: 'mine', sql: { script: 'CREATE TABLE broken' }, parallelism: 1 },
  });
  if (answer.status === 202) {
    expect(answer.body.requestedBy).toBe(`arn:aws:iam::${twin.account}:user/${UserName}`);
    await client.ended(answer.body as never);
  } else expect(answer.status).toBe(422);
}, 60_000);
