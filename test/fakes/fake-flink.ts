import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { FlinkUnavailable, JarMissing, JobRejected } from '../../lambdas/contracts/errors';
import { scriptProblem } from '../../lambdas/domain/sql-script';
import type {
  CheckpointState,
  FlinkCheckpoints,
  FlinkConnector,
  FlinkJobSeen,
  FlinkJobState,
  FlinkOverview,
  FlinkPort,
  FlinkTaskManagerSeen,
  RunRequest,
  SavepointState,
} from '../../lambdas/gateways/flink/flink.port';

/** What a program does once it is started. */
export type Behaviour =
  | { readonly does: 'run' }
  | { readonly does: 'finish' }
  /** Accepted, then the job fails; `stillborn`: before it has tasks. */
  | { readonly does: 'fail'; readonly reason: string; readonly stillborn?: true }
  /** Never becomes a job: the program's main, its class or its SQL is wrong. */
  | { readonly does: 'reject'; readonly reason: string };

/** What becomes of a savepoint. `stop-fails`: it is complete, and the job then fails for good. `hang`: in progress for ever. */
export type SavepointBehaviour = 'succeed' | 'fail' | 'stop-fails' | 'hang';

export type StartRequest = Omit<RunRequest, 'jarId' | 'arguments'> & {
  readonly jarId?: string;
  readonly arguments?: readonly string[];
  readonly script?: string;
};

interface Fault {
  readonly method: keyof FlinkPort;
  readonly error: Error;
  readonly when: 'before' | 'after';
  times: number;
}

interface Job {
  readonly request: StartRequest;
  state: FlinkJobState;
  wanted: number;
  running: number;
  failure?: string;
  stillborn?: true;
  /** Parallelism that it has last run with. */
  bears?: number;
  readonly startedAt: string;
  checkpoints: { completed: number; failed: number; latest?: string };
  /** It was asked to stop with a savepoint, which is being written: Flink begins no checkpoint meanwhile. */
  stopping: boolean;
  /** That savepoint is written: its tasks wait to be told so, and do nothing more. */
  stopped: boolean;
  /** Number of its newest checkpoint or savepoint: Flink counts both with one counter. */
  counted: number;
  /** What happens at the next look, in order: nothing in the fake runs on a clock. */
  next: (() => void)[];
}

export interface StateKept {
  readonly flinkJobId: string;
  readonly checkpointId: number;
  readonly location: string;
  /** Sinks commit by it, and its start does not go back behind it: every checkpoint, and a savepoint of a stop, whatever becomes of the stop. */
  readonly commits: boolean;
}

const MAX_PARALLELISM = 128;
/** Id of the one vertex that every job has. */
export const VERTEX = 'cbc357ccb763df2852fee8c4fc7d55f2';
const ENDED: readonly FlinkJobState[] = ['FAILED', 'CANCELED', 'FINISHED'];

/**
 * A JobManager that behaves. Work that takes Flink time takes `looks` calls of job() or savepoint() here; there is no clock in it.
 * test/contract/flink.test.ts runs one suite on this class and on real Flink.
 */
export class FakeFlink implements FlinkPort {
  taskManagers: number;
  slotsPerTaskManager: number;
  /** Addresses of the TaskManagers, in order. */
  addresses: string[] = [];
  /** false: no call is answered. */
  reachable = true;
  /** Looks until a start, a cancellation, a rescale or a savepoint is done. */
  looks = 1;
  /** What becomes of a job that is to warm its processes up. */
  warmUp: Behaviour = { does: 'finish' };
  /** Tells when a job was started. */
  now = (): string => '2026-01-01T00:00:00.000Z';
  behaviour: (request: StartRequest) => Behaviour = () => ({ does: 'run' });
  savepoints: SavepointBehaviour = 'succeed';
  /**
   * What becomes of a job that gets more parallelism than it has. `fails`: it restarts again and again until it gets less. `never`: that is accepted, and the job
   * goes on as it was. `restores`: it has its new tasks, which read their state and do not run yet.
   */
  rescaled: 'runs' | 'fails' | 'never' | 'restores' = 'runs';
  /** What becomes of a checkpoint that is asked for. `hang`: in progress for ever. */
  askedCheckpoints: 'succeed' | 'fail' | 'hang' = 'succeed';
  /** true: there is nothing to read, for no job. */
  idle = false;
  /** How many slots each TaskManager has occupied, in their order, where the jobs fit so; default: the first are filled first. */
  spread: 'first' | 'even' = 'first';
  /** Every call with its arguments, in order. */
  readonly calls: { readonly method: keyof FlinkPort; readonly args: readonly unknown[] }[] = [];
  /** Starts that became a job; a second entry of one id would be a job that ran twice. */
  readonly starts: string[] = [];
  /** Complete savepoints and checkpoints; pass one set to several fakes to let state outlive a JobManager. */
  readonly storage: Set<string>;

