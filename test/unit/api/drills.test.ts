import { AT_CLUSTER, call, givenCluster, givenJob, resetWorld, world } from './world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('./world').environment);
beforeEach(resetWorld);
afterEach(() => jest.restoreAllMocks());

const ARGUMENTS = { arguments: ['--out', '-'] };
const drill = (body: unknown, key?: string) => call('drill-cluster', { path: AT_CLUSTER, body, ...(key === undefined ? {} : { key }) });

test('A drill moves the cluster, with savepoints unless it is to be as if the zone were lost', async () => {
  await givenJob();
  const planned = await drill({});
  expect([planned.status, planned.body.request]).toEqual([
    202,
    expect.objectContaining({ kind: 'fail-over-cluster', mode: 'planned', drill: true }),
  ]);
  await givenJob();
  expect((await drill({ on: 'cluster', mode: 'lost' })).body.request).toMatchObject({ kind: 'fail-over-cluster', mode: 'lost' });
});

test('A drill on a copy is an operation of the cluster that it rehearses, and is found by the copy too, which it holds', async () => {
  await givenJob();
  const before = await world.store.cluster('flights');
  const answer = await drill({ on: 'copy', jobs: { delays: ARGUMENTS } }, 'a-key');
  expect(answer.status).toBe(202);
  const { operationId } = answer.body;
  expect(answer.headers.location).toBe(`/clusters/flights/operations/${operationId}`);
  expect(answer.body).toMatchObject({
    cluster: 'flights',
    kind: 'drill-on-copy',
    status: 'PENDING',
    request: { copy: 'flights-drill', rehearsals: { delays: ARGUMENTS } },
  });
  expect(await world.store.cluster('flights')).toEqual(before);
  const copy = await call('describe-cluster', { path: { cluster: 'flights-drill' } });
  expect(copy.body).toMatchObject({
    copyOf: 'flights',
    status: 'LAUNCHING',
    spec: { placement: { failover: { automatic: false, capacity: 'cold' } } },
  });
  const held = copy.body.operation.href.split('/');
  expect((await call('describe-operation', { path: { cluster: held[2], operation: held[4] } })).body).toEqual(answer.body);
  expect((await call('describe-operation', { path: { cluster: 'other', operation: operationId } })).status).toBe(404);
  // Sent again, it is the same; asked for anew, it is in the way.
  expect((await drill({ on: 'copy', jobs: { delays: ARGUMENTS } }, 'a-key')).body.operationId).toBe(operationId);
  const second = await drill({ on: 'copy', jobs: { delays: ARGUMENTS } });
  expect([second.status, second.body.operation]).toEqual([409, { operationId, href: `/clusters/flights/operations/${operationId}` }]);
});

test('Nothing can be done with a copy but to take it away', async () => {
  await givenJob();
  await drill({ on: 'copy', jobs: { delays: ARGUMENTS } });
  const path = { cluster: 'flights-drill' };
  const job = { name: 'other', jar: { uri: 's3://artifacts/jobs/delays.jar', sha256: 'a'.repeat(64) } };
  for (const [route, asked] of [
    ['submit-job', { path, body: job }],
    ['fail-over-cluster', { path, body: {} }],
    ['drill-cluster', { path, body: { on: 'copy' } }],
    ['change-cluster', { path, body: { drill: { schedule: 'rate(7 days)' } } }],
    ['create-cluster', { body: { name: 'flights-drill', size: 'small' } }],
  ] as const)
    expect([route, (await call(route, asked)).status]).toEqual([route, 409]);
  expect((await call('terminate-cluster', { path })).status).toBe(202);
});

test.each([
  ['a mode, which a copy has not', { on: 'copy', mode: 'lost' }, 'mode', 'goes with on: "cluster", and only with it'],
  ['jobs for the running cluster', { jobs: { delays: ARGUMENTS } }, 'jobs', 'goes with on: "copy", and only with it'],
  ['something else to drill on', { on: 'paper' }, 'on', expect.stringContaining('"cluster"|"copy"')],
  [
    'both arguments and a script',
    { on: 'copy', jobs: { delays: { ...ARGUMENTS, script: 'SELECT 1' } } },
    'jobs.delays.arguments',
    'give exactly one of arguments and script',
  ],
  ['neither', { on: 'copy', jobs: { delays: {} } }, 'jobs.delays.arguments', 'give exactly one of arguments and script'],
  ['a job of an impossible name', { on: 'copy', jobs: { 'A/B': ARGUMENTS } }, expect.stringContaining('jobs'), expect.anything()],
  ['a job that does not run', { on: 'copy', jobs: { other: ARGUMENTS } }, 'jobs.other', 'no job other runs'],
  [
    'a zone that the stage has not',
    { on: 'copy', zone: 'mars-1a', jobs: { delays: ARGUMENTS } },
    'zone',
    expect.stringContaining('the stage has no zone mars-1a'),
  ],
])('A drill with %s is refused, with the field', async (_, body, path, message) => {
  await givenJob();
  const answer = await drill(body);
  expect([answer.status, answer.body.errors]).toEqual([422, [{ path, message }]]);
  expect(await world.store.cluster('flights-drill')).toBeUndefined();
});

test('A drill on a copy of a cluster without a job is refused', async () => {
  await givenCluster();
  expect((await drill({ on: 'copy' })).body.errors).toEqual([{ path: 'jobs', message: 'no job of flights runs' }]);
  expect((await call('drill-cluster', { path: { cluster: 'nowhere' }, body: { on: 'copy' } })).status).toBe(404);
});
