import fc from 'fast-check';
import {
  BACK_OFF_DAYS,
  type ClusterAway,
  decideFailBack,
  homeAfter,
  homeShunned,
  SHUNNED_SECONDS,
} from '../../../lambdas/domain/decide-fail-back';
import type { Move } from '../../../lambdas/domain/move';

/** A Monday. */
const NIGHT = '2026-03-02T02:30:00.000Z';
const shift = (instant: string, minutes: number): string => new Date(Date.parse(instant) + minutes * 60_000).toISOString();
const moved = (trigger: Move['trigger'], hoursAgo: number, from = 'us-east-1a'): ClusterAway['moves'][number] => ({
  trigger,
  at: shift(NIGHT, -hoursAgo * 60),
  from,
});

const away: ClusterAway = {
  name: 'flights',
  home: 'us-east-1a',
  zone: 'us-east-1b',
  status: 'RUNNING',
  desired: 'RUNNING',
  policy: { policy: 'quiet-time', window: { from: '02:00', until: '05:00' }, healthyMinutes: 30 },
  seen: { seenAt: NIGHT, wellSince: shift(NIGHT, -30), reason: '' },
  moves: [moved('members-lost', 20)],
};

test.each<[string, Partial<ClusterAway> & { readonly trouble?: string }, RegExp]>([
  ['a person moves it only', { policy: { policy: 'manual', healthyMinutes: 30 } }, /by a person only/],
  ['it is on its way', { status: 'FAILING_OVER' }, /is FAILING_OVER/],
  ['it is to go', { desired: 'TERMINATED' }, /is RUNNING/],
  ['it is at home', { zone: 'us-east-1a' }, /is in its home zone/],
  ['EC2 says the zone is not well', { trouble: 'EC2 says it is impaired' }, /not well: EC2 says it is impaired/],
  ['the zone has not been well for long enough', { seen: { ...away.seen, wellSince: shift(NIGHT, -29) } }, /well for 29 min, 30 are asked/],
  ['the zone was never seen well', { seen: { seenAt: NIGHT, reason: '' } }, /well for 0 min/],
  ['AWS has shifted traffic away from it', { seen: { ...away.seen, shunnedUntil: shift(NIGHT, 1) } }, /AWS has shifted traffic away/],
  ['AWS has shifted traffic away when it left', { moves: [moved('zone-event', 5)] }, /AWS has shifted traffic away/],
  ['it has just been moved', { moves: [moved('drill', 0.9)] }, /settles until/],
  ['it has come back and left again', { moves: [moved('launch-failures', 2), moved('failback', 5)] }, /1 times .* did not stay/],
  [
    'it has come back and left again twice',
    { moves: [moved('launch-failures', 2), moved('failback', 23), moved('launch-failures', 40), moved('failback', 60)] },
    /2 times .* did not stay/,
  ],
  [
    'it is no quiet time',
    { policy: { ...away.policy, window: { from: '03:00', until: '05:00' } } },
    /goes back in its quiet time, 03:00–05:00/,
  ],
  ['it is the wrong day', { policy: { ...away.policy, window: { from: '02:00', until: '05:00', days: [0, 6] } } }, /in its quiet time/],
  ['an operation runs', { inTheWay: 'op-1 is under way' }, /but op-1 is under way/],
])('A cluster away from home stays where it is while %s', (_, { trouble, ...change }, reason) => {
  expect(decideFailBack({ ...away, ...change }, trouble, NIGHT)).toEqual({ action: 'hold', reason: expect.stringMatching(reason) });
});

