import fc from 'fast-check';
import { decideDrain, decideGrowth, decideShrink, type Worker } from '../../../lambdas/domain/decide-hosts';
import type { FleetSeen } from '../../../lambdas/gateways/aws/fleet.port';

const host = (
  number: number,
  state: 'pending' | 'running' | 'leaving' = 'running',
  marks?: FleetSeen['hosts'][number]['marks'],
): FleetSeen['hosts'][number] => ({
  instanceId: `i-${number}`,
  role: 'taskmanager',
  zone: 'a',
  state,
  address: `10.0.0.${number}`,
  addresses: [`10.0.0.${number}`, `10.0.1.${number}`],
  launchedAt: `2026-01-01T00:00:${String(number).padStart(2, '0')}.000Z`,
  ...(marks ? { marks } : {}),
});
const leaving = (number: number) => host(number, 'running', { leaving: 'op-1' });
const draining = (number: number) => host(number, 'running', { drain: 'op-1' });
const seen = (hosts: FleetSeen['hosts'], wanted = hosts.length): FleetSeen => ({ hosts, wanted: { jobmanager: 1, taskmanager: wanted } });
const needed = (hosts: number) => ({ hosts, reason: 'as computed' });

describe('growing', () => {
  test.each([
    ['fewer are wanted than needed', 2, 3, { kind: 'set', hosts: 3 }],
    ['as many are wanted', 3, 3, { kind: 'none' }],
    ['more are wanted: growing never shrinks', 5, 3, { kind: 'none' }],
  ])('%s', (_, wanted, hosts, action) => {
    expect(decideGrowth(seen([], wanted), { ...needed(hosts), most: 9 }).action).toEqual(action);
  });

  test.each([
    ['one is on its way out: another comes besides', [host(1), leaving(2)], 2, { kind: 'set', hosts: 3 }],
    ['one is being emptied: it is no host to count on', [host(1), draining(2)], 2, { kind: 'set', hosts: 3 }],
    ['the group may have no more', [leaving(1), leaving(2), leaving(3)], 3, { kind: 'set', hosts: 4 }],
  ])('%s', (_, hosts, need, action) => {
    expect(decideGrowth(seen(hosts), { ...needed(need), most: 4 }).action).toEqual(action);
  });
});

