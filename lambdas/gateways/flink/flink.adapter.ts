import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { FlinkUnavailable, JarMissing, JobRejected } from '../../contracts/errors';
import { scriptProblem } from '../../domain/sql-script';
import { START_ANSWER_SECONDS } from '../../domain/start-asked';
import * as answers from './answers';
import type {
  CheckpointState,
  FlinkCheckpoints,
  FlinkConnector,
  FlinkJobSeen,
  FlinkOverview,
  FlinkPort,
  FlinkTaskManagerSeen,
  RunRequest,
  SavepointState,
} from './flink.port';
import { type JobManagers, type JobManagersOptions, keepJobManagers } from './job-managers';
import { type Call, call, FlinkRefusal, unwell, withoutRefusal } from './rest';
import { hasCause, rootCause } from './root-cause';
import { runFailure } from './run-failure';
import { uploadJar } from './upload';

export interface FlinkRestOptions extends JobManagersOptions {
  /** Of a call that only looks or asks, ms. @default 5000 */
  readonly timeoutMs?: number;
  /** Of a start, ms. @default START_ANSWER_SECONDS */
  readonly runTimeoutMs?: number;
  /** Of a whole upload, ms; less where the function has less time left (`time-left.ts`). @default 300000 */
  readonly uploadTimeoutMs?: number;
}

/** Main classes that are in Flink's own lib still have to be asked for through a jar: this one is empty. */
const EMPTY_JAR = { fileName: 'sluice-empty.jar', bytes: Buffer.from(`504b0506${'0'.repeat(36)}`, 'hex') };
const SQL_DRIVER = 'org.apache.flink.table.runtime.application.SqlDriver';
const WARM_UP = 'sluice.ha.WarmUp';
/** The adaptive scheduler calls a job CREATED also while it waits for the slots of a TaskManager that it lost. */
const INTERRUPTED = ['FAILING', 'RESTARTING', 'CREATED'];
const ENDED = ['FAILED', 'CANCELED', 'FINISHED'];

export const connectFlink = (options: FlinkRestOptions = {}): FlinkConnector => {
  const jobManagers = keepJobManagers(options);
  return (addresses) => new FlinkRest(jobManagers(addresses), options);
};

/** Flink 2.x through its REST API. */
class FlinkRest implements FlinkPort {
  private readonly timeoutMs: number;
  private readonly runTimeoutMs: number;
  private readonly uploadTimeoutMs: number;

  constructor(
    private readonly jobManagers: JobManagers,
    options: FlinkRestOptions,
  ) {
    this.timeoutMs = options.timeoutMs ?? 5_000;
    this.runTimeoutMs = options.runTimeoutMs ?? START_ANSWER_SECONDS * 1_000;
    this.uploadTimeoutMs = options.uploadTimeoutMs ?? 300_000;
  }

  async overview(): Promise<FlinkOverview> {
    const seen = await this.look('/overview', answers.overview);
    return { taskManagers: seen.taskmanagers, slotsTotal: seen['slots-total'], slotsFree: seen['slots-available'] };
  }

  async listTaskManagers(): Promise<readonly FlinkTaskManagerSeen[]> {
    const { taskmanagers } = await this.look('/taskmanagers', answers.taskManagers);
    return taskmanagers.map(({ id, path, slotsNumber, freeSlots }) => ({
      id,
      address: path,
      slotsTotal: slotsNumber,
      slotsFree: freeSlots,
    }));
  }

  async uploadJar(fileName: string, content: Readable, sizeBytes: number): Promise<string> {
    return rejecting(uploadJar(await this.jobManagers.reachable(), fileName, content, sizeBytes, this.uploadTimeoutMs));
  }

  async jarsNamed(fileName: string): Promise<readonly string[]> {
    const request = { method: 'GET', path: '/jars', answer: answers.jars, timeoutMs: this.timeoutMs } as const;
    const lists = await rejecting(this.jobManagers.everywhere((baseUrl) => call(baseUrl, request)));
    return lists.flatMap(({ files }) => files.filter(({ name }) => name === fileName).map(({ id }) => id));
  }

  async deleteJar(jarId: string): Promise<void> {
    const request = {
      method: 'DELETE',
      path: `/jars/${encodeURIComponent(jarId)}`,
      answer: answers.done,
      timeoutMs: this.timeoutMs,
    } as const;
    const deletion = this.jobManagers.everywhere((baseUrl) =>
      call(baseUrl, request).catch((error: unknown) => {
        if (error instanceof FlinkRefusal && /does not exist/.test(error.message)) return;
        throw fromQuestion(error, request);
      }),
    );
    await rejecting(deletion);
  }

