import fc from 'fast-check';
import { type ClusterResources, type FormerEpoch, NO_RESOURCES } from '../../../lambdas/contracts/cluster';
import {
  AVOIDED_SECONDS,
  decideRetry,
  isStranded,
  leavesIdleHosts,
  RETRY_AT_MOST_SECONDS,
  RETRY_SECONDS,
} from '../../../lambdas/domain/decide-retry';
import type { Move } from '../../../lambdas/domain/move';
import { aCluster } from '../../contract/support/samples';

const NOW = '2026-03-01T12:00:00.000Z';
const ago = (seconds: number): string => new Date(Date.parse(NOW) - seconds * 1_000).toISOString();
const move = (endedAgo: number, status: Move['status'] = 'FAILED'): Move => ({
  operationId: `op-${endedAgo}`,
  at: ago(endedAgo + 120),
  endedAt: ago(endedAgo),
  trigger: 'zone-event',
  from: 'us-east-1a',
  to: 'us-east-1b',
  avoid: ['us-east-1a'],
  status,
  helped: false,
  givenBack: false,
});
const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'];
const FLIGHTS = { name: 'flights', automatic: true, zone: 'us-east-1b', zones: ZONES, impaired: [] };

test.each<[string, readonly Move[], string, RegExp]>([
  ['it has just failed', [move(RETRY_SECONDS - 1)], 'hold', /op-59 failed: it is tried again at 2026-03-01T12:00:01/],
  ['it failed a minute ago', [move(RETRY_SECONDS)], 'move', /op-60 failed: it is tried again in us-east-1c, after 60 s/],
  ['it has failed twice', [move(2 * RETRY_SECONDS - 1), move(500)], 'hold', /2 moves in a row have failed, the last op-119/],
  ['it has failed twice, and the longer pause is over', [move(2 * RETRY_SECONDS), move(500)], 'move', /after 120 s/],
  ['it failed after one that lasted', [move(RETRY_SECONDS), move(900, 'SUCCEEDED'), move(2_000), move(3_000)], 'move', /op-60 failed/],
  [
    'moves before it came to nothing and left the cluster well',
    [move(RETRY_SECONDS), { ...move(900), givenBack: true }, { ...move(2_000), givenBack: true }],
    'move',
    /op-60 failed: it is tried again in us-east-1c, after 60 s/,
  ],
  ['nothing is known of it', [], 'move', /a move failed: it is tried again in us-east-1c/],
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

describe('it is tried again', () => {
  const tried = (to: string, endedAgo: number, change: Partial<Move> = {}): Move => ({
    ...move(endedAgo),
    to,
    trigger: 'recovery',
    avoid: [],
    ...change,
  });
  const goesTo = (cluster: Partial<typeof FLIGHTS> & { readonly standsBy?: string }, moves: readonly Move[]): unknown => {
    const decision = decideRetry({ ...FLIGHTS, ...cluster }, moves, NOW);
    return decision.action === 'move' ? [decision.zone, decision.avoid] : decision;
  };
  const first = (endedAgo: number): Move => tried('us-east-1b', endedAgo, { trigger: 'zone-event', avoid: ['us-east-1a'] });

  test('in the zone that was tried longest ago, and in one that is lost only when there is no other', () => {
    expect(goesTo({}, [first(3_600)])).toEqual(['us-east-1c', ['us-east-1a']]);
    expect(goesTo({ zone: 'us-east-1c' }, [tried('us-east-1c', 3_600), first(9_000)])).toEqual(['us-east-1b', ['us-east-1a']]);
    expect(goesTo({ zones: ['us-east-1a', 'us-east-1b'] }, [first(3_600)])).toEqual(['us-east-1a', []]);
    expect(goesTo({ zones: ['us-east-1b'] }, [first(3_600)])).toEqual(['us-east-1b', ['us-east-1a']]);
  });

  test('in a zone that was lost once the time is over in which it is avoided', () => {
    const moves = [tried('us-east-1c', 3_600), tried('us-east-1b', 9_000), first(AVOIDED_SECONDS)];
    expect(goesTo({ zone: 'us-east-1c' }, moves)).toEqual(['us-east-1a', []]);
  });

  test('in every zone in turn, also where the placement names them', () => {
    const order = ['us-east-1c', 'us-east-1a', 'us-east-1b'];
    let moves = [tried('us-east-1b', 100_000)];
    let zone = 'us-east-1b';
    const went = Array.from({ length: 6 }, (_, index) => {
      const [next] = goesTo({ zone, zones: order }, moves) as [string];
      moves = [tried(next, 90_000 - index * 4_000), ...moves];
      zone = next;
      return next.slice(-1);
    });
    expect(went.join('')).toBe('cabcab');
  });

  test('where hosts stand by, unless that zone is lost', () => {
    expect(goesTo({ standsBy: 'us-east-1b', zone: 'us-east-1c' }, [first(3_600)])).toEqual(['us-east-1b', ['us-east-1a']]);
    expect(goesTo({ standsBy: 'us-east-1a' }, [first(3_600)])).toEqual(['us-east-1c', ['us-east-1a']]);
  });
});

const FORMER = [{ epoch: 1, zone: 'us-east-1a', resources: NO_RESOURCES }];
test.each([
  ['its move has failed', { status: 'FAILED', desired: 'RUNNING', former: FORMER }, true],
  ['its launch has failed', { status: 'FAILED', desired: 'RUNNING' }, false],
  ['its termination has failed', { status: 'FAILED', desired: 'TERMINATED', former: FORMER }, false],
  ['it was given back', { status: 'RUNNING', desired: 'RUNNING', former: FORMER }, false],
] as const)('a cluster waits for another move: %s', (_, cluster, stranded) => {
  expect(isStranded(cluster)).toBe(stranded);
});

const GROUPS: ClusterResources = { ...NO_RESOURCES, taskManagerGroups: [{ name: 'taskmanagers', zone: 'us-east-1b' }] };
const TRIED: FormerEpoch[] = [{ epoch: 2, zone: 'us-east-1b', resources: GROUPS }];
const LEFT: FormerEpoch[] = TRIED.map((one) => ({ ...one, leftAt: NOW }));
const STRANDED = aCluster({ status: 'FAILED', former: FORMER, resources: GROUPS });
test.each([
  ['no job was asked to start there', STRANDED, ['FAILED', 'CANCELED'], true],
  ['only its JobManager was launched', { ...STRANDED, resources: { ...NO_RESOURCES, jobManagerGroup: 'jm' } }, [], true],
  ['a job may run there', STRANDED, ['FAILED', 'RUNNING'], false],
  ['none of what it has tried before had jobs', { ...STRANDED, resources: NO_RESOURCES, former: TRIED }, ['FAILED'], true],
  ['what it has tried before had the jobs', { ...STRANDED, resources: NO_RESOURCES, former: LEFT }, ['FAILED'], false],
  ['only its access was recorded', { ...STRANDED, resources: { ...NO_RESOURCES, securityGroupId: 'sg-1' } }, ['FAILED'], true],
  ['nothing was made', { ...STRANDED, resources: NO_RESOURCES }, ['FAILED'], false],
  ['it runs', { ...STRANDED, status: 'RUNNING' }, ['FAILED'], false],
] as const)('hosts of a failed move can be used by nobody: %s', (_, cluster, statuses, idle) => {
  const jobs = statuses.map((status) => ({ status }));
  expect(leavesIdleHosts(cluster, jobs)).toBe(idle);
});
