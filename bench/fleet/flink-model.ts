/**
 * What Flink makes of a job of two vertices, source and work, as a fluid. Checked against rescales measured on real Flink
 * (`measured.json`, test/unit/bench/fleet/measured.test.ts). Seconds, records.
 */
export interface FlinkJob {
  /** What a record costs a subtask of the vertex. */
  readonly sourceSeconds: number;
  readonly workSeconds: number;
  /** Share of these that a processor works; in the rest of it the subtask waits, for its disk or for others. */
  readonly cpuShare: number;
  /** Share of all records that have the same key, and so go to the same subtask. */
  readonly hotKeyShare: number;
  readonly keyGroups: number;
  readonly partitions: number;
  /** From the stop of a rescaled job until it processes again. */
  readonly restartSeconds: number;
  readonly checkpointSeconds: number;
  readonly hostCores: number;
  readonly slotsPerCore: number;
}

export interface Parallelism {
  readonly source: number;
  readonly work: number;
}

/** Slots are shared by both vertices. */
export const slotsOf = ({ source, work }: Parallelism): number => Math.max(source, work);
export const hostsFor = ({ hostCores, slotsPerCore }: Pick<FlinkJob, 'hostCores' | 'slotsPerCore'>, slots: number): number =>
  Math.max(1, Math.ceil(slots / (hostCores * slotsPerCore)));

/** Share of the records that the subtask with the most of them has, when `parts` (key groups, partitions) are spread over the subtasks. */
export const largestShare = (parts: number, parallelism: number, hotKeyShare = 0): number =>
  hotKeyShare + ((1 - hotKeyShare) * Math.ceil(parts / Math.min(parts, parallelism))) / parts;

/** What each of the two kinds of limits allows, records per second. */
export interface Limits {
  /** The busiest subtask has no more time: of each vertex. */
  readonly source: number;
  readonly work: number;
  /** All processors work. */
  readonly cores: number;
  readonly capacity: number;
}

export const limitsOf = (job: FlinkJob, parallelism: Parallelism, cores: number): Limits => {
  const source = 1 / (job.sourceSeconds * largestShare(job.partitions, parallelism.source));
  const work = 1 / (job.workSeconds * largestShare(job.keyGroups, parallelism.work, job.hotKeyShare));
  const shared = cores / (job.cpuShare * (job.sourceSeconds + job.workSeconds));
  return { source, work, cores: shared, capacity: Math.min(source, work, shared) };
};

/**
 * Where subtasks share processors, each takes longer the busier these are: hardly at first, until with all processors at work the busiest
 * subtask is always busy. So the rate over the busy share, from which autoscalers compute, promises more than there is.
 */
export const stretch = ({ source, work, cores }: Limits, rate: number): number =>
  1 + Math.max(0, Math.min(source, work) / cores - 1) * Math.min(1, rate / cores) ** 4;

/** Shares of time of the two vertices at a rate, 0 to 1: of the busiest subtask and the mean. */
export interface Busy {
  readonly source: number;
  readonly work: number;
  readonly workMean: number;
  /** Of the processors. */
  readonly cpu: number;
}

export const busyAt = (job: FlinkJob, parallelism: Parallelism, limits: Limits, rate: number): Busy => {
  const longer = stretch(limits, rate);
  const mean = (rate * job.workSeconds) / parallelism.work;
  return {
    source: Math.min(1, (rate / limits.source) * longer),
    work: Math.min(1, (rate / limits.work) * longer),
    workMean: Math.min(1, mean * longer),
    cpu: Math.min(1, rate / limits.cores),
  };
};

/** The smallest parallelism that is enough for a rate with a share of its capacity used; `most` when none is. */
export const enoughFor = (job: FlinkJob, rate: number, utilization: number, most: number): number => {
  for (let slots = 1; slots < most; slots += 1) {
    const cores = hostsFor(job, slots) * job.hostCores;
    if (limitsOf(job, { source: slots, work: slots }, cores).capacity * utilization >= rate) return slots;
  }
  return most;
};

/** What a rescale costs a job: it processes nothing for the restart, and again what it had done since its last checkpoint. */
export const lostBy = (rate: number, restartSeconds: number, sinceCheckpointSeconds: number): number =>
  rate * (restartSeconds + sinceCheckpointSeconds);
