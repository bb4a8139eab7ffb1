import { NO_RESOURCES } from '../../lambdas/contracts/cluster';
import { AwsUnavailable, FlinkUnavailable, JobRejected } from '../../lambdas/contracts/errors';
import type { Operation } from '../../lambdas/contracts/operation';
import { classesPrefix, fenceKey, recoveryPrefix } from '../../lambdas/domain/state-paths';
import { retainVolumeSnapshots } from '../../lambdas/usecases/state/snapshot-volumes';
import { anOperation } from '../contract/support/samples';
import { enter, event, run } from './support/functions';
import { recover, violations } from './support/recover';
import { World } from './support/world';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('./support/functions').composition);

const CHECKPOINTS = 's3://state/clusters/flights/jobs/delays/checkpoints';

let world: World;
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
  await run(await world.acceptLaunch());
  await run(await world.acceptSubmission(world.jarSpec(4)));
});

const ended = async (operation: Operation): Promise<Operation> => (await world.store.operation(operation.operationId)) as Operation;
const failOver = async (wish?: Parameters<World['acceptFailover']>[0]): Promise<Operation> => {
  const operation = await world.acceptFailover(wish);
  await run(operation);
  return ended(operation);
};
const phasesOf = ({ phases }: Operation): string[] => phases.map(({ name }) => name);

describe('a job that its upgrade leaves while the move takes it over', () => {
  const upgrading = async (end: (by: string) => Promise<unknown>) => {
    const { cluster, name: job, spec } = await world.job();
    const by = anOperation({}).operationId;
    const until = new Date(world.now + 600_000).toISOString();
    await world.store.acquireLease({ cluster, job }, { operationId: by, acquiredAt: new Date(world.now).toISOString(), until });
    const next = { ...spec, parallelism: 2 };
    await world.store.updateJob(cluster, job, by, { status: 'SUBMITTING', spec: next, previousSpec: spec, revision: 2 });
    const { acceptTakeover, takeJobOver } = world.store;
    // A transaction takes a hundred items: the leases of further jobs are taken after it, one by one.
    world.store.acceptTakeover = async (operation, cluster, previous, _jobs, ...more) =>
      acceptTakeover(operation, cluster, previous, [], ...more);
    world.store.takeJobOver = async (...given) => {
      await end(by);
      return takeJobOver(...given);
    };
    return { cluster, job, next };
  };

  test('with its new version running is moved with that', async () => {
    const { next } = await upgrading((by) =>
      world.store.updateJob('flights', 'delays', by, { status: 'RUNNING', statusReason: 'It runs', previousSpec: undefined }),
    );
    expect(await failOver({ mode: 'lost' })).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', spec: next, revision: 2 });
  });

  test('failed for good stays down, and nobody holds it', async () => {
    await upgrading((by) => world.store.updateJob('flights', 'delays', by, { status: 'FAILED', statusReason: 'Both versions fail' }));
    expect(await failOver({ mode: 'lost' })).toMatchObject({ status: 'SUCCEEDED' });
    const after = await world.job();
    expect(after).toMatchObject({ status: 'FAILED', statusReason: 'Both versions fail' });
    expect(after.lease).toBeUndefined();
  });
});

describe('a job whose start in another zone fails before it has tasks', () => {
  /** S3 answers 503 to so many starts. */
  const refuse = (times: number): void => {
    let left = times;
    world.flink.behaviour = () => (left-- > 0 ? { does: 'fail', reason: 'IOException: 503 Slow Down', stillborn: true } : { does: 'run' });
  };

  test('is started once more, from the same state and as a further epoch', async () => {
    const before = await world.job();
    refuse(2);
    const operation = await failOver({ mode: 'lost' });
    expect(operation).toMatchObject({ status: 'SUCCEEDED' });
    expect(phasesOf(operation).filter((name) => name === 'Start jobs')).toHaveLength(1);
    expect(operation.phases.find(({ name }) => name === 'Start jobs')?.attempts).toBeGreaterThanOrEqual(3);
    const after = await world.job();
    expect(after).toMatchObject({ status: 'RUNNING', epoch: before.epoch + 3, restoredFrom: after.latestSavepoint });
    expect(after.latestSavepoint).toMatch(/savepoint-/);
    expect(after.interrupted).toBeUndefined();
    const states = (await world.flink.jobs()).map(({ state }) => state);
    expect(states.filter((state) => state === 'RUNNING')).toHaveLength(1);
    expect(await violations(world)).toEqual([]);
  });

  test('is started once more only when no earlier request of the failed start can come late', async () => {
    const asked: { id: string; at: number }[] = [];
    let left = 1;
    world.flink.behaviour = ({ flinkJobId }) => {
      asked.push({ id: flinkJobId, at: world.now });
      return left-- > 0 ? { does: 'fail', reason: 'IOException: 503 Slow Down', stillborn: true } : { does: 'run' };
    };
    let lost = 1;
    world.faults = ({ method }) =>
      method === 'runJar' && lost-- > 0 ? { error: new FlinkUnavailable('no answer'), when: 'before' } : undefined;
    expect(await failOver({ mode: 'lost' })).toMatchObject({ status: 'SUCCEEDED' });
    const [first, second] = asked;
    expect(second?.id).not.toBe(first?.id);
    expect(((second?.at ?? 0) - (first?.at ?? 0)) / 1_000).toBeGreaterThanOrEqual(80);
    expect(await world.job()).toMatchObject({ status: 'RUNNING' });
  });

  test('is started once only when a look at the start that failed writes after the next one has begun', async () => {
    const before = await world.job();
    const updateJob = world.store.updateJob.bind(world.store);
    let late: Parameters<typeof updateJob> | undefined;
    world.store.updateJob = (...call) => {
      if (call[3].interrupted?.failedStarts !== undefined) late ??= call;
      return updateJob(...call);
    };
    let starts = 0;
    world.flink.behaviour = () => {
      starts += 1;
      if (starts === 1) return { does: 'fail', reason: 'IOException: 503 Slow Down', stillborn: true };
      if (late) void updateJob(...late).catch(() => undefined);
      return { does: 'run' };
    };
    let asked = 0;
    world.faults = ({ method }) =>
      method === 'runJar' && ++asked === 2 ? { error: new FlinkUnavailable('no answer'), when: 'after' } : undefined;
    expect(await failOver({ mode: 'lost' })).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: before.epoch + 2 });
    expect(starts).toBe(2);
  });

  test('is FAILED after the third, with the cause, and keeps no other from its start', async () => {
    await run(await world.acceptSubmission(world.jarSpec(1, 'other', 'other')));
    world.flink.behaviour = ({ jobName }) =>
      jobName === 'delays' ? { does: 'fail', reason: 'IOException: 503 Slow Down', stillborn: true } : { does: 'run' };
    const before = await world.job();
    expect(await failOver({ mode: 'lost' })).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({
      status: 'FAILED',
      epoch: before.epoch + 3,
      statusReason: expect.stringMatching(/503 Slow Down/),
    });
    expect(await world.job('other')).toMatchObject({ status: 'RUNNING' });
    expect(await violations(world)).toEqual([]);
  });

  test('is not started once more when it failed with tasks', async () => {
    world.flink.behaviour = () => ({ does: 'fail', reason: 'IllegalStateException: no topic' });
    const before = await world.job();
    await failOver({ mode: 'lost' });
    expect(await world.job()).toMatchObject({ status: 'FAILED', epoch: before.epoch + 1 });
  });
});

