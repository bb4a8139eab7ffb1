import type { z } from 'zod';
import { FlinkUnavailable } from '../../contracts/errors';
import type { ShipStrategy } from '../../contracts/scaling';
import * as answers from './answers';
import type { FlinkRestOptions } from './flink.adapter';
import { type JobManagers, type JobManagersOptions, keepJobManagers } from './job-managers';
import type {
  CheckpointReading,
  ClusterReading,
  Figure,
  FlinkMetricsConnector,
  FlinkMetricsPort,
  JobReading,
  SourceMetrics,
  Spread,
  VertexReading,
} from './metrics.port';
import * as figures from './metrics-answers';
import { call, FlinkRefusal, withoutRefusal } from './rest';

/** Requests at a time: a JobManager answers each in 3 to 15 ms, and has other things to do. */
const AT_A_TIME = 8;
/** A source's metrics change when partitions are added; their names are asked for again after this time. ms. */
const NAMES_KEPT_MS = 600_000;
/** A source that does not say how much waits may yet do so: `pendingRecords` is there after the first fetch from Kafka only. ms. */
const NAMES_NEW_MS = 60_000;

/** Every task has these. A name that one task does not have empties the whole answer, so no other may be among them. */
const OF_ALL = [
  'numRecordsIn',
  'numRecordsOut',
  'numRecordsInPerSecond',
  'accumulateBusyTimeMs',
  'accumulateBackPressuredTimeMs',
  'accumulateIdleTimeMs',
  'busyTimeMsPerSecond',
  'backPressuredTimeMsPerSecond',
  'idleTimeMsPerSecond',
] as const;
const INPUT_WATERMARK = 'currentInputWatermark';
const TASK_MANAGER = {
  cpuLoad: 'Status.JVM.CPU.Load',
  heapUsed: 'Status.JVM.Memory.Heap.Used',
  heapMax: 'Status.JVM.Memory.Heap.Max',
  gcMs: 'Status.JVM.GarbageCollector.All.TimeMsPerSecond',
} as const;

const SHIPS: Readonly<Record<string, ShipStrategy>> = {
  HASH: 'hash',
  FORWARD: 'forward',
  REBALANCE: 'rebalance',
  RESCALE: 'rescale',
  BROADCAST: 'broadcast',
};
/** Long.MIN_VALUE before the first watermark, Long.MAX_VALUE after the last record; both lose digits on the way. */
const NO_WATERMARK = 9e18;

/** Metrics of an operator that reads: `Source__orders.pendingRecords`. */
const isOfSource = (name: string): boolean => /^Source__.*\.(pendingRecords|currentOutputWatermark|numRecordsOut)$/.test(name);
/**
 * A consumer of Kafka without `pendingRecords` (old connectors): of each subtask the most that its worst partition was behind in the last minute. Less than
 * what waits in several partitions, and for a minute more than what is left of a lag that shrinks.
 */
const isConsumerLag = (name: string): boolean => name.endsWith('.KafkaConsumer.records-lag-max');
const partitionsIn = (names: readonly string[]): number | undefined => {
  const found = new Set(names.flatMap((name) => /\.topic\..+\.partition\.\d+(?=\.currentOffset$)/.exec(name)?.[0] ?? []));
  return found.size > 0 ? found.size : undefined;
};

/** @param options `timeoutMs` of each call, default 5000 */
export const connectFlinkMetrics = ({
  timeoutMs = 5_000,
  ...options
}: JobManagersOptions & Pick<FlinkRestOptions, 'timeoutMs'> = {}): FlinkMetricsConnector => {
  const jobManagers = keepJobManagers(options);
  return (addresses) => new FlinkMetrics(jobManagers(addresses), timeoutMs);
};

/** @throws FlinkUnavailable of the first that fails: it was answered where any of them was */
const together = async <T extends readonly unknown[] | []>(asked: T): ReturnType<typeof Promise.all<T>> => {
  try {
    return await Promise.all(asked);
  } catch (error) {
    const all = await Promise.allSettled(asked);
    const isAnswered = all.some((one) => one.status === 'fulfilled' || one.reason.answered === true);
    if (!(error instanceof FlinkUnavailable && isAnswered)) throw error;
    throw new FlinkUnavailable(error.message, { cause: error, answered: true });
  }
};

/** Flink 2.x through its REST API. */
class FlinkMetrics implements FlinkMetricsPort {
  constructor(
    private readonly jobManagers: JobManagers,
    private readonly timeoutMs: number,
  ) {}