describe('shrinking', () => {
  test('idle hosts go, the oldest first', () => {
    const { action } = decideShrink(seen([host(3), host(1), host(2)]), needed(2), []);
    expect(action).toEqual({ kind: 'terminate', instanceIds: ['i-1'], replacedIds: [] });
  });

  test('a host is kept when any of its TaskManagers has an occupied slot', () => {
    const { action } = decideShrink(seen([host(1), host(2)]), needed(1), ['10.0.1.1']);
    expect(action).toEqual({ kind: 'terminate', instanceIds: ['i-2'], replacedIds: [] });
  });

  test('a wish that EC2 has not granted is withdrawn before any host is ended', () => {
    expect(decideShrink(seen([host(1)], 4), needed(1), []).action).toEqual({ kind: 'set', hosts: 1 });
  });

  test('a host of which EC2 tells nothing stays, because it may be busy', () => {
    const untold = { instanceId: 'i-1', role: 'taskmanager', zone: 'a', state: 'pending', untold: true } as const;
    expect(decideShrink(seen([untold, host(2)]), needed(1), ['10.0.0.2']).action).toEqual({ kind: 'none' });
    expect(decideShrink(seen([untold, host(2)]), needed(1), []).action).toMatchObject({ kind: 'terminate', instanceIds: ['i-2'] });
  });

  test('when every host is busy none goes', () => {
    expect(decideShrink(seen([host(1), host(2)]), needed(1), ['10.0.0.1', '10.0.0.2']).action).toEqual({ kind: 'none' });
  });

  test('hosts on their way out go before older ones', () => {
    const { action } = decideShrink(seen([host(1), host(2), draining(3)]), needed(2), []);
    expect(action).toEqual({ kind: 'terminate', instanceIds: ['i-3'], replacedIds: [] });
  });

  test('a host stays in whose place another comes, which is idle until the tasks move to it', () => {
    expect(decideShrink(seen([leaving(1), host(2)]), needed(1), ['10.0.0.1']).action).toEqual({ kind: 'none' });
    expect(decideShrink(seen([leaving(1), host(2), host(3)]), needed(1), ['10.0.0.1']).action).toMatchObject({ instanceIds: ['i-2'] });
    expect(decideShrink(seen([leaving(1), host(2)]), needed(1), ['10.0.0.2']).action).toMatchObject({ instanceIds: ['i-1'] });
    expect(decideShrink(seen([leaving(1)], 3), needed(1), ['10.0.0.1']).action).toEqual({ kind: 'set', hosts: 2 });
  });

  test('a host that is up and needed stays, and one that still boots goes in its place', () => {
    const hosts = [host(1), host(2), host(3, 'pending')];
    expect(decideShrink(seen(hosts), needed(2), ['10.0.0.1']).action).toMatchObject({ instanceIds: ['i-3'] });
    expect(decideShrink(seen(hosts), needed(1), ['10.0.0.1']).action).toMatchObject({ instanceIds: ['i-2', 'i-3'] });
  });

  test('an empty host on its way out that is needed is replaced', () => {
    const { action } = decideShrink(seen([host(1), leaving(2)]), needed(2), ['10.0.0.1']);
    expect(action).toEqual({ kind: 'terminate', instanceIds: [], replacedIds: ['i-2'] });
  });

  test('it stays while its replacement is still to come', () => {
    expect(decideShrink(seen([host(1), leaving(2)], 3), needed(3), ['10.0.0.1']).action).toEqual({ kind: 'none' });
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

describe('emptying hosts', () => {
  const worker = (number: number, occupied: number, slots = 4): Worker => ({ address: `10.0.0.${number}`, slots, free: slots - occupied });
  const decide = (hosts: FleetSeen['hosts'], need: number, workers: Worker[], spareSlots = 0) =>
    decideDrain(seen(hosts), { ...needed(need), spareSlots }, workers).hosts.map(({ instanceId }) => instanceId);

  test.each<[string, FleetSeen['hosts'], number, Worker[], number, string[]]>([
    ['two hosts with a slot each need only one', [host(1), host(2)], 1, [worker(1, 1), worker(2, 1)], 0, ['i-1']],
    ['the one with fewer occupied slots moves', [host(1), host(2)], 1, [worker(1, 2), worker(2, 1)], 0, ['i-2']],
    ['none is too many', [host(1), host(2)], 2, [worker(1, 1), worker(2, 1)], 0, []],
    ['an idle host is all that is too many', [host(1), host(2), host(3)], 2, [worker(1, 1), worker(2, 1), worker(3, 0)], 0, []],
    ['the others are full', [host(1), host(2)], 1, [worker(1, 2), worker(2, 3)], 0, []],
    ['spare slots would be used up', [host(1), host(2)], 1, [worker(1, 2), worker(2, 2)], 1, []],
    ['as many as have room go at once', [host(1), host(2), host(3)], 1, [worker(1, 1), worker(2, 1), worker(3, 2)], 0, ['i-1', 'i-2']],
    ['only one of two has room', [host(1), host(2), host(3)], 1, [worker(1, 2), worker(2, 2), worker(3, 1)], 0, ['i-3']],
    [
      'an idle host that goes too takes nothing',
      [host(1), host(2), host(3)],
      1,
      [worker(1, 1), worker(2, 1), worker(3, 0)],
      0,
      ['i-1', 'i-3'],
    ],
    [
      'a host that is being emptied offers no room, and is emptied to the end',
      [host(1), host(2), draining(3)],
      1,
      [worker(1, 3), worker(2, 3), worker(3, 0)],
      0,
      ['i-3'],
    ],
    ['what was begun goes on', [host(1), draining(2)], 1, [worker(1, 1), worker(2, 1)], 0, ['i-2']],
    ['a host that boots offers none', [host(1), host(2, 'pending')], 1, [worker(1, 1)], 0, []],
    ['there is one host only', [host(1)], 0, [worker(1, 1)], 0, []],
  ])('%s', (_, hosts, need, workers, spareSlots, ids) => {
    expect(decide(hosts, need, workers, spareSlots)).toEqual(ids);
  });

  test('counts all TaskManagers of a host and names all its addresses', () => {
    const second: Worker = { address: '10.0.1.1', slots: 4, free: 2 };
    const { hosts } = decideDrain(seen([host(1), host(2)]), { ...needed(1), spareSlots: 0 }, [worker(1, 0), second, worker(2, 1)]);
    expect(hosts).toEqual([{ instanceId: 'i-2', addresses: ['10.0.0.2', '10.0.1.2'] }]);
  });

  test('what is moved always has room with the spare slots free, enough hosts stay, and nothing moves to a host that goes', () => {
    const workers = fc
      .uniqueArray(fc.integer({ min: 1, max: 50 }), { maxLength: 10 })
      .chain((numbers) => fc.tuple(...numbers.map((number) => fc.integer({ min: 0, max: 4 }).map((occupied) => worker(number, occupied)))));
    fc.assert(
      fc.property(workers, fc.integer({ min: 1, max: 10 }), fc.integer({ min: 0, max: 8 }), (all, need, spareSlots) => {
        const hosts = all.map(({ address }) => host(Number(address.split('.')[3])));
        const emptied = new Set(decide(hosts, need, all, spareSlots).map((id) => `10.0.0.${id.slice(2)}`));
        if (emptied.size === 0) return;
        const stay = all.filter(({ address, slots, free }) => !emptied.has(address) && free < slots);
        const occupied = (some: readonly Worker[]) => some.reduce((sum, { slots, free }) => sum + slots - free, 0);
        expect(occupied(all.filter(({ address }) => emptied.has(address))) + spareSlots).toBeLessThanOrEqual(
          stay.reduce((sum, { free }) => sum + free, 0),
        );
        expect(all.length - emptied.size).toBeGreaterThanOrEqual(need);
        for (const one of all.filter(({ slots, free }) => free === slots)) expect(emptied).toContain(one.address);
      }),
    );
  });
});
