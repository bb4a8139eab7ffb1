import { type CloudWatchClient, type MetricDataQuery, type MetricDataResult, paginateGetMetricData } from '@aws-sdk/client-cloudwatch';
import type { KafkaSeen, KafkaSource } from '../../contracts/kafka';
import type { KafkaMetricsPort } from './kafka-metrics.port';
import { KAFKA_NAMESPACE, topicMetric } from './kafka-topic-metric';

/** MSK's figures are of whole minutes. */
const PERIOD_SECONDS = 60;
/** Looked back: a figure may come some minutes late, and growth over a few minutes is told from the steps in which offsets are committed. */
const RANGE_MS = 600_000;
const GROWTH_MS = 300_000;

/** Of a consumer group and a topic. */
const OF_TOPIC = { records: 'SumOffsetLag', seconds: 'EstimatedMaxTimeLag', worst: 'MaxOffsetLag' } as const;
/** Of each broker, in percent. Which brokers there are is searched for: nobody has to write down how many. */
const OF_BROKER = { user: 'CpuUser', system: 'CpuSystem', disk: 'KafkaDataLogsDiskUsed' } as const;

type TopicFigure = keyof typeof OF_TOPIC;
type BrokerFigure = keyof typeof OF_BROKER;
/** Values by the instant at which their minute begins, ms. */
type Series = ReadonlyMap<number, number>;

export const createKafkaMetrics = ({ client }: { readonly client: CloudWatchClient }): KafkaMetricsPort => ({
  async read(source, now) {
    const end = Date.parse(now);
    const results: MetricDataResult[] = [];
    const pages = paginateGetMetricData(
      { client },
      {
        StartTime: new Date(Math.floor((end - RANGE_MS) / 60_000) * 60_000),
        EndTime: new Date(end),
        MetricDataQueries: [...topicQueries(source), ...brokerQueries(source)],
      },
    );
    for await (const { MetricDataResults = [] } of pages) results.push(...MetricDataResults);
    return {
      clusterName: source.clusterName,
      consumerGroup: source.consumerGroup,
      lag: lagOf(results, source),
      brokers: brokersOf(results),
    };
  },
});

const topicQueries = ({ topics, ...group }: KafkaSource): MetricDataQuery[] =>
  topics.flatMap((topic, index) =>
    Object.entries(OF_TOPIC).map(([figure, name]) => ({
      Id: `${figure}${index}`,
      MetricStat: { Metric: topicMetric(name, { ...group, topic }), Period: PERIOD_SECONDS, Stat: 'Maximum' },
    })),
  );

const brokerQueries = ({ clusterName }: KafkaSource): MetricDataQuery[] =>
  Object.entries(OF_BROKER).map(([figure, name]) => ({
    Id: figure,
    Expression: `SEARCH('{${KAFKA_NAMESPACE},"Broker ID","Cluster Name"} MetricName="${name}" "Cluster Name"="${clusterName}"', 'Average', ${PERIOD_SECONDS})`,
    // A search gives a result for each metric that it finds, all under one id: the label tells them apart.
    Label: `\${PROP('Dim.Broker ID')}`,
  }));

const seriesOf = ({ Timestamps = [], Values = [] }: MetricDataResult): Series =>
  new Map(Timestamps.flatMap((at, index) => (Values[index] === undefined ? [] : [[at.getTime(), Values[index]] as const])));

const newest = (times: Iterable<number>): number | undefined => [...times].sort((a, b) => b - a)[0];
const endOf = (minute: number): string => new Date(minute + PERIOD_SECONDS * 1_000).toISOString();
const highest = (values: readonly (number | undefined)[]): number | null => {
  const there = values.filter((value) => value !== undefined);
  return there.length > 0 ? Math.max(...there) : null;
};

/** At the newest minute of which every topic has its records: a sum that lacks a topic would be a lower lag. */
const lagOf = (results: readonly MetricDataResult[], { topics }: KafkaSource): KafkaSeen['lag'] => {
  const of = (figure: TopicFigure): Series[] =>
    topics.map((_, index) => seriesOf(results.find(({ Id }) => Id === `${figure}${index}`) ?? {}));
  const records = of('records');
  const complete = [...(records[0]?.keys() ?? [])].filter((minute) => records.every((series) => series.has(minute)));
  const last = newest(complete);
  if (last === undefined) return null;
  const sum = (minute: number): number => records.reduce((total, series) => total + Math.max(0, series.get(minute) ?? 0), 0);
  const first = Math.min(...complete.filter((minute) => minute >= last - GROWTH_MS));
  return {
    at: endOf(last),
    records: sum(last),
    growth: first < last ? (sum(last) - sum(first)) / ((last - first) / 1_000) : null,
    seconds: highest(of('seconds').map((series) => series.get(last))),
    worstPartition: highest(of('worst').map((series) => series.get(last))),
  };
};

/** The worst broker at the newest minute of which any told its CPU. */
const brokersOf = (results: readonly MetricDataResult[]): KafkaSeen['brokers'] => {
  const of = (figure: BrokerFigure): ReadonlyMap<string, Series> =>
    new Map(results.filter(({ Id }) => Id === figure).map((result) => [result.Label ?? '', seriesOf(result)]));
  const [user, system, disk] = [of('user'), of('system'), of('disk')];
  const last = newest([...user.values()].flatMap((series) => [...series.keys()]));
  if (last === undefined) return null;
  const cpu = [...user].map(([broker, series]) => {
    const [own, kernel] = [series.get(last), system.get(broker)?.get(last)];
    return own === undefined || kernel === undefined ? undefined : own + kernel;
  });
  const share = (percent: number | null): number | null => (percent === null ? null : Math.min(1, Math.max(0, percent / 100)));
  return { at: endOf(last), cpu: share(highest(cpu)), disk: share(highest([...disk.values()].map((series) => series.get(last)))) };
};