describe('a planned move', () => {
  test('stops the jobs with a savepoint once the new hosts are there, and starts them from it as a further epoch', async () => {
    const before = await world.job();
    const operation = await failOver();
    expect(operation).toMatchObject({ status: 'SUCCEEDED', reason: 'Cluster flights was moved from us-east-1a.' });
    const after = await world.job();
    expect(after).toMatchObject({ status: 'RUNNING', epoch: before.epoch + 1, restoredFrom: after.latestSavepoint, lease: undefined });
    expect(after.latestSavepoint).toMatch(/savepoint-/);
    expect(after.interrupted).toBeUndefined();
    expect(phasesOf(operation).indexOf('Look for slots')).toBeLessThan(phasesOf(operation).indexOf('Secure state'));
    expect(phasesOf(operation).indexOf('Fence')).toBeLessThan(phasesOf(operation).indexOf('Start jobs'));
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1b', epoch: 2, lease: undefined });
    expect(await violations(world)).toEqual([]);
  });

  test('starts the most important job first', async () => {
    for (const [name, priority] of [
      ['weather', -1],
      ['arrivals', 5],
    ] as const)
      await run(await world.acceptSubmission({ ...world.jarSpec(1, name, name), scaling: { enabled: false, priority } }));
    expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
    const { items } = await world.store.jobs('flights', { limit: 10 });
    const started = [...world.jobManagers.values()].at(-1)?.starts ?? [];
    expect(started.map((id) => items.find(({ flinkJobId }) => flinkJobId === id)?.name)).toEqual(['arrivals', 'delays', 'weather']);
  });

  test('tells where its time went, and whether the objective was met', async () => {
    const { result } = await failOver();
    expect(Object.keys(result?.failover?.seconds ?? {})).toEqual([
      ...['decide', 'capacity', 'state', 'fence', 'restore', 'firstRecord', 'firstCheckpoint'],
    ]);
    expect(result?.failover).toMatchObject({ objectiveSeconds: 120, objectiveMet: true, reprocessedSeconds: { delays: 0 } });
  });

  describe('asks each job for a checkpoint as soon as it runs', () => {
    const asked = (): readonly string[] =>
      [...world.jobManagers.values()].flatMap(({ calls }) =>
        calls.flatMap(({ method, args }) => (method === 'triggerCheckpoint' ? [String(args[0])] : [])),
      );

    test('once', async () => {
      expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
      expect(asked()).toEqual([(await world.job()).flinkJobId]);
    });

    test.each([
      ['does not answer', new FlinkUnavailable('it is busy')],
      ['refuses', new JobRejected('Checkpointing is disabled for this job')],
    ])('and goes on without where Flink %s', async (_, error) => {
      world.faults = ({ method }) => (method === 'triggerCheckpoint' ? { error, when: 'before' } : undefined);
      const operation = await failOver();
      expect(operation).toMatchObject({ status: 'SUCCEEDED' });
      expect(operation.phases.find(({ name }) => name === 'Look at the jobs')).toMatchObject({ outcome: 'ok' });
      expect(await world.job()).toMatchObject({ status: 'RUNNING' });
    });
  });

  test('is not kept waiting for the first record of a job that has nothing to read, and does not tell of one', async () => {
    world.onCall = () => {
      for (const jobManager of world.jobManagers.values()) jobManager.idle = true;
    };
    const { result, status, phases } = await failOver();
    expect(status).toBe('SUCCEEDED');
    expect(result?.failover?.seconds).not.toHaveProperty('firstRecord');
    expect(result?.failover).toMatchObject({ outageSeconds: expect.any(Number), objectiveMet: true });
    expect(phases.find(({ name }) => name === 'Look for first checkpoints')?.reason).toMatch(/delays without a record/);
  });

  describe('with volume snapshots asked for', () => {
    const NAME = 'Begin snapshots of volumes';
    beforeEach(async () => {
      const cluster = await world.cluster();
      const { placement } = cluster.spec;
      const failover = { ...placement.failover, volumeSnapshots: { keep: 1, days: 7 } };
      world.store.seed({ clusters: [{ ...cluster, spec: { ...cluster.spec, placement: { ...placement, failover } } }] });
      for (const epoch of [1, 2]) world.volumes.volumes.push({ volumeId: `vol-${epoch}`, zone: 'us-east-1a', cluster: 'flights', epoch });
    });

    test('begins those of the hosts that are left behind while the new ones boot, and shows their ids', async () => {
      const operation = await failOver();
      expect(phasesOf(operation).indexOf(NAME)).toBe(phasesOf(operation).indexOf('Create fleet') + 1);
      expect(operation).toMatchObject({ status: 'SUCCEEDED' });
      expect(operation.result?.failover?.volumeSnapshots).toEqual([
        { snapshotId: 'snap-1', volumeId: 'vol-1', zone: 'us-east-1a', sizeGB: 70 },
      ]);
    });

    test('goes on without them when EBS does not answer, or refuses', async () => {
      world.volumes.failNext('snapshotVolumes', new Error('EBS is ill'));
      expect(await failOver({ mode: 'lost' })).toMatchObject({
        status: 'SUCCEEDED',
        reason: expect.stringContaining('Snapshots of volumes were not all begun'),
      });
      world.volumes.refused.add('vol-2');
      const operation = await failOver({ zone: 'us-east-1c' });
      expect(operation.phases.find(({ name }) => name === NAME)?.reason).toContain('1 were refused: Volume vol-2 cannot be reached');
      expect(operation).toMatchObject({ status: 'SUCCEEDED' });
      expect(operation.result?.failover).not.toHaveProperty('volumeSnapshots');
    });

    test('says why there are none where EBS does not tell which volumes there are, and asks once', async () => {
      world.volumes.isSilent = true;
      expect(await failOver({ mode: 'lost' })).toMatchObject({
        status: 'SUCCEEDED',
        reason: expect.stringContaining('EC2 does not tell which there are: DescribeVolumesCommand'),
      });
      expect(world.volumes.calls.filter(({ method }) => method === 'snapshotVolumes')).toHaveLength(1);
    });

    test('keeps those of as many moves as the cluster says', async () => {
      await failOver();
      const second = await failOver({ zone: 'us-east-1c' });
      const deps = { store: world.store, volumes: world.volumes, clock: world.clock };
      expect(await retainVolumeSnapshots(deps)).toEqual(['snap-1']);
      expect((await world.volumes.snapshots()).map(({ operationId }) => operationId)).toEqual([second.operationId]);
      world.now += 8 * 86_400_000;
      expect(await retainVolumeSnapshots(deps)).toEqual(['snap-2']);
    });
  });

  test('has its jobs running long before it is known whether hosts of a zone are gone of which EC2 tells nothing, and says so', async () => {
    world.fleet.zonesUntold.add('us-east-1a');
    const operation = await failOver({ mode: 'lost' });
    expect(operation).toMatchObject({
      status: 'SUCCEEDED',
      reason: expect.stringContaining('not all known to have gone: EC2 tells nothing of hosts in us-east-1a now'),
    });
    const ended = (name: string): number => Date.parse(operation.phases.find((phase) => phase.name === name)?.endedAt ?? '');
    expect(Date.parse(operation.endedAt ?? '') - ended('Hand over')).toBeGreaterThan(20 * 60_000);
    expect((await world.cluster()).former).toMatchObject([{ epoch: 1 }]);
    world.fleet.zonesUntold.clear();
  });

  test('asks for no snapshot of a volume unless the cluster says so', async () => {
    expect(phasesOf(await failOver())).not.toContain('Begin snapshots of volumes');
  });

  test('a program names its start where it says so, in a script and in an argument', async () => {
    const spec = world.jarSpec(2, 'named', 'named');
    const program = { ...spec.program, arguments: ['--prefix', '{{sluice.start}}'] } as typeof spec.program;
    await run(await world.acceptSubmission({ ...spec, program }));
    const prefixOf = async (): Promise<string | undefined> => world.flink.started((await world.job('named')).flinkJobId)?.arguments?.[1];
    const before = await prefixOf();
    await failOver();
    expect(before).toMatch(/^flights-named-[0-9a-f]{12}$/);
    expect(await prefixOf()).toMatch(/^flights-named-[0-9a-f]{12}$/);
    expect(await prefixOf()).not.toBe(before);
  });

  test('leaves nothing of the former epoch', async () => {
    await failOver();
    const owned = world.fleet.leftovers().filter((name) => name.includes('-e1'));
    expect(owned).toEqual([]);
    expect((await world.cluster()).former).toBeUndefined();
  });

  test('provides as many hosts as the jobs need, not as the smallest fleet has', async () => {
    await failOver();
    expect((await world.fleet.observe((await world.cluster()).resources)).wanted.taskmanager).toBe(2);
  });

  test('goes on from the last checkpoint when the savepoint fails, and says so', async () => {
    const checkpoint = world.flink.completeCheckpoint((await world.job()).flinkJobId, CHECKPOINTS);
    world.flink.savepoints = 'fail';
    const operation = await failOver();
    expect(operation).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', restoredFrom: checkpoint });
    expect(operation.phases.find(({ name }) => name === 'Secure state')?.reason).toMatch(/declined/);
  });

  test('gives the cluster back untouched when no zone has capacity', async () => {
    const before = await world.job();
    for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
    const operation = await failOver();
    expect(operation).toMatchObject({ status: 'FAILED', error: { name: 'InsufficientCapacity' } });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: before.epoch, flinkJobId: before.flinkJobId });
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1a' });
    expect(await violations(world)).toEqual([]);
    expect(await run(await world.acceptChange({ kind: 'take-savepoint' }))).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('home that finds no capacity there stays where the cluster is well, and goes to no third zone', async () => {
    await failOver();
    const before = await world.job();
    world.fleet.zonesWithoutCapacity.add('us-east-1a');
    const operation = await failOver({ zone: 'us-east-1a', mode: 'planned', trigger: { kind: 'failback', evidence: 'it is quiet time' } });
    expect(operation).toMatchObject({
      status: 'FAILED',
      error: { message: expect.stringMatching(/us-east-1a has no hosts for it, and it is the home zone/) },
    });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: before.epoch, flinkJobId: before.flinkJobId });
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1b' });
    expect(await violations(world)).toEqual([]);
  });

  test('can follow on a move that was given back, and on a move that was made', async () => {
    for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
    await failOver();
    world.fleet.zonesWithoutCapacity.clear();
    expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
    expect(await failOver({ zone: 'us-east-1a' })).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.cluster()).toMatchObject({ zone: 'us-east-1a', status: 'RUNNING' });
    expect(world.fleet.leftovers().every((name) => !/-e[1-4]\b/.test(name))).toBe(true);
    expect(await violations(world)).toEqual([]);
  });
});

