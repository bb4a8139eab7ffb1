import { createServer as createHttpServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import path from 'node:path';
import { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { problem } from '../../lambdas/contracts/api';
import { FlinkUnavailable } from '../../lambdas/contracts/errors';
import { EXAMPLES } from '../../lambdas/contracts/openapi-examples';
import { ROUTES } from '../../lambdas/contracts/routes';
import { tableClient } from '../../lambdas/gateways/aws/clients';
import { connectFlink } from '../../lambdas/gateways/flink/flink.adapter';
import { limitCalls } from '../../lambdas/gateways/time-left';
import { FUNCTIONS, type FunctionDefinition } from '../../lib/config/functions';
import { TEST_STAGE } from './api/world';

/** What an invocation has left: less than the first try of any call may take. ms */
const REMAINING_MS = 1_300;
const OPERATION_ID = `op-${'0'.repeat(26)}`;
const INSTANCE_ID = 'i-0123456789abcdef0';

/** What each task takes. Those of one name differ between tasks. */
const TASK = {
  operationId: OPERATION_ID,
  phase: 'A state',
  plan: 'planned',
  status: 'ready',
  outcome: 'failed',
  direction: 'grow',
  hosts: [],
  workers: [],
  epoch: 1,
  jarId: null,
  savepoint: null,
  until: 'running',
  mode: 'cancel',
  restore: null,
  cluster: 'flights',
};
const TASKS: Readonly<Record<string, object>> = { 'drain-hosts': { direction: 'drain' }, 'scale-job': { restore: false } };
const ec2 = (type: string, detail: object) => ({
  version: '0',
  source: 'aws.ec2',
  'detail-type': type,
  time: '2026-03-01T12:00:00Z',
  resources: [],
  detail: { 'instance-id': INSTANCE_ID, ...detail },
});
const STATE_CHANGE = 'EC2 Instance State-change Notification';
const EVENTS: Readonly<Record<string, unknown>> = {
  'handle-zone-event': {
    version: '0',
    source: 'aws.arc-zonal-shift',
    'detail-type': 'Autoshift In Progress',
    time: '2026-03-01T12:00:00Z',
    resources: [],
    detail: { version: '0.0.1', data: '', metadata: { awayFrom: 'use1-az1', notes: '' } },
  },
  'consider-scaling': { cluster: 'flights', job: 'delays', trigger: 'alarm lag' },
  'consider-failover': { cluster: 'flights' },
  'give-addresses': ec2(STATE_CHANGE, { state: 'running' }),
  'replace-ended': ec2(STATE_CHANGE, { state: 'terminated' }),
  'handle-alarm': {
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    detail: {
      alarmName: 'sluice-test-flights.delays.lag',
      state: { value: 'ALARM', reason: '', timestamp: '2026-03-01T12:00:00.000+0000' },
    },
  },
  'handle-interruption': ec2('EC2 Instance Rebalance Recommendation', {}),
};

const PATH = { cluster: 'flights', job: 'delays', operation: OPERATION_ID, snapshot: `snap-${'0'.repeat(26)}` };

const request = (name: string) => {
  const handler = name.slice('api-'.length);
  const route = ROUTES.find((one) => one.handler === handler);
  const body = (EXAMPLES as Readonly<Record<string, unknown>>)[handler];
  return {
    rawPath: '/',
    headers: {},
    pathParameters: Object.fromEntries(Object.entries(PATH).filter(([part]) => route?.path.includes(`{${part}`))),
    isBase64Encoded: false,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    requestContext: {
      requestId: 'request-1',
      stage: '$default',
      http: { method: 'POST', path: '/' },
      authorizer: { iam: { userArn: 'arn:aws:iam::000000000000:user/ana' } },
    },
  };
};

const payload = (name: string, { kind }: FunctionDefinition): unknown => {
  if (kind === 'api') return request(name);
  return kind === 'events' ? (EVENTS[name] ?? {}) : { ...TASK, ...TASKS[name] };
};

/** It takes every connection, and answers none. */
let silent: Server;
let port: number;
let asked = 0;
const sockets = new Set<Socket>();
const before = { ...process.env };
let logged: jest.SpyInstance;
beforeAll(async () => {
  silent = createHttpServer(() => {
    asked += 1;
  }).on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
  port = (silent.address() as AddressInfo).port;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    SLUICE_STAGE: JSON.stringify(TEST_STAGE),
  });
});
afterAll(async () => {
  process.env = before;
  limitCalls(undefined);
  for (const socket of sockets) socket.destroy();
  await new Promise((closed) => silent.close(closed));
});
beforeEach(() => {
  asked = 0;
  logged = jest.spyOn(console, 'log').mockImplementation(() => undefined);
});
afterEach(() => logged.mockRestore());

interface Ended {
  readonly answer?: { readonly statusCode: number; readonly body: string };
  readonly error?: Error;
  readonly inTime: boolean;
}

