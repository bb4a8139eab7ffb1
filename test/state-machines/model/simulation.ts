import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as settled } from 'node:timers/promises';
import type { Cluster } from '../../../lambdas/contracts/cluster';
import {
  AwsUnavailable,
  Conflict,
  FlinkUnavailable,
  IdempotencyKeyReused,
  InvalidRequest,
  NotFound,
} from '../../../lambdas/contracts/errors';
import type { OperationKind } from '../../../lambdas/contracts/operation';
import { isFinal } from '../../../lambdas/domain/decide-job-progress';
import { isJobOver } from '../../../lambdas/domain/job-lifecycle';
import { INTERRUPTED } from '../../../lambdas/domain/operation-end';
import { checkpointsPrefix, fenceKey } from '../../../lambdas/domain/state-paths';
import { WARM_UP } from '../../../lambdas/usecases/warm-up';
import type { StateKept } from '../../fakes/fake-flink';
import { event, invoke } from '../support/functions';
import { definitionOf, execute, StepError, Stopped } from '../support/interpreter';
import { violations } from '../support/recover';
import { FlinkOnS3, World } from '../support/world';
import { Chance } from './chance';
import { Ledger } from './ledger';
import { type Activity, type Fate, Scheduler, type Weather } from './scheduler';

/** A function may run so long (lib/config/functions.ts), ms. */
const FUNCTION_TIMEOUT = 30_000;
/** A JobManager looks for its fence at most so long before each checkpoint that it enters (tools/artifacts/ha), ms. */
const FENCE_FRESH = 1_000;
/** So long IAM takes to spread at most, ms. */
const IAM_SPREADS = 5_000;
/** Flink answers a start, or the job shows, within this (`domain/start-asked`), ms. */
const LATE_START = 60_000;
/** Checkpoints that Flink keeps of a running job (`domain/flink-defaults`). */
const RETAINED = 3;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A JobManager's process with its TaskManagers, as it is and not as the control plane sees it. */
class Process extends FlinkOnS3 {
  epoch: number | undefined;
  address = '';
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

