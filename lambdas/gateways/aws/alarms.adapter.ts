import {
  type CloudWatchClient,
  DeleteAlarmsCommand,
  type Dimension,
  type Metric,
  type MetricAlarm,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  paginateDescribeAlarms,
} from '@aws-sdk/client-cloudwatch';
import type { AlarmSeen } from '../../contracts/scaling';
import { alarmName, clusterPrefix, jobPrefix, stagePrefix, subjectOf } from '../../domain/alarm-name';
import type { JobAlarm } from '../../domain/alarms';
import { shorten } from '../../domain/describe-failure';
import type { AlarmFound, AlarmsPort } from './alarms.port';
import { topicMetric } from './kafka-topic-metric';

export interface AlarmsDependencies {
  readonly client: CloudWatchClient;
  /** Name of the stage. */
  readonly stage: string;
}

const NAMESPACE = 'Sluice';
/** DescribeAlarms gives, and DeleteAlarms takes, at most so many. */
const PAGE = 100;
const COMPARISONS = { above: 'GreaterThanThreshold', below: 'LessThanThreshold' } as const;

/** CloudWatch alarms. They need no actions: every change of state is an event on EventBridge's default bus. */
export const createAlarms = ({ client, stage }: AlarmsDependencies): AlarmsPort => {
  const described = async (prefix: string): Promise<readonly MetricAlarm[]> => {
    const found: MetricAlarm[] = [];
    const pages = paginateDescribeAlarms({ client, pageSize: PAGE }, { AlarmNamePrefix: prefix, AlarmTypes: ['MetricAlarm'] });
    for await (const { MetricAlarms = [] } of pages) found.push(...MetricAlarms);
    // A prefix may also be that of an alarm which is none of a job.
    return found.filter(({ AlarmName = '' }) => subjectOf(stage, AlarmName) !== undefined);
  };

  const remove = async (names: readonly string[]): Promise<number> => {
    for (let from = 0; from < names.length; from += PAGE)
      await client.send(new DeleteAlarmsCommand({ AlarmNames: names.slice(from, from + PAGE) }));
    return names.length;
  };

  const ownMetric = (cluster: string, job: string, name: string): Metric => ({
    Namespace: NAMESPACE,
    MetricName: name,
    Dimensions: [
      { Name: 'Stage', Value: stage },
      { Name: 'Cluster', Value: cluster },
      { Name: 'Job', Value: job },
    ],
  });

  const settingsOf = (cluster: string, job: string, alarm: JobAlarm): PutMetricAlarmCommandInput => ({
    AlarmName: alarmName(stage, { cluster, job, kind: alarm.kind }),
    AlarmDescription: alarm.description,
    ...(alarm.of ? topicMetric(alarm.metric, alarm.of) : ownMetric(cluster, job, alarm.metric)),
    Statistic: alarm.statistic,
    Period: alarm.periodSeconds,
    EvaluationPeriods: alarm.periods,
    DatapointsToAlarm: alarm.pointsToAlarm,
    Threshold: alarm.threshold,
    ComparisonOperator: COMPARISONS[alarm.comparison],
    TreatMissingData: alarm.missingData,
  });

  return {
    async ensureAlarms(cluster, job, alarms) {
      const present = new Map((await described(jobPrefix(stage, cluster, job))).map((alarm) => [alarm.AlarmName ?? '', alarm]));
      const wanted = alarms.map((alarm) => settingsOf(cluster, job, alarm));
      const different = wanted.filter((settings) => !isAsWanted(present.get(settings.AlarmName ?? ''), settings));
      // One after the other, and only what changes: an account may put three alarms a second
      // (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html).
      for (const settings of different)
        await client.send(
          new PutMetricAlarmCommand({
            ...settings,
            Tags: [
              { Key: 'sluice:stage', Value: stage },
              { Key: 'sluice:cluster', Value: cluster },
              { Key: 'sluice:job', Value: job },
            ],
          }),
        );
      const names = new Set(wanted.map(({ AlarmName }) => AlarmName));
      return { made: different.length, removed: await remove([...present.keys()].filter((name) => !names.has(name))) };
    },

    async deleteAlarms(cluster, job) {
      const prefix = job === undefined ? clusterPrefix(stage, cluster) : jobPrefix(stage, cluster, job);
      return remove((await described(prefix)).map(({ AlarmName = '' }) => AlarmName));
    },

    async alarmsOf(cluster) {
      const found = await described(cluster === undefined ? stagePrefix(stage) : clusterPrefix(stage, cluster));
      return found.flatMap((alarm): AlarmFound[] => {
        const subject = subjectOf(stage, alarm.AlarmName ?? '');
        const isAs = (wanted: JobAlarm): boolean =>
          subject !== undefined && isAsWanted(alarm, settingsOf(subject.cluster, subject.job, wanted));
        return subject ? [{ ...subject, ...seen(alarm), isAs }] : [];
      });
    },
  };
};

const seen = ({ StateValue, StateReason, StateTransitionedTimestamp, StateUpdatedTimestamp }: MetricAlarm): AlarmSeen => ({
  state: StateValue ?? 'INSUFFICIENT_DATA',
  since: (StateTransitionedTimestamp ?? StateUpdatedTimestamp ?? new Date(0)).toISOString(),
  reason: shorten(StateReason ?? ''),
});

const isAsWanted = (present: MetricAlarm | undefined, wanted: PutMetricAlarmCommandInput): boolean =>
  present !== undefined &&
  (Object.keys(wanted) as (keyof PutMetricAlarmCommandInput & keyof MetricAlarm)[]).every(
    (name) => comparable(present[name]) === comparable(wanted[name]),
  );

/** CloudWatch does not say in which order it gives dimensions. */
const comparable = (value: unknown): string =>
  JSON.stringify(Array.isArray(value) ? value.map(({ Name, Value }: Dimension) => `${Name}=${Value}`).sort() : value);
