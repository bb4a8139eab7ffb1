import type { Operation, Phase } from '../../lambdas/contracts/operation';
import type { JobScaling } from '../../lambdas/contracts/scaling';
import { settleFleets } from '../../lambdas/usecases/clusters/settle-fleets';
import { awsDefaults } from '../../lib/config/stages/common';
import { enter, run } from './support/functions';
import { violations } from './support/recover';
import { type Load, STAGE, World } from './support/world';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('./support/functions').composition);

const TEN_MINUTES = 600;
const NEEDED_ANYWAY = 1;

/** A world in which the sweeper looks at hosts every minute, and where it is measured how long each host is there without an occupied slot. */
class Metered extends World {
  /** Seconds, of whichever host was longest without one. */
  longestUnused = 0;
  /** Of the workflow that runs, the state that it is in, as it is recorded. */
  phase = '';
  private readonly unusedSince = new Map<string, number>();
  private sweptAt = this.now;
  private isSweeping = false;

  override port<T extends object>(name: string, target: T): T {
    const port = super.port(name, target);
    if (name !== 'store') return port;
    return new Proxy(port, {
      get: (object, key) => {
        const value = Reflect.get(object, key) as (...args: unknown[]) => unknown;
        if (key !== 'recordPhase') return value;
        return (operationId: string, phase: Phase) => {
          if (!this.isSweeping) this.phase = phase.name;
          return value(operationId, phase);
        };
      },
    });
  }

  override async pause(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 5) {
      await super.pause(Math.min(left, 5));
      this.measure();
      if (!this.isSweeping && this.now - this.sweptAt >= 60_000) await this.sweep();
    }
  }

  async sweep(): Promise<void> {
    this.sweptAt = this.now;
    this.isSweeping = true;
    for (const { operationId = '' } of await this.settle()) await run((await this.store.operation(operationId)) as Operation);
    this.isSweeping = false;
  }

  settle() {
    const { clock, fleet, observations, store, workflows } = this;
    return settleFleets({ clock, fleet, observations, store, workflows, stage: STAGE });
  }

  /** From its launch on a host is paid for. Of hosts without an occupied slot as many as are needed anyway are no waste, the oldest of them. */
  private measure(): void {
    const hosts = this.fleet.instances().filter(({ role, state }) => role === 'taskmanager' && state !== 'leaving');
    const occupied = new Set(this.flink.occupied);
    const busy = hosts.filter(({ address = '' }) => occupied.has(address));
    const wasted = hosts.filter((host) => !busy.includes(host)).slice(Math.max(0, NEEDED_ANYWAY - busy.length));
    const ids = wasted.map(({ instanceId }) => instanceId);
    for (const id of this.unusedSince.keys()) if (!ids.includes(id)) this.unusedSince.delete(id);
    for (const id of ids) {
      this.unusedSince.set(id, this.unusedSince.get(id) ?? this.now);
      this.longestUnused = Math.max(this.longestUnused, (this.now - (this.unusedSince.get(id) ?? this.now)) / 1_000);
    }
  }
}

let world: Metered;
beforeEach(() => {
  Object.assign(STAGE.deadlines, awsDefaults.deadlines);
  world = enterMetered();
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
});
const enterMetered = (): Metered => enter(new Metered()) as Metered;

const SCALING: JobScaling = { enabled: true, priority: 0, scaleInWindowSeconds: 0 };
/** Four slots are needed where there are two. */
const TOO_MUCH: Load = { read: 1_000, busy: 1, waiting: 100_000, growth: 200 };
/** Six are. */
const FAR_TOO_MUCH: Load = { ...TOO_MUCH, growth: 900 };
const HARDLY_ANYTHING: Load = { read: 100, busy: 0.05 };

