import { loseControlPlane } from '../../local/demo/scenarios/losses';
import { runScenario } from '../../local/demo/scenarios/run';
import { client, settings, twin } from '../e2e/support/twin';

/* What keeps a job running does not need the control plane, be it down for as long as five minutes. */
const cluster = 'alone';
const said: string[] = [];
const view = { step: () => undefined, board: () => undefined, end: () => undefined, note: (line: string) => void said.push(line) };

afterAll(async () => {
  await client.succeeded(await client.terminateCluster(cluster, 'cancel'), 120);
}, 150_000);

test('a job whose JobManager host and a TaskManager die while no function works has counted every order once', async () => {
  const summary = await runScenario(
    { ...loseControlPlane, cluster: { ...loseControlPlane.cluster, name: cluster } },
    { settings, start: async () => twin, view, signal: new AbortController().signal },
  ).catch((error: Error) => Promise.reject(new Error(`${error.message}\n${said.join('\n')}`)));

  expect(summary.problems).toEqual([]);
  expect(summary).toMatchObject({ ok: true, missing: 0, doubled: 0, unexpected: 0 });
}, 900_000);
