import { AwsUnavailable } from '../../../lambdas/contracts/errors';
import { ROUTES } from '../../../lambdas/contracts/routes';
import { ANA, AT_CLUSTER, AT_JOB, call, givenCluster, givenJob, JAR, resetWorld, world } from './world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('./world').environment);
beforeEach(resetWorld);

const AT_OPERATION = { cluster: 'flights', operation: `op-${'a'.repeat(26)}` };
const AT_SNAPSHOT = { ...AT_JOB, snapshot: 'savepoint-1' };
const pathOf = (path: string) =>
  path.includes('{snapshot}')
    ? AT_SNAPSHOT
    : path.includes('{operation}')
      ? AT_OPERATION
      : path.includes('{job}')
        ? AT_JOB
        : path.includes('{cluster}')
          ? AT_CLUSTER
          : {};

describe.each(ROUTES.map(({ handler, path }) => [handler, pathOf(path)] as const))('%s', (handler, path) => {
  test('is refused to a caller without an IAM identity', async () => {
    expect(await call(handler, { path, caller: null })).toMatchObject({
      status: 403,
      headers: { 'content-type': 'application/problem+json' },
    });
  });

  test('writes one line of audit log with caller, action and status', async () => {
    const { log, status } = await call(handler, { path });
    expect(log.filter(({ audit }) => audit)).toEqual([
      expect.objectContaining({ caller: ANA, action: handler, status, requestId: 'request-1' }),
    ]);
  });

  test('refuses names that are none', async () => {
    for (const name of Object.keys(path)) {
      for (const value of ['../x', 'a'.repeat(300), 'UPPER', ''])
        expect(await call(handler, { path: { ...path, [name]: value } })).toMatchObject({
          status: 400,
          body: { errors: [{ path: name }] },
        });
    }
  });

  test('refuses unknown query parameters', async () => {
    expect(await call(handler, { path, query: { colour: 'red' } })).toMatchObject({ status: 400, body: { errors: [{ path: 'colour' }] } });
  });
});

test('a body that is not JSON is refused', async () => {
  expect(await call('create-cluster', { body: '{"name": "x",' })).toMatchObject({
    status: 400,
    body: { title: 'The request cannot be read', errors: [{ path: 'body' }] },
  });
  expect(await call('create-cluster', { body: '[]' })).toMatchObject({ status: 422, body: { errors: [{ path: 'body' }] } });
});

test('a body over the limit is refused', async () => {
  expect(await call('create-cluster', { body: `"${'x'.repeat(2_500_001)}"` })).toMatchObject({ status: 413 });
});

test('a body in base64 is read', async () => {
  expect((await call('create-cluster', { body: { name: 'flights', size: 'small' }, base64: true })).status).toBe(202);
});

test('a required field that is missing is called so', async () => {
  expect((await call('create-cluster', { body: { name: 'flights' } })).body.errors).toEqual([
    { path: 'size', message: expect.any(String) },
  ]);
  expect((await call('create-cluster', { body: { size: 'small' } })).body.errors).toEqual([{ path: 'name', message: 'is required' }]);
});

test('the audit log names cluster, job and operation of a change, and never its body', async () => {
  await givenCluster();
  const { log, body } = await call('submit-job', {
    path: AT_CLUSTER,
    body: { name: 'delays', jar: { ...JAR, arguments: ['--password', 'hunter2'] } },
  });
  expect(log).toEqual([
    expect.objectContaining({ audit: true, cluster: 'flights', job: 'delays', status: 202, operationId: body.operationId }),
  ]);
  expect(JSON.stringify(log)).not.toContain('hunter2');
});

test('a table that does not answer is a passing problem, and nothing of the inside is told', async () => {
  world.store.failNext('clusters', new AwsUnavailable('QueryCommand: 500 at /var/task'));
  const answer = await call('list-clusters');
  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
  expect(JSON.stringify(answer.body)).not.toContain('/var/task');
});

test('a defect is answered without its message and logged with its stack', async () => {
  world.store.failNext('clusters', new TypeError('cannot read secret of undefined'));
  const answer = await call('list-clusters');
  expect(answer).toMatchObject({ status: 500, body: { requestId: 'request-1' } });
  expect(JSON.stringify(answer.body)).not.toContain('secret');
  expect(answer.log).toContainEqual(expect.objectContaining({ level: 'ERROR', error: 'TypeError', stack: expect.any(String) }));
});

test('the location of an operation begins with the stage of the API where it has one', async () => {
  const answer = await call('create-cluster', { body: { name: 'flights', size: 'small' }, stageName: 'v1' });
  expect(answer.headers.location).toBe(`/v1/clusters/flights/operations/${answer.body.operationId}`);
});

test.each([{ limit: '0' }, { limit: '101' }, { limit: 'x' }, { after: '../..' }, { after: 'AAAA' }])(
  'a page is not given for %j',
  async (query) => {
    expect(await call('list-clusters', { query })).toMatchObject({ status: 400, body: { errors: [{ path: Object.keys(query)[0] }] } });
  },
);

test('an audit line is written for each call of a job too', async () => {
  await givenJob();
  const { log } = await call('describe-job', { path: AT_JOB });
  expect(log).toEqual([expect.objectContaining({ audit: true, action: 'describe-job', cluster: 'flights', job: 'delays', status: 200 })]);
});
