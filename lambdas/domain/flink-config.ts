import type { ResolvedSize } from '../contracts/cluster';
import { DEFAULT_SETTINGS, type Settings } from './flink-defaults';
import { ENDED_JOBS_KEPT_SECONDS } from './job-lifecycle';
import { checkpointsPrefix, clusterPrefix, recoveryPrefix, savepointsPrefix } from './state-paths';

/**
 * The whole Flink configuration of a cluster's processes and jobs. With `flink-defaults` (what a stage, a cluster or a job may change) and
 * `flink-settings-policy` (what it may not) this is the only place that knows a Flink key. Keys and defaults are those of Flink 2.3.
 *
 * What only a process knows is added by the node's bootstrap: its own address (`taskmanager.host`, `taskmanager.bind-host`), its directories
 * (`process.*`, `io.tmp.dirs`) and its resource id.
 */
export const PORTS = {
  /** JobManager and TaskManager RPC. */
  rpc: 6123,
  /** JobManager: blob server. TaskManager: data exchange. */
  data: 6124,
  rest: 8081,
  /**
   * Flink's metric query service is an RPC system of its own and cannot share the RPC port, so a TaskManager has three listening services.
   * The JobManager connects to it to read TaskManager metrics; nothing connects to the JobManager's own. Unset, it would be random.
   */
  metricQuery: 6125,
  /** Serves `SELECT` results to an interactive client. The control plane has no such client, so nothing needs to reach it. Unset: random. */
  collect: 6126,
} as const;

/** Largest request that the JobManager's REST server takes, bytes: a fat jar plus its multipart frame. Flink's own limit is 100 MB. */
export const MAX_UPLOAD_BYTES = 1_610_612_736;

export type Role = 'jobmanager' | 'taskmanager';

export interface ConfigurationInput {
  readonly stage: { readonly region: string; readonly stateBucket: string; readonly flinkConfiguration: Readonly<Record<string, string>> };
  readonly cluster: {
    readonly name: string;
    readonly epoch: number;
    readonly size: ResolvedSize;
    readonly flinkConfiguration: Readonly<Record<string, string>>;
    /** Private IPv4 address of the JobManager's network interface; it outlives its host. */
    readonly jobManagerAddress: string;
    /** The same of the JobManager that stands by. @default - there is none */
    readonly standbyAddress?: string | undefined;
  };
}

export interface ConfigurationEntry {
  readonly key: string;
  readonly value: string;
  /** Who decided the value. */
  readonly source: 'control plane' | 'stage' | 'cluster';
  /** Why the control plane sets it so. */
  readonly reason?: string;
}