  private readonly jars = new Map<string, number>();
  private readonly known = new Map<string, Job>();
  private readonly triggers = new Map<string, SavepointState>();
  private readonly checkpointTriggers = new Map<string, CheckpointState>();
  private faults: Fault[] = [];

  constructor(options: { taskManagers?: number; slotsPerTaskManager?: number; storage?: Set<string> } = {}) {
    this.taskManagers = options.taskManagers ?? 1;
    this.slotsPerTaskManager = options.slotsPerTaskManager ?? 4;
    this.storage = options.storage ?? new Set();
  }

  // Controls -------------------------------------------------------------------------------------------------------------------

  /** The next `times` calls of `method` fail. `after`: the effect takes place and the answer is lost. */
  failNext(method: keyof FlinkPort, options: { times?: number; when?: 'before' | 'after'; error?: Error } = {}): void {
    const { times = 1, when = 'before', error = new FlinkUnavailable(`${method}: answered 500`) } = options;
    this.faults.push({ method, error, when, times });
  }

  /** A JobManager that was lost comes back with the jobs whose end was not recorded, running, and with no trigger. */
  recover(): void {
    this.triggers.clear();
    for (const [flinkJobId, job] of this.known)
      if (ENDED.includes(job.state)) this.known.delete(flinkJobId);
      else Object.assign(job, { state: 'RUNNING', running: job.wanted, stopping: false, stopped: false, next: [] });
    this.reachable = true;
  }

  /** A JobManager that lost what it keeps for its recovery too comes back with no jar, job or trigger. */
  restart(): void {
    for (const memory of [this.jars, this.known, this.triggers, this.checkpointTriggers]) memory.clear();
    this.reachable = true;
  }

  /** Flink forgets old triggers (rest.async.store-duration). */
  forgetTriggers(): void {
    this.triggers.clear();
    this.checkpointTriggers.clear();
  }

  /** A savepoint that hangs is given up (execution.checkpointing.timeout). */
  expireSavepoint(flinkJobId: string, triggerId: string): void {
    const key = `${flinkJobId}/${triggerId}`;
    if (this.triggers.get(key)?.state !== 'in-progress') return;
    this.triggers.set(key, { state: 'failed', reason: 'CheckpointException: Checkpoint expired before completing.' });
    const job = this.known.get(flinkJobId);
    if (job) job.stopping = false;
  }

  /** Puts a running job into another state, as if its program or its hosts had done it. */
  breakJob(flinkJobId: string, state: FlinkJobState, failure?: string): void {
    const job = this.known.get(flinkJobId);
    if (!job) throw new Error(`fake Flink has no job ${flinkJobId}`);
    this.end(job, state);
    if (failure !== undefined) job.failure = failure;
  }

  /** A checkpoint completes; its location is returned. */
  completeCheckpoint(flinkJobId: string, directory = 's3://state/checkpoints'): string {
    const job = this.known.get(flinkJobId);
    if (!job) throw new Error(`fake Flink has no job ${flinkJobId}`);
    job.checkpoints.completed += 1;
    job.counted += 1;
    const location = `${directory}/${flinkJobId}/chk-${job.counted}`;
    this.keep({ flinkJobId, checkpointId: job.counted, location, commits: true }, () => undefined);
    job.checkpoints.latest = location;
    return location;
  }

  protected isStored(location: string): boolean {
    return this.storage.has(location);
  }

  /** The files of a checkpoint or savepoint are all there. @param told what follows once the tasks and whoever asked are told of it */
  protected keep({ location }: StateKept, told: () => void): void {
    this.storage.add(location);
    told();
  }

