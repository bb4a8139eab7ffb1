import { randomBytes } from 'node:crypto';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  ListTagsForResourceCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import type { KafkaSource } from '../../lambdas/contracts/kafka';
import { type AlarmSeen, scalingSettings } from '../../lambdas/contracts/scaling';
import { type AlarmSubject, alarmName } from '../../lambdas/domain/alarm-name';
import { alarmsFor, type JobAlarm } from '../../lambdas/domain/alarms';
import { createAlarms } from '../../lambdas/gateways/aws/alarms.adapter';
import type { AlarmFound, AlarmsPort } from '../../lambdas/gateways/aws/alarms.port';
import { alarmsClient } from '../../lambdas/gateways/aws/clients';
import { createFakeAlarms } from '../fakes/fake-alarms';
import { type Emulator, startEmulator } from './support/emulator';
import { eventually } from './support/eventually';

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

const wanted = (maxLagSeconds: number, more: object = {}, source?: KafkaSource): readonly JobAlarm[] =>
  alarmsFor({
    scaling: { enabled: true, priority: 0 },
    settings: scalingSettings.parse({ serviceLevels: { maxLagSeconds }, ...more }),
    source,
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
      alarms: createAlarms({ client: alarmsClient(), stage: STAGE }),
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

  test('on topics of MSK follow the source that the job names', async () => {
    const { alarms } = create();
    const cluster = unique('flights');
    const source = { clusterName: 'events', consumerGroup: 'counts', topics: ['orders', 'refunds.v2'] };
    const both = wanted(60, {}, source);
    expect(await alarms.ensureAlarms(cluster, 'counts', both)).toEqual({ made: 6, removed: 0 });
    expect(kinds(await alarms.alarmsOf(cluster)).slice(3)).toEqual(['counts kafka-lag-1', 'counts kafka-lag-2', 'counts lag']);
    expect(await alarms.ensureAlarms(cluster, 'counts', both)).toEqual({ made: 0, removed: 0 });
    const other = wanted(60, {}, { ...source, topics: ['refunds.v2'] });
    expect(await alarms.ensureAlarms(cluster, 'counts', other)).toEqual({ made: 1, removed: 1 });
    expect(await alarms.ensureAlarms(cluster, 'counts', other)).toEqual({ made: 0, removed: 0 });
    expect(await alarms.deleteAlarms(cluster, 'counts')).toBe(5);
  });

  test('are found beyond the first page, and deleted with their cluster', async () => {
    const { alarms } = create();
    const cluster = unique('many');
    for (let job = 0; job < 26; job++) await alarms.ensureAlarms(cluster, `job-${job}`, wanted(60));
    expect((await alarms.alarmsOf(cluster)).length).toBe(104);
    expect(await alarms.deleteAlarms(cluster)).toBe(104);
    expect(await alarms.alarmsOf(cluster)).toEqual([]);
  });
});

describe('Alarms (CloudWatch)', () => {
  test("on a topic ring by MSK's own figures of that group and topic", async () => {
    const [alarms, client] = [createAlarms({ client: alarmsClient(), stage: STAGE }), new CloudWatchClient({})];
    const [cluster, clusterName] = [unique('flights'), unique('events')];
    const put = (topic: string, seconds: number) =>
      client.send(
        new PutMetricDataCommand({
          Namespace: 'AWS/Kafka',
          MetricData: [0, 1, 2, 3].map((minutes) => ({
            MetricName: 'EstimatedMaxTimeLag',
            Dimensions: Object.entries({ 'Cluster Name': clusterName, 'Consumer Group': 'counts', Topic: topic }).map(([Name, Value]) => ({
              Name,
              Value,
            })),
            Timestamp: new Date(Date.now() - minutes * 60_000),
            Value: seconds,
          })),
        }),
      );
    await put('orders', 90);
    await put('refunds', 30);
    const source = { clusterName, consumerGroup: 'counts', topics: ['orders', 'refunds'] };
    await alarms.ensureAlarms(cluster, 'counts', wanted(60, {}, source));
    const states = async () => {
      const found = (await alarms.alarmsOf(cluster)).filter(({ kind }) => kind.startsWith('kafka-lag-'));
      return found.map(({ kind, state }) => `${kind} ${state}`).sort();
    };
    // CloudWatch looks at an alarm of whole minutes once a minute.
    await eventually(states, (seen) => seen.join() === 'kafka-lag-1 ALARM,kafka-lag-2 OK', 90_000);
    await alarms.deleteAlarms(cluster, 'counts');
  }, 120_000);

  test('of jobs that start together are all made, at the rate that CloudWatch takes', async () => {
    const cluster = unique('many');
    await emulator.twin('POST', 'faults', [
      {
        name: 'rate',
        service: 'monitoring',
        action: 'PutMetricAlarm',
        perSecond: 3,
        status: 400,
        code: 'Throttling',
        message: 'Rate exceeded',
      },
    ]);
    const made = ['one', 'two', 'three', 'four', 'five'].map((job) =>
      createAlarms({ client: alarmsClient(), stage: STAGE }).ensureAlarms(cluster, job, wanted(60)),
    );
    expect(await Promise.all(made)).toEqual(Array.from({ length: 5 }, () => ({ made: 4, removed: 0 })));
    const rules = (await emulator.twin('GET', 'faults')) as readonly { readonly name: string; readonly hits: number }[];
    expect(rules.find(({ name }) => name === 'rate')?.hits).toBeGreaterThan(0);
    await emulator.twin('DELETE', 'faults/rate');
    expect(await createAlarms({ client: alarmsClient(), stage: STAGE }).deleteAlarms(cluster)).toBe(20);
  }, 60_000);

  test('leave alone what is no alarm of a job, though its name begins alike', async () => {
    const client = new CloudWatchClient({});
    const alarms = createAlarms({ client: alarmsClient(), stage: STAGE });
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
    const alarms = createAlarms({ client: alarmsClient(), stage: STAGE });
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
    const alarms = createAlarms({ client: alarmsClient(), stage: STAGE });
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
