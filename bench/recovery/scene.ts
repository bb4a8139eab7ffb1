import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { renderJobConfiguration } from '../../lambdas/domain/flink-config';
import { flinkJobIdOf } from '../../lambdas/domain/flink-job-id';
import { recoveryPrefix } from '../../lambdas/domain/state-paths';
import { awaited, FlinkCluster, type HostSpec } from '../../local/flink/cluster';
import type { Storage } from '../../local/flink/storage';
import { type Recovery, readInstances, recoveryAfter, type TaskInstance } from './events';
import { JobClient } from './job-client';
import { newestTerm } from './terms';
import { configurationOf, type Shape, type Variant } from './variants';

/** `taskmanager`: SIGKILL of one with tasks; `vanished`: SIGSTOP, so that no connection closes; `jobmanager`: SIGKILL. */
export type Fault = 'taskmanager' | 'vanished' | 'jobmanager';

export interface Case {
  readonly fault: Fault;
  readonly variant: Variant;
  readonly stateMB: number;
  readonly localRecovery: boolean;
}

/** One recovery, ms after the fault. */
export interface Measured extends Recovery {
  /** Flink (a lost TaskManager) or the supervisor (a lost JobManager) knows. */
  readonly detected: number;
  /** REST answers again; only for a lost JobManager. */
  readonly answers?: number;
  /** The first checkpoint that began after the fault is complete. */
  readonly checkpoint: number;
}

const PARALLELISM = 4;
const SLOTS = 2;
export const BUCKET = 'state';
const KEYS = 1_000;
const RATE = 2_000;
/** Shorter than a cluster's default of 10 s, for more repetitions in the same time; the same in all variants. */
const CHECKPOINT_INTERVAL = '3 s';
/**
 * Each fault shall be the job's first: a restart waits longer the more failures came shortly after one another, and here they come in seconds instead of
 * weeks. Shorter than the pause between two faults; the same in all variants.
 */
const WELL_AGAIN = '3 s';
/** A stand-by gets itself ready after it is up (StandBy.java). */
const STANDBY_WARM_MS = 5_000;
const JOB_MANAGERS = ['127.92.1.10', '127.92.1.11'] as const;

/** A cluster with the job under load, to which faults happen. */
export class Scene {
  readonly cluster: FlinkCluster;
  /** The first, and where there is a stand-by, both. */
  readonly jobManagers: readonly HostSpec[];
  private readonly clients: ReadonlyMap<string, JobClient>;
  private leading: HostSpec;
  private readonly taskManagers: readonly HostSpec[];
  private readonly report: string;
  private epoch = 0;

  constructor(
    private readonly which: Case,
    private readonly props: {
      readonly directory: string;
      readonly image: string;
      readonly jar: string;
      readonly storage: Storage;
      readonly settings?: Readonly<Record<string, string>>;
    },
  ) {
    const shape: Shape = {
      jobManagerAddresses: JOB_MANAGERS,
      stateBucket: BUCKET,
      slotsPerTaskManager: SLOTS,
      taskManagerMemoryMiB: 1_100,
    };
    const settings = (role: HostSpec['role']) => configurationOf(which.variant, role, shape, props.storage.endpoint, props.settings);
    // One more than the job needs stands by; not with the operator's defaults.
    const count = PARALLELISM / SLOTS + (which.variant === 'operator' ? 0 : 1);
    const [first, second] = JOB_MANAGERS.map(
      (address, index): HostSpec => ({
        id: index === 0 ? 'jobmanager' : `jobmanager-${index + 1}`,
        role: 'jobmanager',
        addresses: [address],
        configuration: settings('jobmanager'),
      }),
    ) as [HostSpec, HostSpec];
    this.jobManagers = which.variant === 'standby' ? [first, second] : [first];
    this.clients = new Map(this.jobManagers.map(({ id, addresses: [address = ''] }) => [id, new JobClient(address)]));
    this.leading = first;
    this.taskManagers = Array.from({ length: count }, (_, index) => ({
      id: `host-${index + 1}`,
      role: 'taskmanager',
      addresses: [`127.92.1.${20 + index}`],
      configuration: settings('taskmanager'),
    }));
    this.report = join(props.directory, 'report');
    const { directory, image, storage } = props;
    this.cluster = new FlinkCluster({ directory, image, environment: storage.environment, keepsClassesAfterSeconds: 5 });
  }