describe('a JobManager of an epoch that has ended, and can still reach S3,', () => {
  const FENCE = `s3://state/${fenceKey('flights', 1)}`;

  test.each(['planned', 'lost'] as const)('has found its fence before state is chosen (%s)', async (mode) => {
    let fence:
      | { readonly since: Promise<string | undefined>; readonly says: Promise<string | undefined>; readonly now: number }
      | undefined;
    world.onCall = (_, method) => {
      if (method === 'runJar') fence ??= { since: world.artifacts.modifiedAt(FENCE), says: world.artifacts.getText(FENCE), now: world.now };
    };
    const { operationId } = await failOver({ mode });
    expect(await fence?.says).toContain(operationId);
    expect((fence?.now ?? 0) - Date.parse((await fence?.since) ?? '')).toBeGreaterThanOrEqual(1_000);
  });

  test.each([
    ['succeed', 1_000, 5_000],
    ['hang', 10_000, 60_000],
  ] as const)(
    'has the time that IAM takes where it was asked to stop a job and did not say how that ended (%s)',
    async (savepoints, least, most) => {
      let fencedAt = 0;
      let startedAt = 0;
      world.flink.savepoints = savepoints;
      world.onCall = (_, method) => {
        if (method === 'fence') fencedAt ||= world.now;
        if (method === 'runJar') startedAt ||= world.now;
      };
      expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
      expect(startedAt - fencedAt).toBeGreaterThanOrEqual(least);
      expect(startedAt - fencedAt).toBeLessThan(most);
    },
  );

  test('stops no move where IAM takes nothing from its role, and the operation says so', async () => {
    world.fleet.iamTakesNothing = true;
    const { status, phases } = await failOver();
    expect(status).toBe('SUCCEEDED');
    expect(phases.find(({ name }) => name === 'Fence')?.reason).toContain(
      'IAM did not take away their rights (PutRolePolicyCommand: ServiceUnavailable)',
    );
    expect(world.fleet.leftovers().filter((name) => /-e1\b/.test(name))).toEqual([]);
  });

  test('leaves nothing to recover behind, and the one that runs keeps what is its own', async () => {
    const entry = (epoch: number): string => `s3://state/${recoveryPrefix('flights', epoch)}/jobs/delays`;
    for (const epoch of [1, 2]) world.artifacts.put(entry(epoch), 'an entry');
    await failOver();
    expect(world.artifacts.uris().filter((uri) => uri.includes('/recovery/'))).toEqual([entry(2)]);
    await run(await world.acceptTermination());
    expect(world.artifacts.uris().filter((uri) => uri.includes('/recovery/'))).toEqual([]);
  });

  test('leaves archives of classes for the hosts of the next epoch, and they go with the cluster', async () => {
    const archive = (cluster: string): string => `s3://state/${classesPrefix(cluster)}/jobmanager-0123.jsa.gz`;
    for (const cluster of ['flights', 'flights-2']) world.artifacts.put(archive(cluster), 'an archive');
    await failOver();
    expect(world.artifacts.uris()).toContain(archive('flights'));
    await run(await world.acceptTermination());
    expect(world.artifacts.uris().filter((uri) => uri.includes('/classes/'))).toEqual([archive('flights-2')]);
  });

  test('is not fenced when the cluster is given back to it', async () => {
    for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
    expect(await failOver()).toMatchObject({ status: 'FAILED' });
    expect(world.artifacts.uris()).not.toContain(FENCE);
  });
});

