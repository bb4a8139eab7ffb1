import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { AwsUnavailable } from '../../../../lambdas/contracts/errors';
import { laterOn, translated, unless } from '../../../../lambdas/gateways/aws/aws-errors';
import { tableClient } from '../../../../lambdas/gateways/aws/clients';

const sdkError = (name: string, extra: object = {}): Error => Object.assign(new Error('as AWS said'), { name, ...extra });

describe('An error of the AWS SDK', () => {
  test.each([
    ['throttling', sdkError('ThrottlingException')],
    ['EC2 out of breath', sdkError('RequestLimitExceeded')],
    ['a fault inside AWS', sdkError('Whatever', { $metadata: { httpStatusCode: 503 } })],
    ['a broken connection', sdkError('Error', { code: 'ECONNRESET' })],
    ['a timeout', sdkError('TimeoutError')],
    ['what the SDK itself calls retryable', sdkError('Odd', { $retryable: { throttling: false } })],
  ])('becomes AwsUnavailable when it passes by itself: %s', (_, error) => {
    const seen = translated(error, 'DescribeInstancesCommand') as Error;
    expect(seen).toBeInstanceOf(AwsUnavailable);
    expect(seen.name).toBe('AwsUnavailable');
    expect(seen.message).toContain('DescribeInstancesCommand');
    expect(seen.message).toContain('as AWS said');
    expect(seen.cause).toBe(error);
  });

  test.each([
    ['missing permission', sdkError('AccessDeniedException', { $metadata: { httpStatusCode: 400 } })],
    ['a condition', sdkError('ConditionalCheckFailedException')],
    ['a full instance profile', sdkError('LimitExceededException', { $metadata: { httpStatusCode: 409 } })],
    ['a mistake of ours', new TypeError('undefined is not a function')],
  ])('stays what it is when it is final: %s', (_, error) => {
    expect(translated(error, 'AnyCommand')).toBe(error);
  });

  test('counts as no answer for the codes that are expected, and for no others', async () => {
    expect(await unless(['InvalidGroup.Duplicate'], Promise.reject(sdkError('InvalidGroup.Duplicate')))).toBeUndefined();
    await expect(unless(['InvalidGroup.Duplicate'], Promise.reject(sdkError('UnauthorizedOperation')))).rejects.toThrow('as AWS said');
    expect(await unless([], Promise.resolve(7))).toBe(7);
  });

  test('is tried again later for the codes that mean "not yet"', async () => {
    await expect(laterOn(['DependencyViolation'], Promise.reject(sdkError('DependencyViolation')))).rejects.toThrow(AwsUnavailable);
    await expect(laterOn(['DependencyViolation'], Promise.reject(sdkError('Other')))).rejects.not.toThrow(AwsUnavailable);
  });
});

describe('A client', () => {
  let server: Server;
  let requests: number;
  const before = { ...process.env };
  const answer = (status: number, body: object): Promise<void> =>
    new Promise((listening) => {
      requests = 0;
      server = createServer((request, response) => {
        requests += 1;
        request.resume();
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
      }).listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo;
        Object.assign(process.env, {
          AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
          AWS_REGION: 'us-east-1',
          AWS_ACCESS_KEY_ID: 'test',
          AWS_SECRET_ACCESS_KEY: 'test',
        });
        listening();
      });
    });
  afterEach(async () => {
    await new Promise((closed) => server.close(closed));
    process.env = { ...before };
  });
  const read = (): Promise<unknown> => {
    const client = tableClient();
    return client.send(new GetItemCommand({ TableName: 'any', Key: { pk: { S: 'a' } } })).finally(() => client.destroy());
  };

  test('tries three times when AWS fails, then says so by name', async () => {
    await answer(500, { __type: 'InternalServerError', message: 'broken' });
    await expect(read()).rejects.toThrow(AwsUnavailable);
    expect(requests).toBe(3);
  });

  test('asks once when the answer is final', async () => {
    await answer(400, { __type: 'com.amazon.coral.service#AccessDeniedException', message: 'no' });
    await expect(read()).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(requests).toBe(1);
  });
});
