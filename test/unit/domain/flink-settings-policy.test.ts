import * as fc from 'fast-check';
import { ownedSettings } from '../../../lambdas/domain/flink-config';
import { DEFAULT_SETTINGS } from '../../../lambdas/domain/flink-defaults';
import { refusedSettings } from '../../../lambdas/domain/flink-settings-policy';
import { sizeOf } from './examples';

const input = {
  stage: { region: 'eu-central-1', stateBucket: 'state', flinkConfiguration: {} },
  cluster: { epoch: 1, name: 'flights', size: sizeOf(), flinkConfiguration: {}, jobManagerAddress: '10.0.1.20' },
};
const refusal = (key: string, level: 'cluster' | 'job' = 'cluster') => refusedSettings({ [key]: 'x' }, level)[0];

describe('a caller may not set', () => {
  test.each([
    ['rest.port', 'ports and addresses are pinned'],
    ['taskmanager.data.bind-port', 'ports and addresses are pinned'],
    ['queryable-state.server.ports', 'ports and addresses are pinned'],
    ['metrics.reporter.prom.port', 'ports and addresses are pinned'],
    ['jobmanager.rpc.address', 'addresses are given by the control plane'],
    ['taskmanager.memory.process.size', "memory follows from the cluster's size"],
    ['execution.checkpointing.dir', 'state is kept where the control plane finds it again'],
    ['state.checkpoints.dir', 'state is kept where the control plane finds it again'],
    ['state.savepoints.dir', 'state is kept where the control plane finds it again'],
    ['execution.savepoint.path', 'use restore in the job instead'],
    ['high-availability.type', 'recovery of the JobManager belongs to the control plane'],
    ['high-availability.sluice.jobmanagers', 'set highAvailability.standbyJobManager of the cluster'],
    ['security.ssl.internal.enabled', 'encryption and authentication are set by the stage'],
    ['taskmanager.data.ssl.enabled', 'encryption and authentication are set by the stage'],
    ['s3.access-key', "access to S3 is the cluster's role"],
    ['fs.s3a.secret.key', "access to S3 is the cluster's role"],
    ['fs.s3.aws.credentials.provider', "access to S3 is the cluster's role"],
    ['s3.endpoint', "access to S3 is the cluster's role"],
    ['env.java.opts.all', 'JVM options and environments are given by the node'],
    ['pipeline.jars', 'a program is one jar with a known SHA-256'],
    ['$internal.pipeline.job-id', 'is internal to Flink'],
    ['jobmanager.scheduler', 'rescaling needs the adaptive scheduler'],
    ['rest.server.max-content-length', 'the control plane relies on it'],
    ['a: b\nc', 'is not a Flink key'],
  ])('%j, and hears why: %s', (key, reason) => {
    for (const level of ['cluster', 'job'] as const) {
      expect(refusal(key, level)).toMatchObject({ path: `flinkConfiguration.${key}`, message: expect.stringContaining(reason) });
    }
  });

  test.each(Object.keys({ ...ownedSettings('jobmanager', input), ...ownedSettings('taskmanager', input) }))(
    '%s, because the control plane owns it',
    (key) => {
      expect(refusal(key)).toBeDefined();
      expect(refusal(key, 'job')).toBeDefined();
    },
  );
});

describe('a caller may set', () => {
  test.each(Object.keys(DEFAULT_SETTINGS))('%s on a cluster: it is only a default', (key) => {
    expect(refusal(key)).toBeUndefined();
  });

  test.each([
    'execution.checkpointing.interval',
    'execution.checkpointing.timeout',
    'state.backend.rocksdb.memory.managed',
    'table.exec.state.ttl',
    'table.exec.source.idle-timeout',
    'pipeline.max-parallelism',
    'pipeline.object-reuse',
    'restart-strategy.type',
  ])('%s on a job', (key) => {
    expect(refusal(key, 'job')).toBeUndefined();
  });
});

test('a setting of processes is refused on a job, because Flink would accept it and do nothing', () => {
  expect(refusal('heartbeat.timeout', 'job')?.message).toBe(
    'is read when a process starts: set it in the flinkConfiguration of the cluster',
  );
  expect(refusal('heartbeat.timeout', 'cluster')).toBeUndefined();
});

test('any key that names a port or a bind address is refused', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z][a-z.-]{0,20}\.$/),
      fc.constantFrom('port', 'ports', 'bind-port', 'bind-host', 'bind-address'),
      (prefix, end) => {
        expect(refusal(prefix + end)).toBeDefined();
      },
    ),
  );
});