  /** The JobManager that led when `findLeader` looked last. */
  get jobManager(): HostSpec {
    return this.leading;
  }

  get client(): JobClient {
    return this.clientOf(this.leading);
  }

  clientOf({ id }: Pick<HostSpec, 'id'>): JobClient {
    const client = this.clients.get(id);
    if (!client) throw new Error(`${id} is no JobManager`);
    return client;
  }

  /** Without a stand-by it is always the same. @returns the number of its term */
  async findLeader(): Promise<number> {
    if (this.jobManagers.length === 1) return 0;
    const { address, term } = await awaited('A leader', () => newestTerm(this.props.storage.s3, BUCKET, recoveryPrefix('bench', 1)), {
      withinMs: 120_000,
      everyMs: 50,
    });
    this.leading = this.jobManagers.find(({ addresses }) => addresses[0] === address) ?? this.leading;
    return term;
  }

  /** The same at every start of one epoch of the job. */
  get flinkJobId(): string {
    return flinkJobIdOf({ cluster: 'bench', clusterEpoch: 1, job: 'ledger', jobEpoch: this.epoch });
  }

  async start(): Promise<void> {
    mkdirSync(this.report, { recursive: true });
    for (const host of [...this.jobManagers, ...this.taskManagers]) this.cluster.startHost(host);
    await this.findLeader();
    await this.allThere();
    await this.startJob();
    // Not those of a spare TaskManager, or of a stand-by that has not led yet: neither has worked.
    const working = [this.leading, ...(await this.busyTaskManagers())];
    const kept = () => working.every((host) => this.cluster.classArchive(host) !== undefined) || undefined;
    await awaited('The archives of classes', kept, { withinMs: 240_000, everyMs: 250 });
  }

  /**
   * The next epoch of the job, without state; there is a checkpoint of all of its state afterwards.
   * @param more arguments of the program
   */
  async startJob(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const { which, client, props } = this;
    this.epoch += 1;
    const jarId = await client.upload(props.jar);
    const local = which.localRecovery
      ? {}
      : { 'execution.state-recovery.from-local': 'false', 'execution.checkpointing.local-backup.enabled': 'false' };
    await client.flink.runJar({
      jarId,
      flinkJobId: this.flinkJobId,
      jobName: 'ledger',
      parallelism: PARALLELISM,
      allowNonRestoredState: false,
      arguments: Object.entries({ report: this.report, rate: RATE, keys: KEYS, 'state-bytes': which.stateMB * 1e6, ...more }).flatMap(
        ([key, value]) => [`--${key}`, String(value)],
      ),
      flinkConfiguration: renderJobConfiguration({
        stateBucket: BUCKET,
        cluster: 'bench',
        job: 'ledger',
        flinkConfiguration: {
          'execution.checkpointing.interval': CHECKPOINT_INTERVAL,
          'execution.checkpointing.min-pause': '1 s',
          'restart-strategy.exponential-delay.reset-backoff-threshold': WELL_AGAIN,
          ...local,
        },
      }),
    });
    const full = async () => ((await client.latestCheckpoint(this.flinkJobId))?.stateBytes ?? 0) > which.stateMB * 0.95e6 || undefined;
    await awaited(`A checkpoint of ${which.stateMB} MB`, full, { withinMs: 180_000, everyMs: 250 });
  }

  /** Waits until everything is as before the last fault, and a random part of a checkpoint interval longer. */
  async settle(): Promise<void> {
    await this.allThere();
    if (this.which.fault === 'jobmanager') for (const host of this.jobManagers) await this.forgetDeaths(host);
    if (this.jobManagers.length > 1) await this.standbyThere();
    const from = Date.now();
    const checkpointed = async () => ((await this.client.latestCheckpoint(this.flinkJobId))?.triggeredAt ?? 0) > from || undefined;
    await awaited('A checkpoint', checkpointed, { withinMs: 90_000, everyMs: 250 });
    await sleep(Math.random() * 3_000);
  }