  /** Time passes, and nobody looks. */
  goOn(): void {
    for (const job of this.known.values()) job.next.shift()?.();
  }

  /** Its jobs as they are, whether it answers or not. */
  get inside(): readonly (Pick<Job, 'state' | 'running' | 'stopping'> & { readonly flinkJobId: string; readonly name: string })[] {
    return [...this.known].map(([flinkJobId, { request, state, running, stopping }]) => ({
      flinkJobId,
      name: request.jobName,
      state,
      running,
      stopping,
    }));
  }

  /** Addresses of TaskManagers with an occupied slot, whether it answers or not. */
  get occupied(): readonly string[] {
    return this.slotsTaken().flatMap((taken, index) => (taken > 0 ? (this.addresses[index] ?? []) : []));
  }

  get jarIds(): readonly string[] {
    return [...this.jars.keys()];
  }

  /** The request that made the job. */
  started(flinkJobId: string): StartRequest | undefined {
    return this.known.get(flinkJobId)?.request;
  }

  // The port -------------------------------------------------------------------------------------------------------------------

  overview(): Promise<FlinkOverview> {
    return this.call('overview', [], () => {
      const slotsTotal = this.taskManagers * this.slotsPerTaskManager;
      return { taskManagers: this.taskManagers, slotsTotal, slotsFree: slotsTotal - this.slotsUsed() };
    });
  }

  /** Slots are taken as `spread` says; addresses are those of `addresses`, else 127.64.0.101 and following. */
  listTaskManagers(): Promise<readonly FlinkTaskManagerSeen[]> {
    return this.call('listTaskManagers', [], () => {
      const taken = this.slotsTaken();
      return Array.from({ length: this.taskManagers }, (_, index) => {
        const here = taken[index] ?? 0;
        const address = this.addresses[index] ?? `127.64.0.${101 + index}`;
        return {
          id: `${address}:6123-${index}`,
          address,
          slotsTotal: this.slotsPerTaskManager,
          slotsFree: this.slotsPerTaskManager - here,
        };
      });
    });
  }

  async uploadJar(fileName: string, content: Readable, sizeBytes: number): Promise<string> {
    let read = 0;
    for await (const chunk of content) read += (chunk as Buffer).length;
    return this.call('uploadJar', [fileName, sizeBytes], () => {
      if (read !== sizeBytes)
        throw new FlinkUnavailable(`the upload of ${fileName} broke off: ${read} of ${sizeBytes} bytes were there to send`);
      const jarId = `${randomUUID()}_${fileName}`;
      this.jars.set(jarId, sizeBytes);
      return jarId;
    });
  }

  jarsNamed(fileName: string): Promise<readonly string[]> {
    return this.call('jarsNamed', [fileName], () => [...this.jars.keys()].filter((jarId) => jarId.endsWith(`_${fileName}`)));
  }

  deleteJar(jarId: string): Promise<void> {
    return this.call('deleteJar', [jarId], () => {
      this.jars.delete(jarId);
    });
  }

  runJar(request: RunRequest): Promise<void> {
    return this.call('runJar', [request], () => {
      if (this.known.has(request.flinkJobId)) return;
      if (!this.jars.has(request.jarId)) throw new JarMissing(`the JobManager has no jar ${request.jarId}`);
      this.start(request);
    });
  }

  runSql(request: Omit<RunRequest, 'jarId' | 'entryClass' | 'arguments'> & { readonly script: string }): Promise<void> {
    return this.call('runSql', [request], () => {
      if (this.known.has(request.flinkJobId)) return;
      const problem = scriptProblem(request.script);
      if (problem !== undefined) throw new JobRejected(problem);
      this.start(request);
    });
  }

  runWarmUp(request: Parameters<FlinkPort['runWarmUp']>[0]): Promise<void> {
    return this.call('runWarmUp', [request], () => {
      if (!this.known.has(request.flinkJobId)) this.start({ ...request, allowNonRestoredState: false }, this.warmUp);
    });
  }

  job(flinkJobId: string): Promise<FlinkJobSeen | undefined> {
    return this.call('job', [flinkJobId], () => {
      const job = this.known.get(flinkJobId);
      if (!job) return undefined;
      const seen = this.look(job);
      job.next.shift()?.();
      return seen;
    });
  }

