import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { AwsUnavailable } from '../../../../lambdas/contracts/errors';
import { createArtifacts } from '../../../../lambdas/gateways/aws/artifacts.adapter';
import { s3Client } from '../../../../lambdas/gateways/aws/clients';

describe('An object that breaks off while it is read', () => {
  let server: Server;
  const before = { ...process.env };
  beforeAll(async () => {
    server = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': '1000000' });
      response.write(Buffer.alloc(1_000), () => setTimeout(() => response.socket?.destroy(), 50));
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
});
