/** A value and why. */
export type Setting = readonly [value: string | number, reason: string];
export type Settings = Readonly<Record<string, Setting>>;

/**
 * What the control plane sets where nobody says otherwise. A stage, a cluster and, where Flink reads a key per job, a job may change them.
 * A reason names Flink's own default where that is what the choice is about.
 */
export const DEFAULT_SETTINGS: Settings = {
  // State and checkpoints (mission row D1).
  'state.backend.type': ['rocksdb', 'state may be larger than memory'],
  'state.backend.rocksdb.predefined-options': ['FLASH_SSD_OPTIMIZED', 'local NVMe or gp3: never a spinning disk'],
  'execution.checkpointing.interval': ['10 s', 'bounds what is processed again after a failure'],
  'execution.checkpointing.min-pause': ['2 s', 'a slow checkpoint leaves time for processing before the next'],
  'execution.checkpointing.timeout': ['5 min', 'a checkpoint that hangs makes room for one that may not (default 10 min)'],
  'execution.checkpointing.mode': ['EXACTLY_ONCE', 'each record counts once'],
  'execution.checkpointing.incremental': ['true', 'only what changed is uploaded'],
  'execution.checkpointing.num-retained': [3, 'an unreadable newest checkpoint leaves two to go back to (default 1)'],
  'execution.checkpointing.tolerable-failed-checkpoints': [
    10,
    'S3 answering 503 for a while must not restart a job that processes well (default 0)',
  ],
  'execution.checkpointing.unaligned.enabled': ['true', 'a checkpoint completes under backpressure too, just when it is needed'],
  'execution.checkpointing.aligned-checkpoint-timeout': ['5 s', 'aligned, and so smaller, as long as barriers pass in this time'],
  'execution.checkpointing.local-backup.enabled': ['true', 'a restarted task finds its state on its own disk'],
  'execution.state-recovery.from-local': ['true', 'and reads it from there instead of S3'],

  // Failure detection and restart (mission rows F1 and F2).
  'heartbeat.interval': ['200 ms', 'a closed connection is noticed at the next heartbeat (default 10 s)'],
  'heartbeat.timeout': [
    '2 s',
    'a host that vanished without closing a connection is noticed in this time, and TaskManagers leave a lost JobManager; a pause of a healthy process that is longer costs a restart, which takes about as long (default 50 s)',
  ],
  'heartbeat.rpc-failure-threshold': [1, 'inside one zone a refused connection means a dead process (default 2)'],
  'restart-strategy.type': ['exponential-delay', 'at once after one failure, slower and slower for a job that keeps failing'],
  'restart-strategy.exponential-delay.initial-backoff': ['50 ms', 'the first restart does not wait (default 1 s)'],
  'restart-strategy.exponential-delay.max-backoff': ['30 s', 'a source that comes back is read again within this time (default 1 min)'],
  'restart-strategy.exponential-delay.backoff-multiplier': ['2.0', 'ten failures in a row reach the maximum'],
  'restart-strategy.exponential-delay.reset-backoff-threshold': [
    '10 min',
    'after this long without a failure the next one counts as the first (default 1 h)',
  ],
  'cluster.registration.max-timeout': ['2 s', 'TaskManagers find a JobManager that came back within this time (default 30 s)'],
  'cluster.registration.error-delay': ['200 ms', 'while its port refuses connections, it is tried so often (default 10 s)'],
  'cluster.registration.refused-registration-delay': ['1 s', 'as above (default 30 s)'],
  'taskmanager.registration.timeout': ['15 min', 'a TaskManager outlives the replacement of the JobManager host (default 5 min)'],
  'taskmanager.slot.timeout': [
    '2 s',
    'slots of a lost JobManager that its successor does not ask for again are free by the time that it has started (default 10 s)',
  ],
  'taskmanager.jvm-exit-on-oom': ['true', 'a process that ran out of memory is not to be trusted; its successor is quick'],
  'cluster.processes.halt-on-fatal-error': ['true', 'a dying process ends now instead of trying to end well'],

  // Slots and rescaling (mission row A2).
  'slot.idle.timeout': ['5 s', 'slots that a job gives back serve the others, or let their host go (default 50 s)'],
  'taskmanager.load-balance.mode': ['SLOTS', 'even load on the hosts, and a lost one takes the fewest tasks of each job with it'],
  'jobmanager.adaptive-scheduler.submission.resource-wait-timeout': [
    '1 h',
    'a job waits for capacity; giving up is for the control plane to decide (default 5 min, then the job fails)',
  ],
  'jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout': [
    '3 s',
    'with some slots missing a job goes on with fewer after this wait (default 10 s)',
  ],
  'jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout': [
    '5 s',
    'with some slots missing a rescale goes as far as it can after this wait (default 1 min)',
  ],
  'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': [
    '5 s',
    'the control plane decides how often to rescale (default 30 s)',
  ],
  'jobmanager.adaptive-scheduler.rescale-trigger.max-delay': [
    '15 s',
    'a rescale waits for the next checkpoint so that little is processed again, but not longer (default: three intervals)',
  ],

  // Network under cloud jitter (mission row D3).
  'taskmanager.network.request-backoff.initial': [100, 'a partition that is not there yet is asked for again after so many ms'],
  'taskmanager.network.request-backoff.max': [30_000, 'a producer on a host that starts slowly is waited for, ms (default 10000)'],
  'taskmanager.network.retries': [3, 'a connection that fails once while hosts come and go is tried again (default 0: the job restarts)'],
  'taskmanager.network.netty.client.connectTimeoutSec': [10, 'a lost host is given up in this time, s (default 120)'],
  'taskmanager.network.netty.client.tcp.keepIdleSec': [
    10,
    'an idle connection to a vanished host is found dead (default: the system, two hours)',
  ],
  'taskmanager.network.netty.client.tcp.keepIntervalSec': [2, 'seconds between probes'],
  'taskmanager.network.netty.client.tcp.keepCount': [3, 'probes without an answer'],
  'taskmanager.network.memory.buffer-debloat.enabled': [
    'true',
    'buffers hold one second of data at the present rate, so that checkpoint barriers pass quickly under backpressure',
  ],

  // What can be seen.
  'metrics.fetcher.update-interval': ['3 s', 'metrics read through REST are not older than this (default 10 s)'],
  'rest.flamegraph.enabled': ['true', 'where a busy task spends its time can be seen; sampled only while somebody looks'],
  'web.adaptive-scheduler.rescale-history.size': [20, 'why and when a job was rescaled can be read (default 0: off)'],
};