  protected override keep(state: StateKept): void {
    this.simulation().keep(this, state, () => super.keep(state));
  }
}

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
        const place = target instanceof Process ? `${name}(e${target.epoch ?? '?'})` : name;
        return (...args: unknown[]) =>
          this.call(name, place, key, () => this.mutate(name, key, () => value.apply(object, args) as Promise<unknown>, args));
      },
    });
  }

  private async call(port: string, place: string, method: string, effect: () => Promise<unknown>): Promise<unknown> {
    const activity = this.running.getStore();
    if (!activity) return effect();
    const fates = port !== 'flink' ? AWS_FATES : RUN_LATE.includes(method) ? LATE_FATES : FLINK_FATES;
    const fate = await this.scheduler.turn(`${place}.${method}`, activity, fates);
    if (activity.dead) {
      // Sent before it died: it takes place, and nobody hears of it.
      await effect().catch(() => undefined);
      return never();
    }
    const failure = (): Error => (port === 'flink' ? new FlinkUnavailable('answered 500') : new AwsUnavailable('answered 500'));
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
        this.scheduler.at(
          this.scheduler.now + this.chance.between(1, LATE_START / SECOND) * SECOND,
          `${place}.${method} takes effect`,
          async () => {
            await effect().catch(() => undefined);
          },
        );
        throw failure();
      case 'dies before':
        this.kill(activity, 'Runtime.ExitError');
        return never();
      case 'dies after':
        await effect().catch(() => undefined);
        this.kill(activity, 'Runtime.ExitError');
        return never();
    }
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
          const answer = this.function(name, () => invoke(placeholder, payload), operationId);
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
    } catch (error) {
      if (error instanceof StepError || error instanceof AwsUnavailable || error instanceof FlinkUnavailable)
        this.scheduler.note(`${name}: ${error.message}`);
      else if (REFUSALS.some((kind) => error instanceof kind)) this.scheduler.note(`${name} is refused: ${(error as Error).message}`);
      else if (error instanceof Error && /could not be swept/.test(error.message)) this.scheduler.note(`${name}: ${error.message}`);
      else this.ledger.broken.push(`${name} failed: ${String(error)}`);
    }
  }

  async sweep(only?: string): Promise<void> {
    if (!this.sweeps) return;
    const detail = { name: only, status: 'FAILED' };
    const ended = { source: 'aws.states', 'detail-type': 'Step Functions Execution Status Change', detail };
    await this.asks(only ? `sweeper of ${only.slice(-6)}` : 'sweeper', () => event('sweep-operations', only ? ended : {}));
  }

  // Machines -------------------------------------------------------------------------------------------------------------------

  /** A state is complete as far as its files go; whether it counts is up to what its JobManager finds. */
  keep(process: Process, state: StateKept, write: () => void): void {
    if (!this.active) {
      write();
      this.watchStarts();
      this.ledger.written(state.flinkJobId, state.location);
      this.ledger.completed(state.location, true);
      return;
    }
    if (!this.canWrite(process)) throw new FlinkUnavailable('S3 refuses it');
    write();
    this.watchStarts();
    this.ledger.written(state.flinkJobId, state.location);
    const savepoint = state.location.includes('/savepoint-');
    if (savepoint) {
      // Flink enters no savepoint among its checkpoints: nobody looks for the fence.
      this.ledger.completed(state.location, state.ends);
      return;
    }
    this.enterSoon(process, state, process.life);
  }

  private enterSoon(process: Process, state: StateKept, life: number): void {
    this.scheduler.at(
      this.scheduler.now + this.chance.between(0, 900),
      `e${process.epoch} enters ${short(state.location)}`,
      () => {
        if (process.over || process.life !== life) return;
        // What stands still enters it when it goes on.
        if (process.paused) this.enterSoon(process, state, life);
        else if (!this.mayEnter(process)) this.halt(process);
        else if (this.canWrite(process) && process.inside.some((job) => job.flinkJobId === state.flinkJobId && job.state === 'RUNNING'))
          this.enter(process, state);
      },
      true,
    );
  }

  /** An entered checkpoint counts, and older ones of the start are deleted. */
  private enter(process: Process, state: StateKept): void {
    this.scheduler.note(`e${process.epoch} has entered ${short(state.location)}`);
    this.ledger.completed(state.location, true);
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
    return !process.over && !process.paused && (deniedAt === undefined || this.scheduler.now < deniedAt + IAM_SPREADS);
  }

  private mayEnter(process: Process): boolean {
    const at = this.fencedAt.get(process.epoch ?? 0);
    return at === undefined || this.scheduler.now < at + FENCE_FRESH;
  }
  /** By epoch: since when its fence lies in S3. */
  private readonly fencedAt = new Map<number, number>();

  /** Where the machines are by now. */
  private machines(): void {
    this.fleet.goOn();
    const instances = this.fleet.instances();
    for (const process of this.processes) {
      const hosts = instances.filter(({ owner }) => owner.endsWith(`-flights-e${process.epoch}`));
      const leader = hosts.find(({ role }) => role === 'jobmanager');
      if (process.over) continue;
      if (process.epoch !== undefined && !leader && this.fleet.fenced.has(`sluice-test-flights-e${process.epoch}`)) {
        process.over = true;
        process.reachable = false;
        continue;
      }
      // What is told to go works on until it is gone.
      const there = hosts.filter(({ state }) => state !== 'pending');
      const wasThere = process.reachable;
      const cutOff = this.fleet.fenced.has(`sluice-test-flights-e${process.epoch}`);
      const answers = leader !== undefined && leader.state !== 'pending' && !this.lostZones.has(leader.zone) && !process.paused && !cutOff;
      if (answers && !wasThere && process.lost) this.recover(process);
      process.reachable = answers && !process.over;
      const workers = there.filter((host) => host.role === 'taskmanager' && !host.marks?.drain);
      const before = process.addresses.join();
      process.taskManagers = workers.length;
      process.addresses = workers.map((host) => host.address ?? '');
      if (process.addresses.join() !== before && !process.paused) process.slotsChanged();
      if (!process.paused && leader) this.goOn(process);
    }
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
    for (const { flinkJobId } of process.inside) this.ledger.recovered(flinkJobId);
    process.recover();
    this.scheduler.note(`the JobManager of e${process.epoch} is back with its jobs`);
  }

  private checkpoints(): void {
    for (const process of this.processes) {
      const alive = this.fleet.instances().some((one) => one.owner.endsWith(`-flights-e${process.epoch}`) && one.role === 'jobmanager');
      if (!alive || process.lost || !this.canWrite(process)) continue;
      for (const { flinkJobId, state, running } of process.inside)
        if (state === 'RUNNING' && running > 0 && this.chance.is(0.5)) {
          const at = process.completeCheckpoint(flinkJobId);
          this.scheduler.note(`e${process.epoch} writes ${short(at)}`);
        }
    }
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
    return this.fleet.instances().some((one) => one.role === 'jobmanager' && one.zone === zone && one.owner.endsWith(`-e${process.epoch}`));
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
    if (!process) return;
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
  private unowned({ epoch, resources, former = [], reserve, status }: Cluster): readonly string[] {
    const standsBy = reserve && reserve.status !== 'gone' ? [reserve.epoch] : [];
    const owned = new Set([epoch, resources.epoch ?? epoch, ...former.map((one) => one.epoch), ...standsBy]);
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

  /** What must hold when nothing is under way any more. Jobs of a cluster whose failover has failed wait for the next one, stopped or not. */
  async atTheEnd(): Promise<readonly string[]> {
    const cluster = await this.cluster();
    const jobs = (await this.store.jobs('flights', { limit: 100 })).items;
    const lost = jobs
      .filter(({ status }) => status === 'FINISHED')
      .map(({ name, statusReason }) => `${name} has no end, and is taken for finished: ${statusReason}`);
    const waits = cluster.status === 'FAILED' ? jobs.filter(({ interrupted }) => interrupted).map(({ flinkJobId }) => flinkJobId) : [];
    const found = (await violations(this)).filter((one) => !waits.some((flinkJobId) => one.startsWith(`Flink has ${flinkJobId}`)));
    const { items } = await this.store.operationsOf('flights', { limit: 100 });
    // Whoever wanted it stopped was told that it did not work, and may ask again.
    const told = items.some(({ kind, status, error }) => kind === 'stop-job' && status === 'FAILED' && error?.name !== INTERRUPTED);
    const unwanted = jobs.filter(
      ({ desired, status }) => !told && cluster.status === 'RUNNING' && desired === 'STOPPED' && !isJobOver(status),
    );
    const warm = cluster.spec.placement.failover.capacity === 'warm' && cluster.status === 'RUNNING' && cluster.desired === 'RUNNING';
    const bare = warm && cluster.reserve?.status !== 'ready' ? [`no reserve stands by: ${JSON.stringify(cluster.reserve)}`] : [];
    return [
      ...lost,
      ...bare,
      ...this.foreign(cluster),
      ...unwanted.map(({ name, status }) => `${name} is to be stopped and is ${status}`),
      ...found,
    ];
  }
}

const never = (): Promise<never> => new Promise(() => undefined);
const short = (location: string): string =>
  location
    .split('/')
    .slice(-2)
    .join('/')
    .replace(/^(\w{6})\w+/, '$1');
