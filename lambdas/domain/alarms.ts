import type { KafkaSource } from '../contracts/kafka';
import { type AlarmKind, type JobScaling, type KafkaLagKind, kafkaLagKind, type ScalingSettings } from '../contracts/scaling';
import { percent } from './scaling/explain';

/** How CloudWatch counts data points that are not there. */
export type MissingData = 'missing' | 'ignore' | 'breaching' | 'notBreaching';

/** A topic, and who reads it. */
export type TopicOfGroup = Pick<KafkaSource, 'clusterName' | 'consumerGroup'> & { readonly topic: string };

/** An alarm as it shall be, in CloudWatch's terms. */
export interface JobAlarm {
  readonly kind: AlarmKind;
  readonly metric: 'LagSeconds' | 'WatermarkLagSeconds' | 'Backpressure' | 'BusyWorst' | 'EstimatedMaxTimeLag';
  /** Whose the metric is, where it is MSK's. Absent: it is the job's own. */
  readonly of?: TopicOfGroup;
  readonly statistic: 'Maximum' | 'Average';
  readonly comparison: 'above' | 'below';
  readonly threshold: number;
  /** Seconds of a data point: 10, 20 or 30 (high resolution, three times the price), or 60. */
  readonly periodSeconds: number;
  /** M of N: so many of the last `periods` data points have to be over the threshold. */
  readonly pointsToAlarm: number;
  readonly periods: number;
  readonly missingData: MissingData;
  /** For a person: what it means, and where the runbook says what to do. */
  readonly description: string;
}

export interface AlarmSettings {
  readonly scaling: JobScaling;
  readonly settings: ScalingSettings;
  /** Where the job says that it reads from, as far as MSK has figures of that. */
  readonly source?: KafkaSource | undefined;
  /** Seconds between two observations of the job's cluster. */
  readonly observedEverySeconds: number;
  /** Address of the runbook; the heading's anchor is appended. */
  readonly runbook: string;
}

/** Headings of docs/runbook.md as GitHub makes anchors of them. */
const RUNBOOK_HEADINGS: Readonly<Record<Exclude<AlarmKind, KafkaLagKind>, string>> = {
  lag: 'a-job-is-behind-lag',
  watermark: 'a-jobs-event-time-is-behind-watermark',
  backpressure: 'a-job-is-backpressured-backpressure',
  busy: 'a-job-is-near-its-limit-busy',
  idle: 'a-job-has-too-much-idle',
};

export const isKafkaLag = (kind: AlarmKind): kind is KafkaLagKind => kind.startsWith('kafka-lag-');
export const runbookHeading = (kind: AlarmKind): string =>
  isKafkaLag(kind) ? 'a-jobs-consumer-group-is-behind-kafka-lag' : RUNBOOK_HEADINGS[kind];

/** Periods below a minute that CloudWatch takes. */
const HIGH_RESOLUTION_SECONDS = [10, 20, 30] as const;
const MINUTE = 60;
/** CloudWatch: periods times their length, seconds. */
const LONGEST_RANGE_SECONDS = 86_400;
/** CloudWatch keeps data points of less than a minute so long, seconds («Metrics retention»): an alarm that needs older ones would never ring. */
const KEPT_SECONDS = 10_800;

/**
 * The alarms of a job, from its own service levels. None without settings for scaling: such a job is only observed.
 * A threshold that a metric cannot pass (a share above 1 or below 0) makes no alarm, which would cost and never ring.
 */
export const alarmsFor = (given: AlarmSettings): readonly JobAlarm[] => {
  const { settings, source } = given;
  const { serviceLevels, uMax, uMin } = settings;
  const { maxLagSeconds, maxWatermarkLagSeconds, maxBackpressure } = serviceLevels;
  return [
    behind(given, 'lag', 'LagSeconds', maxLagSeconds, `needs over ${maxLagSeconds} s to read what waits in its sources`),
    ...(maxWatermarkLagSeconds === undefined
      ? []
      : [
          behind(
            given,
            'watermark',
            'WatermarkLagSeconds',
            maxWatermarkLagSeconds,
            `has a watermark over ${maxWatermarkLagSeconds} s behind the clock`,
          ),
        ]),
    ...(maxBackpressure >= 1 ? [] : [backpressured(given, maxBackpressure)]),
    ...(uMax >= 1 ? [] : [busy(given, uMax)]),
    ...(uMin <= 0 ? [] : [idle(given, uMin)]),
    ...(source === undefined ? [] : source.topics.map((topic, index) => groupBehind(given, kafkaLagKind(index), { ...source, topic }))),
  ];
};

/**
 * Lag and watermark: what the user of the stream feels. Two of three data points, so that one long garbage collection is no alarm and a spike is
 * one after two observations. Missing data keep the state: while a job restarts nobody knows its lag, and an alarm that goes off and on
 * again with each restart would ask for one decision too many each time.
 */
