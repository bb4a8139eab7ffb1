import { Session, type SessionProps } from '../../../local/flink/session';

/** A real Flink for tests that look at one thing at a time: jobs that fail stay failed, and nothing is waited for that a test would wait for. */
export const startFlink = (props: SessionProps): Promise<Session> =>
  Session.start({ ...props, configuration: { ...FOR_TESTS, ...props.configuration } });

const FOR_TESTS: Readonly<Record<string, string>> = {
  // Processes that live a minute: the second compiler costs more than it brings on two cores.
  'env.java.opts.all': '-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto',
  'jobmanager.adaptive-scheduler.submission.resource-wait-timeout': '10 s',
  'jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout': '200 ms',
  'jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout': '200 ms',
  'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '0 ms',
  'execution.checkpointing.interval': '1 s',
  'execution.checkpointing.incremental': 'true',
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
};
