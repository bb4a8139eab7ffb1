import type { Operation } from '../../lambdas/contracts/operation';
import { fromYaml } from '../../lambdas/domain/flink-config';
import { enter, observeMinute, run } from './support/functions';
import { recover, violations } from './support/recover';
import { STAGE, World } from './support/world';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('./support/functions').composition);

const ZONES = STAGE.zones.map(({ name }) => name);
let world: World;
beforeEach(() => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
});

const ended = async (operation: Operation): Promise<Operation> => (await world.store.operation(operation.operationId)) as Operation;
/** A cluster spread over three zones whose JobManager is in the first and has a stand-by in the second. */
const launch = async (): Promise<Operation> => {
  const operation = await world.acceptLaunch({ zones: ZONES, spec: { highAvailability: { standbyJobManager: true } } });
  await run(operation);
  return ended(operation);
};
const saidOf = ({ phases }: Operation, name: string): string | undefined => phases.find((phase) => phase.name === name)?.reason;
const jobManagers = () =>
  world.fleet
    .instances()
    .filter(({ role, state }) => role === 'jobmanager' && state === 'running')
    .map(({ zone, owner }) => `${zone} of ${owner}`)
    .sort();

describe('a launch with a stand-by JobManager', () => {
  test('makes both, each in a zone and at an address of its own, and both read of both', async () => {
    const operation = await launch();
    expect(operation.status).toBe('SUCCEEDED');
    const { resources } = await world.cluster();
    expect(jobManagers()).toEqual(['us-east-1a of sluice-test-flights-e1', 'us-east-1b of sluice-test-flights-e1']);
    expect(saidOf(operation, 'Prepare access')).toBe(
      `The JobManager will be at ${resources.jobManagerAddress} in us-east-1a, its stand-by at ${resources.standby?.address} in us-east-1b`,
    );
    const written = await world.artifacts.getText('s3://state/clusters/flights/e1/config/taskmanager.yaml');
    expect(fromYaml(written ?? '')).toContainEqual([
      'high-availability.sluice.jobmanagers',
      `${resources.jobManagerAddress},${resources.standby?.address}`,
    ]);
  });

  test.each([
    ['stand-by', 'us-east-1b', 'us-east-1a'],
    ['first JobManager', 'us-east-1a', 'us-east-1b'],
  ])('neither fails nor waits where the host of the %s cannot be had', async (_, without, leads) => {
    world.fleet.zonesWithoutCapacity.add(without);
    expect(await launch()).toMatchObject({ status: 'SUCCEEDED' });
    expect(jobManagers()).toEqual([`${leads} of sluice-test-flights-e1`]);
    expect((world.now - Date.parse((await world.cluster()).createdAt)) / 1_000).toBeLessThan(60);
  });

  test('goes on without one where its zone has no address for it, and says so', async () => {
    world.fleet.zonesWithoutAddresses.add('us-east-1b');
    const operation = await launch();
    expect(operation.status).toBe('SUCCEEDED');
    expect(saidOf(operation, 'Prepare access')).toMatch(/us-east-1b has no address for a stand-by: it works without one$/);
    expect((await world.cluster()).resources.standby).toBeUndefined();
    const written = await world.artifacts.getText('s3://state/clusters/flights/e1/config/jobmanager.yaml');
    expect(written).not.toContain('high-availability.sluice');
  });
});

describe('a reserve that was made without a stand-by', () => {
  test('goes on without one when it grows and when the cluster moves there, since its JobManager runs without an election', async () => {
    await run(await world.acceptLaunch({ capacity: 'warm', spec: { highAvailability: { standbyJobManager: true } } }));
    await run(await world.acceptSubmission(world.jarSpec(2)));
    world.fleet.zonesWithoutAddresses.add('us-east-1b');
    const consider = async (): Promise<void> => {
      const [{ operationId } = {}] = await world.considerReserves();
      await run((await world.store.operation(operationId ?? '')) as Operation);
    };
    await consider();
    expect((await world.cluster()).reserve).toMatchObject({ status: 'ready', zone: 'us-east-1b' });
    world.fleet.zonesWithoutAddresses.clear();
    await run(await world.acceptChange({ kind: 'rescale-job', parallelism: 6 }));
    await consider();
    const { reserve } = await world.cluster();
    expect(reserve).toMatchObject({ status: 'ready', hosts: 3 });
    expect(reserve?.resources.standby).toBeUndefined();
    const moved = await world.acceptFailover({ mode: 'planned' });
    await run(moved);
    expect(await ended(moved)).toMatchObject({ status: 'SUCCEEDED' });
    expect((await world.cluster()).resources.standby).toBeUndefined();
    expect(jobManagers()).toEqual(['us-east-1b of sluice-test-flights-e2']);
  });
});

describe('a cluster with a stand-by JobManager', () => {
  beforeEach(async () => {
    await launch();
    // Three hosts, one in each zone.
    await run(await world.acceptSubmission(world.jarSpec(6)));
  });

  test('whose JobManager is lost with its zone has no fault, and stays', async () => {
    world.loseZone('us-east-1a');
    for (let minute = 0; minute < 7; minute += 1) await observeMinute('flights');
    expect(await world.cluster()).toMatchObject({ status: 'RUNNING', zone: 'us-east-1a', epoch: 1 });
    expect((await world.cluster()).fault).toBeUndefined();
  });

  test('that loses both zones of its JobManagers moves, without either of them', async () => {
    world.loseZone('us-east-1a');
    world.loseZone('us-east-1b');
    for (let minute = 0; minute < 7; minute += 1) await observeMinute('flights');
    const [operation] = await world.store.openOperations();
    expect(operation?.request).toMatchObject({
      kind: 'fail-over-cluster',
      trigger: { evidence: expect.stringContaining('neither JobManager has answered') },
    });
  });

  test('has both again after a move, with neither in the zone that was lost', async () => {
    const operation = await world.acceptFailover({ mode: 'lost' });
    world.loseZone('us-east-1a');
    await run(operation);
    expect(await ended(operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(jobManagers()).toEqual(['us-east-1b of sluice-test-flights-e2', 'us-east-1c of sluice-test-flights-e2']);
    await recover(world, operation.operationId);
    expect(await violations(world)).toEqual([]);
  });

  test('moves also where the stand-by cannot be had', async () => {
    world.fleet.zonesWithoutCapacity.add('us-east-1c');
    const operation = await world.acceptFailover();
    await run(operation);
    expect(await ended(operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(jobManagers()).toEqual(['us-east-1b of sluice-test-flights-e2']);
    expect((await world.job()).status).toBe('RUNNING');
  });

  test('leaves nothing behind when it is terminated', async () => {
    await run(await world.acceptTermination());
    expect(world.fleet.leftovers()).toEqual([]);
    expect((await world.cluster()).status).toBe('TERMINATED');
  });
});
