import { type FleetFacts, fleetRoom } from '../../../../lambdas/domain/scaling/fleet-room';

/** Two hosts of four slots, three slots of which are free; a host costs a dollar an hour, the JobManager's half of one. */
const facts = (changes: Partial<FleetFacts> = {}): FleetFacts => ({
  size: {
    instanceType: 'c5.xlarge',
    jobManager: { instanceType: 'c5.large', memoryMiB: 1_024 },
    taskManagersPerHost: 2,
    slotsPerTaskManager: 2,
    taskManagers: { min: 2, max: 20 },
    spareSlots: 0,
    stateVolume: { kind: 'gp3', sizeGB: 40, throughputMiBps: 225, iops: 4_000 },
  },
  hosts: { running: 2, wanted: 2 },
  slotsTaken: 5,
  prices: { 'c5.xlarge': 1, 'c5.large': 0.5 },
  ...changes,
});
test('a JobManager that stands by is paid for too', () => {
  const costOf = (jobManagers?: number): number => fleetRoom(facts(jobManagers === undefined ? {} : { jobManagers })).dollarsPerHour;
  expect([costOf(), costOf(2)]).toEqual([2.5, 3]);
});

/** Slots that the budget has, as the decision counts them. */
const payable = (budgetDollarsPerHour: number, changes: Partial<FleetFacts> = {}): number => {
  const { dollarsPerHour, dollarsPerSlotHour } = fleetRoom(facts({ budgetDollarsPerHour, ...changes }));
  return Math.max(0, Math.floor((budgetDollarsPerHour - dollarsPerHour) / dollarsPerSlotHour + 1e-9));
};

test.each<[string, Partial<FleetFacts>, number, number]>([
  ['up to the largest fleet', {}, 3, 32],
  ['hosts that come are free, and not to be added again', { hosts: { running: 2, wanted: 4 } }, 11, 24],
  ['hosts that go give no free slots that are taken', { hosts: { running: 1, wanted: 1 } }, 3, 32],
  ['what is left of hosts that a change needs and nobody has asked for yet', { slotsTaken: 14 }, 2, 24],
  ['what the quota grants', { hostsGranted: 2 }, 3, 8],
  ['nothing where the quota grants none', { hostsGranted: 0 }, 3, 0],
  ['no more than the largest fleet, whatever the quota grants', { hostsGranted: 100 }, 3, 32],
  ['nothing over the largest fleet', { hosts: { running: 11, wanted: 11 } }, 39, 0],
])('room is %s', (_, changes, slotsFree, slotsAddable) => {
  expect(fleetRoom(facts(changes))).toMatchObject({ slotsFree, slotsAddable });
});

test('the cost is that of all hosts that are wanted, and of the JobManager', () => {
  expect(fleetRoom(facts())).toMatchObject({ dollarsPerHour: 2.5, dollarsPerSlotHour: 0.25 });
  expect(fleetRoom(facts({ hosts: { running: 2, wanted: 5 } }))).toMatchObject({ dollarsPerHour: 5.5 });
  // Another job's change was accepted a moment ago.
  expect(fleetRoom(facts({ slotsTaken: 14 }))).toMatchObject({ dollarsPerHour: 4.5 });
});

/** By the hour, so that a host's volume costs (20 + 40) / 10 + 100 / 100 + 1,000 / 1,000 = 8 of what its host does, and a JobManager's 2. */
const VOLUMES = { gbMonth: 73, mibpsMonth: 7.3, iopsMonth: 0.73 };
const COSTLY = { prices: { 'c5.xlarge': 1, 'c5.large': 0.5 }, volumePrices: VOLUMES };

test('volumes are paid for too: of state, of what they have over 125 MiB/s and 3000 IOPS, and the root of each host', () => {
  expect(fleetRoom(facts(COSTLY))).toMatchObject({
    dollarsPerHour: expect.closeTo(2.5 + 2 * 8 + 2, 9),
    volumeDollarsPerHour: expect.closeTo(2 * 8 + 2, 9),
    dollarsPerSlotHour: expect.closeTo(9 / 4, 9),
  });
  const { stateVolume: _, ...size } = facts().size;
  const local = fleetRoom(facts({ ...COSTLY, size: { ...size, stateVolume: { kind: 'nvme', sizeGB: 474 } } }));
  expect(local).toMatchObject({ volumeDollarsPerHour: expect.closeTo(3 * 2, 9), dollarsPerSlotHour: expect.closeTo(3 / 4, 9) });
  expect(fleetRoom(facts({ ...COSTLY, paidFor: 2 })).volumeDollarsPerHour).toBeCloseTo(36, 9);
  expect(fleetRoom(facts())).not.toHaveProperty('volumeDollarsPerHour');
  expect([payable(20.5 + 8.9, COSTLY), payable(20.5 + 9, COSTLY)]).toEqual([0, 4]);
});

test('where a reserve stands by, each host is paid for twice', () => {
  expect(fleetRoom(facts({ paidFor: 2 }))).toMatchObject({ dollarsPerHour: 5, dollarsPerSlotHour: 0.5 });
  expect(payable(6.99, { paidFor: 2 })).toBe(0);
  expect(payable(7, { paidFor: 2 })).toBe(4);
});

test.each([
  ['two hosts more', 4.5, 8],
  ['whole hosts only', 4.4, 4],
  ['to the cent', 3.5, 4],
  ['no host', 3.49, 0],
  ['none where more is spent already', 1, 0],
  ['as many as there may be', 1_000, 32],
])('a budget has dollars for %s', (_, budget, slots) => {
  expect(Math.min(payable(budget), fleetRoom(facts({ budgetDollarsPerHour: budget })).slotsAddable ?? 0)).toBe(slots);
});

test('a budget is never overdrawn, whatever a host costs', () => {
  for (const price of [0.085, 0.1, 0.34, 0.7, 3.06])
    for (let budget = 0; budget < 20; budget += 0.37) {
      const prices = { 'c5.xlarge': price, 'c5.large': 0.085 };
      const hosts = Math.ceil(payable(budget, { prices }) / 4);
      const cost = (2 + hosts) * price + 0.085;
      expect({ price, budget, kept: hosts === 0 || cost <= budget + 1e-6 }).toEqual({ price, budget, kept: true });
    }
});
