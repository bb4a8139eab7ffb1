import * as fc from 'fast-check';
import {
  type ConfigurationInput,
  type Role,
  renderConfiguration,
  renderJobConfiguration,
  toYaml,
} from '../../../lambdas/domain/flink-config';
import { sizeOf } from './examples';

const INPUT: ConfigurationInput = {
  stage: { region: 'eu-central-1', stateBucket: 'state', flinkConfiguration: {} },
  cluster: { name: 'flights', epoch: 3, size: sizeOf({ size: 'small' }), flinkConfiguration: {}, jobManagerAddress: '10.0.1.20' },
};
const render = (role: Role, stage: Record<string, string> = {}, cluster: Record<string, string> = {}) =>
  renderConfiguration(role, {
    stage: { ...INPUT.stage, flinkConfiguration: stage },
    cluster: { ...INPUT.cluster, flinkConfiguration: cluster },
  });
const valuesOf = (...parameters: Parameters<typeof render>) =>
  Object.fromEntries(render(...parameters).map(({ key, value }) => [key, value]));

describe.each<Role>(['jobmanager', 'taskmanager'])('the %s of a cluster', (role) => {
  const electionIn = (standbyAddress?: string) =>
    renderConfiguration(role, { ...INPUT, cluster: { ...INPUT.cluster, standbyAddress } }).filter(({ key }) =>
      key.startsWith('high-availability.sluice'),
    );
  it('with a stand-by JobManager is told the addresses of both', () => {
    expect(electionIn('10.0.2.20')).toEqual([
      {
        key: 'high-availability.sluice.jobmanagers',
        value: '10.0.1.20,10.0.2.20',
        source: 'control plane',
        reason: expect.stringContaining('the one that stands by'),
      },
    ]);
  });
  it('without one is told nothing of an election', () => {
    expect(electionIn()).toEqual([]);
  });
});

describe.each<[Role, [key: string, value: string | undefined][]]>([
  [
    'jobmanager',
    [
      ['jobmanager.rpc.address', '10.0.1.20'],
      ['jobmanager.rpc.port', '6123'],
      ['jobmanager.bind-host', '10.0.1.20'],
      ['blob.server.port', '6124'],
      ['rest.address', '10.0.1.20'],
      ['rest.port', '8081'],
      ['rest.bind-address', '10.0.1.20'],
      ['rest.bind-port', '8081'],
      ['metrics.internal.query-service.port', '6125'],
      ['jobmanager.memory.process.size', '8192m'],
      ['taskmanager.memory.process.size', undefined],
      ['jobmanager.scheduler', 'adaptive'],
      ['parallelism.default', '16'],
      ['web.submit.enable', 'true'],
      ['rest.server.max-content-length', '1610612736'],
      ['cluster.intercept-user-system-exit', 'THROW'],
      ['s3.region', 'eu-central-1'],
      ['high-availability.storageDir', 's3://state/clusters/flights/e3/recovery'],
      ['high-availability.jobmanager.port', '6123'],
    ],
  ],
  [
    'taskmanager',
    [
      ['jobmanager.rpc.address', '10.0.1.20'],
      ['jobmanager.bind-host', undefined],
      ['taskmanager.rpc.port', '6123'],
      ['taskmanager.data.port', '6124'],
      ['taskmanager.memory.process.size', '5461m'],
      ['taskmanager.numberOfTaskSlots', '8'],
      ['taskmanager.host', undefined],
      ['state.backend.type', 'rocksdb'],
      ['execution.checkpointing.mode', 'EXACTLY_ONCE'],
      ['execution.checkpointing.incremental', 'true'],
      ['execution.checkpointing.externalized-checkpoint-retention', 'RETAIN_ON_CANCELLATION'],
      ['execution.checkpointing.dir', 's3://state/clusters/flights/checkpoints'],
      ['execution.checkpointing.local-backup.enabled', 'true'],
      ['execution.state-recovery.from-local', 'true'],
      ['heartbeat.interval', '200 ms'],
      ['heartbeat.timeout', '2 s'],
      ['restart-strategy.type', 'exponential-delay'],
      ['taskmanager.network.request-backoff.max', '30000'],
      ['taskmanager.network.memory.buffer-debloat.enabled', 'true'],
    ],
  ],
])('the configuration of a %s', (role, expected) => {
  test.each(expected)('has %s = %s', (key, value) => {
    expect(valuesOf(role)[key]).toBe(value);
  });

  test('gives a reason for each value that the control plane chose', () => {
    expect(render(role).filter(({ source, reason }) => source === 'control plane' && !reason)).toEqual([]);
  });

  test('pins every port', () => {
    expect(render(role).filter(({ key, value }) => /port$/.test(key) && !/^(6123|6124|6125|6126|8081)$/.test(value))).toEqual([]);
  });

  test('is ordered by key, with each key once', () => {
    const keys = render(role).map(({ key }) => key);
    expect(keys).toEqual([...new Set(keys)].sort());
  });
});

test('a cluster speaks over its stage, and the stage over the defaults', () => {
  const entries = render('taskmanager', { 'heartbeat.timeout': '20 s', 's3.path-style-access': 'true' }, { 'heartbeat.timeout': '8 s' });
  expect(entries).toContainEqual({ key: 'heartbeat.timeout', value: '8 s', source: 'cluster' });
  expect(entries).toContainEqual({ key: 's3.path-style-access', value: 'true', source: 'stage' });
});

test('nobody speaks over what the control plane owns', () => {
  const entries = render('jobmanager', { 'rest.port': '9999' }, { 'jobmanager.rpc.address': 'elsewhere' });
  expect(entries).toContainEqual(expect.objectContaining({ key: 'rest.port', value: '8081', source: 'control plane' }));
  expect(entries).toContainEqual(expect.objectContaining({ key: 'jobmanager.rpc.address', value: '10.0.1.20' }));
});

test('a job keeps its state in a directory of its own, whatever it asks for', () => {
  expect(
    renderJobConfiguration({
      stateBucket: 'state',
      cluster: 'flights',
      job: 'delays',
      flinkConfiguration: { 'execution.checkpointing.interval': '3 s', 'execution.checkpointing.dir': 's3://mine/x' },
    }),
  ).toEqual({
    'execution.checkpointing.interval': '3 s',
    'execution.checkpointing.dir': 's3://state/clusters/flights/jobs/delays/checkpoints',
    'execution.checkpointing.savepoint-dir': 's3://state/clusters/flights/jobs/delays/savepoints',
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    'pipeline.name': 'delays',
  });
});

test('a value can neither become a second line nor another type', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const yaml = toYaml([{ key: 'a.b', value, source: 'cluster' }]);
      expect(yaml.endsWith('\n')).toBe(true);
      expect(yaml.slice(0, -1)).not.toMatch(/[\r\n]/);
      expect(JSON.parse(yaml.slice('a.b: '.length))).toBe(value);
    }),
  );
});
