import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { install, paths } from '../../../local/install/install';

/**
 * A real Flink for tests: one JobManager and TaskManagers as processes on loopback addresses. Each has a guard of its own, so that it
 * ends with the test process, however that ends.
 */
export interface RealFlink {
  readonly address: string;
  readonly restPort: number;
  readonly url: string;
  /** Its files: configuration, logs, checkpoints. */
  readonly directory: string;
  startTaskManager(): Promise<void>;
  /** SIGKILL, as when a host dies. */
  killJobManager(): Promise<void>;
  killTaskManagers(): Promise<void>;
  stop(): Promise<void>;
}

export interface FlinkOptions {
  /** Loopback address of the JobManager; TaskManagers take the ones after it. Two Flinks at a time need addresses of their own. */
  readonly address: string;
  readonly restPort: number;
  readonly directory: string;
  /** @default 1 */
  readonly taskManagers?: number;
  /** Of each TaskManager. @default 2 */
  readonly slots?: number;
  /** Added to the configuration, key by key. */
  readonly configuration?: Readonly<Record<string, string>>;
}

const GUARD = resolve(__dirname, '../../../local/twin/guard.py');
const READY_WITHIN_MS = 60_000;

/** The distribution that the twin has too; installed when it is not there. */
async function flinkHome(): Promise<string> {
  await install();
  return paths().flink();
}

