import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { FlinkUnavailable, JobRejected } from '../../lambdas/contracts/errors';
import { connectFlink } from '../../lambdas/gateways/flink/flink.adapter';
import type { FlinkPort } from '../../lambdas/gateways/flink/flink.port';
import { connectFlinkMetrics } from '../../lambdas/gateways/flink/metrics.adapter';
import type { FlinkMetricsPort } from '../../lambdas/gateways/flink/metrics.port';

const ADDRESS = '127.71.4.10';
const ID = 'ab'.repeat(16);
const RUN = { flinkJobId: ID, jobName: 'j', parallelism: 1, allowNonRestoredState: false, flinkConfiguration: {} };
const JAR = { ...RUN, jarId: 'x.jar', arguments: [] };
const SQL = { ...RUN, script: 'INSERT INTO b SELECT 1' };

const CALLS: Readonly<Record<keyof FlinkPort, (flink: FlinkPort) => Promise<unknown>>> = {
  overview: (flink) => flink.overview(),
  listTaskManagers: (flink) => flink.listTaskManagers(),
  uploadJar: (flink) => flink.uploadJar('x.jar', Readable.from([Buffer.alloc(100_000)]), 100_000),
  jarsNamed: (flink) => flink.jarsNamed('x.jar'),
  deleteJar: (flink) => flink.deleteJar('x.jar'),
  runJar: (flink) => flink.runJar(JAR),
  runSql: (flink) => flink.runSql(SQL),
  runWarmUp: (flink) => flink.runWarmUp(RUN),
  job: (flink) => flink.job(ID),
  jobs: (flink) => flink.jobs(),
  checkpoints: (flink) => flink.checkpoints(ID),
  triggerSavepoint: (flink) => flink.triggerSavepoint(ID, ID, 's3://b/s'),
  stopWithSavepoint: (flink) => flink.stopWithSavepoint(ID, ID, 's3://b/s', false),
  savepoint: (flink) => flink.savepoint(ID, ID),
  cancel: (flink) => flink.cancel(ID),
  setParallelism: (flink) => flink.setParallelism(ID, 2),
  setVertexParallelism: (flink) => flink.setVertexParallelism(ID, { a: 2 }),
  triggerCheckpoint: (flink) => flink.triggerCheckpoint(ID, ID),
  checkpoint: (flink) => flink.checkpoint(ID, ID),
};

const OBSERVED: Readonly<Record<string, (metrics: FlinkMetricsPort) => Promise<unknown>>> = {
  'a pass over its cluster': (metrics) => metrics.cluster(),
  'a pass over a job': (metrics) => metrics.job(ID, {}),
};
/** What is asked of Flink about its cluster, as the path begins, and what it answers when it is well. */
const CLUSTER: Readonly<Record<string, unknown>> = {
  '/taskmanagers/metrics': [],
  '/taskmanagers': { taskmanagers: [] },
  '/jobs/overview': { jobs: [] },
};

const json = (status: number, body: unknown) => (answer: ServerResponse) =>
  void answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const text = (status: number, body: string) => (answer: ServerResponse) => void answer.writeHead(status).end(body);

const ANSWERS: Readonly<Record<string, (answer: ServerResponse) => void>> = {
  '500 without a body': text(500, ''),
  '500 with a page in it': text(500, '<html>Internal Server Error</html>'),
  '502 of something in between': json(502, { message: 'Bad Gateway' }),
  '503 because no JobManager leads': json(503, { errors: ['Service temporarily unavailable due to an ongoing leader election.'] }),
  '500 because Flink is too busy to answer itself': json(500, {
    errors: ['Internal server error.', 'org.apache.pekko.pattern.AskTimeoutException: Ask timed out on [Actor]\n\tat x'],
  }),
  '200 with nothing in it': text(200, ''),
  '200 with something that is not JSON': text(200, 'ok'),
  '200 with a list': json(200, ['unexpected']),
  '200 with an object that is not Flink’s': json(200, { message: 'ok' }),
  'half an answer': (answer) => {
    answer.writeHead(200, { 'content-length': 1_000 });
    answer.write('{"jobs":');
    setTimeout(() => answer.destroy(), 5);
  },
  'a closed connection': (answer) => void answer.destroy(),
  'nothing in time': () => {},
};

