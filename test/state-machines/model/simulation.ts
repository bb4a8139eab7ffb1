import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as settled } from 'node:timers/promises';
import type { Cluster } from '../../../lambdas/contracts/cluster';
import {
  AwsUnavailable,
  Conflict,
  FlinkUnavailable,
  IdempotencyKeyReused,
  InvalidRequest,
  JarMissing,
  NotFound,
} from '../../../lambdas/contracts/errors';
import type { OperationKind } from '../../../lambdas/contracts/operation';
import { isFinal } from '../../../lambdas/domain/decide-job-progress';
import { isJobOver } from '../../../lambdas/domain/job-lifecycle';
import { INTERRUPTED } from '../../../lambdas/domain/operation-end';
import { checkpointsPrefix, counterKey, enteredPrefix, fenceKey } from '../../../lambdas/domain/state-paths';
import type { FleetSeen } from '../../../lambdas/gateways/aws/fleet.port';
import type { RunRequest } from '../../../lambdas/gateways/flink/flink.port';
import { WARM_UP } from '../../../lambdas/usecases/failover/warm-up';
import type { FakeFlink, SavepointBehaviour, StateKept } from '../../fakes/fake-flink';
import { event, invoke } from '../support/functions';
import { definitionOf, execute, StepError, Stopped } from '../support/interpreter';
import { violations } from '../support/recover';
import { FlinkOnS3, STAGE, World } from '../support/world';
import { Chance } from './chance';
import { Ledger } from './ledger';
import { type Activity, type Fate, Scheduler, type Weather } from './scheduler';

/** A function may run so long (lib/config/functions.ts), ms. */
const FUNCTION_TIMEOUT = 30_000;
/** A JobManager looks for its fence at most so long before it enters a checkpoint, or lets a savepoint be complete (tools/artifacts/ha), ms. */
const FENCE_FRESH = 1_000;
/** So long IAM takes to spread at most, ms. */
const IAM_SPREADS = 9_000;
/** Flink answers a start, or the job shows, within this (`domain/start-asked`), ms. */
const LATE_START = 60_000;
/** From the barrier of a checkpoint until its `_metadata` lies in S3, and from then until its JobManager has told the tasks, at most, ms. */
const CHECKPOINT_WRITES = 2_000;
const CHECKPOINT_ENTERS = 900;
/** What hangs is given up after this (`domain/flink-defaults`), ms. */
const CHECKPOINT_TIMEOUT = 5 * 60_000;
/** So long a stand-by that has won a term gives a leader that is not known to have ended, before it reads anything (docs/adr/0022), ms. */
const TERM_WAITS = 1_500;
/** A stand-by notices within this that the leader is gone, or does not answer, ms. */
const LOSS_NOTICED = 5_000;
/** Checkpoints that Flink keeps of a running job (`domain/flink-defaults`). */
const RETAINED = 3;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/**
 * A cluster's epoch: its leading JobManager with its TaskManagers, as it is and not as the control plane sees it. With a stand-by, which of its JobManagers
 * leads may change at any moment.
 */
class Process extends FlinkOnS3 {
  epoch: number | undefined;
  /** Address of its first JobManager. */
  address = '';
  /** Address of the one that leads. */
  leads = '';
  /** By address of a JobManager: the host that has it. */
  readonly hosts = new Map<string, string>();
  /** A stand-by is about to find out whether it leads. */
  electing = false;
  /** Since when another than the leader has the term, and does not lead yet. */
  wonAt: number | undefined;
  /** The leader before this one, by its life, and until when it may not know yet that it leads no longer. */
  former: { readonly life: number; readonly until: number } | undefined;
  /** It has found its fence, or its hosts are gone: it never comes back. */
  over = false;
  /** It stands still, as with SIGSTOP: it does nothing, and goes on where it was. */
  paused = false;
  /** Its host or its process is gone, and another is to come. */
  lost = false;
  /** Counts its restarts. */
  life = 0;
  /** So many of its starts were seen. */
  seen = 0;
  /** Until when a start that it could not answer keeps it from beginning the next, ms. */
  blockedUntil = 0;
  /** Until when it has other things to do than checkpoints, ms. */
  quietUntil = 0;
  /** Jobs with a checkpoint that was begun and is not written. */
  readonly begun = new Set<string>();

  constructor(
    private readonly simulation: () => Simulation,
    artifacts: World['artifacts'],
    storage: Set<string>,
  ) {
    super(artifacts, storage);
  }

  override completeCheckpoint(flinkJobId: string, directory?: string): string {
    const name = this.inside.find((job) => job.flinkJobId === flinkJobId)?.name ?? '';
    return super.completeCheckpoint(
      flinkJobId,
      directory?.includes('clusters/') ? directory : `s3://state/${checkpointsPrefix('flights', name)}`,
    );
  }

  protected override keep(state: StateKept, told: () => void): void {
    this.simulation().keep(this, state, () => super.keep(state, () => undefined), told);
  }

  private readonly jarsAt = new Map<string, string>();

  /** A jar lies on the disk of the JobManager that it was uploaded to. */
  override async uploadJar(...args: Parameters<FakeFlink['uploadJar']>): Promise<string> {
    const at = this.simulation().askedOf(this);
    const jarId = await super.uploadJar(...args);
    this.jarsAt.set(jarId, at);
    return jarId;
  }

