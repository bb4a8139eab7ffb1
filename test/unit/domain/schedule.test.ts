import { drillProblems } from '../../../lambdas/domain/decide-drill';
import { lastDue, readSchedule } from '../../../lambdas/domain/schedule';

const LAUNCHED = '2026-01-01T10:20:30.500Z';
/** Every instant at which it was due, looked for once a minute as the control plane does. */
const dueTimes = (text: string, from: string, minutes: number, within = 15): readonly string[] => {
  const read = readSchedule(text);
  if (!read.ok) throw new Error(read.problem);
  const found = new Set<string>();
  for (let minute = 0; minute < minutes; minute++) {
    // A look comes a few seconds later each time.
    const now = new Date(Date.parse(from) + minute * 60_000 + (minute % 60) * 900).toISOString();
    const due = lastDue(read.schedule, LAUNCHED, now, within);
    if (due !== undefined) found.add(due);
  }
  return [...found];
};
const DAY = 1_440;

test.each<[string, string, number, readonly string[]]>([
  ['cron(0 3 ? * MON *)', '2026-03-01T00:00:00.000Z', 9 * DAY, ['2026-03-02T03:00:00.000Z', '2026-03-09T03:00:00.000Z']],
  ['cron(0 3 ? * 2 *)', '2026-03-01T00:00:00.000Z', 2 * DAY, ['2026-03-02T03:00:00.000Z']],
  ['cron(30 23 1 * ? *)', '2026-03-30T00:00:00.000Z', 4 * DAY, ['2026-04-01T23:30:00.000Z']],
  [
    'cron(0/30 8-9 ? 3 SUN,SAT 2026)',
    '2026-03-01T00:00:00.000Z',
    DAY,
    ['08:00', '08:30', '09:00', '09:30'].map((at) => `2026-03-01T${at}:00.000Z`),
  ],
  ['cron(0 4 29 FEB ? *)', '2026-02-26T00:00:00.000Z', 5 * DAY, []],
  ['rate(2 hours)', '2026-01-01T10:20:00.000Z', 300, ['2026-01-01T12:20:30.500Z', '2026-01-01T14:20:30.500Z']],
  ['rate(1 day)', '2026-01-05T00:00:00.000Z', 2 * DAY, ['2026-01-05T10:20:30.500Z', '2026-01-06T10:20:30.500Z']],
])('%s is due when EventBridge would say so, and at no other time', (text, from, minutes, expected) => {
  expect(dueTimes(text, from, minutes)).toEqual(expected);
});

test('what was due is due for the time in which it may still begin, and before the launch nothing is', () => {
  const read = readSchedule('cron(0 3 ? * MON *)');
  if (!read.ok) throw new Error(read.problem);
  const due = (now: string, since = LAUNCHED) => lastDue(read.schedule, since, now, 15);
  expect(due('2026-03-02T02:59:59.999Z')).toBeUndefined();
  expect(due('2026-03-02T03:14:59.999Z')).toBe('2026-03-02T03:00:00.000Z');
  expect(due('2026-03-02T03:15:00.000Z')).toBeUndefined();
  expect(due('2026-03-02T03:05:00.000Z', '2026-03-02T03:01:00.000Z')).toBeUndefined();
});

test.each([
  ['every monday', /must look like rate\(7 days\) or cron/],
  ['rate(5 weeks)', /must look like/],
  ['rate(30 minutes)', /an hour or more/],
  ['cron(* 3 ? * MON *)', /an hour or more/],
  ['cron(0,30 3 ? * MON *)', /an hour or more/],
  ['rate(0 days)', /an hour or more/],
  ['cron(0 3 * * MON *)', /needs \? as its day of month or as its day of week/],
  ['cron(0 3 ? * ? *)', /needs \?/],
  ['cron(0 3 ? * MON)', /has 5 fields, six are needed/],
  ['cron(60 3 ? * MON *)', /has 60 where 0 to 59 can be/],
  ['cron(0 3 ? * 0 *)', /has 0 where 1 to 7 can be/],
  ['cron(0 3 L * ? *)', /has L where 1 to 31 can be/],
  ['cron(0/0 3 ? * MON *)', /has a step of 0/],
  ['cron(0 1-2-3 ? * MON *)', /cannot be read/],
  ['cron(0, 3 ? * MON *)', /has nothing where/],
])('%s is refused: %s', (schedule, problem) => {
  expect(drillProblems({ drill: { schedule, mode: 'planned' } }, ['a'])).toEqual([
    { path: 'drill.schedule', message: expect.stringMatching(problem) },
  ]);
});

test('a drill into a zone that the stage does not have is refused', () => {
  expect(drillProblems({ drill: { schedule: 'rate(7 days)', mode: 'lost', zone: 'b' } }, ['a'])).toMatchObject([{ path: 'drill.zone' }]);
  expect(drillProblems({ drill: { schedule: 'rate(7 days)', mode: 'lost', zone: 'a' } }, ['a'])).toEqual([]);
  expect(drillProblems({}, ['a'])).toEqual([]);
});
