/** A steady stretch of a job with a backlog, so that it worked as fast as it could. */
export interface MeasuredRate {
  readonly parallelism: number;
  /** Of all records, those with the same key. */
  readonly hotKeyShare: number;
  readonly recordsPerSecond: number;
  /** Share of the busiest subtask's time. */
  readonly busy: number;
  /** Processors that the TaskManagers used, and those that nobody on the machine used. */
  readonly cores: number;
  readonly idleCores: number;
}

/** A rescale under a steady load, without a backlog at its start. Seconds. */
export interface MeasuredRescale {
  readonly from: number;
  readonly to: number;
  readonly recordsPerSecond: number;
  /** From the request until the first task was no longer running. The job works on in this time. */
  readonly waited: number;
  /** Until all tasks of the new execution ran. */
  readonly down: number;
  /** Age, when the job stopped, of the checkpoint that it went on from: what was done since is done again. */
  readonly replayed: number;
}

export interface Measurements {
  readonly at: string;
  /** What a reader has to know of how they were made. */
  readonly note?: string;
  readonly machine: { readonly cores: number; readonly loadAverage: number };
  readonly flink: string;
  readonly checkpointIntervalSeconds: number;
  readonly rates: readonly MeasuredRate[];
  readonly rescales: readonly MeasuredRescale[];
}
