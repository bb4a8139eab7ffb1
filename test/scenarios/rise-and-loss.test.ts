import type { ClusterDescription } from '../../lambdas/contracts/api';
import { riseAndLoss } from '../../local/demo/scenarios/zones';
import { play } from '../e2e/support/scenario';
import { client } from '../e2e/support/twin';

/*
 * The two loops that nobody starts: alarms scale a job by its real metrics, and the event of a lost zone moves its cluster. The scenario is the one that a
 * person sees; its answer is compared order by order.
 */
const cluster = 'rising';

afterAll(async () => {
  await client.succeeded(await client.terminateCluster(cluster, 'cancel'), 120);
}, 150_000);

test('a job grows with its load, loses its zone, and has counted every order once', async () => {
  const { body } = await client.call<{ items: readonly ClusterDescription[] }>('GET', '/clusters?limit=100');
  // A zone is lost with all that is in it: other tests' clusters are elsewhere.
  const taken = new Set(body.items.filter(({ status }) => status !== 'TERMINATED').map(({ zone }) => zone));
  const zone = ['us-east-1a', 'us-east-1b', 'us-east-1c'].find((one) => !taken.has(one));
  const summary = await play(riseAndLoss, { ...riseAndLoss.cluster, name: cluster, ...(zone === undefined ? {} : { zone }) });

  expect(summary.problems).toEqual([]);
  expect(summary).toMatchObject({ ok: true, missing: 0, doubled: 0, unexpected: 0 });
  expect(summary.measured.mostTaskManagers).toBeGreaterThan(1);
  expect(summary.measured.zone).not.toBe(summary.measured.from);

  const { body: operations } = await client.call<{ items: readonly { kind: string; requestedBy: string; status: string }[] }>(
    'GET',
    `/clusters/${cluster}/operations?limit=100`,
  );
  for (const kind of ['scale-job', 'fail-over-cluster'])
    expect(operations.items).toContainEqual(expect.objectContaining({ kind, requestedBy: expect.stringContaining('sluice') }));
}, 1_000_000);
