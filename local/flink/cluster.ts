import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toYaml } from '../../lambdas/domain/flink-config';

/** One host: the processes that the node's supervisor keeps alive there. */
export interface HostSpec {
  readonly id: string;
  readonly role: 'jobmanager' | 'taskmanager';
  /** A TaskManager each, or the JobManager's. */
  readonly addresses: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
}

export interface ClusterProps {
  /** Empty or absent; hosts live in folders below it. */
  readonly directory: string;
  /** Flink as a node has it. */
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** For how long a process must have loaded hardly a class before its archive is written. @default as on a node */
  readonly keepsClassesAfterSeconds?: number;
}

/** A process as the supervisor tells of it. */
export interface ProcessSeen {
  readonly name: string;
  readonly pid: number | null;
  readonly starts: number;
  readonly deaths: readonly { readonly at: string; readonly how: string; readonly pid: number }[];
}

const ROOT = resolve(__dirname, '../..');
const GUARD = join(ROOT, 'local/twin/guard.py');

/** Real Flink processes on loopback addresses, started and kept alive by what does it on a node, without emulated instances around them. */
export class FlinkCluster {
  private readonly guards = new Map<string, ChildProcess>();

  constructor(private readonly props: ClusterProps) {}

  /** The host boots, with what lies in its folder. */
  startHost(host: HostSpec): void {
    const { image, environment } = this.props;
    const home = this.home(host);
    mkdirSync(join(home, 'conf'), { recursive: true });
    const entries = Object.entries(host.configuration).map(([key, value]) => ({ key, value, source: 'cluster' as const }));
    writeFileSync(join(home, 'conf', 'config.yaml'), toYaml(entries));
    copyFileSync(join(ROOT, 'node/log4j.properties'), join(home, 'conf', 'log4j.properties'));
    const { role, id, addresses } = host;
    const spec = { home, image, java: 'java', role, id, addresses, keepsClassesAfter: this.props.keepsClassesAfterSeconds };
    writeFileSync(join(home, 'host.json'), JSON.stringify(spec));
    const log = openSync(join(home, 'supervisor.log'), 'a');
    const command = [GUARD, '0', 'python3', join(__dirname, 'host.py'), join(home, 'host.json')];
    const guard = spawn('python3', ['-IS', ...command], { env: { ...process.env, ...environment }, stdio: ['pipe', log, log] });
    closeSync(log);
    this.guards.set(host.id, guard);
  }

  home(host: Pick<HostSpec, 'id'>): string {
    return join(this.props.directory, host.id);
  }

  processes(host: Pick<HostSpec, 'id'>): readonly ProcessSeen[] {
    try {
      return (JSON.parse(readFileSync(join(this.home(host), 'status.json'), 'utf8')) as { processes: ProcessSeen[] }).processes;
    } catch {
      return []; // Not written yet.
    }
  }

  /** With it the process starts as on a host where it has been up for a while. Undefined until it is made. */
  classArchive({ id, role }: Pick<HostSpec, 'id' | 'role'>): string | undefined {
    const classes = join(this.home({ id }), 'state', 'classes');
    const name = readdirSync(classes).find((one) => one.startsWith(`${role}-`) && one.endsWith('.jsa'));
    return name && join(classes, name);
  }

  pid(host: Pick<HostSpec, 'id'>, number = 0): number {
    const pid = this.processes(host)[number]?.pid;
    if (!pid) throw new Error(`${host.id} has no process ${number}`);
    return pid;
  }

  /** The whole host at once, supervisor included. */
  async endHost(host: Pick<HostSpec, 'id'>): Promise<void> {
    const guard = this.guards.get(host.id);
    this.guards.delete(host.id);
    if (!guard || guard.exitCode !== null || guard.signalCode !== null) return;
    const ended = new Promise((done) => guard.once('exit', done));
    guard.stdin?.end();
    await ended;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.guards.keys()].map((id) => this.endHost({ id })));
  }
}

/** Looks every `everyMs` until there is something to see. @throws when there is nothing after `withinMs` */
export const awaited = async <T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  { withinMs, everyMs = 20 }: { readonly withinMs: number; readonly everyMs?: number },
): Promise<T> => {
  for (const deadline = performance.now() + withinMs; performance.now() < deadline; await sleep(everyMs)) {
    const seen = await look();
    if (seen !== undefined) return seen;
  }
  throw new Error(`${what}: not within ${withinMs / 1_000} s`);
};