describe('a drill', () => {
  test('that counts the zone as lost asks its hosts for nothing, though they answer, and tells what was processed again', async () => {
    const before = await world.job();
    const checkpoint = world.flink.completeCheckpoint(before.flinkJobId, CHECKPOINTS);
    await world.pause(30);
    const savepoints = before.latestSavepoint;
    const operation = await failOver({ mode: 'lost', drill: true, trigger: { kind: 'drill', evidence: 'a drill' } });
    expect(operation).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: before.epoch + 1, restoredFrom: checkpoint });
    expect((await world.job()).latestSavepoint).toBe(savepoints);
    expect(operation.result?.failover?.reprocessedSeconds?.delays).toBeGreaterThanOrEqual(30);
    expect(await violations(world)).toEqual([]);
  });

  test('that is a planned move stops the jobs with savepoints, and nothing is processed again', async () => {
    const { result } = await failOver({ mode: 'planned', drill: true, trigger: { kind: 'drill', evidence: 'a drill' } });
    expect(result?.failover?.reprocessedSeconds).toEqual({ delays: 0 });
    expect((await world.job()).restoredFrom).toMatch(/savepoint-/);
  });
});

describe('a lost zone', () => {
  let checkpoint: string;
  beforeEach(async () => {
    world.flink.completeCheckpoint((await world.job()).flinkJobId, CHECKPOINTS);
    checkpoint = world.flink.completeCheckpoint((await world.job()).flinkJobId, CHECKPOINTS);
    world.loseZone('us-east-1a');
  });

  test('is left for the next zone, where the jobs go on from their newest complete checkpoint', async () => {
    const operation = await failOver();
    expect(operation).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: 2, restoredFrom: checkpoint });
    expect(await violations(world)).toEqual([]);
  });

  test('new hosts are asked for before anybody who may be silent is asked anything, and nobody is asked twice', async () => {
    const order: string[] = [];
    world.onCall = (_, method) => void (['createGroups', 'overview', 'stop', 'fence'].includes(method) && order.push(method));
    const { phases } = await failOver();
    expect(order.slice(0, 3)).toEqual(['createGroups', 'overview', 'fence']);
    expect(phases.map(({ name }) => name)).toEqual(expect.not.arrayContaining(['Ask the lost hosts']));
  });

  test('of which the JobManager answers, but no TaskManager, is a lost one: it is cut off before the new hosts are there', async () => {
    Object.assign([...world.jobManagers.values()][0] ?? {}, { reachable: true, taskManagers: 0 });
    const operation = await failOver();
    expect(operation).toMatchObject({ status: 'SUCCEEDED' });
    expect(phasesOf(operation).indexOf('Fence lost hosts')).toBeLessThan(phasesOf(operation).indexOf('Look for slots'));
    expect(operation.phases.find(({ name }) => name === 'Ask the former hosts')?.reason).toMatch(/no TaskManager is left/);
  });

  test('is reported with what had to be processed again since that checkpoint', async () => {
    const done = Date.parse((await world.artifacts.modifiedAt(`${checkpoint}/_metadata`)) ?? '');
    world.now = done + 40_000;
    world.loseZone('us-east-1a');
    const { result, requestedAt } = await failOver({ mode: 'lost' });
    const again = result?.failover?.reprocessedSeconds?.delays ?? 0;
    expect(again).toBeGreaterThanOrEqual((Date.parse(requestedAt) - done) / 1_000);
    expect(again).toBeLessThan(60);
  });

  test('its hosts are cut off before a job is started', async () => {
    const order: string[] = [];
    world.onCall = (_, method) => void (['fence', 'runJar'].includes(method) && order.push(method));
    await failOver();
    expect(order).toEqual(['fence', 'runJar']);
  });

  test('is followed by the zone behind it when that has no capacity', async () => {
    world.fleet.zonesWithoutCapacity.add('us-east-1b');
    expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.cluster()).toMatchObject({ zone: 'us-east-1c', status: 'RUNNING' });
    expect(world.fleet.leftovers().filter((name) => /-e[12]\b/.test(name))).toEqual([]);
    expect(await violations(world)).toEqual([]);
  });

  test('is left for the next zone while IAM makes no role, since the next epoch has its own since the launch', async () => {
    expect((await world.cluster()).nextRole).toMatchObject({ epoch: 2, roleName: expect.stringContaining('-e2') });
    world.fleet.iamMakesNothing = true;
    expect(await failOver()).toMatchObject({
      status: 'SUCCEEDED',
      reason: expect.stringContaining('The role of its next epoch could not be made (AwsUnavailable)'),
    });
    expect(await world.cluster()).toMatchObject({
      epoch: 2,
      resources: { roleName: expect.stringContaining('-e2') },
      nextRole: { epoch: 3 },
    });
    // Recorded before it is made, so that the next move makes the rest, or a termination takes it away.
    world.fleet.iamMakesNothing = false;
    expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.cluster()).toMatchObject({ epoch: 3, nextRole: { epoch: 4, roleName: expect.stringContaining('-e4') } });
    expect(world.fleet.leftovers().filter((name) => /-e[12]\b/.test(name))).toEqual([]);
  });

  test('is left for the next zone although EC2 there does not know the instance profile of the new hosts at first', async () => {
    world.fleet.launchesWithoutProfile = 6;
    const operation = await failOver();
    expect(operation).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.cluster()).toMatchObject({ zone: 'us-east-1b', epoch: 2, status: 'RUNNING' });
    expect(world.fleet.launchesWithoutProfile).toBe(0);
    const { startedAt = '', endedAt = '' } = operation.phases.find(({ name }) => name === 'Look at the hosts') ?? {};
    expect(Date.parse(endedAt) - Date.parse(startedAt)).toBeLessThan(15_000);
  });

  test('is left for the next zone also where that lacks the type of the JobManager', async () => {
    for (const type of ['c5.large', 'c6i.large']) world.fleet.typesWithoutCapacity.add(`us-east-1b ${type}`);
    expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.cluster()).toMatchObject({ zone: 'us-east-1b', epoch: 2, status: 'RUNNING' });
    expect(await violations(world)).toEqual([]);
  });

  test('is followed by the zone behind it when that has none of the types of the JobManager', async () => {
    for (const type of ['c5.large', 'c6i.large', 'm5.large']) world.fleet.typesWithoutCapacity.add(`us-east-1b ${type}`);
    expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.cluster()).toMatchObject({ zone: 'us-east-1c', status: 'RUNNING' });
    expect(await violations(world)).toEqual([]);
  });

  test.each(['lost', undefined] as const)(
    'is followed by the zone behind it when hosts come there and do not register (%s)',
    async (mode) => {
      world.lostZones.add('us-east-1b');
      const operation = await failOver(mode && { mode });
      expect(operation).toMatchObject({ status: 'SUCCEEDED' });
      expect(Date.parse(operation.endedAt ?? '') - Date.parse(operation.requestedAt)).toBeLessThan(600_000);
      expect(await world.cluster()).toMatchObject({ zone: 'us-east-1c', status: 'RUNNING' });
      expect(await world.job()).toMatchObject({ status: 'RUNNING' });
      expect(await violations(world)).toEqual([]);
    },
  );

  test('waits for hosts that do not register where no zone is left, and is given back where it was planned', async () => {
    for (const zone of ['us-east-1b', 'us-east-1c']) world.lostZones.add(zone);
    const lasted = ({ requestedAt, endedAt = '' }: Operation): number => (Date.parse(endedAt) - Date.parse(requestedAt)) / 1_000;
    const planned = await failOver({ mode: 'planned' });
    expect(planned).toMatchObject({ status: 'FAILED', error: { name: 'InsufficientCapacity' } });
    expect(lasted(planned)).toBeLessThan(900);
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: 1 });
    const lost = await failOver({ mode: 'lost' });
    expect(lost).toMatchObject({ status: 'FAILED', error: { name: 'DeadlineExceeded' } });
    expect(lasted(lost)).toBeGreaterThan(900);
  });

  test('of a lost zone starts its jobs with fewer slots when not all hosts come, and waits for all before a job is stopped', async () => {
    world.fleet.mostHosts = 3;
    const planned = await failOver({ mode: 'planned' });
    expect(planned).toMatchObject({ status: 'FAILED', error: { name: 'InsufficientCapacity' } });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: 1 });
    world.fleet.mostHosts = 1;
    const lost = await failOver({ mode: 'lost' });
    expect(lost).toMatchObject({ status: 'SUCCEEDED' });
    expect(lost.phases.find(({ name }) => name === 'Look for slots')?.reason).toMatch(/2 of 4 slots/);
    expect(await world.job()).toMatchObject({ status: 'RUNNING' });
    expect(await violations(world)).toEqual([]);
  });

  test('whose job goes on failing in the new zone leaves it to Flink, which starts it again and again', async () => {
    world.onCall = () => {
      for (const jobManager of [...world.jobManagers.values()].slice(1))
        for (const id of jobManager.starts) jobManager.breakJob(id, 'RESTARTING', 'it cannot reach its source');
    };
    expect(await failOver({ mode: 'lost' })).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', statusReason: expect.stringContaining('it cannot reach its source') });
    world.onCall = () => undefined;
    expect(await run(await world.acceptChange({ kind: 'stop-job', mode: 'cancel', drain: false }))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await violations(world)).toEqual([]);
  });

  test('without capacity anywhere leaves the jobs waiting for the next failover, which starts them', async () => {
    for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
    expect(await failOver({ mode: 'lost' })).toMatchObject({ status: 'FAILED', error: { name: 'InsufficientCapacity' } });
    expect(await world.cluster()).toMatchObject({ status: 'FAILED' });
    expect(await world.job()).toMatchObject({ status: 'FAILED', lease: undefined });
    world.fleet.zonesWithoutCapacity.delete('us-east-1c');
    expect(await failOver({ zone: 'us-east-1c' })).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', restoredFrom: checkpoint });
    expect(await violations(world)).toEqual([]);
  });

  test('that is tried again and fails before anything was cut off goes back to no hosts that never had the jobs', async () => {
    for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
    await failOver({ mode: 'lost' });
    expect(await world.cluster()).toMatchObject({ status: 'FAILED' });
    const before = await world.job();
    for (let tries = 0; tries < 20; tries++) world.fleet.failNext('createGroups', new AwsUnavailable('it takes too long'));
    expect(await failOver()).toMatchObject({ status: 'FAILED' });
    expect(await world.cluster()).toMatchObject({ status: 'FAILED', statusReason: expect.stringContaining('tried again by itself') });
    expect(await world.job()).toMatchObject({ status: 'FAILED', interrupted: expect.anything() });
    world.fleet.zonesWithoutCapacity.clear();
    // What is left of the failures that were planned strikes once more.
    let last = await failOver();
    for (let tries = 0; last.status === 'FAILED' && tries < 4; tries++) last = await failOver();
    expect(last).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: before.epoch + 1 });
    expect(await violations(world)).toEqual([]);
  });

  test('is tried again although something else cannot be swept, and the sweeper says so', async () => {
    for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
    await failOver({ mode: 'lost' });
    const stuck = anOperation({ kind: 'take-savepoint', request: { kind: 'take-savepoint' }, status: 'RUNNING' });
    world.store.seed({ operations: [stuck] });
    world.workflows.failNext('state', new AwsUnavailable('Step Functions is ill'));
    await world.pause(120);
    await expect(event('sweep-operations', {})).rejects.toThrow(/1 operations could not be swept/);
    expect(await world.cluster()).toMatchObject({ status: 'FAILING_OVER' });
  });

  test('cuts every former epoch off once, and loses what was made in vain between the tries', async () => {
    for (const zone of ['us-east-1a', 'us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
    await failOver({ mode: 'lost' });
    for (let time = 0; time < 3; time++) await failOver();
    const fenced = world.fleet.calls.flatMap(({ method, args }) => (method === 'fence' ? [JSON.stringify(args[0])] : []));
    expect(fenced.length).toBeGreaterThan(2);
    expect(new Set(fenced).size).toBe(fenced.length);
    const stranded = await world.cluster();
    expect(stranded.former?.length).toBeGreaterThan(4);
    await recover(world, '');
    expect(await world.cluster()).toMatchObject({ status: 'FAILED', former: [{ epoch: stranded.former?.at(-1)?.epoch }] });
    expect(world.fleet.leftovers().every((name) => !/-e1\b/.test(name))).toBe(true);
    world.fleet.zonesWithoutCapacity.clear();
    expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
    expect(await violations(world)).toEqual([]);
  });

  describe('whose new hosts no job was asked to start on', () => {
    const hosts = async (): Promise<number> => (await world.fleet.observe((await world.cluster()).resources)).hosts.length;
    /** By nobody tried again. */
    const failed = async (): Promise<void> => {
      const cluster = await world.cluster();
      const { placement } = cluster.spec;
      const byPerson = { ...placement, failover: { ...placement.failover, automatic: false } };
      world.store.seed({ clusters: [{ ...cluster, spec: { ...cluster.spec, placement: byPerson } }] });
      world.jobManagerStarts = false;
      expect(await failOver({ mode: 'lost' })).toMatchObject({ status: 'FAILED' });
      world.jobManagerStarts = true;
      expect(await hosts()).toBeGreaterThan(0);
    };

    test('does not keep them for ten minutes, and is moved later all the same', async () => {
      await failed();
      await recover(world, '');
      expect(await hosts()).toBeGreaterThan(0);
      await world.pause(301);
      await recover(world, '');
      expect(world.fleet.leftovers().filter((name) => name.includes('-e2'))).toEqual([]);
      expect(await world.cluster()).toMatchObject({ status: 'FAILED', former: [expect.anything()], resources: { taskManagerGroups: [] } });
      expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.job()).toMatchObject({ status: 'RUNNING', restoredFrom: checkpoint });
      expect(await violations(world)).toEqual([]);
    });

    test('does not keep them longer because its settings are changed meanwhile', async () => {
      await failed();
      await world.pause(200);
      const cluster = await world.cluster();
      const at = world.clock().toISOString();
      const request = { kind: 'change-cluster' as const, changes: [] };
      const change = anOperation({ kind: 'change-cluster', job: undefined, request, status: 'SUCCEEDED', requestedAt: at, endedAt: at });
      expect(await world.store.acceptClusterChange(change, { ...cluster, revision: 1 }, cluster)).toEqual({ outcome: 'created' });
      await world.pause(101);
      await recover(world, '');
      expect(world.fleet.leftovers().filter((name) => name.includes('-e2'))).toEqual([]);
    });

    test('keeps them in no zone that it has tried before', async () => {
      world.fleet.zonesWithoutCapacity.add('us-east-1b');
      await failed();
      const tried = (await world.cluster()).former?.at(-1);
      expect(tried).toMatchObject({ zone: 'us-east-1b', resources: { jobManagerGroup: expect.anything() } });
      await world.pause(301);
      await recover(world, '');
      expect((await world.cluster()).former).toEqual([expect.objectContaining({ epoch: 2, resources: NO_RESOURCES })]);
      expect(world.fleet.leftovers().filter((name) => /-e[23]\b/.test(name))).toEqual([]);
      world.fleet.zonesWithoutCapacity.clear();
      expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
      expect(await world.job()).toMatchObject({ status: 'RUNNING', restoredFrom: checkpoint });
      expect(await violations(world)).toEqual([]);
    });

    test('keeps them where one may run there', async () => {
      await failed();
      world.store.seed({ jobs: [{ ...(await world.job()), status: 'RUNNING' }] });
      await world.pause(301);
      await recover(world, '');
      expect(await hosts()).toBeGreaterThan(0);
    });
  });

  test('state that a cut-off process writes later is not what the next failover goes on from', async () => {
    const former = [...world.jobManagers.values()][0];
    const { flinkJobId } = await world.job();
    await failOver();
    world.now += 60_000;
    former?.completeCheckpoint(flinkJobId, CHECKPOINTS);
    expect(await failOver({ zone: 'us-east-1c' })).toMatchObject({ status: 'SUCCEEDED' });
    const job = await world.job();
    expect(job.restoredFrom).not.toContain(flinkJobId);
    expect(job.restoredFrom).toBe(job.latestSavepoint);
  });
});

