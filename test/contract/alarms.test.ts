import { randomBytes } from 'node:crypto';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  ListTagsForResourceCommand,
  PutMetricAlarmCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { type AlarmSeen, scalingSettings } from '../../lambdas/contracts/scaling';
import { type AlarmSubject, alarmName } from '../../lambdas/domain/alarm-name';
import { alarmsFor, type JobAlarm } from '../../lambdas/domain/alarms';
import { createAlarms } from '../../lambdas/gateways/aws/alarms.adapter';
import type { AlarmFound, AlarmsPort } from '../../lambdas/gateways/aws/alarms.port';
import { cloudWatchClient } from '../../lambdas/gateways/aws/clients';
import { createFakeAlarms } from '../fakes/fake-alarms';
import { type Emulator, startEmulator } from './support/emulator';

const STAGE = 'test';
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
}, 60_000);
afterAll(() => emulator.stop());

interface Case {
  readonly alarms: AlarmsPort;
  readonly setState: (subject: AlarmSubject, state: AlarmSeen['state']) => Promise<unknown>;
}

const wanted = (maxLagSeconds: number, more: object = {}): readonly JobAlarm[] =>
  alarmsFor({
    scaling: { enabled: true, priority: 0 },
    settings: scalingSettings.parse({ serviceLevels: { maxLagSeconds }, ...more }),
    observedEverySeconds: 60,
    runbook: 'docs/runbook.md',
  });
const unique = (name: string): string => `${name}-${randomBytes(3).toString('hex')}`;
const kinds = (found: readonly AlarmFound[]): string[] => found.map(({ job, kind }) => `${job} ${kind}`).sort();

describe.each([
  [
    'fake',
    (): Case => {
      const alarms = createFakeAlarms();
      const since = new Date().toISOString();
      return {
        alarms,
        setState: async ({ cluster, job, kind }, state) => alarms.setState(cluster, job, kind, { state, since, reason: 'by hand' }),
      };
    },
  ],
  [
    'CloudWatch',
    (): Case => ({
      alarms: createAlarms({ client: cloudWatchClient(), stage: STAGE }),
      setState: (subject, state) =>
        new CloudWatchClient({}).send(
          new SetAlarmStateCommand({ AlarmName: alarmName(STAGE, subject), StateValue: state, StateReason: 'by hand' }),
        ),
    }),
  ],
] as const)('Alarms (%s)', (_, create) => {
  test('are made once, changed when their settings change, and removed when they are not wanted any more', async () => {
    const { alarms } = create();
    const cluster = unique('flights');
    expect(await alarms.ensureAlarms(cluster, 'counts', wanted(60))).toEqual({ made: 4, removed: 0 });
    expect(kinds(await alarms.alarmsOf(cluster))).toEqual(['counts backpressure', 'counts busy', 'counts idle', 'counts lag']);
    expect(await alarms.ensureAlarms(cluster, 'counts', wanted(60))).toEqual({ made: 0, removed: 0 });
    expect(await alarms.ensureAlarms(cluster, 'counts', wanted(30))).toEqual({ made: 1, removed: 0 });
    expect(await alarms.ensureAlarms(cluster, 'counts', wanted(30, { uMin: 0 }))).toEqual({ made: 0, removed: 1 });
    expect(kinds(await alarms.alarmsOf(cluster))).toEqual(['counts backpressure', 'counts busy', 'counts lag']);
    expect(await alarms.deleteAlarms(cluster, 'counts')).toBe(3);
    expect(await alarms.deleteAlarms(cluster, 'counts')).toBe(0);
    expect(await alarms.alarmsOf(cluster)).toEqual([]);
  });

  test('keep their state when their settings change', async () => {
    const { alarms, setState } = create();
    const cluster = unique('flights');
    await alarms.ensureAlarms(cluster, 'counts', wanted(60));
    await setState({ cluster, job: 'counts', kind: 'lag' }, 'ALARM');
    await alarms.ensureAlarms(cluster, 'counts', wanted(30));
    const lag = (await alarms.alarmsOf(cluster)).find(({ kind }) => kind === 'lag');
    expect(lag).toMatchObject({ cluster, job: 'counts', kind: 'lag', state: 'ALARM', since: expect.any(String), reason: 'by hand' });
    expect(Math.abs(Date.now() - Date.parse(lag?.since ?? ''))).toBeLessThan(30_000);
  });

  test('are told apart from those that are wanted with other settings', async () => {
    const { alarms } = create();
    const cluster = unique('flights');
    await alarms.ensureAlarms(cluster, 'counts', wanted(60));
    const found = await alarms.alarmsOf(cluster);
    const same = (settings: readonly JobAlarm[]): readonly string[] =>
      settings.filter((alarm) => found.some(({ kind, isAs }) => kind === alarm.kind && isAs(alarm))).map(({ kind }) => kind);
    expect(same(wanted(60))).toEqual(['lag', 'backpressure', 'busy', 'idle']);
    expect(same(wanted(30))).toEqual(['backpressure', 'busy', 'idle']);
    expect(same(wanted(60).map((alarm) => ({ ...alarm, periodSeconds: 120 })))).toEqual([]);
    await alarms.deleteAlarms(cluster, 'counts');
  });

  test('of jobs and clusters whose names begin alike, or are alike when put together, are kept apart', async () => {
    const { alarms } = create();
    const cluster = unique('aa');
    await alarms.ensureAlarms(cluster, 'bb-cc', wanted(60));
    await alarms.ensureAlarms(`${cluster}-bb`, 'cc', wanted(60));
    await alarms.ensureAlarms(cluster, 'bb', wanted(60));
    expect((await alarms.alarmsOf(cluster)).length).toBe(8);
    expect(await alarms.deleteAlarms(cluster, 'bb')).toBe(4);
    expect((await alarms.alarmsOf(`${cluster}-bb`)).length).toBe(4);
    const all = (await alarms.alarmsOf()).filter((found) => found.cluster.startsWith(cluster));
    expect(new Set(kinds(all).map((one) => one.split(' ')[0]))).toEqual(new Set(['bb-cc', 'cc']));
    await Promise.all([alarms.deleteAlarms(cluster, 'bb-cc'), alarms.deleteAlarms(`${cluster}-bb`, 'cc')]);
  });

  test('are found beyond the first page', async () => {
    const { alarms } = create();
    const cluster = unique('many');
    for (let job = 0; job < 26; job++) await alarms.ensureAlarms(cluster, `job-${job}`, wanted(60));
    expect((await alarms.alarmsOf(cluster)).length).toBe(104);
    for (let job = 0; job < 26; job++) await alarms.deleteAlarms(cluster, `job-${job}`);
    expect(await alarms.alarmsOf(cluster)).toEqual([]);
  });
});