  jobs(): Promise<readonly { readonly flinkJobId: string; readonly name: string; readonly state: FlinkJobState }[]> {
    return this.call('jobs', [], () =>
      [...this.known].map(([flinkJobId, job]) => ({ flinkJobId, name: job.request.jobName, state: job.state })),
    );
  }

  checkpoints(flinkJobId: string): Promise<FlinkCheckpoints | undefined> {
    return this.call('checkpoints', [flinkJobId], () => {
      const job = this.known.get(flinkJobId);
      if (!job) return undefined;
      const { completed, failed, latest } = job.checkpoints;
      const latestCompleted =
        latest === undefined ? {} : { latestCompleted: { location: latest, at: job.startedAt, sizeBytes: 1_000, durationMs: 20 } };
      return { completed, failed, ...latestCompleted };
    });
  }

  triggerSavepoint(flinkJobId: string, triggerId: string, directory: string): Promise<void> {
    return this.call('triggerSavepoint', [flinkJobId, triggerId, directory], () => this.trigger(flinkJobId, triggerId, directory, false));
  }

  stopWithSavepoint(flinkJobId: string, triggerId: string, directory: string, drain: boolean): Promise<void> {
    return this.call('stopWithSavepoint', [flinkJobId, triggerId, directory, drain], () =>
      this.trigger(flinkJobId, triggerId, directory, true),
    );
  }

  savepoint(flinkJobId: string, triggerId: string): Promise<SavepointState> {
    return this.call('savepoint', [flinkJobId, triggerId], () => {
      const job = this.known.get(flinkJobId);
      const state = this.triggers.get(`${flinkJobId}/${triggerId}`) ?? { state: 'unknown' as const };
      if (state.state === 'in-progress') job?.next.shift()?.();
      return state;
    });
  }

  triggerCheckpoint(flinkJobId: string, triggerId: string): Promise<void> {
    return this.call('triggerCheckpoint', [flinkJobId, triggerId], () => {
      const job = this.known.get(flinkJobId);
      const key = `${flinkJobId}/${triggerId}`;
      if (this.checkpointTriggers.has(key)) return;
      if (job?.state !== 'RUNNING') {
        this.checkpointTriggers.set(key, { state: 'failed', reason: 'CheckpointException: Not all required tasks are currently running.' });
        return;
      }
      this.checkpointTriggers.set(key, { state: 'in-progress' });
      if (this.askedCheckpoints === 'hang') return;
      job.next = [
        ...job.next,
        ...this.later(() => {
          if (this.askedCheckpoints === 'fail' || job.stopped) {
            this.checkpointTriggers.set(key, { state: 'failed', reason: 'CheckpointException: Checkpoint was declined by a task' });
            return;
          }
          this.completeCheckpoint(flinkJobId);
          this.checkpointTriggers.set(key, { state: 'completed', id: job.checkpoints.completed });
        }),
      ];
    });
  }

  checkpoint(flinkJobId: string, triggerId: string): Promise<CheckpointState> {
    return this.call('checkpoint', [flinkJobId, triggerId], () => {
      const state = this.checkpointTriggers.get(`${flinkJobId}/${triggerId}`) ?? { state: 'unknown' as const };
      if (state.state === 'in-progress') this.known.get(flinkJobId)?.next.shift()?.();
      return state;
    });
  }

  cancel(flinkJobId: string): Promise<void> {
    return this.call('cancel', [flinkJobId], () => {
      const job = this.known.get(flinkJobId);
      if (!job || ENDED.includes(job.state)) return;
      job.state = 'CANCELLING';
      job.stopping = false;
      job.next = this.later(() => this.end(job, 'CANCELED'));
    });
  }

  setParallelism(flinkJobId: string, parallelism: number): Promise<void> {
    return this.call('setParallelism', [flinkJobId, parallelism], () => {
      const job = this.known.get(flinkJobId);
      if (!job || ENDED.includes(job.state)) throw new JobRejected(`Flink has no running job ${flinkJobId}`);
      job.wanted = Math.min(parallelism, MAX_PARALLELISM);
      job.next = [...job.next, ...this.later(() => this.deploy(job))];
    });
  }

