import { considerEach } from '../../../lambdas/usecases/failover/consider-each';
import { aCluster } from '../../contract/support/samples';

const CLUSTERS = Array.from({ length: 40 }, (_, index) => aCluster({ name: `cluster-${index}` }));
const NAMES = CLUSTERS.map(({ name }) => name);

let now: number;
beforeEach(() => {
  now = Date.parse('2026-03-01T12:00:00.000Z');
});

/** As with hosts in a zone that is ill: each look waits. */
const slowly = async (): Promise<readonly string[]> => {
  const seen: string[] = [];
  const began = now;
  const look = async ({ name }: { readonly name: string }): Promise<readonly string[]> => {
    seen.push(name);
    await Promise.resolve();
    now = Math.max(now, began + Math.ceil(seen.length / 8) * 8_000);
    return [];
  };
  await considerEach(CLUSTERS, look, { clock: () => new Date(now), ms: 20_000 });
  return seen;
};

test('looks that wait long do not take more than their time', async () => {
  const began = now;
  const seen = await slowly();
  expect(now - began).toBeLessThanOrEqual(24_000 + 8_000);
  expect([seen.length >= 8, seen.length < CLUSTERS.length]).toEqual([true, true]);
});

test('every cluster has its turn within as many minutes as it takes to look at a few of them each', async () => {
  const seen = new Set<string>();
  for (let minute = 0; minute < 5; minute++) {
    const began = now;
    for (const name of await slowly()) seen.add(name);
    now = began + 60_000;
  }
  expect([...seen].sort()).toEqual([...NAMES].sort());
});

test('one that cannot be looked at keeps no other waiting, and is said', async () => {
  const answers = await considerEach(CLUSTERS, async ({ name }) => {
    if (name === 'cluster-3') throw new Error('EC2 throttles');
    return [name];
  });
  expect(answers).toHaveLength(CLUSTERS.length);
  expect(answers).toContainEqual({
    cluster: 'cluster-3',
    action: 'failed',
    reason: 'cluster-3 could not be looked at: Error: EC2 throttles',
  });
});
