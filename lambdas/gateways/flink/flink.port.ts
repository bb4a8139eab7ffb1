import type { Readable } from 'node:stream';

/** Flink's job states as its REST API names them. */
export type FlinkJobState =
  | 'INITIALIZING'
  | 'CREATED'
  | 'RUNNING'
  | 'FAILING'
  | 'FAILED'
  | 'CANCELLING'
  | 'CANCELED'
  | 'FINISHED'
  | 'RESTARTING'
  | 'SUSPENDED'
  | 'RECONCILING';

export interface FlinkOverview {
  readonly taskManagers: number;
  readonly slotsTotal: number;
  readonly slotsFree: number;
}

/** One TaskManager. `address` is the private IPv4 address it is reached at: several of one host have one each. */
export interface FlinkTaskManagerSeen {
  readonly id: string;
  readonly address: string;
  readonly slotsTotal: number;
  readonly slotsFree: number;
}

export interface FlinkJobSeen {
  readonly state: FlinkJobState;
  /** Largest parallelism of its vertices; 0 before the graph is known. */
  readonly parallelism: number;
  /** Subtasks that should run, and those in RUNNING or FINISHED. */
  readonly tasks: { readonly total: number; readonly running: number; readonly finished: number };
  readonly startedAt: string;
  /** Whether any of its tasks has taken in or sent a record since it was started, as far as the JobManager knows: it asks its TaskManagers every 3 s. */
  readonly hasProcessed: boolean;
  /** Root cause in one line, when the job has failed or is restarting. */
  readonly failure?: string;
  readonly vertices: readonly {
    readonly id: string;
    readonly name: string;
    readonly parallelism: number;
    readonly maxParallelism: number;
  }[];
}

export interface FlinkCheckpoints {
  readonly completed: number;
  readonly failed: number;
  readonly latestCompleted?: { readonly location: string; readonly at: string; readonly sizeBytes: number; readonly durationMs: number };
}

export type SavepointState =
  | { readonly state: 'in-progress' }
  | { readonly state: 'completed'; readonly location: string }
  /** `location` is there when the savepoint itself succeeded but the job did not stop. `reason` is the root cause, at most 2,000 characters. */
  | { readonly state: 'failed'; readonly reason: string; readonly location?: string }
  /** Flink does not know this trigger (any more). */
  | { readonly state: 'unknown' };

/** A checkpoint that was asked for, as against those that Flink takes by itself. */
export type CheckpointState =
  | { readonly state: 'in-progress' }
  | { readonly state: 'completed'; readonly id: number }
  | { readonly state: 'failed'; readonly reason: string }
  /** Flink does not know this trigger (any more). */
  | { readonly state: 'unknown' };

/** A program for `run`. Both kinds are started under a fixed job id, so that repeating a start cannot make a second job. */
export interface RunRequest {
  readonly jarId: string;
  readonly flinkJobId: string;
  readonly jobName: string;
  readonly entryClass?: string;
  readonly arguments: readonly string[];
  readonly parallelism: number;
  readonly savepoint?: string;
  readonly allowNonRestoredState: boolean;
  readonly flinkConfiguration: Readonly<Record<string, string>>;
}

/**
 * One Flink cluster's REST API. Every method: @throws FlinkUnavailable when there is no answer in time or it is a 5xx without a
 * program's error in it. Answers are parsed with a schema; stack traces are cut to their root cause.
 */
export interface FlinkPort {
  overview(): Promise<FlinkOverview>;
  listTaskManagers(): Promise<readonly FlinkTaskManagerSeen[]>;
  /** Streams a jar into the JobManager's store and returns its id. Memory use does not grow with the jar. */
  uploadJar(fileName: string, content: Readable, sizeBytes: number): Promise<string>;
  /** Ids of the jars that were uploaded under this file name, to whichever JobManager: what uploads left whose answers were lost. */
  jarsNamed(fileName: string): Promise<readonly string[]>;
  deleteJar(jarId: string): Promise<void>;
  /**
   * Starts a jar's main. A job of this id that is there already counts as started. @throws JobRejected with the program's own error; JarMissing where the
   * JobManager does not have the jar, as one that took over from the one it was uploaded to
   */
  runJar(request: RunRequest): Promise<void>;
  /** Starts a SQL script (through Flink's SqlDriver). @throws JobRejected with the parser's or planner's message, line and column included */
  runSql(request: Omit<RunRequest, 'jarId' | 'entryClass' | 'arguments'> & { readonly script: string }): Promise<void>;
  /** Starts the job that every Flink image has for warming processes up (tools/artifacts/ha). @throws JobRejected where this one has none */
  runWarmUp(request: Pick<RunRequest, 'flinkJobId' | 'jobName' | 'parallelism' | 'flinkConfiguration'>): Promise<void>;
  /** undefined when Flink does not know the job. */
  job(flinkJobId: string): Promise<FlinkJobSeen | undefined>;
  /** Ids of the jobs Flink knows, with states. */
  jobs(): Promise<readonly { readonly flinkJobId: string; readonly name: string; readonly state: FlinkJobState }[]>;
  checkpoints(flinkJobId: string): Promise<FlinkCheckpoints | undefined>;
  /** Asks for a savepoint in NATIVE format. `triggerId` makes a repeated call find the first. */
  triggerSavepoint(flinkJobId: string, triggerId: string, directory: string): Promise<void>;
  stopWithSavepoint(flinkJobId: string, triggerId: string, directory: string, drain: boolean): Promise<void>;
  savepoint(flinkJobId: string, triggerId: string): Promise<SavepointState>;
  /** Asks for a checkpoint now. `triggerId` makes a repeated call find the first. */
  triggerCheckpoint(flinkJobId: string, triggerId: string): Promise<void>;
  checkpoint(flinkJobId: string, triggerId: string): Promise<CheckpointState>;
  /** Asks to cancel; no-op for a job that is unknown or has ended. */
  cancel(flinkJobId: string): Promise<void>;
  /** Sets upper parallelism of every vertex (adaptive scheduler), within each vertex's max parallelism. */
  setParallelism(flinkJobId: string, parallelism: number): Promise<void>;
  /** The same for the vertices that are named; the others stay as they are. */
  setVertexParallelism(flinkJobId: string, vertices: Readonly<Record<string, number>>): Promise<void>;
}

/**
 * Opens the REST API of a cluster by the private addresses of its JobManagers (port 8081). Any of them answers, whichever leads; only jars are those of the one
 * that they were uploaded to.
 */
export type FlinkConnector = (jobManagerAddresses: readonly string[]) => FlinkPort;
