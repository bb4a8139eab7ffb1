import type { JobCounters, VertexCounters } from '../../contracts/observation';
import type { JobObservation, VertexSeen } from '../../contracts/scaling';
import type { ClusterReading, Figure, JobReading, Spread, VertexReading } from '../../gateways/flink/metrics.port';
import { secondsBetween } from '../clock';
import { hostsLeft } from './hosts-left';

/** A difference over more than this says little about now. Seconds. */
const LONGEST_WINDOW_SECONDS = 300;
/** Passes whose heap is remembered: in ten minutes at the shortest interval a busy JVM collects more than once. */
const HEAPS = 20;
/** Fewer say nothing about what a collection leaves. */
const LEAST_HEAPS = 3;
const TEN_MINUTES_MS = 600_000;
/**
 * Time in which a subtask waits counts as busy until Flink takes it off, which it does at the end of the wait and every five seconds (`TimerGauge`, `View` of 2.3); a
 * JVM that is held up does it later. So its busy time becomes lower by no more than this. ms
 */
const COUNTED_LATE_MS = 10_000;

export interface Observed {
  readonly observation: JobObservation;
  /** For the next pass. */
  readonly counters: JobCounters;
  /** Busiest subtask's input over the mean, of the most uneven vertex; 1 is even. */
  readonly skew: Figure;
  readonly checkpointSizeBytes: Figure;
  readonly checkpointFailures: number;
}

/** Two passes so close to each other, as of two executions that overlap, differ by less than what Flink counts late. */
export const isTooSoon = (previous: string, now: string, everySeconds: number): boolean => secondsBetween(previous, now) < everySeconds / 2;

/** Flink's counts of one instant as rates since the last pass. Pure. @param previous what the last pass kept; undefined: there was none of this start of the job */
export const observeReading = (
  { cluster, job }: { readonly cluster: string; readonly job: string },
  reading: JobReading,
  taskManagers: ClusterReading,
  previous: JobCounters | undefined,
  now: string,
): Observed => {
  const seconds = previous === undefined ? 0 : secondsBetween(previous.at, now);
  const restarted = previous !== undefined && previous.restarts !== reading.restarts;
  const before = seconds > 0 && seconds <= LONGEST_WINDOW_SECONDS && !restarted ? previous : undefined;
  const vertices = reading.vertices.map((vertex) => seenOf(vertex, before?.vertices[vertex.id], seconds));
  const heap = [...(previous?.heap ?? []), ...(taskManagers.heapUsed === null ? [] : [taskManagers.heapUsed])].slice(-HEAPS);
  const { latest, consecutiveFailures, failures } = reading.checkpoints;
  const lag = watermarkLagSeconds(reading.vertices, vertices, now);
  const rate = inputRate(vertices);
  const hosts = hostsLeft(reading.restarts, taskManagers, previous, now);
  const peak = higher(previous?.peak, tenMinutesOf(now), rate);
  return {
    observation: {
      cluster,
      job,
      observedAt: now,
      windowSeconds: before === undefined ? 0 : seconds,
      state: reading.state,
      incomplete: reading.state !== 'RUNNING' || restarted || reading.vertices.length === 0,
      vertices,
      ...(lag === undefined ? {} : { watermarkLagSeconds: lag }),
      restarts: reading.restarts,
      restartsOfHosts: hosts.restartsOfHosts.known,
      taskManagersAway: hosts.away,
      checkpoints: {
        consecutiveFailures,
        latestAgeSeconds: latest ? Math.max(0, secondsBetween(latest.completedAt, now)) : null,
        durationSeconds: latest ? latest.durationMs / 1_000 : null,
      },
      taskManagers: {
        cpuLoad: taskManagers.cpuLoad,
        gcShare: taskManagers.gcShare,
        heapAfterGcShare: heap.length >= LEAST_HEAPS ? Math.min(...heap) : null,
      },
    },
    counters: {
      at: now,
      restarts: reading.restarts,
      restartsOfHosts: hosts.restartsOfHosts,
      taskManagers: hosts.taskManagers,
      vertices: Object.fromEntries(reading.vertices.map((vertex) => [vertex.id, countersOf(vertex)])),
      sources: Object.fromEntries(
        Object.entries(reading.sources).map(([id, { seenAt, settled, metrics, partitions }]) => [
          id,
          { seenAt, settled, metrics: [...metrics], ...(partitions === undefined ? {} : { partitions }) },
        ]),
      ),
      heap,
      ...(peak === undefined ? {} : { peak }),
    },
    skew: skewOf(reading.vertices),
    checkpointSizeBytes: latest?.sizeBytes ?? null,
    checkpointFailures: failures,
  };
};