describe('a move that goes on with an interrupted one', () => {
  /** The execution is stopped behind a task with this state's name, and no zone has capacity from then on. */
  const interruptedAt = async (state: string, wish: Parameters<World['acceptFailover']>[0]): Promise<Operation> => {
    for (let tasks = 1; tasks < 100; tasks++) {
      world = enter(new World());
      await run(await world.acceptLaunch());
      await run(await world.acceptSubmission(world.jarSpec(4)));
      const operation = await world.acceptFailover(wish);
      if (!(await run(operation, tasks)).path.slice(0, -1).includes(state)) continue;
      for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
      return operation;
    }
    throw new Error(`no execution comes to "${state}"`);
  };

  test.each([
    ['Secure state', 'planned'],
    ['Fence lost hosts', 'lost'],
  ] as const)('behind "%s" does not give the cluster back to the hosts that were left', async (state, mode) => {
    const operation = await interruptedAt(state, { mode });
    await recover(world, operation.operationId);
    expect(await world.cluster()).toMatchObject({ status: 'FAILED', zone: 'us-east-1c' });
    expect(await world.job()).toMatchObject({ status: 'FAILED', lease: undefined });
    world.fleet.zonesWithoutCapacity.clear();
    expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'RUNNING', restoredFrom: expect.any(String) });
    expect(await violations(world)).toEqual([]);
  });

  test('behind the stop of its jobs starts them from those savepoints, and waits for nobody that was cut off', async () => {
    const operation = await interruptedAt('Fence', { mode: 'planned' });
    world.fleet.zonesWithoutCapacity.clear();
    const { interrupted } = await world.job();
    expect(interrupted?.savepoint).toMatch(/^s3:/);
    for (const flink of world.jobManagers.values()) if (flink.starts.length > 0) flink.reachable = false;
    await recover(world, operation.operationId);
    const [recovery] = (await world.store.operationsOf('flights', { limit: 1 })).items;
    expect(recovery).toMatchObject({ kind: 'fail-over-cluster', status: 'SUCCEEDED' });
    expect(
      recovery?.phases.flatMap(({ name, reason }) => (/does not answer|without/.test(reason ?? '') ? [`${name}: ${reason}`] : [])),
    ).toEqual([]);
    expect(await world.job()).toMatchObject({ status: 'RUNNING', restoredFrom: interrupted?.savepoint });
    expect(await violations(world)).toEqual([]);
  });
});

