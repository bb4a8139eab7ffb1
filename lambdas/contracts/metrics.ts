/** CloudWatch namespace of everything that is observed. */
export const METRIC_NAMESPACE = 'Sluice';

type Unit = 'Seconds' | 'Count' | 'Count/Second' | 'Bytes' | 'None';

/** Metrics with the dimensions Stage, Cluster, Job. Shares are 0 to 1. */
export const JOB_METRICS = {
  /** Records that wait in all sources. */
  LagRecords: 'Count',
  /** What waits, at the present rate, of the source with the most of it. */
  LagSeconds: 'Seconds',
  /** Now minus the lowest watermark, idle sources excepted. */
  WatermarkLagSeconds: 'Seconds',
  /** What all sources read together. */
  InputRate: 'Count/Second',
  /** What they could read together if nothing ever waited: by the vertex that is nearest to its limit. */
  ProcessingRate: 'Count/Second',
  /** Mean share of the busiest vertex, and share of the busiest subtask. */
  Busy: 'None',
  BusyWorst: 'None',
  /** Worst subtask of any vertex. */
  Backpressure: 'None',
  /** Mean share of the vertex with the least of it. */
  Idle: 'None',
  /** Input of the busiest subtask over the mean, of the most uneven vertex; 1 is even. */
  Skew: 'None',
  CheckpointAgeSeconds: 'Seconds',
  CheckpointDurationSeconds: 'Seconds',
  CheckpointSizeBytes: 'Bytes',
  /** Since the job was started. */
  CheckpointFailures: 'Count',
  Restarts: 'Count',
} as const satisfies Readonly<Record<string, Unit>>;

/** Metrics with the dimensions Stage, Cluster. Memory is of the worst TaskManager, load of a host. */
export const CLUSTER_METRICS = {
  SlotsFree: 'Count',
  SlotsTotal: 'Count',
  TaskManagers: 'Count',
  CpuLoad: 'None',
  /** Share of the heap's maximum that is left in use after a collection. */
  HeapAfterGc: 'None',
  /** Share of time. */
  GcShare: 'None',
  /** 1: the JobManager told how it is; 0: it did not answer, or refused to. */
  JobManagerUp: 'Count',
} as const satisfies Readonly<Record<string, Unit>>;

/**
 * Metrics with the dimensions Stage, Cluster, Job, Vertex, where the stage asks for them. Each costs by the hour: the mean backpressured share and the least idle
 * subtask's are kept with the observation only (docs/adr/0019-metrics-leave-through-the-log.md).
 */
export const VERTEX_METRICS = {
  InputRate: 'Count/Second',
  ProcessingRate: 'Count/Second',
  /** Mean over subtasks, and of the busiest. */
  Busy: 'None',
  BusyWorst: 'None',
  /** Of the most backpressured subtask. */
  Backpressure: 'None',
  /** Mean over subtasks. */
  Idle: 'None',
} as const satisfies Readonly<Record<string, Unit>>;

/**
 * Metrics with the dimension Stage alone, of the control plane itself. Written only when there is something to count: a metric costs by
 * the hour in which it has data.
 */
export const STAGE_METRICS = {
  /** Operations whose workflow ended without ending them. */
  OperationsInterrupted: 'Count',
  /** Moves of clusters that the control plane has begun by itself, and that have failed. */
  FailoversFailed: 'Count',
} as const satisfies Readonly<Record<string, Unit>>;

export type MetricName = keyof typeof JOB_METRICS | keyof typeof CLUSTER_METRICS | keyof typeof VERTEX_METRICS | keyof typeof STAGE_METRICS;
export const METRIC_UNITS: Readonly<Record<MetricName, Unit>> = { ...JOB_METRICS, ...CLUSTER_METRICS, ...VERTEX_METRICS, ...STAGE_METRICS };

/** Figures of one thing at one instant. What is not known is not there. */
export interface MetricLine {
  readonly dimensions: { readonly Cluster?: string; readonly Job?: string; readonly Vertex?: string };
  readonly at: string;
  readonly values: Readonly<Partial<Record<MetricName, number>>>;
}
