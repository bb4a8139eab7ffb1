import type { Operation } from '../../../lambdas/contracts/operation';
import { later } from '../../../lambdas/domain/clock';
import { allHostsUntil, capacityUntil, carriedOutUntil, restoredUntil } from '../../../lambdas/domain/deadlines';

const ASKED = '2026-03-04T12:00:00.000Z';
const at = (seconds: number): string => later(ASKED, seconds);

/** A rescale that has 900 s. @param begun seconds after it was accepted, as with `hosts` that it asked for hosts */
const rescale = (begun?: number, hosts?: number): Operation =>
  ({
    requestedAt: ASKED,
    deadline: at(900),
    ...(begun === undefined ? {} : { startedAt: at(begun) }),
    phases: hosts === undefined ? [] : [{ name: 'Ensure capacity', startedAt: at(hosts), endedAt: at(hosts + 9) }],
  }) as unknown as Operation;

test.each<[string, Operation, number]>([
  ['when they were asked for', rescale(300, 310), 310],
  ['when the workflow began, before that', rescale(300), 300],
  ['the acceptance, before that', rescale(), 0],
])('the time in which hosts may be unused counts from %s', (_, operation, since) => {
  expect(allHostsUntil(operation)).toBe(at(since + 420));
  expect(carriedOutUntil(operation, at(since))).toBe(at(since + 480));
  expect(restoredUntil(operation, at(since), false)).toBe(at(since + 540));
});

test('who can do with fewer slots waits for three fifths of the time that is left, and no longer than the others', () => {
  expect(capacityUntil(rescale(0, 0))).toBe(at(420));
  expect(capacityUntil(rescale(390, 400))).toBe(at(400 + 300));
  expect(capacityUntil(rescale(990, 1_000))).toBe(at(1_000));
});
