import type { ShipStrategy } from '../../contracts/scaling';
import type { FlinkJobState } from './flink.port';

/** A figure that Flink gave; null: it gave none, NaN, or not of all subtasks that run. */
export type Figure = number | null;

/** Mean over subtasks, and what the worst of them has: the highest, of idle time the lowest. */
export interface Spread {
  readonly mean: Figure;
  readonly worst: Figure;
}

export interface ClusterReading {
  readonly taskManagers: number;
  /** A process keeps its id when it is started again on its host. */
  readonly taskManagerIds: readonly string[];
  readonly slotsTotal: number;
  readonly slotsFree: number;
  /** Of the worst TaskManager: shares, 0 to 1. `heapUsed` is what is used now, garbage included. */
  readonly cpuLoad: Figure;
  /** Mean over TaskManagers. A JVM tells its own share of its host's processors. */
  readonly cpuMean: Figure;
  readonly heapUsed: Figure;
  readonly gcShare: Figure;
  readonly jobs: readonly { readonly flinkJobId: string; readonly state: FlinkJobState }[];
}

/** One vertex as Flink counts it. Sums are over all subtasks, since each began; `…Ms` are ms. */
export interface VertexReading {
  readonly id: string;
  readonly name: string;
  readonly inputs: readonly { readonly vertex: string; readonly ship: ShipStrategy }[];
  readonly slotSharingGroup: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** False: a counter is marked incomplete, or a subtask does not run or did not report. */
  readonly complete: boolean;
  /** Every subtask has come to its end. */
  readonly finished: boolean;
  readonly recordsIn: Figure;
  readonly recordsOut: Figure;
  readonly busyMs: Figure;
  readonly backpressuredMs: Figure;
  readonly idleMs: Figure;
  /** Flink's own averages of the last minute, as shares: how subtasks differ. */
  readonly busy: Spread;
  readonly backpressured: Spread;
  readonly idle: Spread;
  /** Records a second that a subtask takes in, averages of the last minute. */
  readonly subtaskRate: Spread;
  /** Lowest watermark that arrives, and that a source sends, ms since 1970; null before the first. */
  readonly inputWatermark: Figure;
  readonly outputWatermark: Figure;
  /** Sources only; null: it has the figure, and did not tell. Absent: it has no such figure. */
  readonly pendingRecords?: Figure;
  readonly partitions?: number;
}

export interface CheckpointReading {
  readonly failures: number;
  /** The newest ones that failed without a complete one between. */
  readonly consecutiveFailures: number;
  readonly latest?: { readonly completedAt: string; readonly durationMs: number; readonly sizeBytes: number };
}

/** Names of a source's own metrics; they hold the names of its operators. */
export interface SourceMetrics {
  readonly seenAt: string;
  /** Two looks in a row found the same. Until then the names of some subtasks may be missing, and with them their partitions. */
  readonly settled: boolean;
  readonly metrics: readonly string[];
  readonly partitions?: number | undefined;
}

export interface JobReading {
  readonly state: FlinkJobState;
  readonly restarts: Figure;
  readonly checkpoints: CheckpointReading;
  readonly vertices: readonly VertexReading[];
  /** By vertex; to be given to the next reading. */
  readonly sources: Readonly<Record<string, SourceMetrics>>;
}

/** What Flink tells of itself in figures. The first call of a JobManager also makes it fetch new figures from its TaskManagers, which takes it about 100 ms. */
export interface FlinkMetricsPort {
  /** Three calls. @throws FlinkUnavailable */
  cluster(): Promise<ClusterReading>;
  /**
   * Three calls, one for each vertex, and now and then one for each source that is not among `sources`, not settled there, or was looked at long ago.
   * @returns undefined when Flink does not know the job. @throws FlinkUnavailable
   */
  job(flinkJobId: string, sources: Readonly<Record<string, SourceMetrics>>): Promise<JobReading | undefined>;
}

/** @param addresses of a cluster's JobManagers: any of them answers */
export type FlinkMetricsConnector = (addresses: readonly string[]) => FlinkMetricsPort;
