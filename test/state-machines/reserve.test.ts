import type { Operation } from '../../lambdas/contracts/operation';
import { classesPrefix } from '../../lambdas/domain/state-paths';
import { acceptClusterChange } from '../../lambdas/usecases/clusters/accept-cluster-change';
import { acceptInterruption } from '../../lambdas/usecases/clusters/accept-interruption';
import { newOperationId } from '../contract/support/samples';
import { createFakeInstanceFacts } from '../fakes/fake-instance-facts';
import { enter, event, run } from './support/functions';
import { recover, violations } from './support/recover';
import { STAGE, World } from './support/world';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('./support/functions').composition);

let world: World;
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
  await run(await world.acceptLaunch({ capacity: 'warm' }));
  await run(await world.acceptSubmission(world.jarSpec(4)));
});

const ended = async (operationId: string): Promise<Operation> => (await world.store.operation(operationId)) as Operation;
/** What is decided now, with its workflow. */
const consider = async (stopAfter?: number): Promise<Operation | undefined> => {
  const [first] = await world.considerReserves();
  if (first?.operationId === undefined) return undefined;
  await run(await ended(first.operationId), stopAfter);
  return ended(first.operationId);
};
const standBy = async (): Promise<void> => {
  expect(await consider()).toMatchObject({ status: 'SUCCEEDED' });
};
const failOver = async (wish?: Parameters<World['acceptFailover']>[0]): Promise<Operation> => {
  const { operationId } = await world.acceptFailover(wish);
  await run(await ended(operationId));
  return ended(operationId);
};
const changeCluster = async (patch: Readonly<Record<string, unknown>>): Promise<void> => {
  const { clock, store, workflows } = world;
  const change = { requestedBy: 'a test', operationId: newOperationId(), requestHash: '' };
  const deps = { clock, store, workflows, stage: STAGE, instanceFacts: createFakeInstanceFacts() };
  expect(await acceptClusterChange(deps, change, 'flights', patch)).toMatchObject({ status: 'SUCCEEDED' });
};
const shiftFrom = (awayFrom: string) => ({
  source: 'aws.arc-zonal-shift',
  'detail-type': 'Autoshift In Progress',
  time: new Date(world.now).toISOString(),
  detail: { metadata: { awayFrom } },
});
const leftOf = (epoch: number): readonly string[] => world.fleet.leftovers().filter((name) => name.includes(`-e${epoch}`));
const attempts = ({ phases }: Operation, name: string): number | undefined => phases.find((phase) => phase.name === name)?.attempts;