describe('a move in the place of one that is under way', () => {
  const moved = async (tasks: number, mode: 'planned' | 'lost'): Promise<{ readonly first: Operation; readonly ended: boolean }> => {
    world = enter(new World());
    await run(await world.acceptLaunch());
    await run(await world.acceptSubmission(world.jarSpec(4)));
    world.flink.completeCheckpoint((await world.job()).flinkJobId, 's3://state/clusters/flights/jobs/delays/checkpoints');
    const first = await world.acceptFailover({ mode });
    await run(first, tasks);
    const { status } = await world.cluster();
    return { first, ended: status !== 'FAILING_OVER' };
  };

  test.each(['planned', 'lost'] as const)(
    'goes on from wherever that (%s) has come to, in the zone behind it, and nothing is left',
    async (mode) => {
      let tasks = 0;
      for (; ; tasks++) {
        const { first, ended } = await moved(tasks, mode);
        if (ended) break;
        const second = await world.failOverInstead(first.operationId);
        expect(second.request).toMatchObject({ from: 'us-east-1a', zone: 'us-east-1c' });
        await run(second);
        // What it has asked for, and what answers late.
        await run(first);
        expect([tasks, await world.store.operation(second.operationId)]).toEqual([tasks, expect.objectContaining({ status: 'SUCCEEDED' })]);
        expect([tasks, await world.store.operation(first.operationId)]).toEqual([tasks, expect.objectContaining({ status: 'CANCELED' })]);
        expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1c' });
        expect(await world.job()).toMatchObject({ status: 'RUNNING', restoredFrom: expect.any(String) });
        expect([tasks, await violations(world)]).toEqual([tasks, []]);
      }
      expect(tasks).toBeGreaterThan(8);
    },
  );

  test('home again, and on from there, gives the cluster back to the hosts that have its jobs where no zone has others', async () => {
    const { first } = await moved(4, 'planned');
    const second = await world.failOverInstead(first.operationId, { zone: 'us-east-1a' });
    for (const zone of ['us-east-1a', 'us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
    await run(second);
    expect(await world.store.operation(second.operationId)).toMatchObject({ status: 'FAILED' });
    const cluster = await world.cluster();
    expect(cluster).toMatchObject({ status: 'RUNNING', zone: 'us-east-1a', resources: { epoch: 1 } });
    expect((await world.fleet.observe(cluster.resources)).hosts).toHaveLength(3);
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: 1 });
    expect(await violations(world)).toEqual([]);
  });

  test('whose workflow dies is gone on with by one that knows which hosts had the jobs', async () => {
    const { first } = await moved(4, 'planned');
    const second = await world.failOverInstead(first.operationId, { zone: 'us-east-1a' });
    await run(second, 3);
    await recover(world, second.operationId);
    const started = world.workflows.started.map(({ operationId }) => operationId);
    const after = await Promise.all(started.map((id) => world.store.operation(id)));
    expect(after.find((one) => one?.cleansUp?.after === second.operationId)?.request).toMatchObject({ from: 'us-east-1a', fromEpoch: 1 });
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1a' });
    expect(await violations(world)).toEqual([]);
  });

  test('counts the outage from when the first saw the loss', async () => {
    const trigger = { kind: 'zone-event', evidence: 'a test wants it', detectedAt: '2026-03-01T11:59:00.000Z' } as const;
    const first = await world.acceptFailover({ mode: 'lost', trigger });
    await run(first, 3);
    const second = await world.failOverInstead(first.operationId);
    expect(second.request).toMatchObject({ trigger: { kind: 'person', detectedAt: trigger.detectedAt } });
  });

  test('is as planned as the first where the JobManager answers', async () => {
    const { first } = await moved(4, 'planned');
    const second = await world.failOverInstead(first.operationId);
    await run(second);
    const { phases } = (await world.store.operation(second.operationId)) as Operation;
    expect(phases.find(({ name }) => name === 'Ask the former hosts')?.reason).toMatch(/nothing is lost/);
    expect((await world.job()).restoredFrom).toMatch(/savepoint/);
  });

  test('goes on in the zone of the first where only its way is another, and to none that was tried', async () => {
    const { first } = await moved(4, 'planned');
    const lost = await world.failOverInstead(first.operationId, { mode: 'lost' });
    expect(lost.request).toMatchObject({ zone: 'us-east-1b', mode: 'lost', avoid: ['us-east-1a'], fromEpoch: 1 });
    await run(lost, 4);
    const third = await world.failOverInstead(lost.operationId);
    expect(third.request).toMatchObject({ zone: 'us-east-1c' });
    await run(third, 4);
    await expect(world.failOverInstead(third.operationId)).rejects.toThrow('no zone is left to go to');
  });

  test('is refused where the move has been handed over meanwhile, or is another; without naming it a move is in the way', async () => {
    const { first } = await moved(3, 'planned');
    await expect(world.failOverInstead(`op-${'z'.repeat(26)}`)).rejects.toMatchObject({
      name: 'Conflict',
      message: expect.stringContaining('is not moving flights, which is FAILING_OVER'),
    });
    await expect(world.failOverInstead(undefined)).rejects.toMatchObject({
      message: expect.stringContaining(`insteadOf: "${first.operationId}"`),
      operation: { operationId: first.operationId },
    });
    await run(first);
    await expect(world.failOverInstead(first.operationId)).rejects.toMatchObject({
      message: expect.stringContaining('which is RUNNING in us-east-1b'),
    });
  });
});

