import { describeBusyness, MachineWatch, parseTicks } from '../../../bench/machine';

test('what the host gave to others is the eighth figure of all processors, and guests are in the first two already', () => {
  const stat = 'cpu  100 20 30 800 5 0 5 40 90 10\ncpu0 50 10 15 400 2 0 2 20 45 5\nintr 5\n';
  expect(parseTicks(stat)).toEqual({ all: 1_000, stolen: 40 });
});

test.each(['', 'cpu', 'cpu0 1 2 3 4 5 6 7 8\n', 'cpu  1 2 3 4\n', 'cpu  a b c d e f g h\n'])('a system that does not tell: %j', (stat) => {
  expect(parseTicks(stat)).toBeUndefined();
});

test('a machine is as busy as it was when it was busiest', () => {
  const machine = new MachineWatch();
  machine.look();
  const { load, stolenPercent } = machine.seen;
  expect(load).toBeGreaterThanOrEqual(0);
  expect(stolenPercent).toBeGreaterThanOrEqual(0);
  expect(stolenPercent).toBeLessThanOrEqual(100);
});

test('it is said when others took processors', () => {
  expect(describeBusyness({ load: 3, stolenPercent: 0 })).toBe('load up to 3');
  expect(describeBusyness({ load: 6, stolenPercent: 38 })).toBe('load up to 6, 38 % of the processors taken by other machines');
});