/** The complete configuration of a role's process, ordered by key. Later layers win: defaults, stage, cluster, what the control plane owns. */
export const renderConfiguration = (role: Role, input: ConfigurationInput): readonly ConfigurationEntry[] => {
  const entries = new Map<string, ConfigurationEntry>();
  const add = (key: string, entry: Omit<ConfigurationEntry, 'key'>): void => void entries.set(key, { key, ...entry });
  for (const [key, [value, reason]] of Object.entries(DEFAULT_SETTINGS))
    add(key, { value: String(value), source: 'control plane', reason });
  for (const [key, value] of Object.entries(input.stage.flinkConfiguration)) add(key, { value, source: 'stage' });
  for (const [key, value] of Object.entries(input.cluster.flinkConfiguration)) add(key, { value, source: 'cluster' });
  for (const [key, [value, reason]] of Object.entries(ownedSettings(role, input)))
    add(key, { value: String(value), source: 'control plane', reason });
  return [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
};

/**
 * Flink's `config.yaml`: one flat `key: "value"` a line. Values are JSON strings, which are YAML strings too, so that no value can
 * become another line or another type, and the node's bootstrap can read a line without a YAML parser.
 */
export const toYaml = (entries: readonly ConfigurationEntry[]): string =>
  entries.map(({ key, value }) => `${key}: ${JSON.stringify(value)}\n`).join('');

/** What is passed with a job: its own settings, and where its state lies. */
export const renderJobConfiguration = (input: {
  readonly stateBucket: string;
  readonly cluster: string;
  readonly job: string;
  readonly flinkConfiguration: Readonly<Record<string, string>>;
}): Readonly<Record<string, string>> => ({
  ...input.flinkConfiguration,
  // A directory a job: one job's state can be kept, listed and deleted without another's.
  'execution.checkpointing.dir': `s3://${input.stateBucket}/${checkpointsPrefix(input.cluster, input.job)}`,
  'execution.checkpointing.savepoint-dir': `s3://${input.stateBucket}/${savepointsPrefix(input.cluster, input.job)}`,
  'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
  'pipeline.name': input.job,
});

/** Settings that nobody else may change; `flink-settings-policy` refuses their keys with these reasons. */
export const ownedSettings = (
  role: Role,
  { stage, cluster: { name, epoch, size, jobManagerAddress, standbyAddress } }: ConfigurationInput,
): Settings => ({
  ...common(jobManagerAddress, stage.region, `s3://${stage.stateBucket}/${clusterPrefix(name)}`),
  ...recovery(name, `s3://${stage.stateBucket}/${recoveryPrefix(name, epoch)}`),
  ...(standbyAddress === undefined ? {} : election([jobManagerAddress, standbyAddress])),
  'parallelism.default': [
    size.defaultParallelism,
    'the slots of the smallest fleet: 2 to 3 a vCPU keep cores busy while some subtasks wait',
  ],
  'taskmanager.numberOfTaskSlots': [size.slotsPerTaskManager, 'vCPUs of the host times slots per vCPU, over its TaskManagers'],
  ...(role === 'jobmanager' ? jobManagerSettings(jobManagerAddress, size) : taskManagerSettings(size)),
});

const common = (address: string, region: string, stateRoot: string): Settings => ({
  'jobmanager.rpc.address': [
    address,
    'the network interface that the control plane keeps for the JobManager: it stays when the host is replaced',
  ],
  'jobmanager.rpc.port': [PORTS.rpc, 'security groups open 6123 and 6124 between members, nothing else'],
  'blob.server.port': [PORTS.data, 'random when unset, and a random port is closed'],
  'rest.address': [address, 'the control plane and the TaskManagers find REST where RPC is'],
  'rest.port': [PORTS.rest, 'open to the control plane only'],
  'metrics.internal.query-service.port': [PORTS.metricQuery, 'an RPC system of its own, which cannot share 6123; random when unset'],
  'taskmanager.collect-sink.port': [PORTS.collect, 'random when unset; interactive results are not offered'],
  'jobmanager.scheduler': ['adaptive', 'the only one whose parallelism can be changed while a job runs, and that goes on with fewer slots'],
  'execution.checkpointing.storage': [
    'sluice.ha.FencedStorageFactory',
    'state must outlive every machine of the cluster: files in S3, where no savepoint is complete once another JobManager has taken over',
  ],
  'execution.checkpointing.dir': [
    `${stateRoot}/checkpoints`,
    'for what is not started by the control plane; each of its jobs has a directory of its own',
  ],
  'execution.checkpointing.savepoint-dir': [
    `${stateRoot}/savepoints`,
    'for what is not started by the control plane; each of its jobs has a directory of its own',
  ],
  'execution.checkpointing.externalized-checkpoint-retention': [
    'RETAIN_ON_CANCELLATION',
    'a canceled or failed job can be started again from its last checkpoint',
  ],
  's3.region': [region, 'saves a look-up, and a request to another region fails at once'],
});

/** A JobManager that was lost finds its jobs again (docs/adr/0014). The jar of this class is in the lib directory of every Flink that a node gets. */
const recovery = (cluster: string, root: string): Settings => ({
  'high-availability.type': [
    'sluice.ha.HighAvailabilityFactory',
    'jobs, their complete checkpoints and jars are kept in S3: a restarted JobManager goes on with them by itself',
  ],
  'high-availability.storageDir': [root, 'of this epoch of the cluster: a JobManager of another epoch neither sees nor changes it'],
  'high-availability.cluster-id': [cluster, 'names a directory below it'],
  'high-availability.jobmanager.port': [PORTS.rpc, 'takes the place of jobmanager.rpc.port when jobs are recovered; random when unset'],
});

/** With a stand-by: which of the two leads is found in S3. Each process of a JobManager takes its own address instead of the first one's (node/README.md). */
const election = (addresses: readonly string[]): Settings => ({
  'high-availability.sluice.jobmanagers': [
    addresses.join(),
    'the JobManager and the one that stands by: whichever leads is found by the others, and the jobs go on there',
  ],
});

const jobManagerSettings = (address: string, { jobManager }: ResolvedSize): Settings => ({
  'jobmanager.bind-host': [address, 'its own address only, never every interface'],
  'rest.bind-address': [address, 'its own address only, never every interface'],
  'rest.bind-port': [PORTS.rest, 'a range would let it move'],
  'jobmanager.memory.process.size': [`${jobManager.memoryMiB}m`, 'the whole process, so that a third of the host is left to the system'],
  'rest.server.max-content-length': [MAX_UPLOAD_BYTES, 'jars are uploaded through REST; Flink stops at 100 MB'],
  'web.submit.enable': ['true', 'the control plane starts jobs through REST; nobody else reaches the port'],
  'web.cancel.enable': ['false', 'a job canceled from the page would still be wanted by the control plane'],
  'web.rescale.enable': ['false', 'parallelism is changed through the API, which provides the capacity first'],
  'cluster.intercept-user-system-exit': ['THROW', "a program's main runs inside the JobManager: its System.exit must not end the cluster"],
  'rest.async.store-duration': ['1 h', 'the result of a savepoint is still there after an outage of the control plane (default 5 min)'],
  'jobstore.expiration-time': [
    ENDED_JOBS_KEPT_SECONDS,
    'ended jobs can be looked up for a day, so that a late retry does not start one again (default 1 h)',
  ],
  'rest.cache.execution-graph.timeout': ['200 ms', 'the state that is polled is not older than that (default 3 s)'],
  'rest.cache.checkpoint-statistics.timeout': ['1 s', 'as for the job state (default 3 s)'],
});

const taskManagerSettings = (size: ResolvedSize): Settings => ({
  'taskmanager.rpc.port': [PORTS.rpc, 'each TaskManager has an address of its own, so the port can be the same for all'],
  'taskmanager.data.port': [PORTS.data, 'as for RPC; random when unset, and a random port is closed'],
  'taskmanager.memory.process.size': [
    `${size.taskManagerMemoryMiB}m`,
    'two thirds of the host over its TaskManagers: the rest is page cache for RocksDB and system buffers',
  ],
});

/** Reads what `toYaml` wrote. Lines of another form are left out. */
export const fromYaml = (yaml: string): readonly (readonly [key: string, value: string])[] =>
  yaml.split('\n').flatMap((line) => {
    const match = /^([^\s:]+): (".*")$/.exec(line);
    return match ? [[match[1] as string, JSON.parse(match[2] as string) as string] as const] : [];
  });
