import { AwsUnavailable } from '../../contracts/errors';
import type { Job } from '../../contracts/job';
import type { ScalingObserved } from '../../contracts/scaling';
import type { Clock } from '../../domain/clock';
import { shorten } from '../../domain/describe-failure';
import type { KafkaMetricsPort } from '../../gateways/aws/kafka-metrics.port';

/** What MSK tells of a job's source; nothing where the job does not say that it reads from there. Without an answer that is decided, and said, too. */
export const readKafka = async (
  { kafkaMetrics, clock }: { readonly kafkaMetrics: KafkaMetricsPort; readonly clock: Clock },
  { spec }: Pick<Job, 'spec'>,
): Promise<Pick<ScalingObserved, 'kafka'>> => {
  const source = spec.source?.msk;
  if (!source) return {};
  try {
    return { kafka: await kafkaMetrics.read(source, clock().toISOString()) };
  } catch (error) {
    if (!(error instanceof AwsUnavailable)) throw error;
    const { clusterName, consumerGroup } = source;
    return { kafka: { clusterName, consumerGroup, lag: null, brokers: null, problem: shorten(error.message, 300) } };
  }
};
