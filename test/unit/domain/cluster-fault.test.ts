import { faultAfter, isFaultLasting } from '../../../lambdas/domain/cluster-fault';

const at = (seconds: number): string => new Date(Date.parse('2026-03-01T12:00:00.000Z') + seconds * 1_000).toISOString();
const SILENT = { kind: 'jobmanager-unreachable', silent: true } as const;
const first = faultAfter(undefined, SILENT, 1, at(0));

test('a fault has lasted since the first pass that saw it, also when it becomes the other one', () => {
  expect(first).toEqual({ kind: 'jobmanager-unreachable', epoch: 1, since: at(0), silentSince: at(0), seenAt: at(0) });
  expect(faultAfter(first, { kind: 'members-lost' }, 1, at(30))).toEqual({ kind: 'members-lost', epoch: 1, since: at(0), seenAt: at(30) });
});

test('a fault that nobody looked at for long begins anew, as does that of another epoch', () => {
  expect(faultAfter(first, SILENT, 1, at(181))).toMatchObject({ since: at(181) });
  expect(faultAfter(first, SILENT, 2, at(30))).toMatchObject({ epoch: 2, since: at(30) });
});

test.each([
  ['a JobManager says that it recovers', { kind: 'jobmanager-unreachable' }],
  ['it answers and has no TaskManager', { kind: 'members-lost' }],
] as const)('a silence begins anew when %s meanwhile', (_, seen) => {
  expect(faultAfter(first, SILENT, 1, at(30))).toMatchObject({ silentSince: at(0) });
  const answered = faultAfter(first, seen, 1, at(30));
  expect(answered).not.toHaveProperty('silentSince');
  expect(faultAfter(answered, SILENT, 1, at(60))).toMatchObject({ since: at(0), silentSince: at(60) });
});

test('one pass that finds the cluster well ends it', () => {
  expect(faultAfter(first, undefined, 1, at(30))).toBeUndefined();
});

test.each([
  [59, false],
  [60, true],
])('after %i s hosts have to be looked at: %s', (seconds, due) => {
  expect(isFaultLasting(first, at(seconds))).toBe(due);
  expect(isFaultLasting(undefined, at(seconds))).toBe(false);
});
