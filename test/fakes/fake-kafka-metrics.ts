import type { KafkaSeen, KafkaSource } from '../../lambdas/contracts/kafka';
import type { KafkaMetricsPort } from '../../lambdas/gateways/aws/kafka-metrics.port';
import { type Faults, withFaults } from './faults';

/** An MSK cluster whose figures are set by hand. */
class InMemoryKafkaMetrics implements KafkaMetricsPort {
  private figures: Pick<KafkaSeen, 'lag' | 'brokers'> = { lag: null, brokers: null };

  async read({ clusterName, consumerGroup }: KafkaSource): Promise<KafkaSeen> {
    return { clusterName, consumerGroup, ...this.figures };
  }

  show(figures: Partial<Pick<KafkaSeen, 'lag' | 'brokers'>>): void {
    this.figures = { ...this.figures, ...figures };
  }
}

export type FakeKafkaMetrics = InMemoryKafkaMetrics & Faults<InMemoryKafkaMetrics>;
export const createFakeKafkaMetrics = (): FakeKafkaMetrics => withFaults(new InMemoryKafkaMetrics());
