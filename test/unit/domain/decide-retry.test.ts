import fc from 'fast-check';
import { decideRetry, isStranded, RETRY_AT_MOST_SECONDS, RETRY_SECONDS } from '../../../lambdas/domain/decide-retry';
import type { Move } from '../../../lambdas/domain/move';

const NOW = '2026-03-01T12:00:00.000Z';
const ago = (seconds: number): string => new Date(Date.parse(NOW) - seconds * 1_000).toISOString();
const move = (endedAgo: number, status: Move['status'] = 'FAILED'): Move => ({
  operationId: `op-${endedAgo}`,
  at: ago(endedAgo + 120),
  endedAt: ago(endedAgo),
  trigger: 'zone-event',
  from: 'us-east-1a',
  avoid: ['us-east-1a'],
  status,
});
const FLIGHTS = { name: 'flights', automatic: true };

test.each<[string, readonly Move[], string, RegExp]>([
  ['it has just failed', [move(RETRY_SECONDS - 1)], 'hold', /op-59 failed: it is tried again at 2026-03-01T12:00:01/],
  ['it failed a minute ago', [move(RETRY_SECONDS)], 'move', /op-60 failed: it is tried again after 60 s/],
  ['it has failed twice', [move(2 * RETRY_SECONDS - 1), move(500)], 'hold', /2 moves in a row have failed, the last op-119/],
  ['it has failed twice, and the longer pause is over', [move(2 * RETRY_SECONDS), move(500)], 'move', /after 120 s/],
  ['it failed after one that lasted', [move(RETRY_SECONDS), move(900, 'SUCCEEDED'), move(2_000), move(3_000)], 'move', /op-60 failed/],
  ['nothing is known of it', [], 'hold', /no move of flights is known/],
])('%s', (_, moves, action, reason) => {
  const decision = decideRetry(FLIGHTS, moves, NOW);
  expect(decision.action).toBe(action);
  expect(decision.reason).toMatch(reason);
});

test('a person decides where the control plane may not', () => {
  expect(decideRetry({ ...FLIGHTS, automatic: false }, [move(9_000)], NOW)).toEqual({
    action: 'hold',
    reason: 'op-9000 failed, and flights is moved by a person only (placement.failover.automatic)',
  });
});

test('however often it has failed, it is tried again within the longest pause, and not before the shortest', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 7_200 }), (times, endedAgo) => {
      const moves = Array.from({ length: times }, (_, index) => move(endedAgo + index * 4_000));
      const { action } = decideRetry(FLIGHTS, moves, NOW);
      if (endedAgo >= RETRY_AT_MOST_SECONDS) expect(action).toBe('move');
      if (endedAgo < RETRY_SECONDS) expect(action).toBe('hold');
    }),
  );
});

const FORMER = [{ epoch: 1, zone: 'us-east-1a', resources: { taskManagerGroups: [], launchTemplateIds: [] } }];
test.each([
  ['its move has failed', { status: 'FAILED', desired: 'RUNNING', former: FORMER }, true],
  ['its launch has failed', { status: 'FAILED', desired: 'RUNNING' }, false],
  ['its termination has failed', { status: 'FAILED', desired: 'TERMINATED', former: FORMER }, false],
  ['it was given back', { status: 'RUNNING', desired: 'RUNNING', former: FORMER }, false],
] as const)('a cluster waits for another move: %s', (_, cluster, stranded) => {
  expect(isStranded(cluster)).toBe(stranded);
});