  async runJar({ entryClass, jarId, ...request }: RunRequest): Promise<void> {
    await this.run(jarId, { ...request, ...(entryClass === undefined ? {} : { entryClass }) });
  }

  async runSql({
    script,
    ...request
  }: Omit<RunRequest, 'jarId' | 'entryClass' | 'arguments'> & { readonly script: string }): Promise<void> {
    const problem = scriptProblem(script);
    if (problem !== undefined) throw new JobRejected(problem);
    await this.runFromLib({ ...request, entryClass: SQL_DRIVER, arguments: ['--script', script] });
  }

  runWarmUp(request: Pick<RunRequest, 'flinkJobId' | 'jobName' | 'parallelism' | 'flinkConfiguration'>): Promise<void> {
    return this.runFromLib({ ...request, entryClass: WARM_UP, arguments: [], allowNonRestoredState: false });
  }

  private async runFromLib(request: Omit<RunRequest, 'jarId'>): Promise<void> {
    try {
      await this.run(await this.emptyJar(), request);
    } catch (error) {
      if (!(error instanceof JarMissing)) throw error;
      throw new FlinkUnavailable('the JobManager that was to run the program is not the one that was asked before', { cause: error });
    }
  }

  async job(flinkJobId: string): Promise<FlinkJobSeen | undefined> {
    const { jobs } = await this.look('/jobs/overview', answers.jobsOverview);
    const seen = jobs.find(({ jid }) => jid === flinkJobId);
    if (!seen) return undefined;
    // A job that fails again and again is RUNNING in between, though never with all its tasks.
    const incomplete = seen.state === 'RUNNING' && seen.tasks.running + seen.tasks.finished < seen.tasks.total;
    const [details, failure] = await Promise.all([
      unlessMissing(this.get(`/jobs/${flinkJobId}`, answers.jobDetails)),
      seen.state === 'FAILED' || INTERRUPTED.includes(seen.state) || incomplete ? this.failure(flinkJobId, seen.state) : undefined,
    ]);
    const vertices = (details?.vertices ?? []).map(({ id, name, parallelism, maxParallelism }) => ({
      id,
      name,
      parallelism,
      maxParallelism,
    }));
    const { total, running, finished } = seen.tasks;
    return {
      state: seen.state,
      parallelism: vertices.reduce((largest, vertex) => Math.max(largest, vertex.parallelism), 0),
      tasks: { total, running, finished },
      startedAt: new Date(seen['start-time']).toISOString(),
      hasProcessed: (details?.vertices ?? []).some(
        ({ metrics }) => (metrics?.['read-records'] ?? 0) + (metrics?.['write-records'] ?? 0) > 0,
      ),
      ...(failure === undefined ? {} : { failure }),
      vertices,
    };
  }

  async jobs() {
    const { jobs } = await this.look('/jobs/overview', answers.jobsOverview);
    return jobs.map(({ jid, name, state }) => ({ flinkJobId: jid, name, state }));
  }

  async checkpoints(flinkJobId: string): Promise<FlinkCheckpoints | undefined> {
    const seen = await unlessMissing(this.get(`/jobs/${flinkJobId}/checkpoints`, answers.checkpoints));
    if (!seen) return undefined;
    const { completed, failed } = seen.counts;
    const latest = seen.latest?.completed;
    if (!latest?.external_path) return { completed, failed };
    return {
      completed,
      failed,
      latestCompleted: {
        location: latest.external_path,
        at: new Date(latest.latest_ack_timestamp).toISOString(),
        sizeBytes: latest.state_size,
        durationMs: latest.end_to_end_duration,
      },
    };
  }

  async triggerSavepoint(flinkJobId: string, triggerId: string, directory: string): Promise<void> {
    // CANONICAL fails for jobs with asynchronous state («UnsupportedOperationException: Not supported yet»).
    const body = { 'target-directory': directory, 'cancel-job': false, formatType: 'NATIVE', triggerId: trigger(triggerId) };
    await rejecting(this.ask({ method: 'POST', path: `/jobs/${flinkJobId}/savepoints`, body, answer: answers.triggered }));
  }