/**
 * The reading with the load of a host in place of a TaskManager's: each of several on a host tells its own share of the processors, and together they
 * have them all. Flink tells mean and worst of the TaskManagers, so it is the mean host's, or the worst TaskManager's where that is more.
 */
export const withHostLoad = (reading: ClusterReading, taskManagersPerHost: number): ClusterReading => {
  const { cpuLoad, cpuMean } = reading;
  if (cpuLoad === null || cpuMean === null) return reading;
  return { ...reading, cpuLoad: Math.min(1, Math.max(cpuLoad, cpuMean * taskManagersPerHost)) };
};

/** What all sources that have not finished read together, records per second; null when one of them does not say. */
export const inputRate = (vertices: readonly VertexSeen[]): Figure => {
  const sources = vertices.filter(({ inputs, finished }) => inputs.length === 0 && !finished);
  if (sources.length === 0 || sources.some(({ recordsIn, incomplete }) => incomplete || recordsIn === null)) return null;
  return sources.reduce((sum, { recordsIn }) => sum + (recordsIn ?? 0), 0);
};

const tenMinutesOf = (at: string): string => new Date(Math.floor(Date.parse(at) / TEN_MINUTES_MS) * TEN_MINUTES_MS).toISOString();

/** Of the present ten minutes; those before have been kept elsewhere by then. */
const higher = (known: JobCounters['peak'], from: string, rate: Figure): JobCounters['peak'] => {
  const present = known?.from === from ? known : undefined;
  return rate === null || (present && present.recordsPerSecond >= rate) ? present : { from, recordsPerSecond: rate };
};

const countersOf = ({
  parallelism,
  recordsIn,
  recordsOut,
  busyMs,
  backpressuredMs,
  idleMs,
  pendingRecords,
}: VertexReading): VertexCounters => ({
  parallelism,
  recordsIn,
  recordsOut,
  busyMs,
  backpressuredMs,
  idleMs,
  ...(pendingRecords === undefined ? {} : { pendingRecords }),
});

const change = (now: Figure, before: Figure | undefined): Figure =>
  now === null || before === null || before === undefined ? null : now - before;
/** Null when the later one is lower, by more than may be: a subtask began anew. */
const notLower = (difference: Figure, by = 0): Figure => (difference === null || difference < -by ? null : difference);
const total = (...values: readonly Figure[]): Figure =>
  values.reduce<Figure>((sum, value) => (sum === null || value === null ? null : sum + value), 0);
const per = (value: Figure, by: number): Figure => (value === null || !(by > 0) ? null : value / by);
const share = (value: Figure): Figure => (value === null ? null : Math.min(1, Math.max(0, value)));

/**
 * The worst subtask now: the mean of this window, times how far the worst stood from the mean in Flink's averages of the last minute. That
 * needs no memory of every subtask, and follows a change as fast as the mean does.
 */
const worstOf = (mean: Figure, { mean: usual, worst }: Spread, far: (ratio: number) => number): Figure => {
  if (mean === null) return null;
  return usual === null || worst === null || usual <= 0 ? mean : share(mean * far(worst / usual));
};
const above = (ratio: number): number => Math.max(1, ratio);
const below = (ratio: number): number => Math.min(1, ratio);

