import { aCluster } from '../../contract/support/samples';
import { enter, event } from '../../state-machines/support/functions';
import { World } from '../../state-machines/support/world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/volumes', () => jest.requireActual('../../state-machines/support/functions').composition);

const OVER = { operationId: 'op-1', keepUntil: '2020-01-01T00:00:00.000Z' };

let world: World;
let logged: jest.SpyInstance;
beforeEach(async () => {
  logged = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
  world.store.seed({ clusters: ['airports', 'flights'].map((name) => aCluster({ name })) });
  world.volumes.volumes.push({ volumeId: 'vol-1', zone: 'a', cluster: 'flights', epoch: 1 });
  await world.volumes.snapshotVolumes({ cluster: 'flights', epoch: 1 }, OVER);
});
afterEach(() => logged.mockRestore());

const lookedThrough = () =>
  logged.mock.calls.map(([line]) => JSON.parse(line as string) as { cluster?: string }).flatMap(({ cluster }) => cluster ?? []);

test('EBS snapshots whose time is over go also while a cluster cannot be looked through, which is said', async () => {
  world.store.failNext('jobs', new Error('DynamoDB throttles'));
  await expect(event('retain-snapshots', {})).rejects.toThrow('DynamoDB throttles');
  expect(await world.volumes.snapshots()).toEqual([]);
  expect(lookedThrough()).toHaveLength(1);
});

test('state is retained also while EC2 does not tell of snapshots, which is said', async () => {
  world.volumes.failNext('snapshots', new Error('EC2 throttles'));
  await expect(event('retain-snapshots', {})).rejects.toThrow('EC2 throttles');
  expect(lookedThrough().sort()).toEqual(['airports', 'flights']);
});

test('all that has failed is named', async () => {
  world.store.failNext('jobs', new Error('DynamoDB throttles'));
  world.volumes.failNext('snapshots', new Error('EC2 throttles'));
  await expect(event('retain-snapshots', {})).rejects.toThrow(/EC2 throttles; .*DynamoDB throttles/);
});

test('no cluster is begun with where the EBS snapshots have taken the time', async () => {
  const deletes = world.volumes.deleteSnapshots.bind(world.volumes);
  world.volumes.deleteSnapshots = async (ids) => {
    await deletes(ids);
    world.now += 14.5 * 60_000;
  };
  await event('retain-snapshots', {});
  expect(lookedThrough()).toEqual([]);
});
