import { AwsUnavailable } from '../../../lambdas/contracts/errors';
import type { HandlerName } from '../../../lambdas/contracts/routes';
import { AT_CLUSTER, AT_JOB, type Call, call, givenCluster, givenJob, JAR, resetWorld, world } from './world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('./world').environment);

const SCRIPT = { script: 'INSERT INTO t SELECT 1' };
const CHANGES: readonly (readonly [HandlerName, () => Promise<void>, Call])[] = [
  ['create-cluster', async () => undefined, { body: { name: 'flights', size: 'small' } }],
  ['terminate-cluster', givenCluster, { path: AT_CLUSTER }],
  ['submit-job', givenCluster, { path: AT_CLUSTER, body: { name: 'delays', jar: JAR } }],
  ['submit-job', givenCluster, { path: AT_CLUSTER, body: { name: 'delays', sql: SCRIPT } }],
  ['stop-job', givenJob, { path: AT_JOB }],
  ['cancel-job', givenJob, { path: AT_JOB }],
  ['take-savepoint', givenJob, { path: AT_JOB }],
  ['upgrade-job', givenJob, { path: AT_JOB, body: { sql: SCRIPT } }],
  ['rescale-job', givenJob, { path: AT_JOB, body: { parallelism: 8 } }],
];
const PORTS = ['store', 'workflows', 'artifacts', 'instanceFacts'] as const;

beforeEach(resetWorld);

const allCalls = () => PORTS.flatMap((port) => world[port].calls.map(({ method }) => ({ port, method })));
const open = async () => (await world.store.openOperations()).map(({ operationId }) => operationId);

/** The calls that a change makes when all goes well. */
const callsOf = async (handler: HandlerName, given: () => Promise<void>, request: Call) => {
  resetWorld();
  await given();
  const before = allCalls();
  await call(handler, { ...request, key: 'k' });
  const made = PORTS.flatMap((port) => {
    const earlier = before.filter((made) => made.port === port).length;
    return world[port].calls.slice(earlier).map(({ method }) => ({ port, method }));
  });
  return [...new Map(made.map((made) => [`${made.port}.${made.method}`, made])).values()];
};

describe.each(CHANGES)('%s', (handler, given, request) => {
  test.each(['before', 'after'] as const)(
    'is done once, whichever of its calls fails (%s it had its effect) and however often it is sent again',
    async (when) => {
      const calls = await callsOf(handler, given, request);
      expect(calls.length).toBeGreaterThan(2);
      for (const { port, method } of calls) {
        resetWorld();
        await given();
        const [operations, started] = [await open(), world.workflows.started.length];
        world[port].failNext(method as never, new AwsUnavailable(`${method} answers 500`), when);

        const first = await call(handler, { ...request, key: 'k' });
        const second = await call(handler, { ...request, key: 'k' });
        const third = await call(handler, { ...request, key: 'k' });

        expect([port, method, [202, 503].includes(first.status), second.status, third.status]).toEqual([port, method, true, 202, 202]);
        expect(third.body.operationId).toBe(second.body.operationId);
        expect((await open()).filter((id) => !operations.includes(id))).toEqual([second.body.operationId]);
        expect(world.workflows.started.slice(started)).toEqual([{ kind: second.body.kind, operationId: second.body.operationId }]);
      }
    },
  );
});