  /** The fake's jobs have one vertex; others that are named are not there. */
  setVertexParallelism(flinkJobId: string, vertices: Readonly<Record<string, number>>): Promise<void> {
    return this.call('setVertexParallelism', [flinkJobId, vertices], () => {
      const job = this.known.get(flinkJobId);
      if (!job || ENDED.includes(job.state)) throw new JobRejected(`Flink has no running job ${flinkJobId}`);
      job.wanted = Math.min(vertices[VERTEX] ?? job.wanted, MAX_PARALLELISM);
      job.next = [...job.next, ...this.later(() => this.deploy(job))];
    });
  }

  // How it behaves -------------------------------------------------------------------------------------------------------------

  private async call<T>(method: keyof FlinkPort, args: readonly unknown[], effect: () => T): Promise<T> {
    this.calls.push({ method, args });
    if (!this.reachable) throw new FlinkUnavailable(`${method}: no answer`);
    const fault = this.faults.find((candidate) => candidate.method === method && candidate.times > 0);
    if (fault) fault.times -= 1;
    if (fault?.when === 'before') throw fault.error;
    const result = effect();
    if (fault) throw fault.error;
    return result;
  }

  private later(step: () => void): (() => void)[] {
    return [...Array.from({ length: Math.max(0, this.looks - 1) }, () => () => {}), step];
  }

  private start(request: StartRequest, behaviour = this.behaviour(request)): void {
    if (behaviour.does === 'reject') throw new JobRejected(behaviour.reason);
    const job: Job = {
      request,
      state: 'CREATED',
      wanted: request.parallelism,
      running: 0,
      startedAt: this.now(),
      checkpoints: { completed: 0, failed: 0 },
      stopping: false,
      stopped: false,
      counted: 0,
      next: [],
    };
    this.known.set(request.flinkJobId, job);
    this.starts.push(request.flinkJobId);
    job.next = this.later(() => this.become(job, behaviour));
  }

  private become(job: Job, behaviour: Behaviour): void {
    const { savepoint } = job.request;
    if (savepoint !== undefined && !this.isStored(savepoint)) {
      this.end(job, 'FAILED');
      job.failure = `FileNotFoundException: Cannot find checkpoint or savepoint file/directory '${savepoint}'`;
    } else if (behaviour.does === 'fail') {
      this.end(job, 'FAILED');
      job.failure = behaviour.reason;
      if (behaviour.stillborn) job.stillborn = true;
    } else if (behaviour.does === 'finish') this.end(job, 'FINISHED');
    else this.deploy(job);
  }

  /** The adaptive scheduler runs with the slots there are, and waits when there is none. */
  private deploy(job: Job): void {
    if (ENDED.includes(job.state)) return;
    job.running = 0;
    job.running = Math.max(0, Math.min(this.goalOf(job), this.taskManagers * this.slotsPerTaskManager - this.slotsUsed()));
    job.state = job.running > 0 ? 'RUNNING' : 'CREATED';
    if (job.running === 0) job.next = [() => this.deploy(job)];
    if (this.rescaled === 'fails' && job.bears !== undefined && job.running > job.bears) {
      job.state = 'RESTARTING';
      job.running = 0;
      job.failure = 'OutOfMemoryError: Java heap space';
    } else if (job.running > 0) {
      if (!this.isRestoring(job)) job.bears = job.running;
      delete job.failure;
    }
  }

  private isRestoring({ running, bears }: Job): boolean {
    return this.rescaled === 'restores' && bears !== undefined && running > bears;
  }

  private goalOf({ wanted, bears }: Job): number {
    return this.rescaled === 'never' && bears !== undefined ? Math.min(wanted, bears) : wanted;
  }

  private end(job: Job, state: FlinkJobState): void {
    job.state = state;
    job.running = 0;
    job.stopping = false;
    job.next = [];
    for (const [key, { state: is }] of this.triggers)
      if (is === 'in-progress' && key.startsWith(`${job.request.flinkJobId}/`))
        this.triggers.set(key, { state: 'failed', reason: 'CheckpointException: Checkpoint Coordinator is shutting down.' });
  }

