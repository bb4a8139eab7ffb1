import type { Cluster } from '../../lambdas/contracts/cluster';
import type { Operation } from '../../lambdas/contracts/operation';
import { acceptFailover } from '../../lambdas/usecases/failover/accept-failover';
import { enter, event, run } from './support/functions';
import { STAGE, World } from './support/world';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('./support/functions').composition);

let world: World;
beforeEach(() => {
  jest.spyOn(console, 'log').mockReset();
  world = enter(new World());
});

/** AWS says of a zone, by the id that it has in this account. */
const says = (zoneId: string, type: string): Promise<unknown> =>
  event('handle-zone-event', {
    source: 'aws.arc-zonal-shift',
    'detail-type': type,
    time: new Date(world.now).toISOString(),
    detail: { metadata: { awayFrom: zoneId } },
  });
/** Runs a workflow to its end; `then` happens in the middle of it. */
const runWith = async (operation: Operation, then: () => Promise<unknown>): Promise<void> => {
  let calls = 0;
  const happened: Promise<unknown>[] = [];
  world.onCall = () => {
    calls += 1;
    if (calls === 30) happened.push(then());
  };
  await run(operation);
  world.onCall = () => undefined;
  expect(await Promise.all(happened)).toHaveLength(1);
};
/** A minute later the sweep looks. @returns the move that it has begun */
const sweep = async (): Promise<Operation | undefined> => {
  await world.pause(60);
  await event('sweep-operations', {});
  return (await world.store.openOperations()).find(({ kind }) => kind === 'fail-over-cluster');
};
const logged = (about: string): readonly object[] =>
  jest
    .mocked(console.log)
    .mock.calls.flat()
    .filter((line) => String(line).includes(about))
    .map((line) => {
      const { level: _, at: __, ...fields } = JSON.parse(String(line));
      return fields;
    });
/** Also what is left of the zone that was left. */
const settle = async (): Promise<void> => {
  for (let open = await sweep(); open; open = await sweep()) await run(open);
};

test('a cluster is moved when its launch has ended into a zone that AWS has shifted traffic from meanwhile', async () => {
  await runWith(await world.acceptLaunch(), () => says('use1-az1', 'Autoshift In Progress'));
  expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1a', epoch: 1 });
  const move = await sweep();
  expect(move?.request).toMatchObject({
    from: 'us-east-1a',
    zone: 'us-east-1b',
    avoid: ['us-east-1a'],
    trigger: { kind: 'zone-event', evidence: 'AWS says of us-east-1a (use1-az1): Autoshift In Progress' },
  });
  await settle();
  expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1b', epoch: 2 });
});

test('a spread cluster that began without a zone is still without it when a move of it has come to nothing', async () => {
  const zones = STAGE.zones.map(({ name }) => name);
  await run(await world.acceptLaunch({ zones, avoidedZones: ['us-east-1c'] }));
  await run(await world.acceptSubmission(world.jarSpec(6)));
  for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
  await run(await world.acceptFailover({ mode: 'planned' }));
  const { status, avoidedZones, resources } = await world.cluster();
  expect({ status, avoidedZones }).toEqual({ status: 'RUNNING', avoidedZones: ['us-east-1c'] });
  const hosts = (await world.fleet.observe(resources)).hosts.map(({ zone }) => zone);
  expect(new Set(hosts)).toEqual(new Set(['us-east-1a', 'us-east-1b']));
});

test('why a cluster stays in a zone that it has come to meanwhile is said once, and once more when that changes', async () => {
  const spec = (failover: object): Pick<Cluster['spec'], 'placement'> => ({
    placement: { mode: 'single-zone', failover: { automatic: false, objectiveSeconds: 120, capacity: 'cold', ...failover } },
  });
  await runWith(await world.acceptLaunch({ spec: spec({}) }), () => says('use1-az1', 'Autoshift In Progress'));
  const minutes = async (): Promise<void> => {
    for (let minute = 0; minute < 3; minute += 1) expect(await sweep()).toBeUndefined();
  };
  await minutes();
  expect(logged('Autoshift In Progress')).toEqual([
    { cluster: 'flights', action: 'hold', message: expect.stringContaining('moved by a person only') },
  ]);
  const cluster = await world.cluster();
  world.store.seed({ clusters: [{ ...cluster, spec: { ...cluster.spec, ...spec({ automatic: true, zones: ['us-east-1a'] }) } }] });
  await minutes();
  expect(logged('Autoshift In Progress').slice(1)).toEqual([
    { cluster: 'flights', action: 'hold', message: expect.stringMatching(/^AWS says of us-east-1a .*; but /) },
  ]);
});

describe('a cluster that moves', () => {
  beforeEach(async () => {
    await run(await world.acceptLaunch());
    await run(await world.acceptSubmission(world.jarSpec(2)));
  });

  test('into a zone that AWS shifts traffic from meanwhile is moved on, once', async () => {
    await runWith(await world.acceptFailover({ zone: 'us-east-1b' }), () => says('use1-az2', 'Autoshift In Progress'));
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1b', epoch: 2 });
    await settle();
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1c', epoch: 3 });
    expect((await world.job()).status).toBe('RUNNING');
  });

  test('stays where the shift has ended before it arrived', async () => {
    const move = await world.acceptFailover({ zone: 'us-east-1b' });
    await runWith(move, async () => {
      await says('use1-az2', 'Autoshift In Progress');
      world.now += 1_000;
      await says('use1-az2', 'Autoshift Completed');
    });
    await settle();
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1b', epoch: 2 });
  });

  test('stays where the shift is so long ago that nobody knows whether it lasts', async () => {
    await runWith(await world.acceptFailover({ zone: 'us-east-1b' }), () => says('use1-az2', 'Autoshift In Progress'));
    world.now += 6 * 3_600_000;
    await settle();
    expect(await world.cluster()).toMatchObject({ zone: 'us-east-1b', epoch: 2 });
  });

  test('stays where a person has sent it knowing of the shift', async () => {
    await says('use1-az2', 'Autoshift In Progress');
    const wish = { zone: 'us-east-1b', trigger: { kind: 'person', evidence: 'a test wants it' } } as const;
    const change = { requestedBy: 'arn:somebody', operationId: world.operation({ kind: 'launch-cluster' }).operationId, requestHash: 'h' };
    await run(
      await acceptFailover({ store: world.store, workflows: world.workflows, clock: world.clock, stage: STAGE }, change, 'flights', wish),
    );
    await settle();
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1b', epoch: 2 });
  });
});

test('a cluster that was where AWS shifts traffic from when it said so was considered then, and not each minute again', async () => {
  await run(
    await world.acceptLaunch({
      spec: { placement: { mode: 'single-zone', failover: { automatic: false, objectiveSeconds: 120, capacity: 'cold' } } },
    }),
  );
  await world.pause(60);
  expect(await says('use1-az1', 'Autoshift In Progress')).toEqual([
    expect.objectContaining({ action: 'hold', reason: expect.stringContaining('moved by a person only') }),
  ]);
  expect(await sweep()).toBeUndefined();
  expect(logged('moved by a person only')).toHaveLength(1);
});