  override async runJar(request: RunRequest): Promise<void> {
    const at = this.simulation().askedOf(this);
    if (this.reachable && !this.started(request.flinkJobId) && (this.jarsAt.get(request.jarId) ?? at) !== at)
      throw new JarMissing(`the JobManager at ${at} has no jar ${request.jarId}`);
    await super.runJar(request);
  }

  /** The disk of a host that is lost is lost with it. */
  loseDisk(address: string): void {
    for (const [jarId, at] of this.jarsAt) if (at === address) this.jarsAt.set(jarId, 'lost');
  }

  override triggerSavepoint(flinkJobId: string, triggerId: string, directory: string): Promise<void> {
    return this.taking(flinkJobId, triggerId, () => super.triggerSavepoint(flinkJobId, triggerId, directory));
  }

  override stopWithSavepoint(flinkJobId: string, triggerId: string, directory: string, drain: boolean): Promise<void> {
    return this.taking(flinkJobId, triggerId, () => super.stopWithSavepoint(flinkJobId, triggerId, directory, drain));
  }

  /** A savepoint holds all of a job's state, so it takes longer than a checkpoint, and may come to nothing. */
  private taking(flinkJobId: string, triggerId: string, trigger: () => Promise<void>): Promise<void> {
    const { looks, becomes } = this.simulation().savepoint(() => this.expireSavepoint(flinkJobId, triggerId));
    this.savepoints = becomes;
    this.looks = looks;
    const done = trigger();
    this.looks = 1;
    return done;
  }
}

type FleetHost = FleetSeen['hosts'][number];

interface Execution {
  readonly kind: OperationKind;
  readonly operationId: string;
  readonly stopped: Promise<never>;
  readonly stop: () => void;
}

const FLINK_FATES: readonly Fate[] = ['fails', 'loses its answer', 'is sent twice', 'dies before', 'dies after'];
const LATE_FATES: readonly Fate[] = [...FLINK_FATES, 'comes late'];
const AWS_FATES: readonly Fate[] = ['fails', 'loses its answer', 'is sent twice', 'dies before', 'dies after'];
const RUN_LATE: readonly string[] = ['runJar', 'runSql'];
/** What an API answers with, and a person who asks expects. */
const REFUSALS = [Conflict, InvalidRequest, NotFound, IdempotencyKeyReused];

