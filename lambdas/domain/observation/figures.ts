import type { MetricLine, MetricName } from '../../contracts/metrics';
import type { JobObservation, VertexSeen } from '../../contracts/scaling';
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
const processingRate = (job: JobObservation): Value => {
  const input = inputRate(job.vertices);
  if (!isKnown(input) || input <= 0 || job.vertices.some(({ incomplete }) => incomplete)) return null;
  const room = job.vertices.flatMap((vertex) => {
    const rate = trueProcessingRate(vertex, { highLagSeconds: HIGH_LAG_SECONDS })?.rate;
    return isKnown(rate) && isKnown(vertex.recordsIn) && vertex.recordsIn > 0 ? [rate / vertex.recordsIn] : [];
  });
  return room.length > 0 ? input * Math.min(...room) : null;
};

/**
 * What is published of a job. Of an incomplete observation only what does not come from its vertices: how busy a job was while it restarted is
 * nothing to be alarmed by, or calmed by.
 */
export const jobFigures = ({ observation: job, skew, checkpointSizeBytes, checkpointFailures }: Omit<Observed, 'counters'>): MetricLine => {
  const { restarts, checkpoints, observedAt } = job;
  const vertices = job.incomplete ? [] : job.vertices;
  const complete = vertices.filter(({ incomplete }) => !incomplete);
  const sources = vertices.filter(isSource);
  return {
    dimensions: { Cluster: job.cluster, Job: job.job },
    at: observedAt,
    values: known({
      LagRecords: pending(sources),
      LagSeconds: lagOf(sources),
      WatermarkLagSeconds: job.incomplete ? null : job.watermarkLagSeconds,
      InputRate: inputRate(vertices),
      ProcessingRate: job.incomplete ? null : processingRate(job),
      Busy: highest(complete.map(({ busy }) => busy.mean)),
      BusyWorst: highest(complete.map(({ busy }) => worst(busy))),
      Backpressure: highest(complete.map(({ backpressured }) => worst(backpressured))),
      // Of a part of the vertices only, the least idle one may not be among them.
      Idle: complete.length === vertices.length ? lowest(vertices.map(({ idle }) => idle.mean)) : null,
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