const givenJob = async (parallelism = 2, name = 'delays'): Promise<void> => {
  await run(await world.acceptSubmission({ ...world.jarSpec(parallelism, name, name), scaling: SCALING }));
};
const carryOut = async (operation: Operation): Promise<Operation> => {
  await run(operation);
  return (await world.store.operation(operation.operationId)) as Operation;
};
const decided = async (load: Load): Promise<Operation> => {
  await world.observe(load);
  const { operationId, reason } = await world.consider();
  if (operationId === undefined) throw new Error(reason);
  return (await world.store.operation(operationId)) as Operation;
};
const hosts = async (): Promise<number> => (await world.fleet.observe((await world.cluster()).resources)).wanted.taskmanager;
const inFlink = async (name = 'delays'): Promise<number | undefined> =>
  (await world.flink.job((await world.job(name)).flinkJobId))?.parallelism;
const leaveOver = async (wanted = 3): Promise<void> => {
  const { resources, zone } = await world.cluster();
  await world.fleet.setHosts(resources, zone, wanted);
};
const endByItself = async (name: string): Promise<void> => {
  const { flinkJobId, epoch } = await world.job(name);
  world.flink.breakJob(flinkJobId, 'FINISHED');
  await world.store.recordJobSeen('flights', name, epoch, { status: 'FINISHED', statusReason: 'seen' });
};

describe("hosts that nobody uses, by production's deadlines", () => {
  beforeEach(async () => {
    await run(await world.acceptLaunch());
    await givenJob();
  });

  test.each<[string, () => Promise<Operation>]>([
    ['a savepoint', () => world.acceptChange({ kind: 'take-savepoint' })],
    ['the savepoint of a stop', () => world.acceptChange({ kind: 'stop-job', mode: 'savepoint', drain: false })],
    [
      'the savepoint of an upgrade',
      () => world.acceptChange({ kind: 'upgrade-job', spec: { ...world.jarSpec(2, 'new'), scaling: SCALING } }),
    ],
  ])('are given back while %s hangs', async (_, accept) => {
    await leaveOver();
    world.flink.savepoints = 'hang';
    const before = world.now;
    const operation = await accept();
    world.longestUnused = 0;
    const ended = await carryOut(operation);
    expect(ended).toMatchObject({ status: 'FAILED', error: { name: 'DeadlineExceeded' } });
    expect((world.now - before) / 1_000).toBeGreaterThan(1_800);
    expect(world.longestUnused).toBeLessThan(TEN_MINUTES);
    expect([await hosts(), await inFlink(), (await world.job()).status]).toEqual([1, 2, 'RUNNING']);
    expect(await violations(world)).toEqual([]);
  });

  test('are given back when another job ends while a savepoint hangs', async () => {
    await givenJob(4, 'arrivals');
    expect(await hosts()).toBe(3);
    world.flink.savepoints = 'hang';
    const operation = await world.acceptChange({ kind: 'take-savepoint' });
    await endByItself('arrivals');
    await carryOut(operation);
    expect(world.longestUnused).toBeLessThan(TEN_MINUTES);
    expect([await hosts(), await inFlink()]).toEqual([1, 2]);
  });
});

describe("a host that comes in place of one that EC2 may take, by production's deadlines", () => {
  test('has the tasks before it was unused for long, though no checkpoint is completed', async () => {
    await run(await world.acceptLaunch());
    await givenJob();
    const [former] = world.fleet.instances().filter(({ role }) => role === 'taskmanager');
    world.flink.askedCheckpoints = 'hang';
    const ended = await carryOut(await world.acceptReplacement(former?.instanceId ?? ''));
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(world.longestUnused).toBeLessThan(TEN_MINUTES);
    const left = world.fleet.instances().filter(({ role, state }) => role === 'taskmanager' && state !== 'leaving');
    expect(left.map(({ instanceId }) => instanceId)).not.toContain(former?.instanceId);
    expect([await hosts(), await inFlink()]).toEqual([1, 2]);
  });
});

