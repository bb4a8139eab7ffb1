import type { Operation } from '../../../lambdas/contracts/operation';
import { run } from '../../state-machines/support/functions';
import type { Load, World } from '../../state-machines/support/world';

/** Brings a world to where an operation of this kind is accepted, not yet begun. */
export type Scenario = readonly [name: string, prepare: (world: World) => Promise<Operation>];
const launched = async (world: World): Promise<void> => {
  await run(await world.acceptLaunch());
};
const running = async (world: World, parallelism = 2): Promise<void> => {
  await launched(world);
  await run(await world.acceptSubmission(world.jarSpec(parallelism)));
};
/** What the sweeper begins about the hosts that stand by. */
const preparing = async (world: World): Promise<Operation> => {
  const [{ operationId, reason } = { operationId: undefined, reason: 'nothing is decided' }] = await world.considerReserves();
  if (operationId === undefined) throw new Error(reason);
  return (await world.store.operation(operationId)) as Operation;
};
/** A job that an alarm has just decided to rescale. */
const scaling = async (world: World, parallelism: number, load: Load): Promise<Operation> => {
  await launched(world);
  const spec = { ...world.jarSpec(parallelism), scaling: { enabled: true, priority: 0, scaleInWindowSeconds: 0, minParallelism: 2 } };
  await run(await world.acceptSubmission(spec));
  await world.observe(load);
  const { operationId, reason } = await world.consider();
  if (operationId === undefined) throw new Error(reason);
  return (await world.store.operation(operationId)) as Operation;
};
export const SCENARIOS: readonly Scenario[] = [
  ['launch-cluster', (world) => world.acceptLaunch()],
  [
    'submit-job (jar, on new hosts)',
    async (world) => {
      await launched(world);
      return world.acceptSubmission(world.jarSpec(4));
    },
  ],
  [
    'submit-job (SQL)',
    async (world) => {
      await launched(world);
      return world.acceptSubmission(world.sqlSpec(2));
    },
  ],
  [
    'stop-job (savepoint)',
    async (world) => {
      await running(world);
      return world.acceptChange({ kind: 'stop-job', mode: 'savepoint', drain: false });
    },
  ],
  [
    'stop-job (cancel)',
    async (world) => {
      await running(world);
      return world.acceptChange({ kind: 'stop-job', mode: 'cancel', drain: false });
    },
  ],
  [
    'take-savepoint',
    async (world) => {
      await running(world);
      return world.acceptChange({ kind: 'take-savepoint' });
    },
  ],
  [
    'upgrade-job',
    async (world) => {
      await running(world);
      return world.acceptChange({ kind: 'upgrade-job', spec: world.jarSpec(4, 'new') });
    },
  ],
  [
    'upgrade-job (to a version that fails)',
    async (world) => {
      await running(world);
      const previous = (await world.job()).jarId;
      world.flink.behaviour = ({ jarId }) => (jarId === previous ? { does: 'run' } : { does: 'fail', reason: 'it is broken' });
      return world.acceptChange({ kind: 'upgrade-job', spec: world.jarSpec(2, 'new') });
    },
  ],
  [
    'rescale-job (out)',
    async (world) => {
      await running(world);
      return world.acceptChange({ kind: 'rescale-job', parallelism: 4 });
    },
  ],
  [
    'rescale-job (in)',
    async (world) => {
      await running(world, 4);
      return world.acceptChange({ kind: 'rescale-job', parallelism: 2 });
    },
  ],
  ['scale-job (out)', async (world) => scaling(world, 2, { read: 1_000, busy: 1, waiting: 100_000, growth: 200 })],
  ['scale-job (in)', async (world) => scaling(world, 4, { read: 100, busy: 0.05 })],
  [
    'scale-job (in, emptying a host)',
    async (world) => {
      const operation = await scaling(world, 4, { read: 100, busy: 0.05 });
      world.flink.spread = 'even';
      return operation;
    },
  ],
  [
    'set-scaling',
    async (world) => {
      await running(world);
      return world.acceptChange({ kind: 'set-scaling', scaling: { enabled: true, priority: 0 } });
    },
  ],
  [
    'prepare-reserve',
    async (world) => {
      await run(await world.acceptLaunch({ capacity: 'warm' }));
      return preparing(world);
    },
  ],
  [
    'prepare-reserve (taken away)',
    async (world) => {
      await run(await world.acceptLaunch({ capacity: 'warm' }));
      await run(await preparing(world));
      const cluster = await world.cluster();
      const { placement } = cluster.spec;
      const cold = { ...placement, failover: { ...placement.failover, capacity: 'cold' as const } };
      world.store.seed({ clusters: [{ ...cluster, spec: { ...cluster.spec, placement: cold } }] });
      return preparing(world);
    },
  ],
  [
    'fail-over-cluster (to a reserve)',
    async (world) => {
      await run(await world.acceptLaunch({ capacity: 'warm' }));
      await run(await world.acceptSubmission(world.jarSpec(2)));
      await run(await preparing(world));
      return world.acceptFailover({ mode: 'planned' });
    },
  ],
  [
    'fail-over-cluster (planned)',
    async (world) => {
      await running(world);
      return world.acceptFailover();
    },
  ],
  [
    'fail-over-cluster (lost)',
    async (world) => {
      await running(world);
      const { flinkJobId } = await world.job();
      world.flink.completeCheckpoint(flinkJobId, 's3://state/clusters/flights/jobs/delays/checkpoints');
      world.loseZone('us-east-1a');
      return world.acceptFailover();
    },
  ],
  [
    'rescale-job (in, emptying a host)',
    async (world) => {
      await running(world, 4);
      world.flink.spread = 'even';
      return world.acceptChange({ kind: 'rescale-job', parallelism: 2 });
    },
  ],
  [
    'replace-host',
    async (world) => {
      await running(world);
      const { hosts } = await world.fleet.observe((await world.cluster()).resources);
      return world.acceptReplacement(hosts.find(({ role }) => role === 'taskmanager')?.instanceId ?? '');
    },
  ],
  [
    'replace-host (of a JobManager)',
    async (world) => {
      await running(world);
      const { hosts } = await world.fleet.observe((await world.cluster()).resources);
      const instanceId = hosts.find(({ role }) => role === 'jobmanager')?.instanceId ?? '';
      const operation = world.operation({ kind: 'replace-host', instanceId, epoch: 1, notice: 'retirement', role: 'jobmanager' });
      await world.store.acceptReplacement(operation, 1);
      return operation;
    },
  ],
  [
    'terminate-cluster',
    async (world) => {
      await running(world);
      return world.acceptTermination('savepoint');
    },
  ],
];
