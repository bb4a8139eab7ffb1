import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { type ControlPlaneAlarm, controlPlaneAlarms, ofAlarms } from '../config/alarms';
import { placeholderOf } from '../config/functions';
import type { StageNames } from '../config/names';
import type { StageConfig } from '../config/schema';

export interface AlarmsStackProps extends StackProps {
  readonly config: StageConfig;
  readonly names: StageNames;
  readonly key: IKey;
  readonly apiId: string;
}

/**
 * Alarms on the control plane itself, and the topic that they ring at. They find what they watch by name, so that it can be deployed
 * without them.
 */
export class AlarmsStack extends Stack {
  constructor(scope: Construct, id: string, props: AlarmsStackProps) {
    super(scope, id, props);
    const { config, names, apiId } = props;
    const topicArn = config.onCall.topicArn ?? this.makeTopic(props).topicArn;
    for (const alarm of controlPlaneAlarms(names, config.name, apiId))
      this.makeAlarm(alarm, `${names.alarmPrefix}${alarm.name}`, topicArn, config.alarms.runbook);
    new CfnOutput(this, 'AlarmTopicArn', { value: topicArn, description: "Where the control plane's own alarms ring" });
  }

  private makeTopic({ config, names, key }: AlarmsStackProps): sns.Topic {
    const topic = new sns.Topic(this, 'Topic', { topicName: `${names.prefix}-alarms`, masterKey: key, enforceSSL: true });
    // With a policy of its own a topic has no longer the one that lets the whole account publish.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: ofAlarms(names),
      }),
    );
    if (config.onCall.email !== undefined) topic.addSubscription(new EmailSubscription(config.onCall.email));
    return topic;
  }

  private makeAlarm(alarm: ControlPlaneAlarm, alarmName: string, topicArn: string, runbook: string): void {
    const { metric, wrong } = alarm;
    new cloudwatch.Alarm(this, placeholderOf(alarm.name), {
      alarmName,
      alarmDescription: `${alarm.meaning} Runbook: ${runbook}#${alarm.heading}`,
      metric: new cloudwatch.Metric({
        namespace: metric.namespace,
        metricName: metric.name,
        dimensionsMap: { ...metric.dimensions },
        statistic: alarm.statistic,
        period: Duration.seconds(alarm.periodSeconds),
      }),
      comparisonOperator:
        wrong === 'some'
          ? cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
          : cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      threshold: 1,
      evaluationPeriods: alarm.periods,
      datapointsToAlarm: alarm.pointsToAlarm,
      treatMissingData: wrong === 'some' ? cloudwatch.TreatMissingData.NOT_BREACHING : cloudwatch.TreatMissingData.BREACHING,
    }).addAlarmAction({ bind: () => ({ alarmActionArn: topicArn }) });
  }
}
