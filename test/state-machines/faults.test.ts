import * as errors from '../../lambdas/contracts/errors';
import type { Operation } from '../../lambdas/contracts/operation';
import type { FlinkPort } from '../../lambdas/gateways/flink/flink.port';
import { enter, run } from './support/functions';
import { forgottenPrograms, passMinute, recover, violations } from './support/recover';
import { REFUSALS, type Refusal, RefusingJobManager } from './support/refusals';
import { type Fault, type Load, World } from './support/world';

const { AwsUnavailable, FlinkUnavailable } = errors;

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('./support/functions').composition);

/** Every call that any function of a workflow makes fails once, one call a run. */
jest.setTimeout(120_000);
beforeEach(() => {
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
});

type Scenario = readonly [name: string, prepare: (world: World) => Promise<Operation>];
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
const SCENARIOS: readonly Scenario[] = [
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
    'terminate-cluster',
    async (world) => {
      await running(world);
      return world.acceptTermination('savepoint');
    },
  ],
];

interface Outcome {
  readonly operation: Operation;
  readonly calls: number;
  readonly problems: readonly string[];
  readonly forgotten: readonly string[];
  readonly failedCall: string;
}

/** One run of a scenario in which the call with this number fails; none for -1. */
const runWith = async ([, prepare]: Scenario, failing: number, fault: (port: string) => Fault): Promise<Outcome> => {
  const world = enter(new World());
  const accepted = await prepare(world);
  const first = world.calls;
  let failedCall = '';
  world.faults = ({ index, port, method }) => {
    if (index - first !== failing) return undefined;
    failedCall = `${port}.${method}`;
    return fault(port);
  };
  await run(accepted);
  const calls = world.calls - first;
  world.faults = () => undefined;
  await recover(world, accepted.operationId);
  const operation = (await world.store.operation(accepted.operationId)) as Operation;
  return { operation, calls, problems: await violations(world), forgotten: await forgottenPrograms(world), failedCall };
};

const passing = (port: string): Error => (port === 'flink' ? new FlinkUnavailable('answered 500') : new AwsUnavailable('answered 500'));

describe.each(SCENARIOS)('%s', (name, prepare) => {
  const scenario: Scenario = [name, prepare];
  let calls = 0;
  let expected: Operation['status'];
  beforeAll(async () => {
    jest.spyOn(console, 'log').mockImplementation(() => undefined);
    const outcome = await runWith(scenario, -1, () => ({ error: new Error(), when: 'before' }));
    calls = outcome.calls;
    expected = outcome.operation.status;
  });

  test.each(['before', 'after'] as const)('goes on when any one call fails in a passing way (%s its effect)', async (when) => {
    const wrong: string[] = [];
    for (let call = 0; call < calls; call++) {
      const { operation, problems, forgotten, failedCall } = await runWith(scenario, call, (port) => ({ error: passing(port), when }));
      if (operation.status !== expected) wrong.push(`call ${call} ${failedCall}: ${operation.status} ${operation.reason}`);
      wrong.push(...[...problems, ...forgotten].map((problem) => `call ${call} ${failedCall}: ${problem}`));
    }
    expect(wrong).toEqual([]);
  });

  test('ends, with nothing left that nobody owns, when its execution is stopped after any task', async () => {
    const wrong: string[] = [];
    let stops = 0;
    for (let tasks = 0, stopped = true; stopped; tasks++) {
      const world = enter(new World());
      const accepted = await prepare(world);
      const execution = await run(accepted, tasks);
      stopped = execution.cause?.includes('the execution was stopped') ?? false;
      await recover(world, accepted.operationId);
      const { status, error } = (await world.store.operation(accepted.operationId)) as Operation;
      if (stopped) stops += 1;
      if (stopped && (status !== 'FAILED' || error?.name !== 'WorkflowInterrupted'))
        wrong.push(`after ${tasks} tasks: ${status} ${error?.name}`);
      wrong.push(...(await violations(world)).map((problem) => `after ${tasks} tasks (${execution.path.at(-1)}): ${problem}`));
    }
    expect(stops).toBeGreaterThan(1);
    expect(wrong).toEqual([]);
  });

  test('ends in a true state with nothing left that nobody owns when any one call fails for good', async () => {
    const wrong: string[] = [];
    for (let call = 0; call < calls; call++) {
      const { problems, failedCall } = await runWith(scenario, call, () => ({ error: new Error('AccessDenied'), when: 'before' }));
      wrong.push(...problems.map((problem) => `call ${call} ${failedCall}: ${problem}`));
    }
    expect(wrong).toEqual([]);
  });
});

const HOW_LONG = ['once', 'to this for ever', 'to everything from then on'] as const;

describe.each(SCENARIOS.filter(([name]) => name.startsWith('scale-job')))('%s, by a Flink that', (_, prepare) => {
  const jobManager = new RefusingJobManager();
  let refusing: FlinkPort;
  /** What the workflow asks of Flink when all is well, in order. */
  const asked: string[] = [];
  beforeAll(async () => {
    jest.spyOn(console, 'log').mockImplementation(() => undefined);
    refusing = await jobManager.start();
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
