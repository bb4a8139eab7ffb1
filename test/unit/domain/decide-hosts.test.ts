import fc from 'fast-check';
import { decideGrowth, decideShrink } from '../../../lambdas/domain/decide-hosts';
import type { FleetSeen } from '../../../lambdas/gateways/aws/fleet.port';

const host = (number: number, state: 'pending' | 'running' | 'leaving' = 'running'): FleetSeen['hosts'][number] => ({
  instanceId: `i-${number}`,
  role: 'taskmanager',
  zone: 'a',
  state,
  address: `10.0.0.${number}`,
  addresses: [`10.0.0.${number}`, `10.0.1.${number}`],
  launchedAt: `2026-01-01T00:00:${String(number).padStart(2, '0')}.000Z`,
});
const seen = (hosts: FleetSeen['hosts'], wanted = hosts.length): FleetSeen => ({ hosts, wanted: { jobmanager: 1, taskmanager: wanted } });
const needed = (hosts: number) => ({ hosts, reason: 'as computed' });

describe('growing', () => {
  test.each([
    ['fewer are wanted than needed', 2, 3, { kind: 'set', hosts: 3 }],
    ['as many are wanted', 3, 3, { kind: 'none' }],
    ['more are wanted: growing never shrinks', 5, 3, { kind: 'none' }],
  ])('%s', (_, wanted, hosts, action) => {
    expect(decideGrowth(seen([], wanted), needed(hosts)).action).toEqual(action);
  });
});

describe('shrinking', () => {
  test('idle hosts go, the oldest first', () => {
    const { action } = decideShrink(seen([host(3), host(1), host(2)]), needed(2), []);
    expect(action).toEqual({ kind: 'terminate', instanceIds: ['i-1'] });
  });

  test('a host is kept when any of its TaskManagers has an occupied slot', () => {
    const { action } = decideShrink(seen([host(1), host(2)]), needed(1), ['10.0.1.1']);
    expect(action).toEqual({ kind: 'terminate', instanceIds: ['i-2'] });
  });

  test('a wish that EC2 has not granted is withdrawn before any host is ended', () => {
    expect(decideShrink(seen([host(1)], 4), needed(1), []).action).toEqual({ kind: 'set', hosts: 1 });
  });

  test('when every host is busy none goes', () => {
    expect(decideShrink(seen([host(1), host(2)]), needed(1), ['10.0.0.1', '10.0.0.2']).action).toEqual({ kind: 'none' });
  });

  test('no busy host goes, and never more than are too many', () => {
    const hosts = fc
      .uniqueArray(fc.integer({ min: 1, max: 50 }), { maxLength: 12 })
      .map((numbers) => numbers.map((number) => host(number)));
    fc.assert(
      fc.property(hosts, fc.array(fc.integer({ min: 1, max: 50 })), fc.integer({ min: 0, max: 12 }), (all, busyNumbers, need) => {
        const busy = busyNumbers.map((number) => `10.0.1.${number}`);
        const { action } = decideShrink(seen(all), needed(need), busy);
        const ended = action.kind === 'terminate' ? action.instanceIds : [];
        for (const id of ended) expect(busyNumbers).not.toContain(Number(id.slice(2)));
        expect(all.length - ended.length).toBeGreaterThanOrEqual(Math.min(all.length, need));
        expect(action.kind).not.toBe('set');
      }),
    );
  });
});