const OPENS = ['lang', 'util', 'net', 'nio', 'util.concurrent', 'time', 'io', 'text'].map(
  (name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`,
);
// Test processes are short-lived: the second compiler costs more than it brings on two cores.
const JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', ...OPENS];

export async function startFlink(options: FlinkOptions): Promise<RealFlink> {
  const { address, restPort, taskManagers = 1, slots = 2 } = options;
  const home = await flinkHome();
  const directory = resolve(options.directory);
  rmSync(directory, { recursive: true, force: true });
  for (const part of ['conf', 'log', 'tmp']) mkdirSync(join(directory, part), { recursive: true });
  const configuration = { ...defaults(address, restPort, slots, directory), ...options.configuration };
  const yaml = Object.entries(configuration).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  writeFileSync(join(directory, 'conf', 'config.yaml'), yaml.join(''));

  const lib = readdirSync(join(home, 'lib')).map((jar) => join(home, 'lib', jar));
  const classPath = lib.join(':');
  const conf = ['--configDir', join(directory, 'conf')];
  const env = {
    ...process.env,
    FLINK_CONF_DIR: join(directory, 'conf'),
    FLINK_PLUGINS_DIR: join(home, 'plugins'),
    FLINK_OPT_DIR: join(home, 'opt'),
    FLINK_LIB_DIR: join(home, 'lib'),
  };
  const running = new Set<ChildProcess>();
  const java = (name: string, args: readonly string[]): ChildProcess => {
    const log = openSync(join(directory, 'log', `${name}.log`), 'a');
    const child = spawn('python3', ['-IS', GUARD, '0', 'java', ...JVM, ...args], { env, stdio: ['pipe', log, log] });
    closeSync(log);
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.stdin?.end();
    await ended;
  };

  const jobManager = java('jobmanager', [
    '-Xmx600m',
    '-cp',
    classPath,
    'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
    ...conf,
  ]);
  const workers: ChildProcess[] = [];
  let resources: { jvm: string[]; dynamic: string[] } | undefined;
  const url = `http://${address}:${restPort}`;

  const flink: RealFlink = {
    address,
    restPort,
    url,
    directory,
    async startTaskManager() {
      resources ??= taskManagerResources(home, classPath, conf);
      const host = nextAddress(address, workers.length + 1);
      const own = {
        'taskmanager.host': host,
        'taskmanager.bind-host': host,
        'taskmanager.rpc.port': '6123',
        'taskmanager.data.port': '6124',
      };
      const flags = Object.entries(own).flatMap(([key, value]) => ['-D', `${key}=${value}`]);
      const main = ['-cp', classPath, 'org.apache.flink.runtime.taskexecutor.TaskManagerRunner'];
      workers.push(java(`taskmanager-${workers.length + 1}`, [...resources.jvm, ...main, ...conf, ...resources.dynamic, ...flags]));
    },
    killJobManager: () => kill(jobManager),
    async killTaskManagers() {
      await Promise.all(workers.map(kill));
    },
    async stop() {
      await Promise.all([...running].map(kill));
    },
  };
  for (let n = 0; n < taskManagers; n += 1) await flink.startTaskManager();
  try {
    await ready(url, taskManagers * slots, jobManager);
  } catch (error) {
    await flink.stop();
    throw error;
  }
  return flink;
}

function defaults(address: string, restPort: number, slots: number, directory: string): Record<string, string> {
  return {
    'jobmanager.rpc.address': address,
    'jobmanager.bind-host': address,
    'jobmanager.rpc.port': '6123',
    'blob.server.port': '6124',
    'rest.address': address,
    'rest.bind-address': address,
    'rest.port': String(restPort),
    'jobmanager.memory.process.size': '1100m',
    'taskmanager.memory.process.size': '1100m',
    'taskmanager.numberOfTaskSlots': String(slots),
    'jobmanager.scheduler': 'adaptive',
    'jobmanager.adaptive-scheduler.submission.resource-wait-timeout': '10 s',
    'jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout': '200 ms',
    'jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout': '200 ms',
    'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '0 ms',
    'execution.checkpointing.interval': '1 s',
    'execution.checkpointing.dir': `file://${directory}/checkpoints`,
    'execution.checkpointing.savepoint-dir': `file://${directory}/savepoints`,
    'execution.checkpointing.incremental': 'true',
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    'state.backend.type': 'rocksdb',
    'restart-strategy.type': 'none',
    // As the control plane configures its clusters: what is polled is fresh, and the web page changes nothing.
    'rest.cache.execution-graph.timeout': '200 ms',
    'rest.cache.checkpoint-statistics.timeout': '200 ms',
    'web.cancel.enable': 'false',
    'web.rescale.enable': 'false',
    'cluster.intercept-user-system-exit': 'THROW',
    'heartbeat.interval': '500',
    'heartbeat.timeout': '3000',
    'io.tmp.dirs': join(directory, 'tmp'),
  };
}

function nextAddress(address: string, by: number): string {
  const [head, tail] = [address.slice(0, address.lastIndexOf('.')), Number(address.slice(address.lastIndexOf('.') + 1))];
  return `${head}.${tail + by}`;
}

/** The TaskManager does not start without the memory split that Flink's own helper computes. */
function taskManagerResources(home: string, classPath: string, conf: readonly string[]): { jvm: string[]; dynamic: string[] } {
  const main = [
    '-cp',
    `${join(home, 'bin', 'bash-java-utils.jar')}:${classPath}`,
    'org.apache.flink.runtime.util.bash.BashJavaUtils',
    'GET_TM_RESOURCE_PARAMS',
  ];
  const out = execFileSync('java', [...JVM, ...main, ...conf], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [jvm = '', dynamic = ''] = [...out.matchAll(/^BASH_JAVA_UTILS_EXEC_RESULT:(.*)$/gm)].map((match) => match[1] ?? '');
  return { jvm: jvm.split(' ').filter(Boolean), dynamic: dynamic.split(' ').filter(Boolean) };
}

async function ready(url: string, slots: number, jobManager: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (jobManager.exitCode !== null) throw new Error(`the JobManager ended with ${jobManager.exitCode}`);
    const overview = await fetch(`${url}/overview`, { signal: AbortSignal.timeout(2_000) }).then(
      (answer) => answer.json() as Promise<{ 'slots-total'?: number }>,
      () => undefined,
    );
    if ((overview?.['slots-total'] ?? 0) >= slots) return;
    await sleep(200);
  }
  throw new Error(`Flink at ${url} did not have ${slots} slots after ${READY_WITHIN_MS} ms`);
}
