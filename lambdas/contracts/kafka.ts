import * as z from 'zod';
import { instant } from './names';

/** CloudWatch takes dimension values of ASCII only, and has no figures of a group with a colon in its name (MSK developer guide, «Monitor consumer lags»). */
const consumerGroup = z
  .string()
  .regex(
    /^[\x21-\x39\x3b-\x7e]{1,255}$/,
    'must be 1 to 255 visible ASCII characters without a colon, because CloudWatch has no figures of others',
  );

/** Topics that a job may name; each has an alarm of its own. */
export const MOST_TOPICS = 20;

/** Where a job's records come from, as far as AWS has figures of it. */
export const kafkaSource = z.strictObject({
  clusterName: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the name of an MSK cluster')
    .describe('An MSK cluster in the region and account of the stage'),
  consumerGroup: consumerGroup.describe('`group.id` of the source; its offsets are committed with each checkpoint'),
  topics: z
    .array(z.string().regex(/^[A-Za-z0-9._-]{1,249}$/, 'must be the name of a Kafka topic'))
    .min(1)
    .max(MOST_TOPICS)
    .refine((topics) => new Set(topics).size === topics.length, 'names a topic twice')
    .describe('Topics that the job reads, all of them: their lags are added up'),
});
export type KafkaSource = z.infer<typeof kafkaSource>;

export const jobSource = z.strictObject({
  msk: kafkaSource.describe(
    'CloudWatch is asked for its offset lag, broker CPU and disks whenever a decision about scaling is made ($0.01 for a thousand figures: three a topic and three a broker). A job with `scaling` has an alarm on the lag of each topic besides ($0.10 a month)',
  ),
});

const figure = z.number().nullable();
const share = z.number().min(0).max(1).nullable();

/** What MSK told last. */
export const kafkaSeen = z.object({
  clusterName: z.string(),
  consumerGroup: z.string(),
  /** All topics together, at one minute. Null: of one of them there was nothing. */
  lag: z
    .object({
      at: instant,
      /** Records that the group has not committed (`SumOffsetLag`), and their growth by the second. */
      records: z.number().min(0),
      growth: figure,
      /** Of the topic with the most (`EstimatedMaxTimeLag`). */
      seconds: figure,
      /** Of the partition with the most (`MaxOffsetLag`). */
      worstPartition: figure,
    })
    .nullable(),
  /** Of the busiest and of the fullest broker. Disks are null where MSK keeps none, as on Express brokers. */
  brokers: z.object({ at: instant, cpu: share, disk: share }).nullable(),
  /** Why there are no figures, where that is known. */
  problem: z.string().optional(),
});
export type KafkaSeen = z.infer<typeof kafkaSeen>;
