import * as fc from 'fast-check';
import { decideCapacity, mostSlots, slotsPerHost } from '../../../lambdas/domain/capacity';

const SIZE = { taskManagersPerHost: 2, slotsPerTaskManager: 4, taskManagers: { min: 2, max: 8 }, spareSlots: 8 };
const demand = (...slots: number[]) => slots.map((count, index) => ({ job: `job-${index}`, slots: count }));

describe('the hosts that jobs need', () => {
  test.each([
    ['no job: the smallest fleet', demand(), 1, 8],
    ['one job and the spare slots', demand(8), 2, 8],
    ['jobs do not share slots with each other', demand(8, 1), 3, 8],
    ['spare slots give way at the largest fleet', demand(16, 14), 4, 2],
    ['a full fleet has no spare slots', demand(32), 4, 0],
  ])('%s', (_, demands, hosts, spareSlots) => {
    expect(decideCapacity(demands, SIZE)).toMatchObject({ action: 'provide', hosts, spareSlots });
  });

  test('cannot be had over the largest fleet, and the figures are said', () => {
    expect(decideCapacity(demand(30, 3), SIZE)).toEqual({
      action: 'refuse',
      slotsAsked: 33,
      slotsMost: 32,
      reason: '2 jobs need 33 slots, the largest fleet of 8 TaskManagers has 32',
    });
  });

  test('are explained', () => {
    expect(decideCapacity(demand(16, 14), SIZE).reason).toBe(
      '2 jobs need 30 slots and 8 spare: 4 hosts of 8 slots; only 2 of 8 spare slots fit into the largest fleet',
    );
  });
});

test('hosts are enough for the jobs, within limits, and never one more than needed', () => {
  const sizes = fc
    .record({
      taskManagersPerHost: fc.integer({ min: 1, max: 8 }),
      slotsPerTaskManager: fc.integer({ min: 1, max: 16 }),
      low: fc.integer({ min: 1, max: 20 }),
      more: fc.integer({ min: 0, max: 20 }),
      spareSlots: fc.nat(100),
    })
    .map(({ low, more, ...size }) => ({
      ...size,
      taskManagers: { min: low * size.taskManagersPerHost, max: (low + more) * size.taskManagersPerHost },
    }));
  fc.assert(
    fc.property(sizes, fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 10 }), (size, slots) => {
      const asked = slots.reduce((sum, count) => sum + count, 0);
      const capacity = decideCapacity(demand(...slots), size);
      expect(capacity.action).toBe(asked > mostSlots(size) ? 'refuse' : 'provide');
      if (capacity.action === 'refuse') return;
      const perHost = slotsPerHost(size);
      expect(capacity.hosts * perHost).toBeGreaterThanOrEqual(asked + capacity.spareSlots);
      expect(capacity.hosts * size.taskManagersPerHost).toBeGreaterThanOrEqual(size.taskManagers.min);
      expect(capacity.hosts * size.taskManagersPerHost).toBeLessThanOrEqual(size.taskManagers.max);
      if (capacity.hosts * size.taskManagersPerHost > size.taskManagers.min)
        expect((capacity.hosts - 1) * perHost).toBeLessThan(asked + size.spareSlots);
    }),
  );
});
