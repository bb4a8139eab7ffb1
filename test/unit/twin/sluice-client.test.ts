import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError, SluiceClient } from '../../../local/client/sluice-client';

/** An API that gives each of these answers once, and the last of them for ever. */
const serve = async (answers: readonly (readonly [status: number, body: unknown])[]): Promise<{ server: Server; asked: () => number }> => {
  let asked = 0;
  const server = createServer((_, response) => {
    const [status, body] = answers[Math.min(asked, answers.length - 1)] ?? [500, {}];
    asked += 1;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { server, asked: () => asked };
};

describe('following an operation', () => {
  const running = { cluster: 'flights', operationId: 'op-1', kind: 'rescale-job', status: 'RUNNING', phases: [], reason: '' };
  let server: Server;

  const following = async (answers: Parameters<typeof serve>[0], seconds: number) => {
    const served = await serve(answers);
    server = served.server;
    const client = new SluiceClient({
      apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    });
    return { ended: client.ended(running, seconds), asked: served.asked };
  };

  afterEach(() => server.close());

  it.each([429, 502, 503, 504])('asks again after an answer of %i', async (status) => {
    const { ended, asked } = await following(
      [
        [status, { status }],
        [200, running],
        [status, { status }],
        [200, { ...running, status: 'SUCCEEDED' }],
      ],
      60,
    );
    expect(await ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(asked()).toBe(4);
  });

  it('asks no longer than it has time', async () => {
    const { ended } = await following([[503, { title: 'Unavailable' }]], 0.5);
    await expect(ended).rejects.toThrow(/answered 503/);
  });

  it.each([403, 404, 500])('ends with an answer of %i', async (status) => {
    const { ended, asked } = await following([[status, { status }]], 60);
    await expect(ended).rejects.toThrow(ApiError);
    expect(asked()).toBe(1);
  });
});