const seenOf = (reading: VertexReading, before: VertexCounters | undefined, wallSeconds: number): VertexSeen => {
  const { id, name, inputs, slotSharingGroup, parallelism, maxParallelism, partitions } = reading;
  const comparable = before?.parallelism === parallelism ? before : undefined;
  const busyMs = notLower(change(reading.busyMs, comparable?.busyMs), COUNTED_LATE_MS * parallelism);
  const backpressuredMs = notLower(change(reading.backpressuredMs, comparable?.backpressuredMs));
  const idleMs = notLower(change(reading.idleMs, comparable?.idleMs));
  // What a subtask does with its time adds up to all of it, so these counts are also the clock of the instant at which they were taken, which a
  // JobManager does not say. Sources of the old interface do not measure their time.
  const clockMs = reading.busyMs === null ? wallSeconds * 1_000 * parallelism : notLower(total(busyMs, backpressuredMs, idleMs));
  const seconds = (clockMs ?? 0) / 1_000 / parallelism;
  const stale = comparable !== undefined && clockMs === 0;
  const mean = (ms: Figure): Figure => share(per(ms, clockMs ?? 0));
  const [busy, backpressured, idle] = [mean(busyMs), mean(backpressuredMs), mean(idleMs)];
  const { pendingRecords } = reading;
  const growth =
    pendingRecords === null ||
    pendingRecords === undefined ||
    comparable?.pendingRecords === null ||
    comparable?.pendingRecords === undefined
      ? null
      : per(pendingRecords - comparable.pendingRecords, seconds);
  return {
    id,
    name: name.slice(0, 500),
    inputs: inputs.map(({ vertex, ship }) => ({ vertex, ship })),
    slotSharingGroup,
    parallelism,
    maxParallelism,
    recordsIn: per(notLower(change(reading.recordsIn, comparable?.recordsIn)), seconds),
    recordsOut: per(notLower(change(reading.recordsOut, comparable?.recordsOut)), seconds),
    busy: { mean: busy, worst: worstOf(busy, reading.busy, above) },
    backpressured: { mean: backpressured, worst: worstOf(backpressured, reading.backpressured, above) },
    idle: { mean: idle, worst: worstOf(idle, reading.idle, below) },
    ...(pendingRecords === undefined ? {} : { pendingRecords, pendingRecordsGrowth: growth }),
    ...(partitions === undefined ? {} : { partitions }),
    incomplete: !reading.complete || stale,
    ...(reading.finished ? { finished: true as const } : {}),
  };
};

/** Of the most uneven vertex that takes in more than a record a second; null when none does. */
const skewOf = (vertices: readonly VertexReading[]): Figure => {
  const ratios = vertices.flatMap(({ parallelism, complete, subtaskRate: { mean, worst } }) =>
    complete && parallelism > 1 && mean !== null && worst !== null && mean >= 1 ? [worst / mean] : [],
  );
  return ratios.length > 0 ? Math.max(...ratios) : null;
};

/**
 * Now minus the lowest watermark. A watermark arrives at a vertex as the lowest of its inputs, so those at the ends are the slowest. A source
 * that reads nothing although nothing waits for it is idle, and what it holds back is not late: then the sources that read are asked instead.
 * Undefined: the job has no watermarks, or all its sources are idle.
 */
const watermarkLagSeconds = (readings: readonly VertexReading[], seen: readonly VertexSeen[], now: string): number | undefined => {
  const idle = new Set(
    seen.filter(({ inputs, recordsIn, pendingRecords }) => inputs.length === 0 && recordsIn === 0 && !pendingRecords).map(({ id }) => id),
  );
  const consumed = new Set(readings.flatMap(({ inputs }) => inputs.map(({ vertex }) => vertex)));
  const isSource = ({ inputs }: VertexReading): boolean => inputs.length === 0;
  const asked =
    idle.size > 0 ? readings.filter((vertex) => isSource(vertex) && !idle.has(vertex.id)) : readings.filter(({ id }) => !consumed.has(id));
  const marks = asked.flatMap((vertex) => (isSource(vertex) ? vertex.outputWatermark : vertex.inputWatermark) ?? []);
  return marks.length > 0 ? Math.max(0, (Date.parse(now) - Math.min(...marks)) / 1_000) : undefined;
};