test.each<[string, Partial<ClusterAway>]>([
  ['its zone has been well for as long as it is asked for', {}],
  ['the shift away from it is long over', { moves: [moved('zone-event', SHUNNED_SECONDS / 3_600 + 1)] }],
  ['the window began on the day before', { policy: { ...away.policy, window: { from: '23:00', until: '03:00', days: [0] } } }],
  ['a drill took it away', { moves: [moved('drill', 2)] }],
  ['it came back long ago and was away again', { moves: [moved('members-lost', 3), moved('failback', (BACK_OFF_DAYS + 1) * 24)] }],
])('A cluster goes home in its quiet time where %s', (_, change) => {
  expect(decideFailBack({ ...away, ...change }, undefined, NIGHT)).toEqual({
    action: 'move',
    reason: expect.stringMatching(/^us-east-1a, its home zone, has been well for 30 min, and it is quiet time/),
  });
});

describe('The home zone', () => {
  test('has been well since the first of looks of which each found it so', () => {
    const first = homeAfter(undefined, undefined, NIGHT);
    const second = homeAfter(first, undefined, shift(NIGHT, 1));
    expect(second).toEqual({ wellSince: NIGHT, seenAt: shift(NIGHT, 1) });
    expect(homeAfter(second, 'impaired', shift(NIGHT, 2))).toEqual({ seenAt: shift(NIGHT, 2) });
    expect(homeAfter(second, undefined, shift(NIGHT, 10)).wellSince).toBe(shift(NIGHT, 10));
  });

  test('from which AWS shifts traffic away counts as well from the next look on, but is left alone for hours', () => {
    const shunned = homeShunned(NIGHT);
    expect(homeAfter(shunned, undefined, shift(NIGHT, 1))).toEqual({ ...shunned, seenAt: shift(NIGHT, 1), wellSince: shift(NIGHT, 1) });
  });
});

test('However a home zone comes and goes, a cluster goes back only to one that has been well long enough, and seldom when it does not last', () => {
  let back = 0;
  fc.assert(
    fc.property(
      // Minutes for which the zone is well and in trouble in turn; whenever it is in trouble a cluster in it leaves.
      fc.array(fc.tuple(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 200 })), { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 5, max: 120 }),
      (spells, healthyMinutes) => {
        let now = NIGHT;
        let zone = 'us-east-1b';
        let seen: ClusterAway['seen'] = { seenAt: NIGHT, reason: '' };
        let moves: ClusterAway['moves'] = [{ at: shift(NIGHT, -120), trigger: 'members-lost', from: 'us-east-1a' }];
        const returns: string[] = [];
        const policy: ClusterAway['policy'] = { policy: 'quiet-time', window: { from: '00:00', until: '00:00' }, healthyMinutes };
        let wellFor = 0;
        for (const [well, trouble] of spells)
          for (let minute = 0; minute < well + trouble; minute++) {
            now = shift(now, 1);
            const isWell = minute < well;
            wellFor = isWell ? wellFor + 1 : 0;
            if (zone === 'us-east-1a') {
              if (isWell) continue;
              zone = 'us-east-1b';
              moves = [{ at: now, trigger: 'members-lost', from: 'us-east-1a' }, ...moves];
              continue;
            }
            seen = { ...homeAfter(seen, isWell ? undefined : 'in trouble', now), reason: '' };
            const { action } = decideFailBack({ ...away, zone, policy, seen, moves }, isWell ? undefined : 'in trouble', now);
            if (action === 'hold') continue;
            expect(wellFor).toBeGreaterThanOrEqual(healthyMinutes);
            zone = 'us-east-1a';
            moves = [{ at: now, trigger: 'failback', from: 'us-east-1b' }, ...moves];
            returns.push(now);
          }
        back += returns.length;
        // 6, 24, 96 hours after one another, and none further until the first is forgotten.
        for (const from of returns) {
          const end = shift(from, BACK_OFF_DAYS * 1_440);
          const within = returns.filter((at) => at >= from && at < end);
          expect(within.length).toBeLessThanOrEqual(5);
          if (within[1]) expect(within[1] >= shift(from, 360)).toBe(true);
        }
      },
    ),
    { numRuns: 40 },
  );
  expect(back).toBeGreaterThan(40);
});
