import { clusterSpec, NO_RESOURCES } from '../../../lambdas/contracts/cluster';
import { dealtBy, everyState, statesOf, targets } from '../../../local/demo/scenarios/every-state';
import { WAYS, WORKFLOWS, type Workflow } from '../../../local/demo/scenarios/every-state-ways';
import { withoutReserve } from '../../../local/demo/scenarios/leftovers';

const named = targets().map(({ way, state }) => `${way.kind}/${state}`);

test.each(WORKFLOWS)('every state of %s in which time passes is interrupted once', (kind) => {
  const interrupted = named.filter((one) => one.startsWith(`${kind}/`)).map((one) => one.slice(kind.length + 1));
  expect([...interrupted].sort()).toEqual([...statesOf(kind)].sort());
  expect(new Set(named).size).toBe(named.length);
});

test('a way that stands still, or fails, does so in a state of its workflow', () => {
  for (const { kind, stillFrom, rules } of WAYS) {
    if (stillFrom !== undefined) expect(statesOf(kind)).toContain(stillFrom);
    for (const { machine, state } of rules?.('us-east-1a') ?? [])
      if (machine !== undefined) expect(statesOf(String(machine).slice(2) as Workflow)).toContain(state);
  }
});

test('a seed gives an order, another one another, and each has all states with those of one way together', () => {
  const order = (seed: number) => dealtBy(seed, targets()).map(({ way, state }) => `${way.kind}/${state}`);
  expect(order(1)).toEqual(order(1));
  expect(order(2)).not.toEqual(order(1));
  expect([...order(2)].sort()).toEqual([...named].sort());
  const ways = dealtBy(3, targets()).map(({ way }) => way);
  expect(ways.filter((way, index) => way !== ways[index - 1])).toHaveLength(WAYS.length);
});

test('states can be chosen by patterns, and a pattern that is like none is refused', () => {
  expect(everyState({ seed: 1, states: ['take-savepoint/*'] }).title).toMatch(/^6 states/);
  expect(everyState({ seed: 1, states: ['*/End operation', 'stop-job/Cancel job'] }).title).toMatch(/^14 states/);
  expect(() => everyState({ seed: 1, states: ['stop-jobs/*'] })).toThrow(/--states knows patterns .*stop-jobs/);
});

test('a cluster that is to have hosts standing by is at rest once a move could take them, and one that is to have none at once', () => {
  const spec = (capacity: 'cold' | 'warm') => clusterSpec.parse({ name: 'orders', size: 'dev', placement: { failover: { capacity } } });
  const reserve = (status: 'making' | 'ready' | 'leaving' | 'gone') => {
    const made = { epoch: 2, zone: 'us-east-1b', since: '2026-01-01T00:00:00.000Z', hosts: 1, failures: 0, resources: NO_RESOURCES };
    return { spec: spec('warm'), reserve: { ...made, status, reason: 'no capacity' } };
  };
  expect(withoutReserve(reserve('ready'))).toEqual([]);
  expect(withoutReserve({ spec: spec('warm') })).toEqual(['the hosts that are to stand by are not there']);
  for (const status of ['making', 'leaving', 'gone'] as const)
    expect(withoutReserve(reserve(status))).toEqual([`the hosts that are to stand by are ${status}: no capacity`]);
  expect(withoutReserve({ spec: spec('cold') })).toEqual([]);
});