const invoke = async (name: string, definition: FunctionDefinition): Promise<Ended> => {
  const { handler } = (await import(path.join(__dirname, '../..', definition.entry))) as {
    handler: (event: unknown, context: unknown) => Promise<Ended['answer']>;
  };
  const began = Date.now();
  const context = { getRemainingTimeInMillis: () => REMAINING_MS - (Date.now() - began) };
  const inTime = () => Date.now() - began < REMAINING_MS;
  try {
    const answer = await handler(payload(name, definition), context);
    return { inTime: inTime(), ...(answer === undefined ? {} : { answer }) };
  } catch (error) {
    return { inTime: inTime(), error: error as Error };
  }
};

const of = (kind: FunctionDefinition['kind']) =>
  Object.entries(FUNCTIONS).filter(([name, definition]) => definition.kind === kind && name !== 'api-read-openapi');

test.each(of('api'))('%s answers that AWS does not answer, before its time is over, and the audit log has it', async (name, definition) => {
  const { answer, error, inTime } = await invoke(name, definition);
  expect([error, inTime, asked > 0]).toEqual([undefined, true, true]);
  expect(answer?.statusCode).toBe(503);
  expect(problem.parse(JSON.parse(answer?.body ?? ''))).toMatchObject({ status: 503, requestId: 'request-1' });
  const lines = logged.mock.calls.map(([line]) => JSON.parse(line as string) as object);
  expect(lines).toContainEqual(expect.objectContaining({ audit: true, status: 503, action: name.slice('api-'.length) }));
});

test.each([...of('workflow'), ...of('events')])(
  '%s fails for AWS that does not answer, before its time is over',
  async (name, definition) => {
    const { error, inTime } = await invoke(name, definition);
    expect([error?.name, error?.message]).toEqual([expect.any(String), expect.stringContaining('the time of the function')]);
    expect([inTime, asked > 0]).toEqual([true, true]);
  },
);

test('what AWS answers in time is taken, by the time of the function as without one', async () => {
  const answering = createHttpServer((_, response) => void response.writeHead(200).end('{"Item":{"name":{"S":"flights"}}}'));
  await new Promise<void>((listening) => answering.listen(0, '127.0.0.1', listening));
  process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${(answering.address() as AddressInfo).port}`;
  const get = () =>
    tableClient().send(new GetCommand({ TableName: 'table', Key: { pk: 'a' } }), { abortSignal: AbortSignal.timeout(5_000) });
  limitCalls(REMAINING_MS);
  const limited = await get();
  limitCalls(undefined);
  const unlimited = await get();
  process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${port}`;
  answering.closeAllConnections();
  answering.close();
  expect([limited.Item, unlimited.Item]).toEqual([{ name: 'flights' }, { name: 'flights' }]);
});

test('no function may run so short that nothing is left to ask in', () => {
  for (const [, { timeoutSeconds }] of Object.entries(FUNCTIONS)) expect(timeoutSeconds).toBeGreaterThanOrEqual(10);
});

describe('Flink that does not answer', () => {
  const flink = () => connectFlink({ port, timeoutMs: 60_000, runTimeoutMs: 60_000, uploadTimeoutMs: 60_000 })(['127.0.0.1']);
  const jar = () => Readable.from([Buffer.from('jar')]);
  test.each<[string, () => Promise<unknown>]>([
    ['asked', () => flink().overview()],
    ['sent a jar', () => flink().uploadJar('job.jar', jar(), 3)],
  ])('is given up when it is %s, before the time of the function is over, and is not asked again', async (_, ask) => {
    const began = Date.now();
    limitCalls(REMAINING_MS);
    await expect(ask()).rejects.toThrow(FlinkUnavailable);
    expect(Date.now() - began).toBeLessThan(REMAINING_MS);
    const soFar = asked;
    await expect(ask()).rejects.toThrow(FlinkUnavailable);
    expect([soFar, asked]).toEqual([1, 1]);
  });

  /** Listens, and stands still: once the queue of connections is full, packets to it go nowhere. */
  const STANDS_STILL = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer().listen(0, '0.0.0.0', 1, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  test('is given up in time also where neither of two JobManagers takes a connection', async () => {
    const worker = new Worker(STANDS_STILL, { eval: true });
    const still = await new Promise<number>((listening) => worker.once('message', listening));
    const queue = Array.from({ length: 4 }, () => connect(still, '127.0.0.1').on('error', () => undefined));
    await Promise.all(queue.slice(0, 2).map((socket) => new Promise((open) => socket.once('connect', open))));
    const began = Date.now();
    limitCalls(REMAINING_MS);
    const asking = connectFlink({ port: still })(['127.0.0.1', '127.0.0.2']).overview();
    await expect(asking).rejects.toThrow(FlinkUnavailable);
    const took = Date.now() - began;
    for (const socket of queue) socket.destroy();
    await worker.terminate();
    expect(took).toBeLessThan(REMAINING_MS);
  });
});