describe('A JobManager that answers', () => {
  let answer: (response: ServerResponse, url: string, method: string) => void;
  const server = createServer((incoming, outgoing) => {
    incoming.resume().once('end', () => answer(outgoing, incoming.url ?? '', incoming.method ?? ''));
  });
  let flink: FlinkPort;
  let metrics: FlinkMetricsPort;

  beforeAll(async () => {
    await new Promise<void>((listening) => server.listen(0, ADDRESS, listening));
    const { port } = server.address() as AddressInfo;
    flink = connectFlink({ port, timeoutMs: 200, runTimeoutMs: 200, uploadTimeoutMs: 200 })([ADDRESS]);
    metrics = connectFlinkMetrics({ port, timeoutMs: 200 })([ADDRESS]);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  describe.each(Object.entries(ANSWERS))('%s', (_, reply) => {
    it.each(Object.entries(CALLS))('is unavailable to %s', async (__, ask) => {
      answer = reply;
      await expect(ask(flink)).rejects.toBeInstanceOf(FlinkUnavailable);
    });

    it.each(Object.entries(OBSERVED))('is unavailable to %s', async (__, ask) => {
      answer = reply;
      await expect(ask(metrics)).rejects.toBeInstanceOf(FlinkUnavailable);
    });
  });

  describe.each([404, 409, 500])('%i with an exception of its own', (status) => {
    const refusal = json(status, {
      errors: ['org.apache.flink.runtime.rest.handler.RestHandlerException: Request did not complete in time\n\tat x'],
    });

    it.each(Object.keys(CLUSTER))('to %s alone is unavailable to a pass over its cluster, and lives', async (refused) => {
      answer = (response, url) => {
        const path = url.split('?')[0] ?? '';
        if (path === refused) refusal(response);
        else json(200, CLUSTER[path])(response);
      };
      await expect(metrics.cluster()).rejects.toMatchObject({ name: 'FlinkUnavailable', answered: true });
    });

    it('to one question and nothing to the others is unavailable to a pass over its cluster, and lives', async () => {
      answer = (response, url) => {
        if (url === '/taskmanagers') refusal(response);
      };
      await expect(metrics.cluster()).rejects.toMatchObject({ name: 'FlinkUnavailable', answered: true });
    });

    it(`to a pass over a job ${status === 404 ? 'says that there is no such job' : 'is unavailable'}`, async () => {
      answer = refusal;
      if (status === 404) expect(await metrics.job(ID, {})).toBeUndefined();
      else await expect(metrics.job(ID, {})).rejects.toMatchObject({ name: 'FlinkUnavailable', answered: true });
    });
  });

  it.each([
    ['503 because no JobManager leads', true],
    ['200 with a list', true],
    ['nothing in time', false],
    ['a closed connection', false],
  ] as const)('%s: lives is %s', async (reply, answered) => {
    answer = (response) => ANSWERS[reply]?.(response);
    await expect(CALLS.overview(flink)).rejects.toMatchObject({ answered });
  });

  it.each([
    ['/taskmanagers', true],
    ['/nothing', false],
  ])('%s and is silent where the cluster is asked for anything else: lives is %s', async (answers, answered) => {
    answer = (response, url) => {
      if (url === answers) json(200, { taskmanagers: [] })(response);
    };
    await expect(metrics.cluster()).rejects.toMatchObject({ answered, message: expect.stringContaining('no answer within 200 ms') });
  });

  it.each([
    ['runJar', CALLS.runJar],
    ['runSql', CALLS.runSql],
    ['runWarmUp', CALLS.runWarmUp],
  ] as const)('every call before the start well and the start itself late is unavailable to %s', async (_, ask) => {
    answer = (response, url) => {
      if (url.endsWith('/run')) return;
      json(200, url.startsWith('/jars') ? { files: [{ id: '1_sluice-empty.jar', name: 'sluice-empty.jar' }] } : { jobs: [] })(response);
    };
    await expect(ask(flink)).rejects.toThrow(/POST \/jars\/.*\/run: no answer within 200 ms/);
  });

  it.each(['overview', 'listTaskManagers', 'jobs', 'job', 'runSql'] as const)(
    '404 to what every Flink has is unavailable to %s: that says nothing about a job',
    async (name) => {
      answer = json(404, { errors: ['org.apache.flink.runtime.rest.handler.RestHandlerException: Not found\n\tat x'] });
      await expect(CALLS[name](flink)).rejects.toBeInstanceOf(FlinkUnavailable);
    },
  );

  it.each([
    ['setParallelism', CALLS.setParallelism],
    ['setVertexParallelism', CALLS.setVertexParallelism],
  ] as const)('409 because an earlier change of requirements is still at work is unavailable to %s', async (_, ask) => {
    const requirements = { a: { parallelism: { lowerBound: 1, upperBound: 1 } } };
    const details = { jid: ID, state: 'RUNNING', vertices: [{ id: 'a', name: 'a', parallelism: 1, maxParallelism: 8, status: 'RUNNING' }] };
    answer = (response, url, method) => {
      // The placeholder is Flink's own.
      const errors = ['Another update to the job [%s] resource requirements is in progress.'];
      if (method === 'PUT') json(409, { errors })(response);
      else json(200, url.endsWith('/resource-requirements') ? requirements : details)(response);
    };
    await expect(ask(flink)).rejects.toMatchObject({
      name: 'FlinkUnavailable',
      message: expect.stringMatching(/^Flink is busy: Another update/),
    });
  });

  it('413 to an upload rejects the jar with that reason', async () => {
    answer = json(413, { errors: ['The request is too large.'] });
    await expect(CALLS.uploadJar(flink)).rejects.toThrow(new JobRejected('The request is too large.'));
  });

  it.each([
    ['RECONCILING', true],
    ['SLEEPING', false],
  ])('that a job is %s is understood: %s', async (state, isKnown) => {
    answer = (response, url) => {
      if (url.includes('/metrics')) json(200, [])(response);
      else if (url.endsWith('/checkpoints')) json(200, { counts: { failed: 0 }, history: [] })(response);
      else json(200, { vertices: [], state, plan: { nodes: [] } })(response);
    };
    if (isKnown) expect(await metrics.job(ID, {})).toMatchObject({ state });
    else await expect(metrics.job(ID, {})).rejects.toMatchObject({ name: 'FlinkUnavailable', answered: true });
  });

  it('with fields of a newer Flink is understood', async () => {
    answer = json(200, { taskmanagers: 1, 'slots-total': 2, 'slots-available': 1, 'slots-blocked': 9 });
    expect(await flink.overview()).toEqual({ taskManagers: 1, slotsTotal: 2, slotsFree: 1 });
  });

  it('nowhere is unavailable', async () => {
    await expect(connectFlink({ port: 4699 })([ADDRESS]).overview()).rejects.toThrow(/no answer \(ECONNREFUSED\)/);
  });
});