describe('Alarms (CloudWatch)', () => {
  test('leave alone what is no alarm of a job, though its name begins alike', async () => {
    const client = new CloudWatchClient({});
    const alarms = createAlarms({ client: cloudWatchClient(), stage: STAGE });
    const other = {
      Namespace: 'AWS/SQS',
      MetricName: 'Age',
      Statistic: 'Maximum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
    } as const;
    for (const AlarmName of [`sluice-${STAGE}-dead-letters`, `sluice-${STAGE}-own.counts.mine`])
      await client.send(new PutMetricAlarmCommand({ ...other, AlarmName, ComparisonOperator: 'GreaterThanThreshold' }));
    expect(await alarms.ensureAlarms('own', 'counts', [])).toEqual({ made: 0, removed: 0 });
    expect(await alarms.alarmsOf('own')).toEqual([]);
  });

  test('are the same in whatever order CloudWatch tells their dimensions', async () => {
    const client = new CloudWatchClient({});
    const alarms = createAlarms({ client: cloudWatchClient(), stage: STAGE });
    const cluster = unique('turned');
    const subject = { cluster, job: 'counts', kind: 'lag' } as const;
    const lag = wanted(60).filter(({ kind }) => kind === subject.kind);
    await alarms.ensureAlarms(cluster, subject.job, lag);
    const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand({ AlarmNames: [alarmName(STAGE, subject)] }));
    const [{ AlarmName, EvaluationPeriods, ComparisonOperator, Dimensions = [], ...rest } = {}] = MetricAlarms;
    const turned = { AlarmName, EvaluationPeriods, ComparisonOperator, ...rest, Dimensions: [...Dimensions].reverse() };
    await client.send(new PutMetricAlarmCommand(turned));
    expect(await alarms.ensureAlarms(cluster, subject.job, lag)).toEqual({ made: 0, removed: 0 });
    await alarms.deleteAlarms(cluster, subject.job);
  });

  test('carry the tags by which a bill tells clusters apart', async () => {
    const alarms = createAlarms({ client: cloudWatchClient(), stage: STAGE });
    const cluster = unique('tagged');
    await alarms.ensureAlarms(cluster, 'counts', wanted(60));
    const ResourceARN = `arn:aws:cloudwatch:us-east-1:000000000000:alarm:${alarmName(STAGE, { cluster, job: 'counts', kind: 'lag' })}`;
    const { Tags = [] } = await new CloudWatchClient({}).send(new ListTagsForResourceCommand({ ResourceARN }));
    expect(Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]))).toEqual({
      'sluice:stage': STAGE,
      'sluice:cluster': cluster,
      'sluice:job': 'counts',
    });
    await alarms.deleteAlarms(cluster, 'counts');
  });
});
