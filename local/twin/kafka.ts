import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Admin } from '@platformatic/kafka';
import { Component, runToEnd } from './component';
import { answers } from './ports';
import type { TwinSettings } from './settings';

/** A random UUID in Kafka's base64 form; always the same, so that a formatted log folder can be kept and copied. */
const CLUSTER_ID = 'c2x1aWNlLXR3aW4ta2Fma2';

const javaClassPath = (settings: TwinSettings): string => `${join(settings.cacheDir, 'kafka/lib')}/*`;

const properties = (settings: TwinSettings, logDir: string): string =>
  Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${settings.kafkaControllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${settings.kafkaPort},CONTROLLER://127.0.0.1:${settings.kafkaControllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${settings.kafkaPort}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': logDir,
    // A topic that is missing must be an error that somebody sees, not a topic with the wrong number of partitions.
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // Flink's exactly-once sinks ask for up to an hour.
    'transaction.max.timeout.ms': 3_600_000,
  })
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');

const LOGGING = `
Configuration:
  Appenders:
    Console:
      name: out
      PatternLayout:
        pattern: "%d{ISO8601} %-5p %c{1}: %m%n"
  Loggers:
    Root:
      level: INFO
      AppenderRef:
        - ref: out
`;

/** Formats the log folder once; later starts copy the two small files it consists of instead of paying for a JVM. */
const formattedFolder = async (settings: TwinSettings): Promise<string> => {
  const target = join(settings.cacheDir, 'kafka-formatted');
  if (existsSync(join(target, 'meta.properties'))) return target;
  const work = join(settings.stateDir, 'kafka-format');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const file = join(work, 'server.properties');
  writeFileSync(file, properties(settings, join(work, 'data')));
  await runToEnd(settings, {
    name: 'kafka-format',
    command: [
      'java',
      '-Xmx128m',
      '-XX:TieredStopAtLevel=1',
      '-cp',
      javaClassPath(settings),
      'kafka.tools.StorageTool',
      'format',
      '-t',
      CLUSTER_ID,
      '-c',
      file,
    ],
    seconds: 60,
  });
  rmSync(target, { recursive: true, force: true });
  renameSync(join(work, 'data'), target);
  return target;
};

/** Starts a single Kafka node (KRaft, no ZooKeeper) with an empty log, and returns when it takes connections. */
export const startKafka = async (settings: TwinSettings, started: (component: Component) => void = () => {}): Promise<Component> => {
  const folder = join(settings.stateDir, 'kafka');
  const dataDir = join(folder, 'data');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(await formattedFolder(settings), dataDir, { recursive: true });
  const file = join(folder, 'server.properties');
  writeFileSync(file, properties(settings, dataDir));
  const logging = join(folder, 'log4j2.yaml');
  writeFileSync(logging, LOGGING);
  const component = new Component(settings, {
    name: 'kafka',
    command: [
      'java',
      '-Xms256m',
      '-Xmx512m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1', // half the start time on two cores
      `-Dlog4j2.configurationFile=${logging}`,
      '-cp',
      javaClassPath(settings),
      'kafka.Kafka',
      file,
    ],
  });
  started(component);
  await component.waitUntil('taking connections', 60, () => answers(settings.kafkaPort));
  return component;
};

export interface Topic {
  readonly name: string;
  readonly partitions: number;
  readonly configuration?: Readonly<Record<string, string>>;
}

/** Makes topics; one that is there already is deleted first, so that each run begins empty. */
export const makeTopics = async (bootstrap: string, topics: readonly Topic[]): Promise<void> => {
  const admin = new Admin({ clientId: 'sluice-twin', bootstrapBrokers: [bootstrap], retries: 20, retryDelay: 250 });
  try {
    const existing = new Set(await admin.listTopics());
    const old = topics.map((topic) => topic.name).filter((name) => existing.has(name));
    if (old.length > 0) await admin.deleteTopics({ topics: old });
    for (const topic of topics) {
      const configs = Object.entries(topic.configuration ?? {}).map(([name, value]) => ({ name, value }));
      await admin.createTopics({ topics: [topic.name], partitions: topic.partitions, replicas: 1, configs });
    }
  } finally {
    await admin.close();
  }
};
