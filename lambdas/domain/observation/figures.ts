import type { MetricLine, MetricName } from '../../contracts/metrics';
import type { ScalingSettings, VertexSeen } from '../../contracts/scaling';
import type { ClusterReading } from '../../gateways/flink/metrics.port';
import { isKnown, isSource, lagSeconds, trueProcessingRate, worst } from '../scaling/rates';
import { inputRate, type Observed } from './observe';

/** CloudWatch takes no infinity: a week stands for a source that reads nothing of what waits for it. */
const LONGEST_LAG_SECONDS = 604_800;
/** A job without settings of its own: the schema's default. */
const HIGH_LAG_SECONDS = 30;
/** Longest that CloudWatch takes is 255; the end of the id keeps two vertices of one name apart. */
const VERTEX_NAME_LENGTH = 120;

type Value = number | null | undefined;

/** Only what is known. */
const known = (values: Readonly<Partial<Record<MetricName, Value>>>): MetricLine['values'] =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => isKnown(value))) as MetricLine['values'];

const highest = (values: readonly Value[]): Value => {
  const there = values.filter(isKnown);
  return there.length > 0 ? Math.max(...there) : null;
};
/** A vertex of which this pass knows nothing, although it runs: what is told of the others is not told of the job. */
const isTold = ({ incomplete, recordsIn }: VertexSeen): boolean => !incomplete && isKnown(recordsIn);

/**
 * The highest share of all vertices that run. Of a part of them only one above `level`: that is so whatever the others do, while anything less would end an alarm
 * for more, or speak for one for less. A vertex that does not measure its time never has a share, and holds nothing back.
 */
const highestOf = (vertices: readonly VertexSeen[], share: (vertex: VertexSeen) => Value, level = Number.POSITIVE_INFINITY): Value => {
  const most = highest(vertices.filter(isTold).map(share));
  return vertices.every(isTold) || (isKnown(most) && most > level) ? most : null;
};

/** Null unless all are known. */
const lowest = (values: readonly Value[]): Value => (values.length > 0 && values.every(isKnown) ? Math.min(...values) : null);

const pending = (sources: readonly VertexSeen[]): Value => {
  const those = sources.filter(({ pendingRecords }) => pendingRecords !== undefined);
  if (those.length === 0 || those.some(({ incomplete, pendingRecords }) => incomplete || !isKnown(pendingRecords))) return null;
  return those.reduce((sum, { pendingRecords }) => sum + (pendingRecords ?? 0), 0);
};

const lagOf = (sources: readonly VertexSeen[]): Value => {
  const lags = sources
    .filter(({ pendingRecords }) => pendingRecords !== undefined)
    .map((source) => (source.incomplete ? null : lagSeconds(source)));
  if (lags.length === 0 || lags.includes(null)) return null;
  return Math.min(LONGEST_LAG_SECONDS, Math.max(...lags.map((lag) => lag ?? 0)));
};

/** The whole input that the vertex nearest to its limit could take, if all vertices kept their proportions. */
const processingRate = (running: readonly VertexSeen[]): Value => {
  const input = inputRate(running);
  if (!isKnown(input) || input <= 0 || running.some(({ incomplete }) => incomplete)) return null;
  const room = running.flatMap((vertex) => {
    const rate = trueProcessingRate(vertex, { highLagSeconds: HIGH_LAG_SECONDS })?.rate;
    return isKnown(rate) && isKnown(vertex.recordsIn) && vertex.recordsIn > 0 ? [rate / vertex.recordsIn] : [];
  });
  return room.length > 0 ? input * Math.min(...room) : null;
};

/** Above which a job has alarms. */
export type Levels = Pick<ScalingSettings, 'uMax' | 'serviceLevels'>;

/**
 * What is published of a job. Of an incomplete observation only what does not come from its vertices: how busy a job was while it restarted is
 * nothing to be alarmed by, or calmed by. @param levels undefined: the job has no alarms
 */
export const jobFigures = (
  { observation: job, skew, checkpointSizeBytes, checkpointFailures }: Omit<Observed, 'counters'>,
  levels?: Levels,
): MetricLine => {
  const { restarts, checkpoints, observedAt } = job;
  const vertices = job.incomplete ? [] : job.vertices;
  // What has finished has counts that stand still, and no part in what the job does.
  const running = vertices.filter(({ finished }) => !finished);
  const sources = running.filter(isSource);
  return {
    dimensions: { Cluster: job.cluster, Job: job.job },
    at: observedAt,
    values: known({
      LagRecords: pending(sources),
      LagSeconds: lagOf(sources),
      WatermarkLagSeconds: job.incomplete ? null : job.watermarkLagSeconds,
      InputRate: inputRate(running),
      ProcessingRate: processingRate(running),
      Busy: highestOf(running, ({ busy }) => busy.mean),
      BusyWorst: highestOf(running, ({ busy }) => worst(busy), levels?.uMax),
      Backpressure: highestOf(running, ({ backpressured }) => worst(backpressured), levels?.serviceLevels.maxBackpressure),
      Idle: running.every(isTold) ? lowest(running.map(({ idle }) => idle.mean)) : null,
      Skew: job.incomplete ? null : skew,
      CheckpointAgeSeconds: checkpoints.latestAgeSeconds,
      CheckpointDurationSeconds: checkpoints.durationSeconds,
      CheckpointSizeBytes: checkpointSizeBytes,
      CheckpointFailures: checkpointFailures,
      Restarts: restarts,
    }),
  };
};

/** One line for each vertex of which something is known. */
export const vertexFigures = ({ observation: job }: Observed): readonly MetricLine[] =>
  (job.incomplete ? [] : job.vertices)
    .filter(({ incomplete }) => !incomplete)
    .map((vertex) => ({
      dimensions: { Cluster: job.cluster, Job: job.job, Vertex: vertexName(vertex) },
      at: job.observedAt,
      values: known({
        InputRate: vertex.recordsIn,
        ProcessingRate: trueProcessingRate(vertex, { highLagSeconds: HIGH_LAG_SECONDS })?.rate,
        Busy: vertex.busy.mean,
        BusyWorst: worst(vertex.busy),
        Backpressure: worst(vertex.backpressured),
        Idle: vertex.idle.mean,
      }),
    }))
    .filter(({ values }) => Object.keys(values).length > 0);

/** Flink makes names of whole chains of operators, in any characters; CloudWatch takes visible ASCII. */
const vertexName = ({ id, name }: VertexSeen): string =>
  `${name
    .replaceAll(/[^\x21-\x7e]+/g, ' ')
    .trim()
    .slice(0, VERTEX_NAME_LENGTH)} ${id.slice(-8)}`.trim();

/**
 * @param heapAfterGc of the fullest TaskManager, as far as one of the jobs' observations knows it
 * @param idle no job runs: how much its processors and collectors do is of no use to anybody then, and each metric costs by the hour
 */
export const clusterFigures = (
  cluster: string,
  reading: ClusterReading | undefined,
  heapAfterGc: Value,
  at: string,
  idle = false,
): MetricLine => ({
  dimensions: { Cluster: cluster },
  at,
  values:
    reading === undefined
      ? { JobManagerUp: 0 }
      : known({
          JobManagerUp: 1,
          SlotsFree: reading.slotsFree,
          SlotsTotal: reading.slotsTotal,
          TaskManagers: reading.taskManagers,
          ...(idle ? {} : { CpuLoad: reading.cpuLoad, HeapAfterGc: heapAfterGc, GcShare: reading.gcShare }),
        }),
});
