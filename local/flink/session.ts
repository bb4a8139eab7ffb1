import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { install, paths } from '../install/install';
import { awaited, FlinkCluster, type HostSpec } from './cluster';

export interface SessionProps {
  /** Loopback address of the JobManager; TaskManagers take the ones after it. Two Flinks at a time need addresses of their own. */
  readonly address: string;
  /** @default 8081 */
  readonly restPort?: number;
  /** Emptied first; its files are there: configuration, logs, checkpoints. */
  readonly directory: string;
  /** @default 1 */
  readonly taskManagers?: number;
  /** Of each TaskManager. @default 2 */
  readonly slots?: number;
  /** Added to what says where it runs and how small it is. */
  readonly configuration?: Readonly<Record<string, string>>;
}

const READY_WITHIN_MS = 90_000;

/** A small session cluster of real Flink on loopback addresses, with files for state: one JobManager, and TaskManagers that can be lost. */
export class Session {
  readonly address: string;
  readonly restPort: number;
  readonly url: string;
  readonly directory: string;
  private readonly slots: number;
  private readonly configuration: Readonly<Record<string, string>>;
  private readonly cluster: FlinkCluster;
  private readonly jobManager: HostSpec;
  private taskManagers: readonly HostSpec[] = [];
  private started = 0;

  private constructor(props: SessionProps) {
    this.address = props.address;
    this.restPort = props.restPort ?? 8081;
    this.url = `http://${this.address}:${this.restPort}`;
    this.directory = resolve(props.directory);
    this.slots = props.slots ?? 2;
    this.configuration = { ...this.place(), ...props.configuration };
    this.cluster = new FlinkCluster({ directory: this.directory, image: paths().flink() });
    this.jobManager = { id: 'jobmanager', role: 'jobmanager', addresses: [this.address], configuration: this.configuration };
  }

  /** All slots are there. @throws when they are not in time */
  static async start(props: SessionProps): Promise<Session> {
    await install();
    const session = new Session(props);
    rmSync(session.directory, { recursive: true, force: true });
    try {
      session.cluster.startHost(session.jobManager);
      for (let count = 0; count < (props.taskManagers ?? 1); count += 1) session.startTaskManager();
      await session.ready();
      return session;
    } catch (error) {
      await session.stop();
      throw error;
    }
  }

  /** One more, at an address that none had. */
  startTaskManager(): void {
    this.started += 1;
    const [network, last] = [this.address.slice(0, this.address.lastIndexOf('.')), this.address.slice(this.address.lastIndexOf('.') + 1)];
    const addresses = [`${network}.${Number(last) + this.started}`];
    const host: HostSpec = { id: `host-${this.started}`, role: 'taskmanager', addresses, configuration: this.configuration };
    this.cluster.startHost(host);
    this.taskManagers = [...this.taskManagers, host];
  }

  /** Of the TaskManagers that are there. */
  pids(): readonly number[] {
    return this.taskManagers.map((host) => this.cluster.pid(host));
  }

  /** Standard output of the TaskManagers that are there. */
  printed(): string {
    return this.taskManagers.map((host) => readFileSync(join(this.cluster.home(host), 'log', 'taskmanager-1.out'), 'utf8')).join('');
  }

  /** SIGKILL of its host's processes. */
  killJobManager(): Promise<void> {
    return this.cluster.endHost(this.jobManager);
  }

  async killTaskManagers(): Promise<void> {
    const lost = this.taskManagers;
    this.taskManagers = [];
    await Promise.all(lost.map((host) => this.cluster.endHost(host)));
  }

  stop(): Promise<void> {
    return this.cluster.stop();
  }

  private async ready(): Promise<void> {
    const wanted = this.taskManagers.length * this.slots;
    const there = async (): Promise<true | undefined> => {
      const answer = await fetch(`${this.url}/overview`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
      const overview = (await answer?.json()) as { readonly 'slots-total'?: number } | undefined;
      return (overview?.['slots-total'] ?? 0) >= wanted || undefined;
    };
    await awaited(`${wanted} slots of Flink at ${this.url}`, there, { withinMs: READY_WITHIN_MS, everyMs: 200 });
  }

  private place(): Record<string, string> {
    return {
      'jobmanager.rpc.address': this.address,
      'jobmanager.rpc.port': '6123',
      'blob.server.port': '6124',
      'rest.address': this.address,
      'rest.port': String(this.restPort),
      'taskmanager.rpc.port': '6123',
      'taskmanager.data.port': '6124',
      'taskmanager.numberOfTaskSlots': String(this.slots),
      'jobmanager.memory.process.size': '1100m',
      'taskmanager.memory.process.size': '1100m',
      'jobmanager.scheduler': 'adaptive',
      'execution.checkpointing.dir': `file://${this.directory}/checkpoints`,
      'execution.checkpointing.savepoint-dir': `file://${this.directory}/savepoints`,
      'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
      'env.java.opts.all': '-XX:+UseSerialGC -Xshare:auto',
    };
  }
}
