import type { HostEnded } from '../../../lambdas/gateways/aws/fleet.port';
import { enter, run } from '../../state-machines/support/functions';
import { World } from '../../state-machines/support/world';

jest.mock('../../../lambdas/composition/environment', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/fleet', () => jest.requireActual('../../state-machines/support/functions').composition);
jest.mock('../../../lambdas/composition/volumes', () => jest.requireActual('../../state-machines/support/functions').composition);

const { handler } = require('../../../lambdas/handlers/events/replace-ended.handler') as {
  handler: (event: unknown) => Promise<readonly HostEnded[]>;
};

let world: World;
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
  await run(await world.acceptLaunch());
  world.fleet.groupsNotice = false;
});

const event = (instanceId: unknown, state: string, type = 'EC2 Instance State-change Notification') => ({
  source: 'aws.ec2',
  'detail-type': type,
  detail: { 'instance-id': instanceId, state },
});
const jobManagers = () => world.fleet.instances().filter(({ role, state }) => role === 'jobmanager' && state !== 'leaving');

test.each(['stopped', 'terminated'])(
  'a JobManager whose host is %s gets another before its group looks, once, and no operation is begun for it',
  async (state) => {
    const [host] = jobManagers();
    world.fleet.loseHost(host?.instanceId ?? '');
    await world.pause(300);
    expect(jobManagers()).toEqual([]);
    expect(await handler(event(host?.instanceId, state))).toEqual([
      { instanceId: host?.instanceId, group: 'sluice-test-flights-e1-jobmanager' },
    ]);
    const [next, ...more] = jobManagers();
    expect([next?.address, more]).toEqual([host?.address, []]);
    expect(await handler(event(host?.instanceId, 'terminated'))).toEqual([]);
    expect(jobManagers()).toEqual([next]);
    expect(await world.store.openOperations()).toEqual([]);
  },
);

test('a host that ends because somebody wants it to is left to its group', async () => {
  const { resources } = await world.cluster();
  const host = (await world.fleet.observe(resources)).hosts.find(({ role }) => role === 'taskmanager')?.instanceId ?? '';
  await world.fleet.setHosts(resources, 'us-east-1a', 2);
  await world.fleet.terminateHosts([host]);
  const before = world.fleet.instances().length;
  expect(await handler(event(host, 'terminated'))).toEqual([]);
  expect(world.fleet.instances()).toHaveLength(before);
});

test.each([
  ['the begin of one', event('i-0abc', 'running')],
  ['one that is still shutting down, and has its network interface', event('i-0abc', 'shutting-down')],
  ['an id of another form', event('*', 'terminated')],
  ['another event', event('i-0abc', 'terminated', 'EC2 Instance Rebalance Recommendation')],
  ['nothing', null],
])('%s changes nothing', async (_, given) => {
  const replaceEnded = jest.fn();
  world.fleet.replaceEnded = replaceEnded;
  expect(await handler(given)).toEqual([]);
  expect(replaceEnded).not.toHaveBeenCalled();
});

test('what AWS does not answer is thrown, so that it is tried again', async () => {
  world.fleet.failNext('replaceEnded', new Error('Throttling'));
  await expect(handler(event('i-0abc', 'terminated'))).rejects.toThrow('Throttling');
});
