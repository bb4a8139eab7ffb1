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

describe('a read', () => {
  const running = { cluster: 'flights', operationId: 'op-1', kind: 'rescale-job', status: 'RUNNING', phases: [], reason: '' };
  let server: Server;

  const reading = async (answers: Parameters<typeof serve>[0], patienceMs?: number) => {
    const served = await serve(answers);
    server = served.server;
    const client = new SluiceClient({
      apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
      ...(patienceMs === undefined ? {} : { patienceMs }),
    });
    return { ended: client.ended(running), asked: served.asked };
  };

  afterEach(() => server.close());

  it.each([429, 502, 503, 504])('is asked for again after an answer of %i', async (status) => {
    const { ended, asked } = await reading([
      [status, { status }],
      [200, running],
      [status, { status }],
      [200, { ...running, status: 'SUCCEEDED' }],
    ]);
    expect(await ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(asked()).toBe(4);
  });

  it('is given up after a while', async () => {
    const { ended } = await reading([[503, { title: 'Unavailable' }]], 500);
    await expect(ended).rejects.toThrow(/answered 503/);
  });

  it.each([403, 404, 500])('ends with an answer of %i', async (status) => {
    const { ended, asked } = await reading([[status, { status }]]);
    await expect(ended).rejects.toThrow(ApiError);
    expect(asked()).toBe(1);
  });
});
