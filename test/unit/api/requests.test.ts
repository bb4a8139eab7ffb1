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

describe('A caller with bad intentions', () => {
  const many = (count: number, name: (index: number) => string): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), 'x']));
  const SMALL = { name: 'flights', size: 'small' };

  test.each([
    ['a hundred thousand unknown fields', { ...SMALL, ...many(100_000, (index) => `f${index}`) }],
    ['a field whose name has two million characters', { ...SMALL, ['x'.repeat(2_000_000)]: 1 }],
    ['a hundred thousand settings that are refused', { ...SMALL, flinkConfiguration: many(100_000, (index) => `rest.x${index}.port`) }],
    ['a hundred thousand tags', { ...SMALL, tags: many(100_000, (index) => `#${index}`) }],
  ])('gets a short answer to %s, which says what is wrong, where, and how much more', async (_, body) => {
    const answer = await call('create-cluster', { body });
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body).length).toBeLessThan(50_000);
    expect(answer.body.errors.length).toBeLessThanOrEqual(50);
    for (const { path, message } of answer.body.errors) expect([path !== '', message !== '']).toEqual([true, true]);
    if (Object.keys(body).length > 3) expect(answer.body.detail).toMatch(/^99950 more than the 50 fields named here: f0: is not a field/);
  });

  test('gets a short answer to a script that makes thousands of settings that are refused', async () => {
    await givenCluster();
    const script = `${Array.from({ length: 30_000 }, (_, index) => `SET 'rest.x${index}.port' = '1';`).join('\n')}\nINSERT INTO a SELECT * FROM b;`;
    const answer = await call('submit-job', { path: AT_CLUSTER, body: { name: 'delays', sql: { script } } });
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body).length).toBeLessThan(50_000);
    expect(answer.body.errors[0]).toEqual({ path: 'sql.script', message: expect.stringContaining('SET rest.x0.port cannot be set') });
  });

  const nine = '9'.repeat(100_000);
  test.each<[string, object, string]>([
    ['an instance type without end', { overrides: { instanceType: `c5.${'x'.repeat(100_000)}` } }, 'overrides.instanceType'],
    ['further types without end', { purchase: { instanceTypes: [`c5.${'x'.repeat(100_000)}`] } }, 'purchase.instanceTypes.0'],
    ['a version without end', { flinkVersion: `${nine}.${nine}.${nine}` }, 'flinkVersion'],
    ['a bandwidth that no table keeps', { network: { minimumBaselineGbps: 1e200 } }, 'network.minimumBaselineGbps'],
    ['a bandwidth that is hardly one', { network: { minimumBaselineGbps: 1e-200 } }, 'network.minimumBaselineGbps'],
    ['a zone with an escape sequence', { zone: 'us\u001b[31m' }, 'zone'],
    ['a failover zone that is turned around', { placement: { failover: { zones: ['us\u202eeast'] } } }, 'placement.failover.zones.0'],
    ['a setting that Flink cannot read in YAML', { flinkConfiguration: { 'table.x': 'a\u007fb' } }, 'flinkConfiguration.table.x'],
    ['a setting with half a character', { flinkConfiguration: { 'table.x': 'a\ud800b' } }, 'flinkConfiguration.table.x'],
    [
      'a window on a million days',
      { placement: { failBack: { policy: 'quiet-time', window: { from: '01:00', until: '02:00', days: Array(100_000).fill(1) } } } },
      'placement.failBack.window.days',
    ],
  ])('cannot launch a cluster with %s', async (_, fields, path) => {
    const answer = await call('create-cluster', { body: { ...SMALL, ...fields } });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path }] } });
    expect(answer.body.errors).toHaveLength(1);
    expect(answer.text.length).toBeLessThan(2_000);
  });

  test.each<[string, object, string]>([
    ['a class without end', { jar: { ...JAR, entryClass: `a${'.b'.repeat(100_000)}` } }, 'jar.entryClass'],
    ['a jar behind an escape sequence', { jar: { ...JAR, uri: 's3://artifacts/a\u009b31m.jar' } }, 'jar.uri'],
    ['a time that no table keeps', { scaling: { catchUpSeconds: 1e200 } }, 'scaling.catchUpSeconds'],
    ['a time that is hardly one', { scaling: { catchUpSeconds: 1e-200 } }, 'scaling.catchUpSeconds'],
    ['a share that is hardly one', { scaling: { targetUtilization: 1e-200 } }, 'scaling.targetUtilization'],
    [
      'a service level that no table keeps',
      { scaling: { serviceLevels: { maxLagSeconds: 1e200 } } },
      'scaling.serviceLevels.maxLagSeconds',
    ],
    ['a budget that is more than there is', { scaling: { budgetDollarsPerHour: 1e200 } }, 'scaling.budgetDollarsPerHour'],
    [
      'a floor on a million days',
      { scaling: { floors: [{ from: '01:00', until: '02:00', days: Array(100_000).fill(1), parallelism: 2 }] } },
      'scaling.floors.0.days',
    ],
  ])('cannot submit a job with %s', async (_, fields, path) => {
    await givenCluster();
    const answer = await call('submit-job', { path: AT_CLUSTER, body: { name: 'delays', jar: JAR, ...fields } });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path }] } });
    expect(answer.body.errors).toHaveLength(1);
  });

  test.each([
    ['an escape sequence', 'a\u001b]0;owned\u0007'],
    ['one of eight bits', 'a\u009b31m'],
    ['a second line', 'a\nWARN all is well'],
    ['a separator of lines', 'a\u2028b'],
    ['marks that turn it around', 'a\u202eb'],
  ])('cannot have %s in the reason of a failover', async (_, reason) => {
    await givenCluster();
    expect(await call('fail-over-cluster', { path: AT_CLUSTER, body: { reason } })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'reason', message: 'must be one line without control characters' }] },
    });
  });

  test('may have another move go on in the place of one', async () => {
    await givenCluster();
    const move = async (body: object) => (await call('fail-over-cluster', { path: AT_CLUSTER, body })).body;
    const zone = 'eu-central-1c';
    const first = await move({ zone: 'eu-central-1b' });
    expect((await move({ zone })).operation.operationId).toBe(first.operationId);
    const second = await move({ zone, insteadOf: first.operationId });
    expect(second.request).toMatchObject({ from: first.request.from, zone });
  });

  test('may give a reason in any language', async () => {
    await givenCluster();
    const reason = 'Übung — 演習 – تمرين – נסיון 🙂';
    const { body } = await call('fail-over-cluster', { path: AT_CLUSTER, body: { reason } });
    expect(body.request.trigger.evidence).toBe(reason);
  });

  test('puts nothing into log or answer that a terminal obeys, whatever is in a path', async () => {
    const { text, lines } = await call('describe-cluster', { path: { cluster: 'a\u009b31m\u202e\u2028' } });
    for (const line of [text, ...lines]) expect(line).toMatch(/^[^\p{Cc}\u2028\u202e]*$/u);
    expect(lines.join()).toContain('a\\u009b31m\\u202e\\u2028');
  });
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
