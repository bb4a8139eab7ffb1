import { describeBusyness, MachineWatch, parseTicks } from '../../../bench/machine';

test('what the host gave to others is the eighth figure of all processors, and guests are in the first two already', () => {
  const stat = 'cpu  100 20 30 800 5 0 5 40 90 10\ncpu0 50 10 15 400 2 0 2 20 45 5\nintr 5\n';
  expect(parseTicks(stat)).toEqual({ all: 1_000, stolen: 40 });
});

test.each(['', 'cpu', 'cpu0 1 2 3 4 5 6 7 8\n', 'cpu  1 2 3 4\n', 'cpu  a b c d e f g h\n'])('a system that does not tell: %j', (stat) => {
  expect(parseTicks(stat)).toBeUndefined();
});

test('a machine is as busy as it was when it was busiest, and what others took counts, both from the first look on', () => {
  const ticks = [
    { all: 1_000, stolen: 500 },
    { all: 1_400, stolen: 580 },
  ];
  const loads = [7, 5];
  const machine = new MachineWatch(
    () => ticks.shift(),
    () => loads.shift() ?? Number.NaN,
  );
  for (let looks = 0; looks < 3; looks += 1) machine.look();
  expect(machine.seen).toEqual({ load: 7, stolenPercent: 20 });
});

test('what the system does not tell counts as nothing', () => {
  const machine = new MachineWatch(
    () => undefined,
    () => 3,
  );
  expect(machine.seen).toEqual({ load: 0, stolenPercent: 0 });
  machine.look();
  machine.look();
  expect(machine.seen).toEqual({ load: 3, stolenPercent: 0 });
});

test('it is said when others took processors', () => {
  expect(describeBusyness({ load: 3, stolenPercent: 0 })).toBe('load up to 3');
  expect(describeBusyness({ load: 6, stolenPercent: 38 })).toBe('load up to 6, 38 % of the processors taken by other machines');
});
