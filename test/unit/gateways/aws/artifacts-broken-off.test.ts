import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { AwsUnavailable } from '../../../../lambdas/contracts/errors';
import { createArtifacts } from '../../../../lambdas/gateways/aws/artifacts.adapter';
import { s3Client } from '../../../../lambdas/gateways/aws/clients';
import { limitCalls } from '../../../../lambdas/gateways/time-left';

/** What stands still behind its first bytes, for longer than a function has. */
const STILL = '/bucket/still';

describe('An object that breaks off while it is read', () => {
  let server: Server;
  const before = { ...process.env };
  beforeAll(async () => {
    server = createServer(({ url }, response) => {
      response.writeHead(200, { 'content-length': '1000000' });
      response.write(Buffer.alloc(1_000), () => url?.startsWith(STILL) || setTimeout(() => response.socket?.destroy(), 50));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    });
  });
  afterAll(async () => {
    process.env = before;
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  test('is AwsUnavailable to whoever streams it', async () => {
    const artifacts = createArtifacts({ client: s3Client() });
    const stream = await artifacts.open('s3://bucket/job.jar');
    await expect(buffer(stream)).rejects.toThrow(AwsUnavailable);
  });

  test('is AwsUnavailable to whoever wants its text', async () => {
    const artifacts = createArtifacts({ client: s3Client() });
    await expect(artifacts.getText('s3://bucket/script.sql')).rejects.toThrow(/script\.sql broke off/);
  });

  test('is given up before the time of the function is over where it stands still', async () => {
    const began = Date.now();
    limitCalls(1_300);
    const reading = createArtifacts({ client: s3Client() }).getText(`s3:/${STILL}`);
    await expect(reading).rejects.toThrow(/still broke off while it was read: the time of the function is over/);
    limitCalls(undefined);
    expect(Date.now() - began).toBeLessThan(1_300);
  });
});
