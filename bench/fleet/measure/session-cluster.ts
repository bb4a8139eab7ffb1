import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_SETTINGS } from '../../../lambdas/domain/flink-defaults';
import { Component } from '../../../local/twin/component';
import type { TwinSettings } from '../../../local/twin/settings';
import { descendantsOf } from './machine';

export interface SessionCluster {
  readonly url: string;
  readonly jobManager: string;
  /** Seconds of processor time that the TaskManagers have used. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

const OPENS = ['lang', 'util', 'net', 'nio', 'util.concurrent', 'time', 'io', 'text'].map(
  (name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`,
);
const JVM = ['-XX:+UseSerialGC', '-Xshare:auto', ...OPENS];

/**
 * A session cluster of the project's own defaults on loopback addresses of its own: what is set besides says where it runs and how small it
 * is, and that what is read through REST is fresh.
 */
export const startSessionCluster = async (
  settings: TwinSettings,
  { jobManager, taskManagers, slots }: { readonly jobManager: string; readonly taskManagers: readonly string[]; readonly slots: number },
): Promise<SessionCluster> => {
  const directory = join(settings.stateDir, 'flink');
  rmSync(directory, { recursive: true, force: true });
  for (const part of ['conf', 'tmp']) mkdirSync(join(directory, part), { recursive: true });
  const home = join(settings.cacheDir, 'flink-2.3.0');
  const configuration = {
    ...Object.fromEntries(Object.entries(DEFAULT_SETTINGS).map(([key, [value]]) => [key, value])),
    'jobmanager.scheduler': 'adaptive',
    'jobmanager.rpc.address': jobManager,
    'jobmanager.bind-host': jobManager,
    'jobmanager.rpc.port': 6123,
    'blob.server.port': 6124,
    'rest.address': jobManager,
    'rest.bind-address': jobManager,
    'rest.port': 8081,
    'jobmanager.memory.process.size': '1100m',
    'taskmanager.memory.process.size': '1300m',
    'taskmanager.numberOfTaskSlots': slots,
    'execution.checkpointing.dir': `file://${directory}/checkpoints`,
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    'io.tmp.dirs': join(directory, 'tmp'),
    'rest.cache.execution-graph.timeout': '50 ms',
    'rest.cache.checkpoint-statistics.timeout': '50 ms',
    'metrics.fetcher.update-interval': '500 ms',
  };
  const yaml = Object.entries(configuration).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  writeFileSync(join(directory, 'conf', 'config.yaml'), yaml.join(''));
  const classPath = readdirSync(join(home, 'lib'))
    .map((jar) => join(home, 'lib', jar))
    .join(':');
  const conf = ['--configDir', join(directory, 'conf')];
  const environment = {
    FLINK_CONF_DIR: join(directory, 'conf'),
    FLINK_PLUGINS_DIR: join(home, 'plugins'),
    FLINK_OPT_DIR: join(home, 'opt'),
    FLINK_LIB_DIR: join(home, 'lib'),
  };
  const start = (name: string, command: readonly string[]): Component =>
    new Component(settings, { name, command: ['java', ...JVM, ...command], environment, graceSeconds: 2 });
  const running = [
    start('flink-jobmanager', [
      '-Xmx600m',
      '-cp',
      classPath,
      'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
      ...conf,
    ]),
  ];
  const stop = async (): Promise<void> => void (await Promise.all(running.map((component) => component.stop())));
  try {
    const resources = taskManagerResources(home, classPath, conf);
    const workers = taskManagers.map((host, index) => {
      const own = { 'taskmanager.host': host, 'taskmanager.bind-host': host, 'taskmanager.rpc.port': 6123, 'taskmanager.data.port': 6124 };
      const flags = Object.entries(own).flatMap(([key, value]) => ['-D', `${key}=${value}`]);
      const main = ['-cp', classPath, 'org.apache.flink.runtime.taskexecutor.TaskManagerRunner'];
      return start(`flink-taskmanager-${index + 1}`, [...resources.jvm, ...main, ...conf, ...resources.dynamic, ...flags]);
    });
    running.push(...workers);
    const url = `http://${jobManager}:8081`;
    await running[0]?.waitUntil('slots', 90, async () => {
      const overview = await fetch(`${url}/overview`).then(
        (answer) => answer.json() as Promise<{ 'slots-total'?: number }>,
        () => undefined,
      );
      return (overview?.['slots-total'] ?? 0) >= taskManagers.length * slots;
    });
    const processes = workers.flatMap(({ pid }) => descendantsOf(pid));
    return { url, jobManager, stop, cpuSeconds: () => processes.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0) };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** Fields 14 and 15 of a process's line, in the clock ticks that Linux counts by, 100 a second. */
const cpuSecondsOf = (pid: number): number => {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

/** The TaskManager does not start without the memory split that Flink's own helper computes. */
const taskManagerResources = (
  home: string,
  classPath: string,
  conf: readonly string[],
): { readonly jvm: readonly string[]; readonly dynamic: readonly string[] } => {
  const helper = join(home, 'bin', 'bash-java-utils.jar');
  const main = ['-cp', `${helper}:${classPath}`, 'org.apache.flink.runtime.util.bash.BashJavaUtils', 'GET_TM_RESOURCE_PARAMS'];
  const out = execFileSync('java', [...JVM, ...main, ...conf], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [jvm = '', dynamic = ''] = [...out.matchAll(/^BASH_JAVA_UTILS_EXEC_RESULT:(.*)$/gm)].map((match) => match[1] ?? '');
  return { jvm: jvm.split(' ').filter(Boolean), dynamic: dynamic.split(' ').filter(Boolean) };
};