describe('a cluster with warm capacity', () => {
  test('has a JobManager and as many hosts as its jobs need standing by in the next zone, and holds no lease for it', async () => {
    const operation = await consider();
    expect(operation).toMatchObject({ kind: 'prepare-reserve', status: 'SUCCEEDED' });
    const { reserve, lease } = await world.cluster();
    expect(lease).toBeUndefined();
    expect(reserve).toMatchObject({ status: 'ready', zone: 'us-east-1b', epoch: 2, hosts: 2, failures: 0 });
    expect((await world.fleet.observe(reserve?.resources as never)).hosts.map(({ role }) => role).sort()).toEqual([
      ...['jobmanager', 'taskmanager', 'taskmanager'],
    ]);
    expect(await consider()).toBeUndefined();
    expect(await violations(world)).toEqual([]);
  });

  test.each(['planned', 'lost'] as const)('moves (%s) into it without waiting for a host, and says so', async (mode) => {
    await standBy();
    if (mode === 'lost') world.loseZone('us-east-1a');
    const operation = await failOver({ mode });
    expect(operation).toMatchObject({ status: 'SUCCEEDED', result: { failover: { capacity: 'warm' } } });
    expect(attempts(operation, 'Look for slots')).toBe(1);
    for (const name of ['Prepare access', 'Write configuration', 'Create fleet', 'Look at the hosts'])
      expect([name, phase(operation, name)]).toEqual([name, undefined]);
    expect(operation.result?.failover?.seconds).toHaveProperty('capacity');
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1b', epoch: 2 });
    expect((await world.cluster()).reserve).toBeUndefined();
    expect(await world.job()).toMatchObject({ status: 'RUNNING' });
    if (mode === 'planned') expect(await violations(world)).toEqual([]);
  });

  test('has had a job run on every slot of its reserve before a move may go there', async () => {
    await standBy();
    const { reserve } = await world.cluster();
    expect(reserve?.reason).toMatch(/^2 TaskManager hosts and a JobManager stand by in us-east-1b\. A job has run on all slots/);
    const there = world.jobManagerAt(reserve?.resources.jobManagerAddress ?? '');
    expect(there.inside).toEqual([expect.objectContaining({ name: '#warm-up', state: 'FINISHED' })]);
    expect(there.calls.find(({ method }) => method === 'runWarmUp')?.args).toEqual([expect.objectContaining({ parallelism: 4 })]);
    // And not again: a reserve that grows may be needed any moment.
    await run(await world.acceptSubmission(world.jarSpec(2, 'second', 'second')));
    await standBy();
    expect((await world.cluster()).reserve).toMatchObject({ hosts: 3 });
    expect(there.calls.filter(({ method }) => method === 'runWarmUp')).toHaveLength(1);
  });

  test.each([
    ['fails', { does: 'fail', reason: 'AccessDenied: checkpoints' }, /Its warm-up has FAILED: AccessDenied: checkpoints$/],
    ['cannot be started', { does: 'reject', reason: 'no such class in the jar' }, /It could not be warmed up: no such class in the jar$/],
    ['does not end', { does: 'run' }, /Its warm-up has CANCELED$/],
  ] as const)('keeps a reserve whose warm-up %s, with free slots, and says so', async (_, warmUp, says) => {
    world.flink.warmUp = warmUp;
    await standBy();
    const { reserve } = await world.cluster();
    expect(reserve).toMatchObject({ status: 'ready', reason: expect.stringMatching(says) });
    expect(await world.jobManagerAt(reserve?.resources.jobManagerAddress ?? '').overview()).toMatchObject({ slotsFree: 4 });
    expect(await failOver({ mode: 'planned' })).toMatchObject({ status: 'SUCCEEDED', result: { failover: { capacity: 'warm' } } });
  });

  test('that is spread has no TaskManager standing by in a zone that is not well, and moves to those that do', async () => {
    world = enter(new World());
    await run(await world.acceptLaunch({ capacity: 'warm', zones: ['us-east-1a', 'us-east-1b', 'us-east-1c'] }));
    await run(await world.acceptSubmission(world.jarSpec(4)));
    await standBy();
    expect((await world.cluster()).reserve).toMatchObject({ zone: 'us-east-1b', avoidedZones: ['us-east-1a'] });
    await event('handle-zone-event', shiftFrom('use1-az3'));
    await run(await ended((await world.cluster()).reserve?.by as string));
    expect((await world.cluster()).reserve).toMatchObject({ status: 'gone' });
    world.fleet.zonesInTrouble.set('us-east-1c', 'EC2 says it is impaired');
    await world.pause(60);
    await standBy();
    expect((await world.cluster()).reserve).toMatchObject({ zone: 'us-east-1b', avoidedZones: ['us-east-1a', 'us-east-1c'] });
    world.loseZone('us-east-1a');
    expect(await failOver({ mode: 'lost' })).toMatchObject({ status: 'SUCCEEDED', result: { failover: { capacity: 'warm' } } });
  });

  test('has the next reserve in the zone after it once it has moved, of a further epoch', async () => {
    await standBy();
    await failOver({ mode: 'planned' });
    await standBy();
    expect((await world.cluster()).reserve).toMatchObject({ status: 'ready', zone: 'us-east-1c', epoch: 3 });
    expect(await failOver({ mode: 'planned', zone: 'us-east-1c' })).toMatchObject({ result: { failover: { capacity: 'warm' } } });
  });

  test('goes where a person says, as an epoch above the reserve, which goes with the former hosts', async () => {
    await standBy();
    const operation = await failOver({ zone: 'us-east-1c' });
    expect(operation).toMatchObject({ status: 'SUCCEEDED', result: { failover: { capacity: 'cold' } } });
    expect(await world.cluster()).toMatchObject({ zone: 'us-east-1c', epoch: 3 });
    expect([...leftOf(1), ...leftOf(2)]).toEqual([]);
    expect(await violations(world)).toEqual([]);
  });

  test('does not go to a reserve that is not complete; its maker ends as canceled and leaves nothing', async () => {
    expect(await consider(3)).toMatchObject({ status: 'RUNNING' });
    const making = (await world.cluster()).reserve?.by as string;
    const operation = await failOver();
    expect(operation).toMatchObject({ status: 'SUCCEEDED', result: { failover: { capacity: 'cold' } } });
    expect(await ended(making)).toMatchObject({ status: 'CANCELED' });
    expect(await world.cluster()).toMatchObject({ epoch: 3 });
    expect(leftOf(2)).toEqual([]);
  });

  test('keeps its jobs and loses the reserve when a move into it comes to nothing, and gets another', async () => {
    await standBy();
    world.jobManagerAt((await world.cluster()).reserve?.resources.jobManagerAddress ?? '').reachable = false;
    world.jobManagerStarts = false;
    expect(await failOver({ mode: 'planned' })).toMatchObject({ status: 'FAILED' });
    world.jobManagerStarts = true;
    await world.pause(1);
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1a', epoch: 3, resources: { epoch: 1 } });
    expect([...leftOf(2), ...leftOf(3)]).toEqual([]);
    await standBy();
    expect((await world.cluster()).reserve).toMatchObject({ epoch: 4, status: 'ready' });
  });

  test('has more hosts standing by when its jobs need more, usable all the time', async () => {
    await standBy();
    await run(await world.acceptSubmission(world.jarSpec(2, 'second', 'second')));
    const [decided] = await world.considerReserves();
    expect((await world.cluster()).reserve).toMatchObject({ status: 'ready', hosts: 3 });
    await run(await ended(decided?.operationId ?? ''));
    const { reserve } = await world.cluster();
    expect((await world.fleet.observe(reserve?.resources as never)).wanted.taskmanager).toBe(3);
  });

  test.each([
    ['does not know yet', async () => undefined],
    // Its new number is stored, and nobody has asked EC2.
    ['is about to ask for them', async () => void (await world.considerReserves())],
  ])('asks for the hosts that its reserve lacks when its jobs have outgrown it, and who makes it %s', async (_, meanwhile) => {
    await standBy();
    await run(await world.acceptSubmission(world.jarSpec(4, 'second', 'second')));
    await meanwhile();
    const operation = await failOver({ mode: 'planned' });
    expect(operation).toMatchObject({ status: 'SUCCEEDED', result: { failover: { capacity: 'warm' } } });
    expect(phase(operation, 'Create fleet')?.reason).toMatch(/and 4 TaskManager hosts/);
    expect((await world.fleet.observe((await world.cluster()).resources)).wanted.taskmanager).toBe(4);
  });

  test('has fewer when they need fewer, and no move goes there while hosts are asked back', async () => {
    await standBy();
    await run(await world.acceptChange({ kind: 'stop-job', mode: 'cancel', drain: false }));
    const [decided] = await world.considerReserves();
    expect((await world.cluster()).reserve).toMatchObject({ status: 'making', hosts: 1 });
    await run(await ended(decided?.operationId ?? ''));
    const { reserve } = await world.cluster();
    expect(reserve).toMatchObject({ status: 'ready', hosts: 1 });
    expect((await world.fleet.observe(reserve?.resources as never)).wanted.taskmanager).toBe(1);
  });

  test('is not moved to the smaller reserve before the hosts that it gives back have left', async () => {
    await standBy();
    await run(await world.acceptChange({ kind: 'stop-job', mode: 'cancel', drain: false }));
    const [decided] = await world.considerReserves();
    const there = async (): Promise<number> =>
      world.jobManagerAt((await world.cluster()).reserve?.resources.jobManagerAddress ?? '').taskManagers;
    expect(await there()).toBe(2);
    await run(await ended(decided?.operationId ?? ''));
    expect((await world.cluster()).reserve?.status).toBe('ready');
    expect(await there()).toBe(1);
    const { phases } = await ended(decided?.operationId ?? '');
    expect(phases.find(({ name }) => name === 'Look for slots')?.attempts).toBeGreaterThan(1);
  });

  test('gets it in another zone where EC2 has none in the next, after a pause, and nothing is left of the first', async () => {
    world.fleet.zonesWithoutCapacity.add('us-east-1b');
    expect(await consider()).toMatchObject({ status: 'FAILED', error: { name: 'InsufficientCapacity' } });
    expect((await world.cluster()).reserve).toMatchObject({ status: 'gone', failures: 1, reason: expect.stringMatching(/capacity/) });
    expect(leftOf(2)).toEqual([]);
    expect(await consider()).toBeUndefined();
    await world.pause(61);
    expect(await consider()).toMatchObject({ status: 'SUCCEEDED' });
    expect((await world.cluster()).reserve).toMatchObject({ status: 'ready', zone: 'us-east-1c', epoch: 3, failures: 0 });
  });

  test('gets it in the next zone also where that lacks the type of the JobManager, and another when its host is lost later', async () => {
    world.fleet.typesWithoutCapacity.add('us-east-1b c5.large');
    await standBy();
    const { reserve } = await world.cluster();
    expect(reserve).toMatchObject({ status: 'ready', zone: 'us-east-1b', failures: 0 });
    const leader = () => world.fleet.instances().find(({ role, zone }) => role === 'jobmanager' && zone === 'us-east-1b');
    world.fleet.typesWithoutCapacity.delete('us-east-1b c5.large');
    world.fleet.typesWithoutCapacity.add('us-east-1b c6i.large');
    world.fleet.loseHost(leader()?.instanceId ?? '');
    expect(leader()).toBeUndefined();
    await consider();
    expect(leader()).toMatchObject({ address: reserve?.resources.jobManagerAddress });
  });

  test('keeps its archives of classes when a reserve is taken away', async () => {
    const archive = `s3://state/${classesPrefix('flights')}/jobmanager-0123.jsa.gz`;
    world.artifacts.put(archive, 'an archive');
    world.fleet.zonesWithoutCapacity.add('us-east-1b');
    expect(await consider()).toMatchObject({ status: 'FAILED' });
    expect((await world.cluster()).reserve).toMatchObject({ status: 'gone' });
    expect(world.artifacts.uris()).toContain(archive);
  });

  test('has it taken away and made anew when the workflow that made it died', async () => {
    const operation = await consider(4);
    await recover(world, operation?.operationId ?? '');
    expect(await ended(operation?.operationId ?? '')).toMatchObject({ status: 'FAILED' });
    expect(await consider()).toMatchObject({ request: { action: 'take-away' }, status: 'SUCCEEDED' });
    expect(leftOf(2)).toEqual([]);
    await world.pause(61);
    await standBy();
  });

  test('goes there by itself when AWS shifts traffic away from its own zone, and asks for no host that stands by', async () => {
    await standBy();
    const shift = shiftFrom('use1-az1');
    await event('handle-zone-event', shift);
    const by = (await world.cluster()).lease?.operationId ?? '';
    expect((await ended(by)).request).toMatchObject({ kind: 'fail-over-cluster', reserve: 2, reserveHosts: 2 });
    await run(await ended(by));
    const operation = await ended(by);
    expect(operation).toMatchObject({ status: 'SUCCEEDED', result: { failover: { capacity: 'warm' } } });
    expect(phase(operation, 'Create fleet')).toBeUndefined();
  });

  test('leaves a zone that it is not to move to any more with its reserve, and makes it where it is to', async () => {
    await standBy();
    await changeCluster({ placement: { failover: { zones: ['us-east-1c'] } } });
    expect(await consider()).toMatchObject({ status: 'SUCCEEDED', request: { action: 'take-away', zone: 'us-east-1b' } });
    expect(leftOf(2)).toEqual([]);
    await standBy();
    expect((await world.cluster()).reserve).toMatchObject({ status: 'ready', zone: 'us-east-1c' });
    expect(await violations(world)).toEqual([]);
  });

  test('gives up its reserve when its capacity is to be cold, and has one again when it is to be warm', async () => {
    await standBy();
    await changeCluster({ placement: { failover: { capacity: null } } });
    expect(await consider()).toMatchObject({ status: 'SUCCEEDED', request: { action: 'take-away' } });
    expect(leftOf(2)).toEqual([]);
    expect(await consider()).toBeUndefined();
    // Nothing was wrong with it: neither time nor another zone is needed.
    await changeCluster({ placement: { failover: { capacity: 'warm' } } });
    await standBy();
    expect((await world.cluster()).reserve).toMatchObject({ status: 'ready', epoch: 3, zone: 'us-east-1b' });
  });

  test('leaves a zone that AWS shifts traffic from with its reserve, and makes it elsewhere', async () => {
    await standBy();
    const shift = shiftFrom('use1-az2');
    await event('handle-zone-event', shift);
    const by = (await world.cluster()).reserve?.by ?? '';
    await run(await ended(by));
    expect(await ended(by)).toMatchObject({ status: 'SUCCEEDED', request: { action: 'take-away', zone: 'us-east-1b' } });
    await world.pause(61);
    await standBy();
    expect((await world.cluster()).reserve).toMatchObject({ zone: 'us-east-1c' });
  });

  test('leaves a zone that AWS shifts traffic from also while its reserve is being made there', async () => {
    expect(await consider(3)).toMatchObject({ status: 'RUNNING' });
    const { by: making, zone } = (await world.cluster()).reserve ?? {};
    expect(zone).toBe('us-east-1b');
    const shift = shiftFrom('use1-az2');
    await event('handle-zone-event', shift);
    const by = (await world.cluster()).reserve?.by ?? '';
    expect(by).not.toBe(making);
    await run(await ended(by));
    expect(await ended(by)).toMatchObject({ status: 'SUCCEEDED', request: { action: 'take-away', zone: 'us-east-1b' } });
    expect(leftOf(2)).toEqual([]);
    await world.pause(61);
    await standBy();
    expect((await world.cluster()).reserve).toMatchObject({ zone: 'us-east-1c' });
  });

  test('leaves nothing of the reserve when it is terminated, and a name that is used again counts on from it', async () => {
    await standBy();
    await run(await world.acceptTermination('cancel'));
    expect(world.fleet.leftovers()).toEqual([]);
    expect(await world.cluster()).toMatchObject({ status: 'TERMINATED', epoch: 2 });
    expect(await violations(world)).toEqual([]);
  });

  test('is terminated once whoever makes the reserve has let go of it', async () => {
    const [decided] = await world.considerReserves();
    const making = await ended(decided?.operationId ?? '');
    const termination = await world.acceptTermination('cancel');
    let ran = false;
    const { pause } = world;
    world.pause = async (seconds) => {
      if (!ran) {
        ran = true;
        await run(making);
      }
      await pause.call(world, seconds);
    };
    await run(termination);
    expect(await ended(making.operationId)).toMatchObject({ status: 'CANCELED' });
    expect(await ended(termination.operationId)).toMatchObject({ status: 'SUCCEEDED' });
    expect(world.fleet.leftovers()).toEqual([]);
  });

  test('is not changed by what happens to a host of the reserve', async () => {
    await standBy();
    const host = world.fleet.instances().find(({ owner, role }) => owner.endsWith('-e2') && role === 'taskmanager');
    const { clock, fleet, store, workflows } = world;
    const notice = { instanceId: host?.instanceId ?? '', notice: 'interruption' as const, noticedAt: clock().toISOString() };
    expect(await acceptInterruption({ clock, fleet, store, workflows, stage: STAGE }, notice)).toMatchObject({
      action: 'ignore',
      reason: expect.stringContaining('reserve'),
    });
  });
});

const phase = ({ phases }: Operation, name: string) => phases.find((one) => one.name === name);

describe('a cluster with cold capacity', () => {
  test('has nothing standing by', async () => {
    const cluster = await world.cluster();
    const { placement } = cluster.spec;
    const cold = { ...placement, failover: { ...placement.failover, capacity: 'cold' as const } };
    world.store.seed({ clusters: [{ ...cluster, spec: { ...cluster.spec, placement: cold } }] });
    expect(await world.considerReserves()).toEqual([]);
    expect(await failOver()).toMatchObject({ result: { failover: { capacity: 'cold' } } });
  });
});
