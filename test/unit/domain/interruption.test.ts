import fc from 'fast-check';
import { decideRoom, isLastCall, LAST_CALL_SECONDS } from '../../../lambdas/domain/interruption';

const at = (seconds: number): string => new Date(Date.parse('2026-01-01T00:00:00.000Z') + seconds * 1_000).toISOString();
const worker = (address: string, slots: number, free: number) => ({ address, slots, free });

test.each([
  ['long before', 120 - LAST_CALL_SECONDS - 1, false],
  ['when the last call comes', 120 - LAST_CALL_SECONDS, true],
  ['after the host has gone', 300, true],
])('%s', (_, now, expected) => {
  expect(isLastCall(at(120), at(now))).toBe(expected);
});

test('a host that goes at no known time has no last call', () => {
  expect(isLastCall(undefined, at(1e6))).toBe(false);
});

test.each([
  ['the slots of another host take what is on it', [worker('a', 4, 2), worker('b', 4, 2)], true],
  ['a slot is missing', [worker('a', 4, 1), worker('b', 4, 2)], false],
  ['nothing is on it', [worker('a', 4, 4), worker('b', 4, 0)], true],
  ['it has left already', [worker('b', 4, 0)], true],
])('%s', (_, workers, ready) => {
  expect(decideRoom(workers, ['a'])).toMatchObject({ ready });
});

test('slots of the hosts that go are no room', () => {
  const any = fc.array(
    fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 4 })).map(([address, free]) => worker(address, 4, free)),
  );
  fc.assert(
    fc.property(any, (workers) => {
      const going = workers.filter(({ address }) => address !== 'c');
      if (going.some(({ slots, free }) => free < slots)) expect(decideRoom(going, ['a', 'b']).ready).toBe(false);
    }),
  );
});
