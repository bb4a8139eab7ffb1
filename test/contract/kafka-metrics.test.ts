import { randomBytes } from 'node:crypto';
import { CloudWatchClient, type MetricDatum, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import type { KafkaSource } from '../../lambdas/contracts/kafka';
import { kafkaSeen } from '../../lambdas/contracts/kafka';
import { cloudWatchClient } from '../../lambdas/gateways/aws/clients';
import { createKafkaMetrics } from '../../lambdas/gateways/aws/kafka-metrics.adapter';
import { type Emulator, startEmulator } from './support/emulator';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
}, 60_000);
afterAll(() => emulator.stop());

/** A whole minute that is over. */
const NOW = new Date(Math.floor(Date.now() / 60_000) * 60_000);
const minutesAgo = (minutes: number): Date => new Date(NOW.getTime() - minutes * 60_000);
const sourceOf = (...topics: string[]): KafkaSource => ({
  clusterName: `msk-${randomBytes(4).toString('hex')}`,
  consumerGroup: 'counts',
  topics,
});

/** As MSK sends it: a figure a minute. */
const put = (source: KafkaSource, figures: readonly Omit<MetricDatum, 'Dimensions'>[], dimensions: Readonly<Record<string, string>>) =>
  new CloudWatchClient({}).send(
    new PutMetricDataCommand({
      Namespace: 'AWS/Kafka',
      MetricData: figures.map((figure) => ({
        ...figure,
        Dimensions: Object.entries({ 'Cluster Name': source.clusterName, ...dimensions }).map(([Name, Value]) => ({ Name, Value })),
      })),
    }),
  );
const lag = (source: KafkaSource, topic: string, minutes: number, [records, seconds, worst]: readonly [number, number, number]) =>
  put(
    source,
    Object.entries({ SumOffsetLag: records, EstimatedMaxTimeLag: seconds, MaxOffsetLag: worst }).map(([MetricName, Value]) => ({
      MetricName,
      Value,
      Timestamp: minutesAgo(minutes),
    })),
    { 'Consumer Group': source.consumerGroup, Topic: topic },
  );
const broker = (source: KafkaSource, id: number, minutes: number, values: Readonly<Record<string, number>>) =>
  put(
    source,
    Object.entries(values).map(([MetricName, Value]) => ({ MetricName, Value, Timestamp: minutesAgo(minutes) })),
    { 'Broker ID': String(id) },
  );
const read = async (source: KafkaSource) =>
  kafkaSeen.parse(await createKafkaMetrics({ client: cloudWatchClient() }).read(source, NOW.toISOString()));

describe('What CloudWatch tells of an MSK cluster', () => {
  test('the lag of all topics at the newest minute that has all of them, and its growth over the minutes before', async () => {
    const source = sourceOf('flights', 'weather');
    for (const [minutes, records] of [
      [4, 1_000],
      [3, 4_000],
      [2, 7_000],
    ] as const) {
      await lag(source, 'flights', minutes, [records, 30, records / 2]);
      await lag(source, 'weather', minutes, [500, 90, 400]);
    }
    // Of this minute one topic is still missing.
    await lag(source, 'flights', 1, [50_000, 300, 9_000]);
    expect(await read(source)).toEqual({
      clusterName: source.clusterName,
      consumerGroup: 'counts',
      lag: { at: minutesAgo(1).toISOString(), records: 7_500, growth: 50, seconds: 90, worstPartition: 3_500 },
      brokers: null,
    });
  });

  test('no lag where one of the topics has none, and no growth of a single minute', async () => {
    const source = sourceOf('flights', 'weather');
    await lag(source, 'flights', 2, [10, 1, 5]);
    expect((await read(source)).lag).toBeNull();
    expect((await read({ ...source, topics: ['flights'] })).lag).toMatchObject({ records: 10, growth: null });
    expect((await read({ ...source, topics: ['flights'], consumerGroup: 'other' })).lag).toBeNull();
  });

  test('the CPU of the busiest broker, user and system together, and the fullest disk, however many brokers there are', async () => {
    const [source, other] = [sourceOf('flights'), sourceOf('flights')];
    await broker(source, 1, 1, { CpuUser: 20, CpuSystem: 5, KafkaDataLogsDiskUsed: 40 });
    await broker(source, 2, 1, { CpuUser: 70, CpuSystem: 17, KafkaDataLogsDiskUsed: 30 });
    await broker(source, 3, 1, { CpuUser: 80 });
    await broker(other, 1, 1, { CpuUser: 99, CpuSystem: 1, KafkaDataLogsDiskUsed: 99 });
    await broker(source, 2, 3, { CpuUser: 99, CpuSystem: 1, KafkaDataLogsDiskUsed: 99 });
    const { brokers } = await read(source);
    expect(brokers).toEqual({ at: NOW.toISOString(), cpu: expect.closeTo(0.87), disk: expect.closeTo(0.4) });
  });

  test('brokers without disks of their own', async () => {
    const source = sourceOf('flights');
    await broker(source, 1, 2, { CpuUser: 20, CpuSystem: 5 });
    expect((await read(source)).brokers).toEqual({ at: minutesAgo(1).toISOString(), cpu: 0.25, disk: null });
  });

  test('nothing of the minutes before the last ten', async () => {
    const source = sourceOf('flights');
    await lag(source, 'flights', 12, [10, 1, 5]);
    await broker(source, 1, 12, { CpuUser: 20, CpuSystem: 5 });
    expect(await read(source)).toMatchObject({ lag: null, brokers: null });
  });

  test('is asked for in one call', async () => {
    const client = cloudWatchClient();
    const send = jest.spyOn(client, 'send');
    await createKafkaMetrics({ client }).read(sourceOf('flights', 'weather'), NOW.toISOString());
    expect(send).toHaveBeenCalledTimes(1);
  });
});
