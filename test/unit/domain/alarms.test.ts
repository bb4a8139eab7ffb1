import fc from 'fast-check';
import { type KafkaSource, kafkaSource, MOST_TOPICS } from '../../../lambdas/contracts/kafka';
import { type AlarmKind, alarmKind, jobScaling, scalingSettings } from '../../../lambdas/contracts/scaling';
import { alarmName, jobPrefix, subjectOf } from '../../../lambdas/domain/alarm-name';
import { alarmsFor, type JobAlarm, periodFor, runbookHeading } from '../../../lambdas/domain/alarms';
import { runbookSections } from '../../infra/support/runbook';

/** CloudWatch's list price of an alarm a month, USD (us-east-1): below a minute it is of high resolution. */
const dollarsPerMonth = ({ periodSeconds }: JobAlarm): number => (periodSeconds < 60 ? 0.3 : 0.1);
const alarmsOf = (given: object, observedEverySeconds = 60, source?: KafkaSource): readonly JobAlarm[] => {
  const scaling = jobScaling.parse(given);
  const runbook = 'https://wiki.example/runbook';
  return alarmsFor({ scaling, settings: scalingSettings.parse(scaling), source, observedEverySeconds, runbook });
};
const of = (kind: AlarmKind, given: object = {}, observedEverySeconds = 60): JobAlarm | undefined =>
  alarmsOf(given, observedEverySeconds).find((alarm) => alarm.kind === kind);

describe('the alarms of a job', () => {
  test.each<[string, object, readonly AlarmKind[]]>([
    ['with default service levels watch lag, backpressure, busy and idle', {}, ['lag', 'backpressure', 'busy', 'idle']],
    [
      'watch the watermark where a level is given for it',
      { serviceLevels: { maxWatermarkLagSeconds: 30 } },
      ['lag', 'watermark', 'backpressure', 'busy', 'idle'],
    ],
    ['are none for shares that cannot be passed', { serviceLevels: { maxBackpressure: 1 }, uMax: 1, uMin: 0 }, ['lag']],
    ['are also there when the job does not scale by itself', { enabled: false }, ['lag', 'backpressure', 'busy', 'idle']],
  ])('%s', (_, given, kinds) => {
    expect(alarmsOf(given).map(({ kind }) => kind)).toEqual(kinds);
  });

  test.each<[AlarmKind, object, Partial<JobAlarm>]>([
    [
      'lag',
      { serviceLevels: { maxLagSeconds: 20 } },
      { metric: 'LagSeconds', comparison: 'above', threshold: 20, pointsToAlarm: 2, periods: 3 },
    ],
    ['watermark', { serviceLevels: { maxWatermarkLagSeconds: 5 } }, { metric: 'WatermarkLagSeconds', comparison: 'above', threshold: 5 }],
    ['backpressure', { serviceLevels: { maxBackpressure: 0.3 } }, { metric: 'Backpressure', threshold: 0.3, pointsToAlarm: 3, periods: 5 }],
    [
      'busy',
      { uMax: 0.8 },
      { metric: 'BusyWorst', statistic: 'Average', comparison: 'above', threshold: 0.8, pointsToAlarm: 2, periods: 4 },
    ],
    ['busy', { scaleOutWindowSeconds: 600 }, { pointsToAlarm: 10, periods: 12 }],
    [
      'idle',
      { uMin: 0.4 },
      { metric: 'BusyWorst', statistic: 'Maximum', comparison: 'below', threshold: 0.4, pointsToAlarm: 27, periods: 30 },
    ],
    ['idle', { scaleInWindowSeconds: 0 }, { pointsToAlarm: 3, periods: 3 }],
  ])('%s with %j', (kind, given, expected) => {
    expect(of(kind, given)).toMatchObject(expected);
  });

  test('keep their state without data, except idle: what is not known is not idle', () => {
    const alarms = alarmsOf({ serviceLevels: { maxWatermarkLagSeconds: 5 } });
    expect(alarms.map(({ kind, missingData }) => [kind, missingData])).toEqual([
      ['lag', 'ignore'],
      ['watermark', 'ignore'],
      ['backpressure', 'ignore'],
      ['busy', 'ignore'],
      ['idle', 'missing'],
    ]);
  });

  test.each([
    [5, 10],
    [10, 10],
    [15, 20],
    [30, 30],
    [45, 60],
    [60, 60],
    [90, 120],
  ])('observed every %i s have data points of %i s', (every, period) => {
    expect(periodFor(every)).toBe(period);
  });

  test('take longer to say idle than to say busy', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 60 }), (every) => {
        const seconds = ({ periodSeconds, pointsToAlarm }: JobAlarm): number => periodSeconds * pointsToAlarm;
        expect(seconds(of('idle', {}, every) as JobAlarm)).toBeGreaterThan(3 * seconds(of('busy', {}, every) as JobAlarm));
      }),
    );
  });

  test('stay within what CloudWatch takes, whatever is asked for', () => {
    const window = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(window, window, fc.integer({ min: 10, max: 60 }), (scaleOutWindowSeconds, scaleInWindowSeconds, every) => {
        for (const { periodSeconds, periods, pointsToAlarm, description } of alarmsOf(
          { scaleOutWindowSeconds, scaleInWindowSeconds },
          every,
        )) {
          expect(periodSeconds * periods).toBeLessThanOrEqual(86_400);
          // Three hours: so long are data points of less than a minute kept.
          if (periodSeconds < 60) expect(periodSeconds * periods).toBeLessThan(10_800);
          expect(pointsToAlarm).toBeGreaterThanOrEqual(1);
          expect(pointsToAlarm).toBeLessThanOrEqual(periods);
          expect(description.length).toBeLessThanOrEqual(1_024);
        }
      }),
    );
  });

  test.each([
    [5_400, 10],
    [5_401, 60],
    [86_400, 60],
  ])('on a window of %i s watch data points of %i s that CloudWatch still has', (scaleOutWindowSeconds, periodSeconds) => {
    expect(of('busy', { scaleOutWindowSeconds }, 10)).toMatchObject({ periodSeconds });
  });

  test('cost $0.40 a month by the minute and $1.00 below', () => {
    const month = (every: number): number => alarmsOf({}, every).reduce((sum, alarm) => sum + dollarsPerMonth(alarm), 0);
    expect([month(60), month(10)].map((dollars) => dollars.toFixed(2))).toEqual(['0.40', '1.00']);
  });
});

