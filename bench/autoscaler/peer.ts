import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Component } from '../../local/twin/component';
import type { TwinSettings } from '../../local/twin/settings';

interface Limits {
  readonly maxParallelism: number;
  /** Shares of time; its own defaults where they are not given. */
  readonly targetUtilization?: number;
  readonly uMin?: number;
  readonly uMax?: number;
}

/**
 * Settings of Apache's standalone autoscaler. Catch-up and limits are those of the other contestant; its intervals are as far below its
 * defaults (a metrics window of 15 min, stabilisation of 5 min) as it works well with. Flink's rates are means of 60 s: with a stabilisation of 5 s it took
 * what a restart had left in them for a slow job (10 orders a second of a subtask that does 100), and went from 1 to 8 subtasks and to and fro in the calm.
 */
const settingsOf = ({ maxParallelism, targetUtilization, uMin, uMax }: Limits): Readonly<Record<string, string>> => ({
  'autoscaler.standalone.control-loop.interval': '2 s',
  'job.autoscaler.enabled': 'true',
  'job.autoscaler.scaling.enabled': 'true',
  'job.autoscaler.stabilization.interval': '60 s',
  'job.autoscaler.metrics.window': '15 s',
  'job.autoscaler.restart.time': '3 s',
  'job.autoscaler.catch-up.duration': '60 s',
  'job.autoscaler.scale-down.interval': '30 s',
  'job.autoscaler.vertex.max-parallelism': String(maxParallelism),
  ...(targetUtilization === undefined ? {} : { 'job.autoscaler.utilization.target': String(targetUtilization) }),
  ...(uMin === undefined ? {} : { 'job.autoscaler.utilization.min': String(uMin) }),
  ...(uMax === undefined ? {} : { 'job.autoscaler.utilization.max': String(uMax) }),
});

/** Where Apache's autoscaler lies beside the project; SLUICE_PEER_JAR names another place. @throws when it is not there */
export const peerJar = (settings: Pick<TwinSettings, 'root'>): string => {
  const jar = process.env.SLUICE_PEER_JAR ?? join(settings.root, '../shared/peers/flink-autoscaler-standalone.jar');
  if (!existsSync(jar))
    throw new Error(
      `Apache's standalone autoscaler is not at ${jar}; build it from flink-kubernetes-operator and name it in SLUICE_PEER_JAR`,
    );
  return jar;
};

/** Starts Apache's autoscaler on the jobs of a JobManager; it ends with this process, or by `stop()`. */
export const startPeer = (settings: TwinSettings, jar: string, jobManagerAddress: string, flinkLib: string, limits: Limits): Component => {
  const options = {
    ...settingsOf(limits),
    'autoscaler.standalone.fetcher.flink-cluster.host': jobManagerAddress,
    'autoscaler.standalone.fetcher.flink-cluster.port': '8081',
  };
  return new Component(settings, {
    name: 'peer-autoscaler',
    command: [
      'java',
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '--add-opens=java.base/java.util=ALL-UNNAMED',
      '--add-opens=java.base/java.lang=ALL-UNNAMED',
      '-cp',
      `${jar}:${join(flinkLib, '*')}`,
      'org.apache.flink.autoscaler.standalone.StandaloneAutoscalerEntrypoint',
      ...Object.entries(options).flatMap(([key, value]) => [`--${key}`, value]),
    ],
  });
};