describe("hosts of a rescale that comes to nothing, by production's deadlines", () => {
  beforeEach(async () => {
    await run(await world.acceptLaunch());
    await givenJob();
  });
  /** Flink tells of the job from now on what it is to run as, and never gets there. */
  const neverBack = (): void => {
    let isAsked = false;
    const job = async (flinkJobId: string) => {
      const seen = await world.flink.job(flinkJobId);
      return seen && { ...seen, state: 'RESTARTING', tasks: { ...seen.tasks, running: 0 } };
    };
    world.faults = ({ port, method }) => {
      if (port === 'flink' && method === 'setVertexParallelism') isAsked ||= world.phase === 'Restore parallelism';
      return port === 'flink' && method === 'job' && isAsked ? { by: { job } } : undefined;
    };
  };
  const afterwards = async () => [await hosts(), await inFlink(), (await world.job()).spec.parallelism];

  test.each<[string, Load, number, () => void]>([
    ['all came', TOO_MUCH, Number.POSITIVE_INFINITY, () => undefined],
    ['some came', FAR_TOO_MUCH, 2, () => undefined],
    ['some came, and the job does not come back to what it was', FAR_TOO_MUCH, 2, neverBack],
  ])('are given back when Flink accepts it and does not carry it out: %s', async (_, load, most, prepare) => {
    world.fleet.mostHosts = most;
    world.flink.rescaled = 'never';
    prepare();
    const ended = await carryOut(await decided(load));
    expect(ended).toMatchObject({ status: 'FAILED', error: { name: 'DeadlineExceeded' } });
    expect(ended.reason).toContain('was not carried out');
    expect(world.longestUnused).toBeLessThan(TEN_MINUTES);
    world.faults = () => undefined;
    expect(await afterwards()).toEqual([1, 2, 2]);
    expect(await violations(world)).toEqual([]);
  });

  test("are given back when a person's rescale is not carried out", async () => {
    world.flink.rescaled = 'never';
    const ended = await carryOut(await world.acceptChange({ kind: 'rescale-job', parallelism: 6 }));
    expect(ended).toMatchObject({ status: 'FAILED', error: { name: 'DeadlineExceeded' } });
    expect(world.longestUnused).toBeLessThan(TEN_MINUTES);
    expect(await afterwards()).toEqual([1, 2, 2]);
  });

  test('are given back, but for those that are counted for it, while the start of another job hangs', async () => {
    const other = await world.acceptSubmission(world.jarSpec(2, 'other', 'arrivals'));
    for (const name of ['Begin submission', 'Start job'])
      await world.store.recordPhase(other.operationId, { name, outcome: 'running', reason: '', startedAt: world.clock().toISOString() });
    world.flink.rescaled = 'never';
    const ended = await carryOut(await world.acceptChange({ kind: 'rescale-job', parallelism: 6 }));
    expect(ended).toMatchObject({ status: 'FAILED', error: { name: 'DeadlineExceeded' } });
    expect([await hosts(), await inFlink()]).toEqual([2, 2]);
  });

  test.each<[string, () => Promise<Operation>]>([
    ["a person's rescale", () => world.acceptChange({ kind: 'rescale-job', parallelism: 6 })],
    ['an upgrade', () => world.acceptChange({ kind: 'upgrade-job', spec: { ...world.jarSpec(6, 'new'), scaling: SCALING } })],
    ['a submission', () => world.acceptSubmission(world.jarSpec(4, 'other', 'arrivals'))],
  ])('are given back when only some of them come for %s', async (_, accept) => {
    world.fleet.mostHosts = 2;
    const ended = await carryOut(await accept());
    expect(ended).toMatchObject({ status: 'FAILED', error: { name: 'DeadlineExceeded' } });
    expect(world.longestUnused).toBeLessThan(TEN_MINUTES);
    expect(await afterwards()).toEqual([1, 2, 2]);
    expect(await violations(world)).toEqual([]);
  });

  test.each<[string, () => Promise<Operation>]>([
    ["a person's rescale", () => world.acceptChange({ kind: 'rescale-job', parallelism: 6 })],
    ['an upgrade', () => world.acceptChange({ kind: 'upgrade-job', spec: { ...world.jarSpec(6, 'new'), scaling: SCALING } })],
  ])('are waited for as long when the workflow of %s has begun late', async (_, accept) => {
    const operation = await accept();
    await world.pause(430);
    expect(await carryOut(operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await afterwards()).toEqual([3, 6, 6]);
  });

  test.each(['FAILED', 'FINISHED'] as const)('are given back when the job is %s right after it', async (state) => {
    const operation = await decided(TOO_MUCH);
    world.onCall = (port, method) => {
      if (port === 'flink' && method === 'triggerCheckpoint')
        void world.job().then((job) => world.flink.breakJob(job.flinkJobId, state, 'it is over'));
    };
    await carryOut(operation);
    world.onCall = () => undefined;
    const { epoch } = await world.job();
    await world.store.recordJobSeen('flights', 'delays', epoch, { status: state, statusReason: 'seen' });
    for (let minute = 0; minute < 10; minute++) await world.pause(60);
    expect(world.longestUnused).toBeLessThan(TEN_MINUTES);
    expect(await hosts()).toBe(1);
  });

  test('are in use while tasks read their state on them: that may take as long as the operation has', async () => {
    const operation = await decided(TOO_MUCH);
    world.flink.rescaled = 'restores';
    const begin = world.now;
    world.onCall = () => {
      if (world.now - begin > 700_000) world.flink.rescaled = 'runs';
    };
    expect(await carryOut(operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(world.now - begin).toBeGreaterThan(700_000);
    expect(await afterwards()).toEqual([2, 4, 4]);
  });

  test('are in use again when a smaller job has no checkpoint: it goes back before they were unused for long', async () => {
    await carryOut(await decided(FAR_TOO_MUCH));
    expect(await afterwards()).toEqual([3, 6, 6]);
    await world.pause(1_800);
    const operation = await decided(HARDLY_ANYTHING);
    world.flink.askedCheckpoints = 'hang';
    world.longestUnused = 0;
    const ended = await carryOut(operation);
    expect(ended).toMatchObject({ status: 'FAILED', error: { name: 'DeadlineExceeded' } });
    expect(ended.reason).toContain('has no checkpoint');
    expect(world.longestUnused).toBeLessThan(TEN_MINUTES);
    expect(await afterwards()).toEqual([3, 6, 6]);
  });

  test('are given back when a smaller job has its checkpoint, however late it is looked for, as where no function ran for minutes', async () => {
    await carryOut(await decided(FAR_TOO_MUCH));
    await world.pause(1_800);
    const operation = await decided(HARDLY_ANYTHING);
    let looks = 0;
    world.onCall = (port, method) => {
      if (world.phase !== 'Look for a checkpoint') return;
      if (port === 'flink' && method === 'checkpoint') looks += 1;
      // At the second look it is still under way; before the third these minutes pass.
      if (port === 'store' && looks === 2) {
        looks += 1;
        world.now += 500_000;
      }
    };
    expect(await carryOut(operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect(looks).toBeGreaterThan(3);
    expect(await afterwards()).toEqual([1, 1, 1]);
  });

  test('are given back when a smaller job has its checkpoint, though the one before hosts are emptied hangs', async () => {
    await carryOut(await decided(FAR_TOO_MUCH));
    await world.pause(1_800);
    const { spec } = await world.job();
    world.store.seed({ jobs: [{ ...(await world.job()), spec: { ...spec, scaling: { ...SCALING, minParallelism: 2 } } }] });
    const operation = await decided(HARDLY_ANYTHING);
    world.flink.spread = 'even';
    world.onCall = (port, method) => {
      if (port === 'flink' && method === 'triggerCheckpoint' && world.phase === 'Take a last checkpoint')
        world.flink.askedCheckpoints = 'hang';
    };
    world.longestUnused = 0;
    const ended = await carryOut(operation);
    expect(ended.reason).toContain('Hosts could not be emptied (DeadlineExceeded)');
    expect(world.longestUnused).toBeLessThan(TEN_MINUTES);
  });
});