  async cluster(): Promise<ClusterReading> {
    const [aggregates, { taskmanagers }, { jobs }] = await together([
      this.ask(`/taskmanagers/metrics?get=${Object.values(TASK_MANAGER).join(',')}&agg=min,max,avg`, figures.aggregates),
      this.ask('/taskmanagers', answers.taskManagers),
      this.ask('/jobs/overview', answers.jobsOverview),
    ]);
    const of = (name: string) => aggregates.find(({ id }) => id === name);
    const heapMax = of(TASK_MANAGER.heapMax)?.min ?? null;
    return {
      taskManagers: taskmanagers.length,
      taskManagerIds: taskmanagers.map(({ id }) => id),
      slotsTotal: taskmanagers.reduce((sum, { slotsNumber }) => sum + slotsNumber, 0),
      slotsFree: taskmanagers.reduce((sum, { freeSlots }) => sum + freeSlots, 0),
      cpuLoad: shareOf(of(TASK_MANAGER.cpuLoad)?.max),
      cpuMean: shareOf(of(TASK_MANAGER.cpuLoad)?.avg),
      heapUsed: heapMax === null || heapMax <= 0 ? null : shareOf(divide(of(TASK_MANAGER.heapUsed)?.max ?? null, heapMax)),
      gcShare: shareOf(divide(of(TASK_MANAGER.gcMs)?.max ?? null, 1_000)),
      jobs: jobs.map(({ jid, state }) => ({ flinkJobId: jid, state })),
    };
  }

  async job(flinkJobId: string, known: Readonly<Record<string, SourceMetrics>>): Promise<JobReading | undefined> {
    const path = `/jobs/${flinkJobId}`;
    try {
      const [graph, values, checkpoints] = await Promise.all([
        this.get(path, figures.jobGraph),
        this.get(`${path}/metrics?get=numRestarts`, figures.values),
        this.get(`${path}/checkpoints`, figures.checkpointHistory),
      ]);
      const inputs = new Map(graph.plan.nodes.map((node) => [node.id, node.inputs]));
      const isSource = (id: string) => (inputs.get(id) ?? []).length === 0;
      const sources = await this.sources(path, graph.vertices.map(({ id }) => id).filter(isSource), known);
      const vertices = await inTurns(graph.vertices, async (vertex) => {
        const asked = isSource(vertex.id) ? (sources[vertex.id]?.metrics ?? []) : [INPUT_WATERMARK];
        const aggregates = await this.get(
          `${path}/vertices/${vertex.id}/subtasks/metrics?get=${[...OF_ALL, ...asked].map(encodeURIComponent).join(',')}&agg=min,max,avg,sum`,
          figures.aggregates,
        );
        const reading = readVertex(vertex, inputs.get(vertex.id) ?? [], aggregates, sources[vertex.id]);
        // Without any figure a name is wrong, as after a change of the program; while subtasks are silent, so are their partitions. The next
        // reading asks for the names again.
        if (!reading.complete) delete sources[vertex.id];
        return reading;
      });
      return {
        state: graph.state,
        restarts: values.find(({ id }) => id === 'numRestarts')?.value ?? null,
        checkpoints: readCheckpoints(checkpoints),
        vertices,
        sources,
      };
    } catch (error) {
      if (error instanceof FlinkRefusal && error.status === 404) return undefined;
      throw withoutRefusal(`GET ${path}`, error);
    }
  }

  /** The names of what sources have beyond other tasks, from `known` where that is new enough. */
  private async sources(
    path: string,
    ids: readonly string[],
    known: Readonly<Record<string, SourceMetrics>>,
  ): Promise<Record<string, SourceMetrics>> {
    const now = Date.now();
    const found = await inTurns(ids, async (id): Promise<readonly [string, SourceMetrics] | undefined> => {
      const before = known[id];
      const kept = before?.metrics.some((name) => name.endsWith('.pendingRecords')) ? NAMES_KEPT_MS : NAMES_NEW_MS;
      if (before?.settled && now - Date.parse(before.seenAt) < kept) return [id, before];
      const all = (await this.get(`${path}/vertices/${id}/subtasks/metrics`, figures.names)).map((metric) => metric.id);
      if (all.length === 0) return undefined;
      const own = all.filter(isOfSource);
      const metrics = (own.some((name) => name.endsWith('.pendingRecords')) ? own : [...own, ...all.filter(isConsumerLag)]).sort();
      const partitions = partitionsIn(all);
      const settled = before?.partitions === partitions && before?.metrics.join() === metrics.join();
      return [id, { seenAt: new Date(now).toISOString(), settled, metrics, ...(partitions === undefined ? {} : { partitions }) }];
    });
    return Object.fromEntries(found.flatMap((one) => (one ? [one] : [])));
  }

  /** What every JobManager has, whatever runs on it. @throws FlinkUnavailable also where it is refused, as when its ResourceManager does not answer in time */
  private async ask<T>(path: string, answer: z.ZodType<T>): Promise<T> {
    try {
      return await this.get(path, answer);
    } catch (error) {
      throw withoutRefusal(`GET ${path}`, error);
    }
  }

  private get<T>(path: string, answer: z.ZodType<T>): Promise<T> {
    return this.jobManagers.read((baseUrl) => call(baseUrl, { method: 'GET', path, answer, timeoutMs: this.timeoutMs }));
  }
}