describe('the alarms of a job that reads from MSK', () => {
  const source: KafkaSource = { clusterName: 'events', consumerGroup: 'counts', topics: ['orders', 'refunds'] };
  const ofTopics = (given: object, every = 60, from = source): readonly JobAlarm[] =>
    alarmsOf(given, every, from).filter(({ of: whose }) => whose !== undefined);

  test('watch the lag of each topic, which MSK knows where Flink does not, by the same level', () => {
    const level = { metric: 'EstimatedMaxTimeLag', statistic: 'Maximum', comparison: 'above', threshold: 20, pointsToAlarm: 2, periods: 3 };
    const group = { clusterName: 'events', consumerGroup: 'counts' };
    expect(ofTopics({ serviceLevels: { maxLagSeconds: 20 } })).toEqual([
      expect.objectContaining({ ...level, kind: 'kafka-lag-1', of: { ...group, topic: 'orders' } }),
      expect.objectContaining({ ...level, kind: 'kafka-lag-2', of: { ...group, topic: 'refunds' } }),
    ]);
  });

  test('count whole minutes however often the job is observed, and end where MSK has no figures', () => {
    for (const { periodSeconds, missingData } of ofTopics({}, 10)) expect([periodSeconds, missingData]).toEqual([60, 'missing']);
  });

  test('cost $0.10 a month for each topic', () => {
    const month = (alarms: readonly JobAlarm[]): number => alarms.reduce((sum, alarm) => sum + dollarsPerMonth(alarm), 0);
    expect(month(alarmsOf({}, 10, source)) - month(alarmsOf({}, 10))).toBeCloseTo(0.2);
  });

  test('have a kind each, and a description that fits, for as many topics with as long names as there may be', () => {
    const topics = Array.from({ length: MOST_TOPICS }, (_, index) => `${index}`.padEnd(249, 'x'));
    const largest = kafkaSource.parse({ clusterName: 'c'.repeat(64), consumerGroup: 'g'.repeat(255), topics });
    const alarms = ofTopics({}, 60, largest);
    expect(new Set(alarms.map(({ kind }) => alarmKind.parse(kind))).size).toBe(MOST_TOPICS);
    for (const { description } of alarms) expect(description.length).toBeLessThanOrEqual(1_024);
  });
});

describe('the description of an alarm', () => {
  test('says what it means, what follows, and where the runbook goes on', () => {
    expect(of('lag', { serviceLevels: { maxLagSeconds: 20 } })?.description).toBe(
      'The job needs over 20 s to read what waits in its sources. Sluice looks at once whether to scale. Runbook: https://wiki.example/runbook#a-job-is-behind-lag',
    );
    expect(of('idle', { enabled: false })?.description).toContain('Nothing scales by itself');
    const [last] = alarmsOf({}, 60, { clusterName: 'events', consumerGroup: 'counts', topics: ['orders'] }).slice(-1);
    expect(last?.description).toMatch(
      /^The job needs over 60 s for what consumer group counts has left of topic orders, by MSK's estimate\. Sluice looks/,
    );
  });

  const sections = runbookSections();
  test.each(alarmKind.options)('links a heading of the runbook that has Description, Investigation and Resolution (%s)', (kind) => {
    const section = sections.get(runbookHeading(kind)) ?? '';
    for (const part of ['Description', 'Investigation', 'Resolution']) expect(section).toContain(`**${part}.**`);
  });
});

describe('the name of an alarm', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,38}[a-z0-9]$/);
  const subject = fc.record({ cluster: name, job: name, kind: fc.constantFrom(...alarmKind.options) });

  test('says of what it is, and fits', () => {
    fc.assert(
      fc.property(subject, (given) => {
        expect(subjectOf('prod', alarmName('prod', given))).toEqual(given);
        expect(alarmName('a123456789012345', given).length).toBeLessThanOrEqual(255);
      }),
    );
  });

  test('is never that of another job', () => {
    fc.assert(
      fc.property(subject, subject, (one, other) => {
        const same = one.cluster === other.cluster && one.job === other.job;
        expect(alarmName('prod', one).startsWith(jobPrefix('prod', other.cluster, other.job))).toBe(same);
      }),
    );
  });

  test.each([
    'sluice-prod-dead-letters',
    'sluice-dev-flights.counts.lag',
    'sluice-prod-flights.counts.lag.more',
    'sluice-prod-flights.counts.latency',
    'sluice-prod-flights..lag',
    'sluice-prod-Flights.counts.lag',
    'other',
    '',
  ])('is not %s', (given) => {
    expect(subjectOf('prod', given)).toBeUndefined();
  });
});