  async stopWithSavepoint(flinkJobId: string, triggerId: string, directory: string, drain: boolean): Promise<void> {
    const body = { targetDirectory: directory, drain, formatType: 'NATIVE', triggerId: trigger(triggerId) };
    await rejecting(this.ask({ method: 'POST', path: `/jobs/${flinkJobId}/stop`, body, answer: answers.triggered }));
  }

  async savepoint(flinkJobId: string, triggerId: string): Promise<SavepointState> {
    const seen = await unlessMissing(this.get(`/jobs/${flinkJobId}/savepoints/${trigger(triggerId)}`, answers.savepointStatus));
    if (!seen) return { state: 'unknown' };
    if (seen.status.id === 'IN_PROGRESS') return { state: 'in-progress' };
    const trace = seen.operation?.['failure-cause']?.['stack-trace'];
    if (trace === undefined) {
      const location = seen.operation?.location;
      return location ? { state: 'completed', location } : { state: 'failed', reason: 'Flink gives neither a location nor a cause' };
    }
    // A savepoint may be complete although the job did not stop: the path is only in the exception's text.
    const location = /A savepoint has been created at: (\S+?),? /.exec(trace)?.[1];
    return { state: 'failed', reason: rootCause(trace), ...(location === undefined ? {} : { location }) };
  }

  async triggerCheckpoint(flinkJobId: string, triggerId: string): Promise<void> {
    // CONFIGURED: incremental where the job's own checkpoints are.
    const body = { checkpointType: 'CONFIGURED', triggerId: trigger(triggerId) };
    await rejecting(this.ask({ method: 'POST', path: `/jobs/${flinkJobId}/checkpoints`, body, answer: answers.triggered }));
  }

  async checkpoint(flinkJobId: string, triggerId: string): Promise<CheckpointState> {
    const seen = await unlessMissing(this.get(`/jobs/${flinkJobId}/checkpoints/${trigger(triggerId)}`, answers.checkpointStatus));
    if (!seen) return { state: 'unknown' };
    if (seen.status.id === 'IN_PROGRESS') return { state: 'in-progress' };
    const trace = seen.operation?.['failure-cause']?.['stack-trace'];
    if (trace !== undefined) return { state: 'failed', reason: rootCause(trace) };
    const id = seen.operation?.checkpointId;
    return typeof id === 'number' ? { state: 'completed', id } : { state: 'failed', reason: 'Flink gives neither an id nor a cause' };
  }

  async cancel(flinkJobId: string): Promise<void> {
    await this.ask({ method: 'PATCH', path: `/jobs/${flinkJobId}?mode=cancel`, answer: answers.done }).catch((error: unknown) => {
      // 404: unknown. 409: it has ended another way.
      if (error instanceof FlinkRefusal && (error.status === 404 || error.status === 409)) return;
      throw asRejection(error);
    });
  }

  async setParallelism(flinkJobId: string, parallelism: number): Promise<void> {
    await this.require(flinkJobId, () => parallelism);
  }

  async setVertexParallelism(flinkJobId: string, vertices: Readonly<Record<string, number>>): Promise<void> {
    await this.require(flinkJobId, (id) => vertices[id]);
  }

  /** @param wanted upper parallelism of a vertex; undefined: as it is */
  private async require(flinkJobId: string, wanted: (vertex: string) => number | undefined): Promise<void> {
    const path = `/jobs/${flinkJobId}/resource-requirements`;
    await rejecting(
      Promise.all([this.get(path, answers.resourceRequirements), this.get(`/jobs/${flinkJobId}`, answers.jobDetails)]).then(
        ([requirements, { vertices }]) => {
          const limits = new Map(vertices.map(({ id, maxParallelism }) => [id, maxParallelism]));
          const body = Object.fromEntries(
            Object.entries(requirements).map(([id, present]) => {
              const limit = limits.get(id) ?? -1;
              const parallelism = wanted(id) ?? present.parallelism.upperBound;
              return [id, { parallelism: { lowerBound: 1, upperBound: limit > 0 ? Math.min(parallelism, limit) : parallelism } }];
            }),
          );
          return this.ask({ method: 'PUT', path, body, answer: answers.done });
        },
      ),
    );
  }

  /** What every Flink has, whatever runs on it: one that refuses it is not well, and nothing is known about the job. */
  private async look<T>(path: string, answer: Call<T>['answer']): Promise<T> {
    try {
      return await this.get(path, answer);
    } catch (error) {
      throw withoutRefusal(`GET ${path}`, error);
    }
  }

  private get<T>(path: string, answer: Call<T>['answer']): Promise<T> {
    return this.ask({ method: 'GET', path, answer });
  }

