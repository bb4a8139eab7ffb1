import type { FieldProblem } from '../contracts/errors';

/** `cluster`: read when processes start. `job`: passed with one job. */
export type SettingsLevel = 'cluster' | 'job';

type Rule = readonly [pattern: RegExp, reason: string];

/**
 * Keys that a caller may not set, with the reason that the caller reads. The first rule that matches speaks. Old names of a key are
 * refused like the key: Flink still reads them (for example `state.checkpoints.dir`).
 */
const NEVER: readonly Rule[] = [
  [/^\$internal\./, 'is internal to Flink'],
  [/(^|[.-])(bind-port|bind-host|bind-address|ports?)$/, 'ports and addresses are pinned: security groups open nothing else'],
  [/^(jobmanager\.rpc|rest|taskmanager)\.(address|host)$|^jobmanager\.web\.|^web\.address$/, 'addresses are given by the control plane'],
  [/^(job|task)manager\.memory\.(process|flink|heap)\.size$/, "memory follows from the cluster's size: set size or overrides"],
  [/^taskmanager\.(numberOfTaskSlots|cpu\.cores)$/, 'slots follow from the size: set overrides.slotsPerVcpu'],
  [/^parallelism\.default$/, "set the job's parallelism, or the cluster's size"],
  [/^(jobmanager\.scheduler|scheduler-mode)$/, 'rescaling needs the adaptive scheduler'],
  [
    /^execution\.checkpointing\.(dir|savepoint-dir|storage|create-subdir|externalized-checkpoint-retention)$|^state\.(checkpoints|savepoints)\.(dir|create-subdir)$|^state\.checkpoint-storage$|^(savepoints\.)?state\.backend\.fs\.|^jobmanager\.archive\./,
    "state is kept where the control plane finds it again: below the cluster's and job's prefix of the state bucket",
  ],
  [
    /^process\.|^io\.tmp\.dirs$|^(taskmanager\.tmp\.dirs|taskmanager\.state\.local\.root-dirs|execution\.checkpointing\.local-backup\.dirs)$|^state\.backend\.(rocksdb|forst)\.(localdir|local-dir|log\.dir)$|^blob\.storage\.directory$|^web\.(upload\.dir|tmpdir|log\.path)$|^(taskmanager\.log\.path|rest\.profiling\.dir)$/,
    'directories are given by the node, on the disk that is meant for them',
  ],
  [/^taskmanager\.resource-id$|^jobmanager\.resource-id$/, 'is given by the node, so that a restarted process finds its local state'],
  [
    /^(execution\.state-recovery\.path|execution\.savepoint(\.|-restore)|execution\.state-recovery\.(claim-mode|ignore-unclaimed-state))/,
    'use restore in the job instead',
  ],
  [/^high-availability\.sluice\./, 'addresses are given by the control plane: set highAvailability.standbyJobManager of the cluster'],
  [
    /^high-availability|^zookeeper\.|^(job|application)-result-store\.|^jobstore\./,
    'recovery of the JobManager belongs to the control plane',
  ],
  [/^security\.|\.ssl\.enabled$|^(akka|pekko)\.ssl\./, 'encryption and authentication are set by the stage'],
  [
    /^(s3|fs\.s3a?|presto\.s3)\..*(key|secret|token|credential|assume-role|sse|endpoint|region|path.style)/,
    "access to S3 is the cluster's role and the stage's endpoint",
  ],
  [/^env\.|^containerized\./, 'JVM options and environments are given by the node'],
  [/^plugin\./, "plugins come with the stage's Flink distribution"],
  [
    /^pipeline\.(jars|classpaths|cached-files)$|^user\.artifacts\.|^execution\.(target|attached|job-listeners)$/,
    'a program is one jar with a known SHA-256',
  ],
  [
    /^(jmx|queryable-state|historyserver|metrics\.internal|metrics\.reporters?|metrics\.reporter\..*|events\.reporters?|traces\.reporters?)(\.|$)/,
    'would open a port or a connection that security groups close',
  ],
  [
    /^web\.(submit|cancel|rescale)\.enable$|^web\.access-control|^rest\.(server\.max-content-length|url-prefix|path)$/,
    'the control plane relies on it',
  ],
  [/^rest\.(async\.store-duration|cache\.)/, 'the control plane relies on it'],
  [/^cluster\.(intercept-user-system-exit|id)$/, 'protects the other jobs of the cluster'],
  [/^(kubernetes|yarn)\./, 'has no effect on this kind of cluster'],
];

/** Read by processes when they start: in a job they would be accepted by Flink and do nothing. */
const PROCESS_LEVEL =
  /^(jobmanager|taskmanager|rest|web|heartbeat|cluster|blob|slot|slotmanager|resourcemanager|metrics|akka|pekko|io|fs|s3|classloader|external-resources?|client)\./;

const KEY = /^[A-Za-z$][A-Za-z0-9$._-]*$/;

/** @returns a problem for each setting that is refused, at `flinkConfiguration.<key>`. */
export const refusedSettings = (settings: Readonly<Record<string, string>>, level: SettingsLevel): readonly FieldProblem[] =>
  Object.keys(settings).flatMap((key) => {
    const reason = refusal(key, level);
    return reason === undefined ? [] : [{ path: `flinkConfiguration.${key}`, message: reason }];
  });

const refusal = (key: string, level: SettingsLevel): string | undefined => {
  if (!KEY.test(key)) return 'is not a Flink key: letters, digits, dots, hyphens and underscores';
  const never = NEVER.find(([pattern]) => pattern.test(key));
  if (never) return `cannot be set: ${never[1]}`;
  if (level === 'job' && key === 'pipeline.name') return "cannot be set: the job's name is its name in the API";
  if (level === 'job' && PROCESS_LEVEL.test(key)) return 'is read when a process starts: set it in the flinkConfiguration of the cluster';
  return undefined;
};

/** Values that an answer must not show. The same words that Flink hides in its own log and page, and S3's key pair. */
export const isSecret = (key: string): boolean =>
  /password|secret|token|credential|apikey|auth-params|service-key|access[.-]?key|fs\.azure\.account\.key/i.test(key);

/** Stands in an answer for the value of a secret. */
export const HIDDEN = '(hidden)';