const behind = (
  given: AlarmSettings,
  kind: 'lag' | 'watermark',
  metric: JobAlarm['metric'],
  threshold: number,
  meaning: string,
): JobAlarm => ({
  kind,
  metric,
  statistic: 'Maximum',
  comparison: 'above',
  threshold,
  periodSeconds: periodFor(given.observedEverySeconds),
  pointsToAlarm: 2,
  periods: 3,
  missingData: 'ignore',
  description: describe(given, kind, meaning),
});

/**
 * Backpressure is a cause of lag to come, and comes in bursts with each checkpoint and window: three of five. Missing data keep the state, as with lag.
 */
const backpressured = (given: AlarmSettings, threshold: number): JobAlarm => ({
  kind: 'backpressure',
  metric: 'Backpressure',
  statistic: 'Average',
  comparison: 'above',
  threshold,
  periodSeconds: periodFor(given.observedEverySeconds),
  pointsToAlarm: 3,
  periods: 5,
  missingData: 'ignore',
  description: describe(given, 'backpressure', `has a vertex that is held back over ${percent(threshold)} of the time`),
});

/**
 * Busy over the band, with no service level broken yet: the busiest subtask, by which the decision goes too, for it holds up all of its vertex. It has to last
 * as long as the decision wants it to (`scaleOutWindowSeconds`), at least two data points of four. Missing data keep the state, as with lag. CloudWatch keeps shorter data points for three hours and looks back beyond the window: of a long one each is a minute.
 */
const busy = (given: AlarmSettings, threshold: number): JobAlarm => {
  const { scaleOutWindowSeconds } = given.settings;
  const shortest = periodFor(given.observedEverySeconds);
  const periodSeconds = scaleOutWindowSeconds > KEPT_SECONDS / 2 ? Math.max(MINUTE, shortest) : shortest;
  const pointsToAlarm = Math.max(2, pointsIn(scaleOutWindowSeconds, periodSeconds));
  return {
    kind: 'busy',
    metric: 'BusyWorst',
    statistic: 'Average',
    comparison: 'above',
    threshold,
    periodSeconds,
    pointsToAlarm,
    periods: pointsToAlarm + 2,
    missingData: 'ignore',
    description: describe(given, 'busy', `has a subtask that works over ${percent(threshold)} of the time`),
  };
};

/**
 * The slower trigger, for scaling in: the busiest subtask's busiest moment of nine minutes in ten was below the band, over the whole window. Whole minutes, because
 * nothing here is urgent and they cost a third. Missing data are not known to be idle: an alarm without data ends, and capacity stays.
 */
const idle = (given: AlarmSettings, threshold: number): JobAlarm => {
  const periods = Math.max(3, pointsIn(given.settings.scaleInWindowSeconds, MINUTE));
  return {
    kind: 'idle',
    metric: 'BusyWorst',
    statistic: 'Maximum',
    comparison: 'below',
    threshold,
    periodSeconds: MINUTE,
    pointsToAlarm: Math.ceil(periods * 0.9),
    periods,
    missingData: 'missing',
    description: describe(given, 'idle', `has no subtask that works ${percent(threshold)} of the time`),
  };
};

/**
 * What MSK says of the lag, for jobs of which Flink does not know it: a pass of observation sees nothing of it. MSK sends a figure a minute. Two of three, as
 * with lag; but its figures do not pause with the job, so that without any the group or the topic is not there, and the alarm ends.
 */
const groupBehind = (given: AlarmSettings, kind: KafkaLagKind, { clusterName, consumerGroup, topic }: TopicOfGroup): JobAlarm => {
  const threshold = given.settings.serviceLevels.maxLagSeconds;
  return {
    kind,
    metric: 'EstimatedMaxTimeLag',
    of: { clusterName, consumerGroup, topic },
    statistic: 'Maximum',
    comparison: 'above',
    threshold,
    periodSeconds: MINUTE,
    pointsToAlarm: 2,
    periods: 3,
    missingData: 'missing',
    description: describe(
      given,
      kind,
      `needs over ${threshold} s for what consumer group ${consumerGroup} has left of topic ${topic}, by MSK's estimate`,
    ),
  };
};

/** The shortest period in which every data point holds an observation. */
export const periodFor = (observedEverySeconds: number): number =>
  HIGH_RESOLUTION_SECONDS.find((seconds) => seconds >= observedEverySeconds) ??
  Math.min(Math.ceil(observedEverySeconds / MINUTE) * MINUTE, LONGEST_RANGE_SECONDS / 5);

const pointsIn = (windowSeconds: number, periodSeconds: number): number =>
  // Two more are asked for beside a busy window, so the range stays below CloudWatch's longest with them.
  Math.min(Math.ceil(windowSeconds / periodSeconds), Math.floor(LONGEST_RANGE_SECONDS / periodSeconds) - 2);

/** What becomes of it by itself, after what it means. */
const describe = ({ scaling, runbook }: AlarmSettings, kind: AlarmKind, meaning: string): string => {
  const follows = scaling.enabled ? 'Sluice looks at once whether to scale.' : 'Nothing scales by itself: scaling.enabled is false.';
  return `The job ${meaning}. ${follows} Runbook: ${runbook}#${runbookHeading(kind)}`;
};
