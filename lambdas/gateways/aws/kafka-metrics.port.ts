import type { KafkaSeen, KafkaSource } from '../../contracts/kafka';

/** What CloudWatch tells of a cluster of Amazon MSK. */
export interface KafkaMetricsPort {
  /**
   * One call. What has no figures in the last minutes is null.
   * @param now ISO 8601
   * @throws AwsUnavailable
   */
  read(source: KafkaSource, now: string): Promise<KafkaSeen>;
}
