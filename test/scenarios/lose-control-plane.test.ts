import { loseControlPlane } from '../../local/demo/scenarios/losses';
import { play } from '../e2e/support/scenario';
import { client } from '../e2e/support/twin';

/* What keeps a job running does not need the control plane, be it down for as long as five minutes. */
const cluster = 'alone';

afterAll(async () => {
  await client.succeeded(await client.terminateCluster(cluster, 'cancel'), 120);
}, 150_000);

test('a job whose JobManager host and a TaskManager die while no function works has counted every order once', async () => {
  const summary = await play(loseControlPlane, { ...loseControlPlane.cluster, name: cluster });

  expect(summary.problems).toEqual([]);
  expect(summary).toMatchObject({ ok: true, missing: 0, doubled: 0, unexpected: 0 });
}, 1_500_000);