  /** A supervisor waits before it starts what dies again and again; a new one knows of no death. On a host that was well for a minute it is the same. */
  private async forgetDeaths(host: HostSpec): Promise<void> {
    if ((this.cluster.processes(host)[0]?.deaths.length ?? 0) === 0) return;
    await this.cluster.endHost(host);
    this.cluster.startHost(host);
    const renewed = () => (this.cluster.processes(host)[0]?.deaths.length === 0 ? true : undefined);
    await awaited('A supervisor', renewed, { withinMs: 30_000 });
    await this.findLeader();
    await this.allThere();
    await awaited('An answer of the JobManager', async () => (await this.client.up()) || undefined, { withinMs: 120_000 });
    await awaited('The job', async () => (await this.client.latestCheckpoint(this.flinkJobId).catch(() => undefined)) && true, {
      withinMs: 120_000,
    });
  }

  /** It answers with what the leader says. */
  async standbyThere(): Promise<void> {
    await this.findLeader();
    const up = await Promise.all(
      this.jobManagers.map((host) => awaited(host.id, async () => (await this.clientOf(host).up()) || undefined, { withinMs: 120_000 })),
    );
    if (up.length > 1) await sleep(STANDBY_WARM_MS);
  }

  async suffer(): Promise<Measured> {
    const { fault } = this.which;
    const victim = fault === 'jobmanager' ? this.jobManager : (await this.busyTaskManagers())[0];
    if (!victim) throw new Error('no TaskManager has a task');
    const pid = this.cluster.pid(victim);
    const other = this.jobManagers.find(({ id }) => id !== this.leading.id);
    const at = performance.timeOrigin + performance.now();
    process.kill(pid, fault === 'vanished' ? 'SIGSTOP' : 'SIGKILL');
    const since = (time: number): number => time - at;
    let answers: number | undefined;
    if (fault === 'jobmanager') {
      if (other) this.leading = other;
      const up = async () => (await this.client.up()) || undefined;
      await awaited('An answer of the JobManager', up, { withinMs: 120_000 });
      answers = since(performance.timeOrigin + performance.now());
    }
    const withinMs = 240_000;
    const recovered = () => recoveryAfter(at, this.instances(), PARALLELISM);
    await awaited('A record of every restarted subtask', recovered, { withinMs });
    const checkpoint = await awaited('A new checkpoint', () => this.checkpointAfter(at), { withinMs, everyMs: 50 });
    if (fault === 'vanished') process.kill(pid, 'SIGKILL');
    const recovery = recovered();
    if (!recovery) throw new Error('A subtask was restarted once more after the first checkpoint');
    return {
      ...recovery,
      detected: since(fault === 'jobmanager' ? this.diedAt(victim, pid) : await this.failedAt(at)),
      ...(answers === undefined ? {} : { answers }),
      checkpoint: since(checkpoint),
    };
  }

  /** Of all subtasks and all their instances so far. */
  instances(): readonly TaskInstance[] {
    return readInstances(this.report);
  }

  stop(): Promise<void> {
    return this.cluster.stop();
  }

  private async allThere(): Promise<void> {
    const slots = this.taskManagers.length * SLOTS;
    const there = async () => (await this.client.flink.overview().catch(() => undefined))?.slotsTotal === slots || undefined;
    await awaited(`${slots} slots`, there, { withinMs: 120_000, everyMs: 100 });
  }

  /** Those with the most tasks first. */
  async busyTaskManagers(): Promise<readonly HostSpec[]> {
    const busy = (await this.client.flink.listTaskManagers()).filter(({ slotsFree, slotsTotal }) => slotsFree < slotsTotal);
    return busy
      .sort((a, b) => a.slotsFree - b.slotsFree)
      .flatMap((one) => this.taskManagers.find(({ id }) => one.id.startsWith(`${id}-`)) ?? []);
  }

  private async checkpointAfter(at: number): Promise<number | undefined> {
    const latest = await this.client.latestCheckpoint(this.flinkJobId);
    return latest && latest.triggeredAt > at ? latest.completedAt : undefined;
  }

  private diedAt(host: HostSpec, pid: number): number {
    const death = this.cluster.processes(host)[0]?.deaths.find((one) => one.pid === pid);
    return death ? Date.parse(death.at) : Number.NaN;
  }

  /** The first failure since the fault: what restarts then may fail again. */
  private async failedAt(at: number): Promise<number> {
    const times = await this.client.failuresAt(this.flinkJobId);
    return times.findLast((time) => time >= at - 1) ?? Number.NaN;
  }
}
