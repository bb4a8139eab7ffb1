import type { Problem } from '../../lambdas/contracts/api';
import { counterArguments, endlessSql, uploadedCounterJar } from './support/jobs';
import { client, sharedCluster, twin } from './support/twin';

let cluster: string;
let jar: { uri: string; sha256: string };

beforeAll(async () => {
  cluster = await sharedCluster();
  jar = await uploadedCounterJar();
}, 240_000);

const pathsOf = (body: Problem): string[] => (body.errors ?? []).map((error) => error.path);

const longName = 'a'.repeat(300);

test.each([
  ['an unknown size', { name: 'xx', size: 'gigantic' }, 422, 'size'],
  [
    'an instance type that does not exist',
    { name: 'xx', size: 'dev', overrides: { instanceType: 'c5.mega' } },
    422,
    'overrides.instanceType',
  ],
  ['a type whose network is too slow', { name: 'xx', size: 'dev', overrides: { instanceType: 't3.large' } }, 422, 'overrides.instanceType'],
  ['a zone that the stage does not have', { name: 'xx', size: 'dev', zone: 'us-east-1f' }, 422, 'zone'],
  ['min over max', { name: 'xx', size: 'dev', overrides: { taskManagers: { min: 5, max: 2 } } }, 422, 'overrides.taskManagers.min'],
  [
    '300 TaskManagers where the stage allows 100',
    { name: 'xx', size: 'dev', overrides: { taskManagers: { max: 300 } } },
    422,
    'overrides.taskManagers.max',
  ],
  [
    'a setting that the control plane owns',
    { name: 'xx', size: 'dev', flinkConfiguration: { 'rest.port': '80' } },
    422,
    'flinkConfiguration.rest.port',
  ],
  ['an unknown field', { name: 'xx', size: 'dev', colour: 'red' }, 422, 'colour'],
  ['a name with ../', { name: '../x1', size: 'dev' }, 422, 'name'],
  ['a name of 300 characters', { name: longName, size: 'dev' }, 422, 'name'],
])('a cluster with %s is refused, and the answer names the field', async (_, spec, status, path) => {
  const answer = await client.call<Problem>('POST', '/clusters', { body: spec });
  expect({ status: answer.status, paths: pathsOf(answer.body) }).toEqual({ status, paths: [path] });
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
});

test.each([
  [
    'a jar that does not exist',
    () => ({ name: 'xx', jar: { ...jar, uri: `s3://${twin.artifactBucket}/jars/nothing.jar` } }),
    422,
    'jar.uri',
  ],
  ['neither jar nor script', () => ({ name: 'xx' }), 422, 'jar'],
  ['both jar and script', () => ({ name: 'xx', jar, sql: { script: 'SELECT 1' } }), 422, 'jar'],
  ['a SHA-256 that is none', () => ({ name: 'xx', jar: { ...jar, sha256: 'abc' } }), 422, 'jar.sha256'],
  ['a script over 1 MB', () => ({ name: 'xx', sql: { script: `-- ${'x'.repeat(1_000_001)}` } }), 422, 'sql.script'],
  [
    'a setting on the deny list',
    () => ({ name: 'xx', sql: { script: endlessSql() }, flinkConfiguration: { 'execution.checkpointing.dir': 's3://elsewhere/x' } }),
    422,
    'flinkConfiguration.execution.checkpointing.dir',
  ],
  [
    'more parallelism than the largest fleet has slots',
    () => ({ name: 'xx', sql: { script: endlessSql() }, parallelism: 5_000 }),
    422,
    'parallelism',
  ],
  ['an unknown field', () => ({ name: 'xx', sql: { script: endlessSql(), dialect: 'hive' } }), 422, 'sql.dialect'],
  ['a name with ../', () => ({ name: '../../x', sql: { script: endlessSql() } }), 422, 'name'],
  [
    'a savepoint that is not there',
    () => ({
      name: 'xx',
      sql: { script: endlessSql() },
      restore: { from: 'savepoint', savepoint: `s3://${twin.stateBucket}/no/savepoint` },
    }),
    422,
    'restore.savepoint',
  ],
])('a job with %s is refused, and the answer names the field', async (_, spec, status, path) => {
  const answer = await client.call<Problem>('POST', `/clusters/${cluster}/jobs`, { body: spec() });
  expect({ status: answer.status, paths: pathsOf(answer.body) }).toEqual({ status, paths: [path] });
  const listed = await client.call<{ items: { name: string }[] }>('GET', `/clusters/${cluster}/jobs`);
  expect(listed.body.items.map((item) => item.name)).not.toContain('xx');
});

test('a body that is not JSON is refused', async () => {
  const answer = await client.call<Problem>('POST', '/clusters', { rawBody: '{"name": ', headers: { 'content-type': 'application/json' } });
  expect(answer.status).toBe(400);
  expect(answer.body.detail).toMatch(/JSON/);
});

test('a body over the limit is refused', async () => {
  const answer = await client.call<Problem>('POST', `/clusters/${cluster}/jobs`, {
    body: { name: 'xx', sql: { script: 'x'.repeat(3_000_000) } },
  });
  expect(answer.status).toBe(413);
});

test.each(['/clusters/..%2F..%2Fetc', `/clusters/${longName}`, '/clusters/UPPER'])('%s is no cluster', async (path) => {
  const answer = await client.call<Problem>('GET', path);
  expect([400, 404]).toContain(answer.status);
});

test('what does not exist is not found', async () => {
  for (const path of ['/clusters/nowhere', `/clusters/${cluster}/jobs/nothing`, `/clusters/${cluster}/operations/op-${'a'.repeat(26)}`]) {
    expect((await client.call('GET', path)).status).toBe(404);
  }
});

describe('what only Flink can find out ends the operation with a sentence', () => {
  test.each([
    ['a wrong hash', () => ({ jar: { ...jar, sha256: '0'.repeat(64) } }), /SHA-256/],
    ['a class that is not in the jar', () => ({ jar: { ...jar, entryClass: 'com.example.Missing' } }), /com\.example\.Missing/],
    [
      'a main that throws',
      () => ({ jar: { ...jar, arguments: counterArguments({ mode: 'main-fails' }) } }),
      /the orders table is not there/,
    ],
    [
      'a job that fails at once',
      () => ({ jar: { ...jar, arguments: counterArguments({ mode: 'fail' }) }, flinkConfiguration: { 'restart-strategy.type': 'none' } }),
      /is not a valid order/,
    ],
    [
      'a syntax error in SQL',
      () => ({
        sql: {
          script:
            "CREATE TABLE t (a INT) WITH ('connector' = 'datagen');\nCREATE TABLE n (a INT) WITH ('connector' = 'blackhole');\nINSERT INTO n\nSELECT a FORM t;",
        },
      }),
      /line \d+, column \d+/,
    ],
  ])(
    '%s',
    async (_, program, reason) => {
      const name = 'wrong';
      const operation = await client.ended(await client.submitJob(cluster, { name, parallelism: 1, ...program() } as never));
      expect(operation.status).toBe('FAILED');
      expect(operation.reason).toMatch(reason);
      expect(operation.reason.length).toBeLessThan(600);
      expect((await client.job(cluster, name)).status).toBe('FAILED');
      const live = (await client.cluster(cluster)).live;
      expect(live?.jobs.filter((one) => one.name === name && !['FAILED', 'CANCELED', 'FINISHED'].includes(one.state))).toEqual([]);
    },
    90_000,
  );
});
