import type { Operation } from '../../lambdas/contracts/operation';
import { enter, invoke, run } from './support/functions';
import { World } from './support/world';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('./support/functions').composition);

interface Busy {
  readonly seenAt: string;
  readonly addresses: readonly string[];
}

let world: World;
/** A job on one of three hosts, which is to stop. */
let stop: Operation;
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  world = enter(new World());
  await run(await world.acceptLaunch());
  await run(await world.acceptSubmission(world.jarSpec(2)));
  const { resources, zone } = await world.cluster();
  await world.fleet.setHosts(resources, zone, 3);
  await world.pause(60);
  stop = await world.acceptChange({ kind: 'stop-job', mode: 'savepoint', drain: false });
});

const listBusy = async (): Promise<Busy> =>
  (await invoke('ListBusyHosts', { operationId: stop.operationId, phase: 'Look for idle hosts' })) as Busy;
const giveBack = async ({ addresses, seenAt }: Busy): Promise<string> => {
  const payload = { direction: 'shrink', busyAddresses: addresses, busySeenAt: seenAt };
  return (
    (await invoke('EnsureCapacity', { operationId: stop.operationId, phase: 'Give back idle hosts', ...payload })) as { reason: string }
  ).reason;
};
const hosts = async (): Promise<number> =>
  world.fleet.instances().filter(({ role, state }) => role === 'taskmanager' && state !== 'leaving').length;
/** Another job, which a host that was idle has room for. */
const another = (): Promise<Operation> => world.acceptSubmission(world.jarSpec(2, 'other', 'arrivals'));

/** Tasks of a replacement until the host's own are on others, and none is given back yet. */
const STEPS_UNTIL_EMPTY = 13;

describe('Hosts that were idle when Flink was asked', () => {
  test('are given back right after it', async () => {
    expect(await giveBack(await listBusy())).toContain('had no occupied slot');
    expect(await hosts()).toBe(1);
  });

  test('stay where another job has come onto one of them since', async () => {
    const busy = await listBusy();
    const other = await another();
    await run(other);
    expect((await world.store.operation(other.operationId))?.status).toBe('SUCCEEDED');
    expect(await giveBack(busy)).toBe(
      `${other.operationId} has put tasks onto hosts since Flink was asked which are idle: they stay until the next look`,
    );
    expect(await hosts()).toBe(3);
  });

  test('stay while another job is being put onto hosts', async () => {
    const other = await another();
    await world.store.recordPhase(other.operationId, {
      name: 'Start job',
      startedAt: world.clock().toISOString(),
      outcome: 'running',
      reason: '',
    });
    expect(await giveBack(await listBusy())).toContain(`${other.operationId} has put tasks onto hosts`);
    expect(await hosts()).toBe(3);
  });

  test('stay where tasks of a host that EC2 takes have come onto one of them since', async () => {
    const busy = await listBusy();
    const [goes] = world.fleet.instances().filter(({ address = '' }) => busy.addresses.includes(address));
    const replacement = await world.acceptReplacement(goes?.instanceId ?? '');
    await run(replacement, STEPS_UNTIL_EMPTY);
    const { addresses } = await listBusy();
    expect([addresses.length, addresses.some((one) => busy.addresses.includes(one))]).toEqual([1, false]);
    expect(await giveBack(busy)).toContain(`${replacement.operationId} has put tasks onto hosts since`);
    expect(await hosts()).toBe(3);
  });

  test('stay, and one that was emptied goes, while another job is being put onto hosts', async () => {
    const busy = await listBusy();
    const emptied = world.fleet.instances().find(({ role, address = '' }) => role === 'taskmanager' && !busy.addresses.includes(address));
    await world.fleet.markHosts([emptied?.instanceId ?? ''], 'drain', stop.operationId);
    const other = await another();
    const startedAt = world.clock().toISOString();
    await world.store.recordPhase(other.operationId, { name: 'Start job', startedAt, outcome: 'running', reason: '' });
    expect(await giveBack(busy)).toMatch(`${emptied?.instanceId} had been emptied; ${other.operationId} has put tasks onto hosts`);
    expect(await hosts()).toBe(2);
  });

  test('are given back while another job has not come so far, and as many are kept as it needs', async () => {
    const other = await another();
    await world.store.recordPhase(other.operationId, {
      name: 'Ensure capacity',
      startedAt: other.requestedAt,
      outcome: 'running',
      reason: '',
    });
    expect(await giveBack(await listBusy())).toContain('had no occupied slot');
    expect(await hosts()).toBe(1);
  });

  test('are given back where what came onto hosts was there when Flink was asked', async () => {
    await run(await another());
    await world.pause(1);
    expect(await giveBack(await listBusy())).toContain('had no occupied slot');
    expect(await hosts()).toBe(2);
  });

  test('stay where that was too long ago, as after many tries', async () => {
    const busy = await listBusy();
    world.now += 31_000;
    expect(await giveBack(busy)).toBe('Flink was asked more than 30 s ago which hosts are idle: they stay until the next look');
    expect(await hosts()).toBe(3);
  });
});
