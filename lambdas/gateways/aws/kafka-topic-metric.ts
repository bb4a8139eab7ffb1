import type { Metric } from '@aws-sdk/client-cloudwatch';
import type { TopicOfGroup } from '../../domain/alarms';

export const KAFKA_NAMESPACE = 'AWS/Kafka';

/** MSK's metric of what a consumer group has left of a topic, at its free level of monitoring; a figure a minute. */
export const topicMetric = (name: string, { clusterName, consumerGroup, topic }: TopicOfGroup): Metric => ({
  Namespace: KAFKA_NAMESPACE,
  MetricName: name,
  Dimensions: [
    { Name: 'Cluster Name', Value: clusterName },
    { Name: 'Consumer Group', Value: consumerGroup },
    { Name: 'Topic', Value: topic },
  ],
});