const divide = (value: Figure, by: number): Figure => (value === null ? null : value / by);
/** JVMs measure a little past the ends. */
const shareOf = (value: Figure | undefined): Figure => (value === null || value === undefined ? null : Math.min(1, Math.max(0, value)));
const perSecondShare = (value: Figure | undefined): Figure => shareOf(divide(value ?? null, 1_000));
const watermark = (value: Figure | undefined): Figure =>
  value === null || value === undefined || Math.abs(value) >= NO_WATERMARK ? null : value;

type Graph = z.infer<typeof figures.jobGraph>;

const readVertex = (
  { id, name, slotSharingGroupId, parallelism, maxParallelism, tasks, metrics }: Graph['vertices'][number],
  inputs: Graph['plan']['nodes'][number]['inputs'],
  aggregates: figures.Aggregates,
  source: SourceMetrics | undefined,
): VertexReading => {
  const byName = new Map(aggregates.map((aggregate) => [aggregate.id, aggregate]));
  const sum = (metric: string): Figure => byName.get(metric)?.sum ?? null;
  const spread = (metric: string, read: (value: Figure | undefined) => Figure, worst: 'max' | 'min' = 'max'): Spread => ({
    mean: read(byName.get(metric)?.avg),
    worst: read(byName.get(metric)?.[worst]),
  });
  const own = (ending: string) => aggregates.filter((aggregate) => isOfSource(aggregate.id) && aggregate.id.endsWith(ending));
  const reported = Math.max(0, ...aggregates.map((each) => (each.sum && each.avg ? Math.round(each.sum / each.avg) : 0)));
  const pending = pendingOf(aggregates, source);
  const recordsIn = sum('numRecordsIn');
  return {
    id,
    name,
    inputs: inputs.map((input) => ({ vertex: input.id, ship: SHIPS[input.ship_strategy] ?? 'other' })),
    slotSharingGroup: slotSharingGroupId,
    parallelism: Math.max(1, parallelism),
    maxParallelism: Math.max(1, parallelism, maxParallelism),
    complete:
      metrics['read-records-complete'] &&
      metrics['write-records-complete'] &&
      tasks.RUNNING + tasks.FINISHED >= parallelism &&
      aggregates.length > 0 &&
      reported >= Math.min(tasks.RUNNING, parallelism),
    finished: tasks.FINISHED >= parallelism,
    // Sources of the old interface count only what they send.
    recordsIn: recordsIn === 0 ? (own('.numRecordsOut')[0]?.sum ?? recordsIn) : recordsIn,
    recordsOut: sum('numRecordsOut'),
    busyMs: sum('accumulateBusyTimeMs'),
    backpressuredMs: sum('accumulateBackPressuredTimeMs'),
    idleMs: sum('accumulateIdleTimeMs'),
    busy: spread('busyTimeMsPerSecond', perSecondShare),
    backpressured: spread('backPressuredTimeMsPerSecond', perSecondShare),
    idle: spread('idleTimeMsPerSecond', perSecondShare, 'min'),
    subtaskRate: spread('numRecordsInPerSecond', (value) => value ?? null),
    inputWatermark: watermark(byName.get(INPUT_WATERMARK)?.min),
    // A subtask without a partition has sent no watermark, and holds none back.
    outputWatermark: watermark(own('.currentOutputWatermark')[0]?.min) ?? watermark(own('.currentOutputWatermark')[0]?.max),
    ...(pending === undefined ? {} : { pendingRecords: pending }),
    // Too few of them would bound the source's parallelism.
    ...(source?.settled && source.partitions !== undefined ? { partitions: source.partitions } : {}),
  };
};

const pendingOf = (aggregates: figures.Aggregates, source: SourceMetrics | undefined): Figure | undefined => {
  const names = source?.metrics ?? [];
  const wanted = names.filter((name) => name.endsWith('.pendingRecords'));
  const from = wanted.length > 0 ? wanted : names.filter(isConsumerLag);
  if (from.length === 0) return undefined;
  const sums = from.map((name) => aggregates.find(({ id }) => id === name)?.sum ?? null);
  return sums.reduce<Figure>((total, value) => (total === null || value === null ? null : total + Math.max(0, value)), 0);
};

const readCheckpoints = ({ counts, history, latest }: z.infer<typeof figures.checkpointHistory>): CheckpointReading => {
  const ended = history.filter(({ status, is_savepoint }) => status !== 'IN_PROGRESS' && !is_savepoint);
  const good = ended.findIndex(({ status }) => status === 'COMPLETED');
  const completed = latest?.completed;
  return {
    failures: counts.failed,
    consecutiveFailures: good === -1 ? ended.length : good,
    ...(completed
      ? {
          latest: {
            completedAt: new Date(completed.latest_ack_timestamp).toISOString(),
            durationMs: completed.end_to_end_duration,
            sizeBytes: completed.state_size,
          },
        }
      : {}),
  };
};

/** Results in the order of `items`, with a few calls at a time. */
const inTurns = async <T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = [];
  const waiting = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of waiting) results[index] = await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, items.length) }, worker));
  return results;
};