/** The world of the other tests, in which everything goes on side by side and by chance. */
export class Simulation extends World {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly ledger = new Ledger();
  private readonly running = new AsyncLocalStorage<Activity>();
  private readonly deniedAt = new Map<string, number>();
  private spawned = 0;
  private active = false;
  /** Executions that somebody may still stop. */
  private readonly executions = new Set<Execution>();
  /** The mutants of the model's own test: what a port does instead, and no sweeper. */
  sweeps = true;
  mutate: (port: string, method: string, call: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown> = (_, __, call) =>
    call();

  /** What a function answers instead. */
  amend: (placeholder: string, answer: unknown) => unknown = (_, answer) => answer;

  constructor(seed: number, weather: Weather, without?: ReadonlySet<number>) {
    const chance = new Chance(seed * 7 + 3);
    super({ observationsToRun: chance.between(2, 20), observationsToLeave: chance.between(1, 10) });
    this.chance = chance;
    this.scheduler = new Scheduler(seed, this.now, weather, without);
  }

  protected override newFlink(): Process {
    return new Process(() => this, this.artifacts, this.storage);
  }

  private get processes(): readonly Process[] {
    return [...this.jobManagers.entries()].map(([address, flink]) => {
      const process = flink as Process;
      process.address = address;
      process.leads ||= address;
      process.epoch ??= this.epochAt(address);
      return process;
    });
  }

  private epochAt(address: string): number | undefined {
    const owner = this.fleet.instances().find((one) => one.address === address)?.owner;
    return owner === undefined ? undefined : Number(/-e(\d+)$/.exec(owner)?.[1]);
  }

  // Functions and executions ---------------------------------------------------------------------------------------------------

  override port<T extends object>(name: string, target: T): T {
    if (!this.active) return super.port(name, target);
    return new Proxy(target, {
      get: (object, key) => {
        const value = Reflect.get(object, key) as unknown;
        if (typeof key !== 'string' || typeof value !== 'function') return value;
        return (...args: unknown[]) =>
          this.call(name, target, key, () => this.mutate(name, key, () => value.apply(object, args) as Promise<unknown>, args));
      },
    });
  }

  private async call(port: string, target: object, method: string, effect: () => Promise<unknown>): Promise<unknown> {
    const activity = this.running.getStore();
    if (!activity) return effect();
    const place = target instanceof Process ? `${port}(e${target.epoch ?? '?'})` : port;
    const fates = port !== 'flink' ? AWS_FATES : RUN_LATE.includes(method) ? LATE_FATES : FLINK_FATES;
    const fate = await this.scheduler.turn(`${place}.${method}`, activity, fates);
    const called = this.awaited.get(`${port}.${method}`);
    this.awaited.delete(`${port}.${method}`);
    called?.();
    if (activity.dead) {
      // Sent before it died: it takes place, and nobody hears of it.
      await effect().catch(() => undefined);
      return never();
    }
    const failure = (): Error => (port === 'flink' ? new FlinkUnavailable('answered 500') : new AwsUnavailable('answered 500'));
    if (target instanceof Process && RUN_LATE.includes(method) && this.isLate(target, fate)) {
      this.comesLate(activity, target, `${place}.${method}`, effect);
      throw failure();
    }
    switch (fate) {
      case 'goes well':
        return effect();
      case 'fails':
        throw failure();
      case 'loses its answer':
        await effect();
        throw failure();
      case 'is sent twice':
        await effect();
        return effect();
      case 'comes late':
        throw new Error('only a start comes late');
      case 'dies before':
        this.kill(activity, 'Runtime.ExitError');
        return never();
      case 'dies after':
        await effect().catch(() => undefined);
        this.kill(activity, 'Runtime.ExitError');
        return never();
    }
  }

  /**
   * Whoever asked for a start hears nothing, and it takes effect up to a minute later: a program's main takes its time, and a JobManager that is short of
   * processor time or waits for the storage answers late. What keeps it from one start keeps it from the next, which therefore comes late too. Neither a
   * request that waits nor a main that runs outlives the process.
   */
  private comesLate(activity: Activity, process: Process, what: string, effect: () => Promise<unknown>): void {
    const { now } = this.scheduler;
    const at =
      process.blockedUntil > now
        ? Math.min(now + LATE_START, process.blockedUntil + this.chance.between(0, 2_000))
        : now + this.chance.between(1, LATE_START / SECOND) * SECOND;
    process.blockedUntil = Math.max(process.blockedUntil, at);
    const { life } = process;
    this.scheduler.at(at, `${what} takes effect`, async () => {
      if (process.life === life && !process.over) await this.running.run(activity, () => effect().catch(() => undefined));
    });
  }

  private readonly awaited = new Map<string, () => void>();
  /** @param then is called in the moment in which a function first makes this call of a port */
  whenCalled(what: string, then: () => void): void {
    this.awaited.set(what, then);
  }

  private isLate(process: Process, fate: Fate): boolean {
    if (fate === 'comes late' || process.blockedUntil > this.scheduler.now) return true;
    const { onDelay } = this;
    if (!onDelay || this.scheduler.calm || !this.scheduler.disturb(`a start on e${process.epoch} is delayed`)) return false;
    this.onDelay = undefined;
    process.blockedUntil = this.scheduler.now + this.chance.between(LATE_START / 2, LATE_START);
    onDelay();
    return true;
  }
  private onDelay: (() => void) | undefined;
  /** @param then is called in the moment in which it was asked for */
  delayNextStart(then: () => void): void {
    this.onDelay = then;
  }

  private readonly killers = new WeakMap<Activity, (error: Error) => void>();
  /** Operation whose task is asking now. */
  get asker(): string | undefined {
    return this.running.getStore()?.operationId;
  }

  private kill(activity: Activity, name: string): void {
    this.scheduler.drop(activity);
    this.killers.get(activity)?.(new StepError(name, `${activity.name} died`));
  }

  /** Runs a function as Lambda does: it may be killed at any call that it makes, and is when its time is over. */
  private function<T>(name: string, work: () => Promise<T>, operationId?: string): Promise<T> {
    const activity: Activity = { name, dead: false, ...(operationId ? { operationId } : {}) };
    const killed = new Promise<never>((_, reject) => {
      this.killers.set(activity, reject);
    });
    killed.catch(() => undefined);
    const done = this.running.run(activity, work);
    done.catch(() => undefined);
    let open = true;
    const close = (): void => {
      open = false;
    };
    done.then(close, close);
    this.scheduler.at(
      this.scheduler.now + FUNCTION_TIMEOUT,
      `${name} has had its time`,
      () => {
        if (open && !activity.dead) this.kill(activity, 'Sandbox.Timedout');
      },
      true,
    );
    return Promise.race([done, killed]);
  }

  private async execution(kind: OperationKind, operationId: string): Promise<void> {
    let stop = (): void => undefined;
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(new Stopped('the execution was stopped'));
    });
    stopped.catch(() => undefined);
    const execution: Execution = { kind, operationId, stopped, stop };
    this.executions.add(execution);
    const short = `${kind} ${operationId.slice(-6)}`;
    const outcome = await execute(
      definitionOf(kind),
      { operationId },
      {
        invoke: async (placeholder, payload) => {
          const { phase } = payload as { readonly phase: string };
          const name = `${short} «${phase}»`;
          await Promise.race([this.scheduler.turn('begins', { name, dead: false }, []), stopped]);
          const answer = this.function(name, async () => this.amend(placeholder, await invoke(placeholder, payload)), operationId);
          // Its answer may get lost on the way while it goes on.
          return Promise.race([answer, stopped, this.lossOf(name)]);
        },
        pause: (seconds) => Promise.race([this.scheduler.sleep(seconds * SECOND, `${short} waits no longer`), stopped]),
      },
    );
    this.executions.delete(execution);
    this.workflows.end(kind, operationId);
    this.scheduler.note(`${short} ends ${outcome.status}${outcome.error ? `: ${outcome.error}` : ''}`);
    for (let times = this.chance.of([0, 1, 1, 1, 2]); times > 0; times--)
      this.scheduler.at(
        this.scheduler.now + this.chance.between(0, 20) * SECOND,
        `the end of ${short} is told`,
        () => void this.sweep(operationId),
      );
  }

  private lossOf(name: string): Promise<never> {
    if (this.scheduler.calm || !this.chance.is(0.004)) return never();
    return this.scheduler.sleep(this.chance.between(0, 2_000), `${name}: the line is cut`).then(() => {
      if (!this.scheduler.disturb(`${name}: Step Functions loses its answer while it goes on`)) return never();
      throw new StepError('Lambda.Unknown', 'the connection was lost');
    });
  }

  /** Somebody, or AWS, stops an execution wherever it is. */
  stopOne(): void {
    const open = [...this.executions];
    if (open.length === 0) return;
    const one = this.chance.of(open);
    if (!this.scheduler.disturb(`${one.kind} ${one.operationId.slice(-6)} is stopped`)) return;
    this.executions.delete(one);
    one.stop();
  }

  /** One of the control plane's functions that something outside starts. What it throws is Lambda's to try again. */
  async asks(name: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await this.function(name, work);
    } catch (thrown) {
      for (const error of thrown instanceof AggregateError ? (thrown.errors as unknown[]) : [thrown]) this.noteFailure(name, error);
    }
  }

  private noteFailure(name: string, error: unknown): void {
    if (error instanceof StepError || error instanceof AwsUnavailable || error instanceof FlinkUnavailable)
      this.scheduler.note(`${name}: ${error.message}`);
    else if (REFUSALS.some((kind) => error instanceof kind)) this.scheduler.note(`${name} is refused: ${(error as Error).message}`);
    else if (error instanceof Error && /could not be swept|could not be looked at: (Aws|Flink)Unavailable/.test(error.message))
      this.scheduler.note(`${name}: ${error.message}`);
    else this.ledger.broken.push(`${name} failed: ${String(error)}`);
  }

  async sweep(only?: string): Promise<void> {
    if (!this.sweeps) return;
    const detail = { name: only, status: 'FAILED' };
    const ended = { source: 'aws.states', 'detail-type': 'Step Functions Execution Status Change', detail };
    await this.asks(only ? `sweeper of ${only.slice(-6)}` : 'sweeper', () => event('sweep-operations', only ? ended : {}));
  }

  // Machines -------------------------------------------------------------------------------------------------------------------

  private hostsOf(process: Process): readonly (FleetHost & { readonly owner: string })[] {
    return this.fleet.instances().filter(({ owner }) => owner.endsWith(`-flights-e${process.epoch}`));
  }

  private managersOf(process: Process): readonly (FleetHost & { readonly owner: string })[] {
    return this.hostsOf(process).filter(({ role }) => role === 'jobmanager');
  }

  /** Host of the JobManager that leads; what is told to go works on until it is gone. */
  private leaderOf(process: Process): (FleetHost & { readonly owner: string }) | undefined {
    return this.managersOf(process).find(({ address, state }) => address === process.leads && state !== 'pending');
  }

  private readonly asked = new WeakMap<Activity, Map<Process, string>>();
  /** A function asks the JobManager that has answered it last, as long as it does: another function may ask the other one (`gateways/flink/job-managers`). */
  askedOf(process: Process): string {
    const there = this.managersOf(process).filter(({ state, zone }) => state !== 'pending' && !this.lostZones.has(zone));
    const addresses = there.map(({ address }) => address ?? '');
    const activity = this.running.getStore();
    if (!activity || addresses.length < 2) return addresses[0] ?? process.leads;
    const known = this.asked.get(activity) ?? new Map<Process, string>();
    this.asked.set(activity, known);
    const last = known.get(process);
    if (last !== undefined && addresses.includes(last)) return last;
    const next = this.chance.of(addresses);
    known.set(process, next);
    return next;
  }

  /** A state is complete as far as its files go; whether it counts is up to what its JobManager finds. */
  keep(process: Process, state: StateKept, write: () => void, told: () => void): void {
    const { flinkJobId, location, checkpointId, commits } = state;
    const isSavepoint = location.includes('/savepoint-');
    if (this.active) {
      if (!this.canWrite(process)) throw new FlinkUnavailable('S3 refuses it');
      this.artifacts.put(`s3://${STAGE.stateBucket}/${counterKey('flights', process.epoch ?? 0, flinkJobId)}`, 'a counter');
    }
    write();
    this.watchStarts();
    this.ledger.written(flinkJobId, location, { checkpointId, stops: isSavepoint && commits });
    if (!this.active || !commits) {
      // By a savepoint that was only taken nothing is committed, and nobody goes back to it.
      if (commits) this.ledger.completed(location);
      told();
      if (this.active && this.goesBack?.behind === 'savepoint') this.goBack(process, this.goesBack.then);
      return;
    }
    if (isSavepoint) this.scheduler.note(`e${process.epoch} has written ${short(location)}`);
    if (this.goesBack?.behind === (isSavepoint ? 'stop' : 'checkpoint')) this.goBack(process, this.goesBack.then);
    else this.completeSoon(process, state, process.life, told);
  }

  /** How long the next savepoint takes, in looks or seconds, and what becomes of it. */
  savepoint(expire: () => void): { readonly looks: number; readonly becomes: SavepointBehaviour } {
    if (!this.active) return { looks: 1, becomes: 'succeed' };
    const { from, to } = this.savepointsTake;
    const looks = this.chance.of([1, this.chance.between(2, 10), this.chance.between(from, to)]);
    const [fails, what] = [this.chance.is(this.savepointsFail), this.chance.of(['fail', 'stop-fails', 'hang'] as const)];
    if (this.scheduler.calm || !fails || !this.scheduler.disturb(`the next savepoint will ${what}`)) return { looks, becomes: 'succeed' };
    if (what === 'hang') this.scheduler.at(this.scheduler.now + CHECKPOINT_TIMEOUT, 'a savepoint has had its time', expire, true);
    return { looks, becomes: what };
  }
  /** How many looks or seconds the longer ones take. */
  savepointsTake = { from: 10, to: 40 };
  /** Whether its jobs are scripts. */
  inSql = false;
  /** That a savepoint comes to nothing. */
  savepointsFail = 0;

  /** The JobManager that writes the next one of this kind dies behind it, is back at once, and writes no checkpoint for a while. */
  goesBack: { readonly behind: 'savepoint' | 'stop' | 'checkpoint'; readonly then: () => void } | undefined;

  private goBack(process: Process, then: () => void): void {
    this.goesBack = undefined;
    process.quietUntil = this.scheduler.now + MINUTE;
    this.scheduler.at(this.scheduler.now, `the JobManager of e${process.epoch} dies`, () => {
      if (!process.over && !process.lost) this.recover(process);
      then();
    });
  }

  private completeSoon(process: Process, state: StateKept, life: number, told: () => void): void {
    this.scheduler.at(
      this.scheduler.now + this.chance.between(0, CHECKPOINT_ENTERS),
      `e${process.epoch} completes ${short(state.location)}`,
      () => {
        if (process.over || !this.lives(process, life) || this.leaderOf(process) === undefined) return;
        const isSavepoint = state.location.includes('/savepoint-');
        // What stands still completes it when it goes on.
        if (process.paused) this.completeSoon(process, state, life, told);
        else if (!this.mayEnter(process) && !(isSavepoint && this.savepointsUnfenced)) this.halt(process);
        else if (this.canWrite(process) && process.inside.some((job) => job.flinkJobId === state.flinkJobId && job.state === 'RUNNING')) {
          // Flink enters no savepoint among its checkpoints.
          if (!isSavepoint) this.enter(process, state);
          this.scheduler.note(`e${process.epoch} has completed ${short(state.location)}`);
          this.ledger.completed(state.location);
          told();
        }
      },
      true,
    );
  }
  /** Nobody looks for the fence before a savepoint is complete. */
  savepointsUnfenced = false;

  /** Older checkpoints of the start are deleted. */
  private enter(process: Process, state: StateKept): void {
    const entered = enteredPrefix('flights', process.epoch ?? 0, state.flinkJobId);
    this.artifacts.put(`s3://${STAGE.stateBucket}/${entered}/${String(state.checkpointId).padStart(19, '0')}`, 'an entry');
    const ofStart = state.location.replace(/chk-\d+$/, 'chk-');
    const older = [...this.storage].filter(
      (one) => one.startsWith(ofStart) && Number(one.slice(ofStart.length)) <= state.checkpointId - RETAINED,
    );
    for (const location of older) {
      this.storage.delete(location);
      for (const file of ['_metadata', 'state']) this.artifacts.remove(`${location}/${file}`);
    }
  }

  private halt(process: Process): void {
    process.over = true;
    process.reachable = false;
    this.scheduler.note(`the JobManager of e${process.epoch} has found its fence and ends`);
  }

  /** Its role may write to S3, and S3 can be reached. */
  private canWrite(process: Process): boolean {
    const deniedAt = this.deniedAt.get(`sluice-test-flights-e${process.epoch}`);
    const mayWrite = this.fleet.iamTakesNothing || deniedAt === undefined || this.scheduler.now < deniedAt + IAM_SPREADS;
    return !process.over && !process.paused && mayWrite;
  }

  private mayEnter(process: Process): boolean {
    const at = this.fencedAt.get(process.epoch ?? 0);
    return at === undefined || this.scheduler.now < at + FENCE_FRESH;
  }

  /** A leader looks for a higher term as it does for the fence: then it ends, and comes back as the stand-by. */
  private lives({ former, life: present, wonAt }: Process, life: number): boolean {
    const overtaken = wonAt !== undefined || present !== life;
    return !overtaken || (former?.life === life && this.scheduler.now < former.until);
  }

  /** By epoch: since when its fence lies in S3. */
  private readonly fencedAt = new Map<number, number>();

  /** Where the machines are by now. */
  private machines(): void {
    this.fleet.goOn();
    for (const process of this.processes) {
      const managers = this.managersOf(process);
      if (process.over) continue;
      const cutOff = this.fleet.fenced.has(`sluice-test-flights-e${process.epoch}`);
      if (process.epoch !== undefined && managers.length === 0 && cutOff) {
        process.over = true;
        process.reachable = false;
        continue;
      }
      const leader = this.leaderOf(process);
      if (leader) this.followHost(process, leader);
      this.electSoon(process, leader);
      const wasThere = process.reachable;
      const answers = leader !== undefined && !this.lostZones.has(leader.zone) && !process.paused && !cutOff && process.wonAt === undefined;
      if (answers && !wasThere && process.lost) this.recover(process);
      process.reachable = answers && !process.over;
      // Those that are on the leader's side of a cut.
      const workers = this.hostsOf(process).filter(
        ({ role, state, marks, zone }) =>
          role === 'taskmanager' &&
          state !== 'pending' &&
          !marks?.drain &&
          (leader === undefined || zone === leader.zone || !(this.lostZones.has(zone) || this.lostZones.has(leader.zone))),
      );
      const before = process.addresses.join();
      process.taskManagers = workers.length;
      process.addresses = workers.map((host) => host.address ?? '');
      if (process.addresses.join() !== before && !process.paused) process.slotsChanged();
      if (!process.paused && leader && process.wonAt === undefined) this.goOn(process);
    }
  }

  /** A host that was ended takes its JobManager along; what has its address now knows nothing but what lies in S3. */
  private followHost(process: Process, { address = '', instanceId }: FleetHost): void {
    const before = process.hosts.get(address) ?? instanceId;
    for (const one of this.managersOf(process)) if (one.state !== 'pending' && one.address) process.hosts.set(one.address, one.instanceId);
    process.hosts.set(address, instanceId);
    if (before === instanceId) return;
    process.loseDisk(address);
    if (process.lost) return;
    process.reachable = false;
    process.lost = true;
    process.life += 1;
  }

  /** Where the leader is gone, or out of reach of the stand-by, that one makes the next term its own. */
  private electSoon(process: Process, leader: FleetHost | undefined): void {
    if (process.electing || process.wonAt !== undefined || (leader && !process.paused && !this.lostZones.has(leader.zone))) return;
    if (!this.standbyOf(process, leader)) return;
    process.electing = true;
    this.scheduler.at(
      this.scheduler.now + this.chance.between(100, LOSS_NOTICED),
      `a stand-by of e${process.epoch} looks for its leader`,
      () => {
        process.electing = false;
        const present = this.leaderOf(process);
        if (present && !process.paused && !this.lostZones.has(present.zone)) return;
        const standby = this.standbyOf(process, present);
        if (standby) this.win(process, standby.address ?? '');
      },
    );
  }

  /** One that could lead: it runs, and is not in the zone that is lost with the leader. */
  private standbyOf(process: Process, leader: FleetHost | undefined): FleetHost | undefined {
    if (process.over || process.wonAt !== undefined) return undefined;
    return this.managersOf(process).find(
      ({ address, state, zone }) =>
        address !== process.leads &&
        state !== 'pending' &&
        !this.lostZones.has(zone) &&
        zone !== (leader && this.lostZones.has(leader.zone) ? leader.zone : ''),
    );
  }

  /** The leader stood still for a while, or was out of the stand-by's reach, and is given up although it lives. */
  changeLeader(): void {
    const led = this.processes.filter(({ over, lost }) => !over && !lost);
    if (led.length === 0) return;
    const process = this.chance.of(led);
    const standby = this.standbyOf(process, this.leaderOf(process));
    if (standby && this.scheduler.disturb(`a stand-by of e${process.epoch} gives its leader up`)) this.win(process, standby.address ?? '');
  }

  /** How long the winner of a term waits. */
  termWaits = TERM_WAITS;
  private win(process: Process, address: string): void {
    this.scheduler.note(`${address} has won the next term of e${process.epoch}`);
    const hasEnded = this.leaderOf(process) === undefined || process.lost;
    process.former = hasEnded || process.paused ? undefined : { life: process.life, until: this.scheduler.now + FENCE_FRESH };
    process.wonAt = this.scheduler.now;
    process.reachable = false;
    const waits = (hasEnded ? 0 : this.termWaits) + this.chance.between(0, 1_000);
    this.scheduler.at(this.scheduler.now + waits, `${address} leads e${process.epoch}`, () => {
      process.wonAt = undefined;
      if (process.over) return;
      process.leads = address;
      process.paused = false;
      this.recover(process);
      process.reachable = false;
    });
  }

  private goOn(process: Process): void {
    try {
      process.goOn();
    } catch (error) {
      if (!(error instanceof FlinkUnavailable)) throw error;
    }
  }

  /** A JobManager that was lost finds its fence, or its jobs. */
  private recover(process: Process): void {
    if (!this.mayEnter(process)) {
      this.halt(process);
      return;
    }
    process.lost = false;
    process.life += 1;
    process.blockedUntil = 0;
    process.begun.clear();
    for (const { flinkJobId } of process.inside) this.ledger.recovered(flinkJobId);
    process.recover();
    this.scheduler.note(`the JobManager of e${process.epoch} is back with its jobs`);
  }

  private checkpoints(): void {
    for (const process of this.processes)
      for (const { flinkJobId } of process.inside)
        if (this.mayCheckpoint(process, flinkJobId) && !process.begun.has(flinkJobId) && this.chance.is(0.5))
          this.write(process, flinkJobId);
  }

  /** Flink begins no checkpoint, and breaks off the one that was begun, while it writes the savepoint that a job is to stop with. */
  private mayCheckpoint(process: Process, flinkJobId: string): boolean {
    const job = process.inside.find((one) => one.flinkJobId === flinkJobId);
    const runs = job?.state === 'RUNNING' && job.running > 0 && !job.stopping;
    return (
      runs &&
      this.scheduler.now >= process.quietUntil &&
      !process.lost &&
      process.wonAt === undefined &&
      this.leaderOf(process) !== undefined &&
      this.canWrite(process)
    );
  }

  /** Tasks upload their parts, the JobManager writes `_metadata`, and nobody looks for a fence before that: it may come into being at any moment behind it. */
  private write(process: Process, flinkJobId: string): void {
    const { life } = process;
    process.begun.add(flinkJobId);
    this.scheduler.at(
      this.scheduler.now + this.chance.between(1, CHECKPOINT_WRITES),
      'a checkpoint is written',
      () => {
        if (process.life !== life) return;
        process.begun.delete(flinkJobId);
        if (!this.mayCheckpoint(process, flinkJobId)) return;
        const at = process.completeCheckpoint(flinkJobId);
        this.scheduler.note(`e${process.epoch} writes ${short(at)}`);
      },
      true,
    );
  }

  loseZoneFor(seconds: number, how: 'dark' | 'island'): void {
    const zone = this.zoneNow;
    if (!this.scheduler.disturb(`zone ${zone} is lost for ${seconds} s (${how})`)) return;
    this.lostZones.add(zone);
    this.fleet.zonesWithoutCapacity.add(zone);
    this.fleet.zonesOutOfReach.add(zone);
    for (const process of this.processes.filter((one) => this.isIn(one, zone))) {
      process.reachable = false;
      process.paused = how === 'dark';
    }
    this.scheduler.at(this.scheduler.now + seconds * SECOND, `zone ${zone} is back`, () => this.zoneReturns(zone));
  }

  /** Everything that was lost is there again. */
  heal(): void {
    for (const zone of ['us-east-1a', 'us-east-1b', 'us-east-1c']) this.zoneReturns(zone);
    this.fleet.typesWithoutCapacity.clear();
  }

  /** Executions that have not ended. */
  get underWay(): readonly { readonly kind: OperationKind }[] {
    return [...this.executions];
  }

  private zoneReturns(zone: string): void {
    this.lostZones.delete(zone);
    this.fleet.zonesWithoutCapacity.delete(zone);
    this.fleet.zonesOutOfReach.delete(zone);
    for (const process of this.processes.filter((one) => this.isIn(one, zone))) process.paused = false;
  }

  private isIn(process: Process, zone: string): boolean {
    return this.managersOf(process).some((one) => one.address === process.leads && one.zone === zone);
  }

  /** Zone of the cluster as it was seen last. */
  zoneNow = 'us-east-1a';

  loseHost(role: 'jobmanager' | 'taskmanager'): void {
    const hosts = this.fleet.instances().filter((one) => one.role === role && one.state === 'running' && !this.lostZones.has(one.zone));
    if (hosts.length === 0) return;
    const host = this.chance.of(hosts);
    if (!this.scheduler.disturb(`${host.owner.slice(-2)} loses the host of a ${role}`)) return;
    this.fleet.loseHost(host.instanceId);
    if (role !== 'jobmanager') return;
    const process = this.processes.find((one) => host.owner.endsWith(`-e${one.epoch}`));
    process?.loseDisk(host.address ?? '');
    if (!process || host.address !== process.leads) return;
    process.reachable = false;
    process.lost = true;
    process.life += 1;
  }

  // A run ----------------------------------------------------------------------------------------------------------------------

  /** From here on everything goes on side by side. */
  begin(): void {
    this.watchStarts();
    this.active = true;
    this.scheduler.now = this.now;
    this.spawned = this.workflows.started.length;
    this.repeat(SECOND, 'machines', () => this.machines());
    this.repeat(SECOND, 'checkpoints', () => this.checkpoints());
    this.repeat(MINUTE, 'sweep', () => void this.sweep());
  }

  private repeat(every: number, label: string, act: () => void): void {
    const again = (): void => {
      act();
      this.scheduler.at(this.scheduler.now + every, label, again, true);
    };
    this.scheduler.at(this.scheduler.now + every, label, again, true);
  }

  override async pause(seconds: number): Promise<void> {
    if (this.active) throw new Error("time is the scheduler's");
    await super.pause(seconds);
  }

  /** Goes on until this holds. @returns what was broken on the way */
  async until(holds: () => boolean | Promise<boolean>, most: number): Promise<readonly string[]> {
    for (const end = this.scheduler.steps + most; this.scheduler.steps < end; ) {
      await settled();
      for (const { kind, operationId } of this.workflows.started.slice(this.spawned)) {
        this.spawned += 1;
        void this.execution(kind, operationId).catch((error: unknown) =>
          this.ledger.broken.push(`${kind} broke the model: ${String(error)}`),
        );
      }
      const broken = await this.check();
      if (broken.length > 0) return broken;
      if (await holds()) return [];
      await this.scheduler.step();
      this.now = this.scheduler.now;
    }
    const open = (await this.store.openOperations()).map(({ kind, operationId }) => `${kind} ${operationId.slice(-6)}`);
    return [`it has not come to an end after ${most} steps: ${open.join(', ')}`];
  }

  private watchStarts(): void {
    for (const process of this.processes) {
      for (const flinkJobId of process.starts.slice(process.seen)) {
        const request = process.started(flinkJobId);
        const savepoint = request?.savepoint;
        this.ledger.started(flinkJobId, request?.jobName ?? '', savepoint);
        if (savepoint !== undefined && !this.storage.has(savepoint))
          this.ledger.broken.push(`${flinkJobId} was started from ${savepoint}, which is not there`);
        process.seen += 1;
      }
    }
  }

  /** What must hold at every step. */
  private async check(): Promise<readonly string[]> {
    this.watchStarts();
    for (const base of this.fleet.fenced) if (!this.deniedAt.has(base)) this.deniedAt.set(base, this.scheduler.now);
    for (const { epoch } of this.processes)
      if (
        epoch !== undefined &&
        !this.fencedAt.has(epoch) &&
        (await this.artifacts.size(`s3://state/${fenceKey('flights', epoch)}`)) !== undefined
      )
        this.fencedAt.set(epoch, this.scheduler.now);
    const cluster = await this.cluster();
    this.zoneNow = cluster.zone;
    return [...this.ledger.broken, ...this.twice(), ...this.unowned(cluster), ...this.foreign(cluster), ...this.backwards(cluster)];
  }

  /** A job that two could count records for. */
  private twice(): readonly string[] {
    const able = this.processes
      .filter((one) => !one.over && this.mayEnter(one))
      .flatMap((one) =>
        one.inside
          .filter(({ state }) => ['CREATED', 'RUNNING', 'RESTARTING'].includes(state))
          .map(({ name, flinkJobId }) => ({ name, says: `${flinkJobId} on e${one.epoch}` })),
      );
    const names = [...new Set(able.map(({ name }) => name))];
    return names.flatMap((name) => {
      const those = able.filter((one) => one.name === name).map(({ says }) => says);
      return those.length > 1 ? [`${name} runs twice: ${those.join(' and ')}`] : [];
    });
  }

  private highest = 0;
  /** An epoch that is not above all that were before it. */
  private backwards({ epoch }: Cluster): readonly string[] {
    const broken = epoch < this.highest ? [`epoch ${epoch} follows epoch ${this.highest}`] : [];
    this.highest = Math.max(this.highest, epoch);
    return broken;
  }

  /** Things in AWS of an epoch that the cluster does not know as its own. */
  private unowned({ epoch, resources, former = [], reserve, nextRole, status }: Cluster): readonly string[] {
    const standsBy = reserve && reserve.status !== 'gone' ? [reserve.epoch] : [];
    const owned = new Set([epoch, resources.epoch ?? epoch, ...former.map((one) => one.epoch), ...standsBy, nextRole?.epoch]);
    const names = this.fleet.leftovers().filter((name) => {
      const of = /-e(\d+)(?:-|$)/.exec(name)?.[1];
      return of !== undefined && (status === 'TERMINATED' || !owned.has(Number(of)));
    });
    return names.map((name) => `${name} belongs to nobody`);
  }

  /** Jobs on hosts that stand by for a move, besides the one that warmed them up and has ended before they were ready. */
  private foreign({ reserve }: Cluster): readonly string[] {
    return this.processes
      .filter(({ epoch, over }) => epoch !== undefined && epoch === reserve?.epoch && !over)
      .flatMap(({ inside }) => inside)
      .filter(({ name, state }) => name !== WARM_UP || (reserve?.status === 'ready' && !isFinal(state)))
      .map(({ name, state }) => `${name} is on the reserve, ${state}`);
  }

  /** What must hold when nothing is under way any more. A move that has failed was tried again until it did not. */
  async atTheEnd(): Promise<readonly string[]> {
    const cluster = await this.cluster();
    const jobs = (await this.store.jobs('flights', { limit: 100 })).items;
    const lost = jobs
      .filter(({ status }) => status === 'FINISHED')
      .map(({ name, statusReason }) => `${name} has no end, and is taken for finished: ${statusReason}`);
    const found = await violations(this);
    // Who was told to wait for the next move, and is not on its way any more.
    const forgotten = jobs.filter(
      ({ status, desired, statusReason }) =>
        cluster.status === 'RUNNING' && desired === 'RUNNING' && status === 'FAILED' && FORGOTTEN.test(statusReason),
    );
    const { items } = await this.store.operationsOf('flights', { limit: 100 });
    const kindOf = (id: string | undefined): string | undefined => items.find(({ operationId }) => operationId === id)?.kind;
    const down = jobs.filter(
      ({ status, desired, stopAskedBy }) =>
        cluster.status === 'RUNNING' && desired === 'RUNNING' && status === 'STOPPED' && kindOf(stopAskedBy) === 'upgrade-job',
    );
    // Whoever wanted it stopped was told that it did not work, and may ask again.
    const told = items.some(({ kind, status, error }) => kind === 'stop-job' && status === 'FAILED' && error?.name !== INTERRUPTED);
    const unwanted = jobs.filter(
      ({ desired, status }) => !told && cluster.status === 'RUNNING' && desired === 'STOPPED' && !isJobOver(status),
    );
    const warm = cluster.spec.placement.failover.capacity === 'warm' && cluster.status === 'RUNNING' && cluster.desired === 'RUNNING';
    const bare = warm && cluster.reserve?.status !== 'ready' ? [`no reserve stands by: ${JSON.stringify(cluster.reserve)}`] : [];
    return [
      ...lost,
      ...forgotten.map(({ name, statusReason }) => `${name} is to run, and nobody starts it: ${statusReason}`),
      ...down.map(({ name, stopAskedBy }) => `${name} was stopped for ${stopAskedBy}, and nobody starts it`),
      ...bare,
      ...this.foreign(cluster),
      ...unwanted.map(({ name, status }) => `${name} is to be stopped and is ${status}`),
      ...found,
    ];
  }
}

/** Of a job that was not started by anybody: it has failed by no deed of its own. */
const FORGOTTEN = /Flink does not know the job|waits for the next failover/;

const never = (): Promise<never> => new Promise(() => undefined);
const short = (location: string): string =>
  location
    .split('/')
    .slice(-2)
    .join('/')
    .replace(/^(\w{6})\w+/, '$1');
