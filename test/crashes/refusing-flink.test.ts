import * as errors from '../../lambdas/contracts/errors';
import type { Operation } from '../../lambdas/contracts/operation';
import type { FlinkPort } from '../../lambdas/gateways/flink/flink.port';
import type { FlinkMetricsPort } from '../../lambdas/gateways/flink/metrics.port';
import { enter, observeMinute, run } from '../state-machines/support/functions';
import { passMinute, recover, violations } from '../state-machines/support/recover';
import { World } from '../state-machines/support/world';
import { REFUSALS, type Refusal, RefusingJobManager } from './support/refusals';
import { SCENARIOS } from './support/scenarios';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('../state-machines/support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('../state-machines/support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('../state-machines/support/functions').composition);

/** Every call that a scaling makes on Flink is refused in every way, one call a run. */
beforeEach(() => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
});

const HOW_LONG = ['once', 'to this for ever', 'to everything from then on'] as const;

describe.each(SCENARIOS.filter(([name]) => name.startsWith('scale-job')))('%s, by a Flink that', (_, prepare) => {
  const jobManager = new RefusingJobManager();
  let refusing: FlinkPort;
  /** What the workflow asks of Flink when all is well, in order. */
  const asked: string[] = [];
  beforeAll(async () => {
    jest.spyOn(console, 'log').mockImplementation(() => undefined);
    refusing = (await jobManager.start()).flink;
    const world = enter(new World());
    const accepted = await prepare(world);
    world.onCall = (port, method) => void (port === 'flink' && asked.push(method));
    await run(accepted);
  });
  afterAll(() => jobManager.stop());

  /** From which of its calls on Flink refuses what. */
  const refuse = (world: World, way: Refusal, first: number, howLong: (typeof HOW_LONG)[number]): void => {
    let call = -1;
    jobManager.way = way;
    world.faults = ({ port, method }) => {
      if (port !== 'flink') return undefined;
      call += 1;
      jobManager.jobs = world.flink.inside;
      const later =
        call > first && (howLong === 'to everything from then on' || (howLong === 'to this for ever' && method === asked[first]));
      return call === first || later ? { by: refusing } : undefined;
    };
  };

  /** Jobs and hosts as they must be: what is stored is what runs, on as many hosts as that needs. */
  const amiss = async (world: World): Promise<readonly string[]> => {
    const [job, cluster] = await Promise.all([world.job(), world.cluster()]);
    const { wanted, hosts } = await world.fleet.observe(cluster.resources);
    const running = world.flink.inside.find(({ flinkJobId }) => flinkJobId === job.flinkJobId)?.running;
    const { parallelism } = job.spec;
    return [
      ...(running === parallelism ? [] : [`Flink runs ${running}, ${parallelism} are stored`]),
      ...(wanted.taskmanager === Math.ceil(parallelism / 2) ? [] : [`${wanted.taskmanager} hosts for ${parallelism} slots`]),
      ...(hosts.some(({ marks, state }) => marks && state !== 'leaving') ? ['a host is marked'] : []),
      ...(await violations(world)),
    ];
  };

  /** The longest time that a host runs without a slot being used that it was made for. Seconds. */
  const watchUnused = (world: World): (() => number) => {
    let [since, longest] = [world.now, 0];
    const pause = world.pause.bind(world);
    world.pause = async (seconds) => {
      await pause(seconds);
      world.flink.goOn();
      const { taskManagers, inside } = world.flink;
      const used = Math.max(1, Math.ceil(inside.reduce((sum, { running }) => sum + running, 0) / 2));
      if (taskManagers <= used) since = world.now;
      longest = Math.max(longest, (world.now - since) / 1_000);
    };
    return () => longest;
  };

  const problemsOf = async (way: Refusal, first: number, howLong: (typeof HOW_LONG)[number]): Promise<readonly string[]> => {
    const world = enter(new World());
    const accepted = await prepare(world);
    const unused = watchUnused(world);
    refuse(world, way, first, howLong);
    await run(accepted);
    const meanwhile = unused();
    await recover(world, accepted.operationId);
    const { status, reason, error } = (await world.store.operation(accepted.operationId)) as Operation;
    const held = (await violations(world)).filter((problem) => problem.includes('is held by'));
    world.faults = () => undefined;
    for (let minute = 0; minute < 10 && (await amiss(world)).length > 0; minute += 1) await passMinute(world);
    return [
      ...(status === 'SUCCEEDED' || status === 'FAILED' ? [] : [`it is ${status}`]),
      ...(/^[A-Z].*\w.*\.$/.test(reason) && !/\tat |undefined|\[object/.test(reason) ? [] : [`its reason is ${reason}`]),
      ...(error === undefined || error.name in errors ? [] : [`its error is ${error.name}: ${error.message}`]),
      // Of a Flink that answers nothing at all nobody knows which host is idle.
      ...(meanwhile <= 600 || howLong === 'to everything from then on' ? [] : [`a host was unused for ${meanwhile} s`]),
      ...held,
      ...(await amiss(world)),
    ];
  };

  test.each(REFUSALS.flatMap((way) => HOW_LONG.map((howLong) => [way, howLong] as const)))(
    '%s, %s, has it end with a reason, and fleet and job put right by the next observations',
    async (way, howLong) => {
      const wrong: string[] = [];
      for (const [first, method] of asked.entries()) {
        // What begins again and again begins with the first of its kind.
        if (howLong !== 'once' && asked.indexOf(method) < first) continue;
        wrong.push(...(await problemsOf(way, first, howLong)).map((problem) => `call ${first} ${method}: ${problem}`));
      }
      expect(asked.length).toBeGreaterThan(4);
      expect(wrong).toEqual([]);
    },
    600_000,
  );
});

describe.each(REFUSALS)('A JobManager that %s to a pass of observation', (way) => {
  const jobManager = new RefusingJobManager();
  let refusing: FlinkMetricsPort;
  beforeAll(async () => {
    refusing = (await jobManager.start()).metrics;
    jobManager.way = way;
  });
  afterAll(() => jobManager.stop());

  const observed = async (): Promise<World> => {
    const world = enter(new World());
    await run(await world.acceptLaunch());
    await run(await world.acceptSubmission(world.jarSpec(2)));
    await world.pause(120);
    await observeMinute('flights');
    jobManager.jobs = world.flink.inside;
    return world;
  };
  const refused = (world: World, methods: readonly (keyof FlinkMetricsPort)[]): void => {
    world.faults = ({ port, method }) => (port === 'flinkMetrics' && methods.some((one) => one === method) ? { by: refusing } : undefined);
  };

  test('is at fault from that pass on, and no longer when it tells how it is', async () => {
    const world = await observed();
    expect((await world.cluster()).fault).toBeUndefined();
    refused(world, ['cluster', 'job']);
    await observeMinute('flights');
    const { fault } = await world.cluster();
    expect([fault?.kind, fault?.silentSince !== undefined]).toEqual(['jobmanager-unreachable', way === 'answers nothing']);
    world.faults = () => undefined;
    await observeMinute('flights');
    expect((await world.cluster()).fault).toBeUndefined();
  });

  test('is left, or replaced, by itself when it goes on with that', async () => {
    const world = await observed();
    refused(world, ['cluster', 'job']);
    const before = world.workflows.started.length;
    for (let minute = 0; minute < 8 && world.workflows.started.length === before; minute += 1) await observeMinute('flights');
    const begun = world.workflows.started.slice(before).map(({ kind }) => kind);
    expect(begun).toEqual([way === 'answers nothing' ? 'replace-host' : 'fail-over-cluster']);
  });

  test('only where a job is asked about, is no fault of the cluster', async () => {
    const world = await observed();
    refused(world, ['job']);
    await observeMinute('flights');
    expect((await world.cluster()).fault).toBeUndefined();
    expect((await world.job()).status).toBe('RUNNING');
  });
});