  private async ask<T>(request: Omit<Call<T>, 'timeoutMs'>): Promise<T> {
    const sent = (baseUrl: string): Promise<T> => call(baseUrl, { timeoutMs: this.timeoutMs, ...request });
    try {
      return await (request.method === 'GET' ? this.jobManagers.read(sent) : this.jobManagers.change(sent));
    } catch (error) {
      throw fromQuestion(error, request);
    }
  }

  /**
   * Looks before it asks: a program's main is not run a second time for a job that is there. Where main runs twice all the same (a call
   * that timed out here and goes on there), Flink refuses the second job of the id, which is a start too.
   */
  private async run(jarId: string, request: Omit<RunRequest, 'jarId'>): Promise<void> {
    if (await this.known(request.flinkJobId)) return;
    const { flinkJobId, jobName, entryClass, parallelism, savepoint, allowNonRestoredState, flinkConfiguration } = request;
    const body = {
      jobId: flinkJobId,
      programArgsList: request.arguments,
      parallelism,
      allowNonRestoredState,
      ...(entryClass === undefined ? {} : { entryClass }),
      ...(savepoint === undefined ? {} : { savepointPath: savepoint }),
      flinkConfiguration: { 'pipeline.name': jobName, ...flinkConfiguration },
    };
    const path = `/jars/${encodeURIComponent(jarId)}/run`;
    try {
      const request = { method: 'POST', path, body, answer: answers.started, timeoutMs: this.runTimeoutMs } as const;
      await this.jobManagers.change((baseUrl) => call(baseUrl, request));
    } catch (error) {
      if (!(error instanceof FlinkRefusal)) throw error;
      if (hasCause(error.trace, 'Duplicate(Job|Application)SubmissionException')) return;
      const failure = runFailure(error, { jarId, entryClass });
      // A main that fails after its execute() leaves a job behind that nobody would own.
      if (failure instanceof JobRejected && (await this.known(flinkJobId))) await this.cancel(flinkJobId);
      throw failure;
    }
  }

  private async known(flinkJobId: string): Promise<boolean> {
    return (await this.jobs()).some((job) => job.flinkJobId === flinkJobId);
  }

  private async emptyJar(): Promise<string> {
    const { files } = await this.look('/jars', answers.jars);
    const there = files.find(({ name }) => name === EMPTY_JAR.fileName);
    // A few bytes, and part of a start: it gets no more time than a question.
    const { fileName, bytes } = EMPTY_JAR;
    if (there) return there.id;
    return rejecting(uploadJar(await this.jobManagers.reachable(), fileName, Readable.from([bytes]), bytes.length, this.timeoutMs));
  }

  private async failure(flinkJobId: string, state: string): Promise<string | undefined> {
    // An ended job's result has a cause also when it failed before it had tasks; the history has not.
    if (ENDED.includes(state)) {
      const result = await unlessMissing(this.get(`/jobs/${flinkJobId}/execution-result`, answers.executionResult));
      const trace = result?.['job-execution-result']?.['failure-cause']?.['stack-trace'];
      if (trace !== undefined) return rootCause(trace);
    }
    const history = await unlessMissing(this.get(`/jobs/${flinkJobId}/exceptions?maxExceptions=1`, answers.exceptions));
    const trace = history?.exceptionHistory.entries[0]?.stacktrace;
    return trace === undefined ? undefined : rootCause(trace);
  }
}

/** Flink's trigger ids are 32 hexadecimal digits; any other id gets a fixed one of that form. */
function trigger(triggerId: string): string {
  return /^[0-9a-f]{32}$/.test(triggerId) ? triggerId : createHash('sha256').update(triggerId).digest('hex').slice(0, 32);
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof FlinkRefusal && error.status === 404) return undefined;
    throw asRejection(error);
  }
}

async function rejecting<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw asRejection(error);
  }
}

/** No program runs in what only looks or asks, so a 5xx is Flink's own trouble; only «no such job» is sometimes told as a 500. */
function fromQuestion(error: unknown, { method, path }: Pick<Call<unknown>, 'method' | 'path'>): unknown {
  if (!(error instanceof FlinkRefusal) || error.status < 500) return error;
  if (hasCause(error.trace, 'FlinkJobNotFoundException')) return new FlinkRefusal(404, error.trace);
  return unwell(`${method} ${path}`, error);
}

function asRejection(error: unknown): unknown {
  return error instanceof FlinkRefusal ? runFailure(error) : error;
}