  private slotsTaken(): number[] {
    const taken = Array.from({ length: this.taskManagers }, () => 0);
    for (let left = this.slotsUsed(), at = 0; left > 0 && at < this.taskManagers * this.slotsPerTaskManager; at++) {
      const index = this.spread === 'first' ? Math.floor(at / this.slotsPerTaskManager) : at % this.taskManagers;
      taken[index] = (taken[index] ?? 0) + 1;
      left -= 1;
    }
    return taken;
  }

  /** TaskManagers came or went: a job that lost slots goes on with those there are, one that misses some takes them. */
  slotsChanged(): void {
    for (const job of this.known.values()) {
      if (ENDED.includes(job.state) || job.state === 'CANCELLING' || job.running === 0) continue;
      const others = this.slotsUsed() - job.running;
      const possible = Math.max(0, Math.min(this.goalOf(job), this.taskManagers * this.slotsPerTaskManager - others));
      if (possible === job.running) continue;
      job.running = 0;
      job.state = 'CREATED';
      job.next = [...job.next, ...this.later(() => this.deploy(job))];
    }
  }

  private slotsUsed(): number {
    return [...this.known.values()].reduce((sum, job) => sum + job.running, 0);
  }

  private look(job: Job): FlinkJobSeen {
    const { state, running, wanted, startedAt, failure } = job;
    const parallelism = running || wanted;
    return {
      state,
      parallelism,
      tasks: {
        total: job.stillborn ? 0 : parallelism,
        running: state === 'FINISHED' || this.isRestoring(job) ? 0 : running,
        finished: state === 'FINISHED' ? parallelism : 0,
      },
      startedAt,
      hasProcessed: running > 0 && !this.idle,
      ...(failure === undefined ? {} : { failure }),
      vertices: [{ id: VERTEX, name: 'Source -> Sink', parallelism, maxParallelism: MAX_PARALLELISM }],
    };
  }

  private trigger(flinkJobId: string, triggerId: string, directory: string, stops: boolean): void {
    const job = this.known.get(flinkJobId);
    const key = `${flinkJobId}/${triggerId}`;
    if (this.triggers.has(key)) return;
    if (!job || ENDED.includes(job.state)) {
      this.triggers.set(key, { state: 'failed', reason: `Could not find Flink job (${flinkJobId})` });
      return;
    }
    this.triggers.set(key, { state: 'in-progress' });
    job.stopping ||= stops;
    if (this.savepoints === 'hang') return;
    const location = `${directory.replace(/\/$/, '')}/savepoint-${flinkJobId.slice(0, 6)}-${triggerId.slice(0, 12)}`;
    const failed = (why: string): void => {
      if (stops) job.stopping = false;
      this.triggers.set(key, { state: 'failed', reason: `CheckpointException: ${why}` });
    };
    const step = (): void => {
      const why =
        this.savepoints === 'fail'
          ? 'Checkpoint was declined by a task'
          : job.state !== 'RUNNING' && 'Checkpoint Coordinator is suspending.';
      if (why) {
        failed(why);
        return;
      }
      const jobFails = stops && this.savepoints === 'stop-fails';
      job.counted += 1;
      job.stopped = stops;
      this.keep({ flinkJobId, checkpointId: job.counted, location, commits: stops }, () =>
        this.savepointTold(job, key, location, stops, jobFails),
      );
    };
    job.next = [...job.next, ...this.later(step)];
  }

  private savepointTold(job: Job, key: string, location: string, stops: boolean, jobFails: boolean): void {
    if (this.triggers.get(key)?.state !== 'in-progress') return;
    if (!jobFails) {
      this.triggers.set(key, { state: 'completed', location });
      if (stops) this.end(job, 'FINISHED');
      return;
    }
    const reason = `StopWithSavepointStoppingException: A savepoint has been created at: ${location}, but the corresponding job failed during stopping.`;
    this.triggers.set(key, { state: 'failed', reason, location });
    this.end(job, 'FAILED');
    job.failure = reason;
  }
}

/** Connects to the first fake at the addresses that answers; an address with none is a JobManager that does not answer. */
export function fakeConnector(fakes: ReadonlyMap<string, FakeFlink>): FlinkConnector {
  return (addresses) => {
    const nobody = new FakeFlink();
    nobody.reachable = false;
    const found = addresses.flatMap((address) => fakes.get(address) ?? []);
    return found.find(({ reachable }) => reachable) ?? found[0] ?? nobody;
  };
}