describe('what is under way on the cluster', () => {
  /** An upgrade as far as the end of the previous version. */
  const stoppedForUpgrade = async (): Promise<Operation> => {
    const upgrade = await world.acceptChange({ kind: 'upgrade-job', spec: world.jarSpec(4, 'new') });
    for (let tasks = 1; tasks < 50 && !world.flink.inside.some(({ state }) => state === 'FINISHED'); tasks++) await run(upgrade, tasks);
    return upgrade;
  };

  test('a job that an upgrade had just stopped is no job that has done its work: it goes on from that savepoint', async () => {
    const before = await world.job();
    await stoppedForUpgrade();
    expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
    const after = await world.job();
    expect(after).toMatchObject({ status: 'RUNNING', epoch: before.epoch + 1, restoredFrom: expect.stringMatching(/savepoint-/) });
    expect(await violations(world)).toEqual([]);
  });

  describe('is made good where no zone has hosts and the cluster is given back', () => {
    const giveBack = async (): Promise<void> => {
      for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
      expect(await failOver({ mode: 'planned' })).toMatchObject({ status: 'FAILED', error: { name: 'InsufficientCapacity' } });
    };
    const cleaned = async (after: Operation): Promise<Operation> => {
      const cleaning = (await world.store.openOperations()).find(({ cleansUp }) => cleansUp?.after === after.operationId);
      expect(world.workflows.started.map(({ operationId }) => operationId)).toContain(cleaning?.operationId);
      await run(cleaning as Operation);
      return ended(cleaning as Operation);
    };

    test('a version that was stopped for an upgrade is started again, from the savepoint that it was stopped with', async () => {
      const before = await world.job();
      const upgrade = await stoppedForUpgrade();
      await giveBack();
      await cleaned(upgrade);
      const after = await world.job();
      expect(after).toMatchObject({ status: 'RUNNING', spec: before.spec, restoredFrom: expect.stringMatching(/savepoint-/) });
      expect(after.brokenOff).toBeUndefined();
      expect(await violations(world)).toEqual([]);
    });

    test('a new version that nobody saw running gives way to the one before it, which goes on from its state', async () => {
      const { flink } = world;
      const { spec } = await world.job();
      const upgrade = await world.acceptChange({ kind: 'upgrade-job', spec: world.jarSpec(2, 'new') });
      for (let tasks = 1; tasks < 50 && !(await world.job()).startAsked; tasks++) await run(upgrade, tasks);
      expect((await world.job()).spec).not.toEqual(spec);
      await giveBack();
      await cleaned(upgrade);
      const after = await world.job();
      expect(after).toMatchObject({ status: 'RUNNING', spec: { program: spec.program }, lease: undefined });
      expect(flink.inside.filter(({ state }) => state === 'RUNNING').map(({ flinkJobId }) => flinkJobId)).toEqual([after.flinkJobId]);
      expect(await violations(world)).toEqual([]);
    });

    test('a job that was being submitted is withdrawn', async () => {
      const submission = await world.acceptSubmission(world.jarSpec(2, 'other', 'other'));
      await run(submission, 3);
      await giveBack();
      await cleaned(submission);
      expect(await world.job('other')).toMatchObject({ status: 'CANCELED', desired: 'STOPPED' });
      expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: 1 });
      expect(await violations(world)).toEqual([]);
    });

    test('also where the move comes to an end before it has done so', async () => {
      const upgrade = await stoppedForUpgrade();
      world.onCall = (_, method) => {
        if (method === 'acceptJobChange') throw new Error('the table is on fire');
      };
      for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
      const move = await failOver({ mode: 'planned' });
      expect(await world.job()).toMatchObject({ brokenOff: upgrade.operationId, lease: undefined });
      world.onCall = () => undefined;
      await recover(world, move.operationId);
      expect(await world.job()).toMatchObject({ status: 'RUNNING', restoredFrom: expect.stringMatching(/savepoint-/) });
      expect(await violations(world)).toEqual([]);
    });

    /** The cluster is given back, and the move comes to an end before what it broke off is made good. */
    const leaveBroken = async (call: 'acceptJobChange' | 'acceptCancellation'): Promise<Operation> => {
      world.onCall = (_, method) => {
        if (method === call) throw new Error('the table is on fire');
      };
      for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
      const move = await failOver({ mode: 'planned' });
      world.onCall = () => undefined;
      expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1a' });
      return move;
    };

    test('also where the next move gives the cluster back too', async () => {
      const upgrade = await stoppedForUpgrade();
      await leaveBroken('acceptJobChange');
      const move = await leaveBroken('acceptJobChange');
      expect(await world.job()).toMatchObject({ brokenOff: upgrade.operationId });
      await recover(world, move.operationId);
      expect(await world.job()).toMatchObject({ status: 'RUNNING', restoredFrom: expect.stringMatching(/savepoint-/) });
      expect(await violations(world)).toEqual([]);
    });

    test('by the sweeper where the job was changed in that moment, also when nothing is left of the move', async () => {
      await stoppedForUpgrade();
      world.faults = ({ method }) =>
        method === 'acceptJobChange' ? { by: { acceptJobChange: async () => ({ outcome: 'blocked', by: 'job' }) } } : undefined;
      for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
      const move = await failOver({ mode: 'planned' });
      world.faults = () => undefined;
      expect((await world.cluster()).former).toBeUndefined();
      await recover(world, move.operationId);
      expect(await world.job()).toMatchObject({ status: 'RUNNING', restoredFrom: expect.stringMatching(/savepoint-/) });
    });

    test('and a job that was being submitted runs on where the next move has started it', async () => {
      const submission = await world.acceptSubmission(world.jarSpec(2, 'other', 'other'));
      await run(submission, 3);
      await leaveBroken('acceptCancellation');
      expect(await world.job('other')).toMatchObject({ status: 'SUBMITTING', brokenOff: submission.operationId });
      world.fleet.zonesWithoutCapacity.clear();
      const move = await failOver({ mode: 'planned' });
      expect(move).toMatchObject({ status: 'SUCCEEDED' });
      expect((await world.job('other')).brokenOff).toBeUndefined();
      await recover(world, move.operationId);
      expect(await world.job('other')).toMatchObject({ status: 'RUNNING', desired: 'RUNNING' });
      expect(await violations(world)).toEqual([]);
    });

    test('and a job that was being submitted runs on where it was seen running meanwhile', async () => {
      const submission = await world.acceptSubmission(world.jarSpec(2, 'other', 'other'));
      for (let tasks = 1; tasks < 50 && !(await world.job('other')).startAsked; tasks++) await run(submission, tasks);
      const move = await leaveBroken('acceptCancellation');
      expect(await world.store.recordJobSeen('flights', 'other', 1, { status: 'RUNNING', statusReason: '2 of 2 tasks run' })).toBe(true);
      await recover(world, move.operationId);
      expect(await world.job('other')).toMatchObject({ status: 'RUNNING', desired: 'RUNNING' });
    });

    test.each([
      ['and a job that has done all its work meanwhile is not started again', false],
      ['and a job that was seen to have done all its work is not started again', true],
    ])('%s', async (_, seen) => {
      const { flink } = world;
      const { flinkJobId, epoch } = await world.job();
      const upgrade = await world.acceptChange({ kind: 'upgrade-job', spec: world.jarSpec(4, 'new') });
      await run(upgrade, 2);
      flink.breakJob(flinkJobId, 'FINISHED');
      const move = await leaveBroken('acceptJobChange');
      expect(await world.job()).toMatchObject({ brokenOff: upgrade.operationId });
      if (seen)
        await world.store.recordJobSeen('flights', 'delays', epoch, { status: 'FINISHED', statusReason: 'The job has done all its work' });
      await recover(world, move.operationId);
      expect(await world.job()).toMatchObject({ status: 'FINISHED', epoch, lease: undefined });
      expect(flink.starts).toEqual([flinkJobId]);
    });
  });

  test('ends as canceled, names the failover, and can write nothing any more', async () => {
    const upgrade = await world.acceptChange({ kind: 'upgrade-job', spec: world.jarSpec(4, 'new') });
    await run(upgrade, 3);
    const operation = await failOver();
    expect(operation).toMatchObject({ status: 'SUCCEEDED' });
    expect(await ended(upgrade)).toMatchObject({ status: 'CANCELED', reason: expect.stringContaining(operation.operationId) });
    const before = await world.job();
    await run(upgrade);
    expect(await world.job()).toEqual(before);
    await recover(world, upgrade.operationId);
    expect(await violations(world)).toEqual([]);
  });

  test('a new version that nobody saw running gives way to the one before it', async () => {
    const { spec } = await world.job();
    world.flink.behaviour = () => ({ does: 'run' });
    const upgrade = await world.acceptChange({ kind: 'upgrade-job', spec: world.jarSpec(2, 'new') });
    let failover: Operation | undefined;
    world.onCall = (_, method) => {
      if (method === 'runJar' && !failover) void world.acceptFailover({ mode: 'lost' }).then((accepted) => (failover = accepted));
    };
    await run(upgrade);
    world.onCall = () => undefined;
    await run(failover as unknown as Operation);
    expect(await world.job()).toMatchObject({ status: 'RUNNING', spec });
    expect(await violations(world)).toEqual([]);
  });

  test('a job that was started without state never goes back to what was before, however often it is moved', async () => {
    await run(await world.acceptChange({ kind: 'stop-job', mode: 'savepoint', drain: false }));
    await run(await world.acceptSubmission({ ...world.jarSpec(4), restore: { from: 'none', allowNonRestoredState: false } }));
    expect(await world.job()).toMatchObject({ status: 'RUNNING', epoch: 2, fromNothingAt: 2 });
    expect(await failOver()).toMatchObject({ status: 'SUCCEEDED' });
    const { flinkJobId, latestSavepoint = '' } = await world.job();
    const own = (uri: string): boolean => uri.startsWith(latestSavepoint) || uri.includes(flinkJobId);
    for (const uri of world.artifacts.uris().filter(own)) if (uri.endsWith('/state')) world.artifacts.remove(uri);
    await failOver({ mode: 'lost', zone: 'us-east-1c', drill: true });
    expect(await world.job()).toMatchObject({ status: 'FAILED', statusReason: expect.stringContaining('no state that can be restored') });
  });

  test('a job that was to be canceled is not started again', async () => {
    const cancellation = await world.acceptChange({ kind: 'stop-job', mode: 'cancel', drain: false });
    expect(await failOver({ mode: 'lost' })).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'CANCELED', epoch: 1 });
    await run(cancellation);
    expect(await ended(cancellation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await violations(world)).toEqual([]);
  });

  /** What is wanted of the job changes once its former hosts are cut off, before this call of the first try to start it. */
  const unwantedBefore = (when: string): void => {
    let seen = 'fence';
    world.onCall = (port, method) => {
      const call = `${port}.${method}`;
      if (seen === 'fence' && call === 'fleet.fence') seen = 'fenced';
      else if (seen === 'fenced' && call === 'store.jobs') seen = 'settled';
      else if (seen === 'settled' && call === when) {
        seen = 'done';
        void world.job().then((job) => world.store.seed({ jobs: [{ ...job, desired: 'STOPPED' }] }));
      }
    };
  };

  test('a job that is to end when its turn to start comes is not started, and keeps no other from it', async () => {
    await run(await world.acceptSubmission(world.jarSpec(2, 'other', 'other')));
    unwantedBefore('store.operation');
    expect(await failOver({ mode: 'lost' })).toMatchObject({ status: 'SUCCEEDED' });
    expect(await world.job()).toMatchObject({ status: 'CANCELED', epoch: 1, lease: undefined });
    expect(await world.job('other')).toMatchObject({ status: 'RUNNING', epoch: 2 });
    expect(await violations(world)).toEqual([]);
  });

  test('a move that ends for the sake of a job while nobody else has its cluster has failed, and is tried again', async () => {
    unwantedBefore('flink.uploadJar');
    expect(await failOver({ mode: 'lost' })).toMatchObject({ status: 'FAILED', error: { name: 'Superseded' } });
    expect(await world.cluster()).toMatchObject({ status: 'FAILED', desired: 'RUNNING' });
    await world.pause(61);
    await event('sweep-operations', {});
    const again = (await world.store.openOperations()).find(({ kind }) => kind === 'fail-over-cluster');
    await run(again as Operation);
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING' });
    expect(await world.job()).toMatchObject({ status: 'CANCELED' });
    expect(await violations(world)).toEqual([]);
  });

  test('a termination takes away the failover, and both epochs with it', async () => {
    const failover = await world.acceptFailover();
    let termination: Operation | undefined;
    world.onCall = (_, method) => {
      if (method === 'createGroups' && !termination) void world.acceptTermination('cancel').then((accepted) => (termination = accepted));
    };
    await run(failover);
    expect(await ended(failover)).toMatchObject({ status: 'CANCELED' });
    await run(termination as unknown as Operation);
    expect(await ended(termination as unknown as Operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(world.fleet.leftovers()).toEqual([]);
    expect(await violations(world)).toEqual([]);
  });
});
