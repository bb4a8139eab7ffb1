import { METRIC_NAMESPACE, type STAGE_METRICS } from '../../lambdas/contracts/metrics';
import type { StageNames } from './names';

/**
 * An alarm on the control plane itself. Each watches one metric by the minute or more, which is what $0.10 a month buys; an expression
 * costs that for each of its metrics.
 */
export interface ControlPlaneAlarm {
  /** In AWS `sluice-<stage>.<name>`. */
  readonly name: string;
  /** Heading of docs/runbook.md, as GitHub makes an anchor of it. */
  readonly heading: string;
  /** A sentence for whoever is paged. */
  readonly meaning: string;
  readonly metric: { readonly namespace: string; readonly name: string; readonly dimensions: Readonly<Record<string, string>> };
  readonly statistic: 'Sum' | 'Maximum';
  readonly periodSeconds: 60 | 300;
  /** So many of the last `periods` data points. */
  readonly pointsToAlarm: number;
  readonly periods: number;
  /**
   * `some` is wrong: what should not happen did, and no data mean that it did not. `none` is wrong: what should happen did not, and no
   * data say so.
   */
  readonly wrong: 'some' | 'none';
}

type Watch = Pick<ControlPlaneAlarm, 'statistic' | 'periodSeconds' | 'pointsToAlarm' | 'periods' | 'wrong'>;

/** Whatever should not happen at all. */
const ONCE: Watch = { statistic: 'Sum', periodSeconds: 300, pointsToAlarm: 1, periods: 1, wrong: 'some' };
/** What is asked again each pass, and passes where AWS was in the way for a moment. */
const LASTING: Watch = { statistic: 'Sum', periodSeconds: 60, pointsToAlarm: 3, periods: 5, wrong: 'some' };
/** One caller who met one error tries again; two in a quarter of an hour did not help themselves. */
const REPEATED: Watch = { statistic: 'Sum', periodSeconds: 300, pointsToAlarm: 2, periods: 3, wrong: 'some' };
const never = (minutes: number): Watch => ({
  statistic: 'Sum',
  periodSeconds: 60,
  pointsToAlarm: minutes,
  periods: minutes,
  wrong: 'none',
});

/**
 * What a person has to hear of, by the fewest metrics that tell: each asynchronous function and each rule has the same dead-letter queue,
 * so its depth stands for all of their errors; the sweeper counts workflows that died, of whatever kind; the end of operations counts moves
 * that nobody waits for; and what a table, a key or a quota refuses is seen at what it breaks.
 */
export const controlPlaneAlarms = (names: StageNames, stage: string, apiId: string): readonly ControlPlaneAlarm[] => {
  const ofFunction = (metric: string, name: string): ControlPlaneAlarm['metric'] => ({
    namespace: 'AWS/Lambda',
    name: metric,
    dimensions: { FunctionName: `${names.prefix}-${name}` },
  });
  const counted = (name: keyof typeof STAGE_METRICS): ControlPlaneAlarm['metric'] => ({
    namespace: METRIC_NAMESPACE,
    name,
    dimensions: { Stage: stage },
  });
  const failing = (name: string, meaning: string): ControlPlaneAlarm => ({
    name: `${name}-fails`,
    heading: 'a-function-of-the-observer-fails-observe-flink-fails-consider-failover-fails-consider-scaling-fails',
    meaning,
    metric: ofFunction('Errors', name),
    ...LASTING,
  });
  return [
    {
      name: 'sweep-stopped',
      heading: 'the-sweep-does-not-run-sweep-stopped',
      meaning: 'The sweep of every minute has not run for five: what breaks is not noticed, and what has failed is not tried again.',
      metric: ofFunction('Invocations', 'sweep-operations'),
      ...never(5),
    },
    {
      name: 'observer-stopped',
      heading: 'the-observer-does-not-run-observer-stopped',
      meaning: 'No minute of observation has been finished for ten: jobs do not scale, and a silent JobManager or zone is not noticed.',
      metric: {
        namespace: 'AWS/States',
        name: 'ExecutionsSucceeded',
        dimensions: { StateMachineArn: names.arn('states', `stateMachine:${names.prefix}-observe-clusters`) },
      },
      ...never(10),
    },
    failing('observe-flink', 'Passes of observation fail: their clusters are not watched, and the alarms of their jobs stay as they were.'),
    failing('consider-failover', 'Whether a cluster without JobManager or TaskManagers has to move cannot be decided.'),
    failing('consider-scaling', 'Whether jobs have to scale cannot be decided.'),
    {
      name: 'dead-letters',
      heading: 'events-were-given-up-dead-letters',
      meaning: 'An event was given up: a sweep, or what follows an alarm, a notice or a lost zone, failed twice or was not delivered.',
      metric: { namespace: 'AWS/SQS', name: 'ApproximateNumberOfMessagesVisible', dimensions: { QueueName: names.deadLetters } },
      ...ONCE,
      statistic: 'Maximum',
    },
    {
      name: 'operations-interrupted',
      heading: 'a-workflow-has-died-operations-interrupted',
      meaning: 'The workflow of an operation ended without saying so: it ran out of time, was stopped, or could not go on.',
      metric: counted('OperationsInterrupted'),
      ...ONCE,
    },
    {
      name: 'failovers-failed',
      heading: 'an-automatic-failover-has-failed-failovers-failed',
      meaning: 'A move that the control plane began by itself has failed: jobs of its cluster wait, or run on in a zone that is not well.',
      metric: counted('FailoversFailed'),
      ...ONCE,
    },
    {
      name: 'api-fails',
      heading: 'the-api-answers-500-or-503-api-fails',
      meaning: 'The API has answered 5xx again and again.',
      metric: { namespace: 'AWS/ApiGateway', name: '5xx', dimensions: { ApiId: apiId } },
      ...REPEATED,
    },
  ];
};

/** Holds what CloudWatch may do in the name of an alarm to the control plane's own. */
export const ofAlarms = (names: StageNames): Record<string, Record<string, string>> => ({
  StringEquals: { 'aws:SourceAccount': names.account },
  ArnLike: { 'aws:SourceArn': names.arn('cloudwatch', `alarm:${names.alarmPrefix}*`) },
});
