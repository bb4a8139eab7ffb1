import { AwsUnavailable, JobRejected } from '../../lambdas/contracts/errors';
import type { Operation } from '../../lambdas/contracts/operation';
import type { JobScaling } from '../../lambdas/contracts/scaling';
import { settleFleets } from '../../lambdas/usecases/clusters/settle-fleets';
import { type ConsiderDeps, considerScaling } from '../../lambdas/usecases/scaling/consider-scaling';
import { VERTEX } from '../fakes/fake-flink';
import type { FakeObservations } from '../fakes/fake-observations';
import { enter, run } from './support/functions';
import { recover, violations } from './support/recover';
import { type Load, STAGE, World } from './support/world';

jest.mock('../../lambdas/composition/environment', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/fleet', () => jest.requireActual('./support/functions').composition);
jest.mock('../../lambdas/composition/volumes', () => jest.requireActual('./support/functions').composition);

let world: World;
beforeEach(() => {
  world = enter(new World());
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
});

/** Four slots are needed where there are two. */
const TOO_MUCH: Load = { read: 1_000, busy: 1, waiting: 100_000, growth: 200 };
/** Six are. */
const FAR_TOO_MUCH: Load = { ...TOO_MUCH, growth: 900 };
const HARDLY_ANYTHING: Load = { read: 100, busy: 0.05 };
const SCALING: JobScaling = { enabled: true, priority: 0, scaleInWindowSeconds: 0 };

const givenJob = async (parallelism = 2, scaling: JobScaling = SCALING): Promise<void> => {
  await run(await world.acceptLaunch());
  await run(await world.acceptSubmission({ ...world.jarSpec(parallelism), scaling }));
};
const decided = async (): Promise<Operation> => {
  const { operationId, reason } = await world.consider();
  if (operationId === undefined) throw new Error(reason);
  return (await world.store.operation(operationId)) as Operation;
};
const carriedOut = async (load: Load): Promise<Operation> => {
  await world.observe(load);
  return carryOut(await decided());
};
const carryOut = async (operation: Operation): Promise<Operation> => {
  await run(operation);
  return (await world.store.operation(operation.operationId)) as Operation;
};
/** What the passes until then make of the same load. */
const askedAgain = async (load: Load): Promise<Operation> => {
  for (;;) {
    await world.pause(30);
    await world.observe(load);
    const { operationId, reason } = await world.consider();
    if (operationId !== undefined) return (await world.store.operation(operationId)) as Operation;
    expect(reason).toMatch(
      / 4 slots are wanted and held back by EC2, which is asked for hosts again at .*brought none \(.*sufficient capacity/,
    );
    expect((await world.job()).lastDecision?.reason).toBe(reason);
  }
};
const hosts = async (): Promise<number> => (await world.fleet.observe((await world.cluster()).resources)).wanted.taskmanager;
const inFlink = async (): Promise<number | undefined> => (await world.flink.job((await world.job()).flinkJobId))?.parallelism;

describe('a job whose lag grows', () => {
  test('gets hosts first, then parallelism, then a checkpoint, and its history says what was expected', async () => {
    await givenJob();
    const operation = await carriedOut(TOO_MUCH);
    expect(operation).toMatchObject({ status: 'SUCCEEDED', reason: 'Job delays was scaled out from 2 to 4 slots.' });
    expect(operation.phases.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Ensure capacity', 'Look for slots', 'Change parallelism', 'Look at the job', 'Look for a checkpoint']),
    );
    expect([await hosts(), await inFlink(), (await world.job()).spec]).toEqual([
      2,
      4,
      expect.objectContaining({ parallelism: 4, scaled: { vertices: { [VERTEX]: 4 }, slots: 4 } }),
    ]);
    const [past, ...others] = await world.observations.history('flights', 'delays');
    expect(others).toEqual([]);
    expect(past).toMatchObject({ kind: 'rescale', from: { [VERTEX]: 2 }, to: { [VERTEX]: 4 }, expected: { [VERTEX]: expect.any(Number) } });
    expect(past?.runningAt && past.runningAt >= past.at).toBe(true);
    expect(await violations(world)).toEqual([]);
  });

  test('is asked to take a checkpoint at once when its requirements change, so that the rescale does not wait for the next', async () => {
    await givenJob();
    await carriedOut(TOO_MUCH);
    const methods = world.flink.calls.map(({ method }) => method);
    const changed = methods.indexOf('setVertexParallelism');
    expect(methods.slice(changed, changed + 2)).toEqual(['setVertexParallelism', 'triggerCheckpoint']);
  });

  test('says on its operation what was decided and why, and keeps all that it follows from', async () => {
    await givenJob();
    await world.observe(TOO_MUCH);
    const { operationId, request } = await decided();
    expect(request).toMatchObject({
      kind: 'scale-job',
      trigger: 'alarm lag',
      reason: expect.stringContaining('Scale out from 2 to 4 slots'),
    });
    expect(request).toHaveProperty('explanation', expect.arrayContaining([expect.objectContaining({ invariant: 'spike-on-evidence' })]));
    expect((await world.observations.decision('flights', operationId))?.inputs.observed.job.vertices).toHaveLength(1);
    expect((await world.job()).lastDecision).toMatchObject({ kind: 'rescale', direction: 'out', operationId });
  });
});

describe('a job that is considered twice at once, by an alarm and a pass', () => {
  beforeEach(async () => {
    await givenJob();
    await world.observe(FAR_TOO_MUCH);
  });
  const consider = (change: Partial<ConsiderDeps>) => {
    const { clock, fleet, kafkaMetrics, observations, store, workflows } = world;
    const deps = { clock, fleet, kafkaMetrics, observations, store, workflows, stage: STAGE, ...change };
    return considerScaling(deps, { cluster: 'flights', job: 'delays' }, 'alarm lag');
  };
  /** The stage has so many vCPUs: with 4 one more host, where without a quota there are two. */
  const left = (maxVcpus: number) => ({ stage: { ...STAGE, limits: { ...STAGE.limits, maxVcpus } } });
  const afterwards = async () => {
    const { lastDecision } = await world.job();
    const operation = (await world.store.operation(lastDecision?.operationId ?? '')) as Operation;
    const kept = await world.observations.decision('flights', operation.operationId);
    return [operation.request, kept?.action].map((change) => (change as { readonly to: object }).to);
  };

  test('keeps with the operation what it was decided by, where the other decides otherwise after it has begun', async () => {
    const observe: ConsiderDeps['fleet']['observe'] = async (resources) => {
      await consider(left(4));
      return world.fleet.observe(resources);
    };
    await consider({ fleet: { observe } });
    expect(await afterwards()).toEqual([{ [VERTEX]: 4 }, { [VERTEX]: 4 }]);
  });

  test('keeps with the operation what it was decided by, where the other has decided otherwise and not begun', async () => {
    let first = true;
    const observations: FakeObservations = Object.assign(Object.create(world.observations), {
      putDecision: async (...given: Parameters<FakeObservations['putDecision']>) => {
        const kept = await world.observations.putDecision(...given);
        if (first) {
          first = false;
          await consider(left(4));
        }
        return kept;
      },
    });
    await consider({ observations });
    expect(await afterwards()).toEqual([{ [VERTEX]: 4 }, { [VERTEX]: 4 }]);
  });

  test('shows the decision that is carried out, though the other finds nothing left of the quota', async () => {
    let operationId: string | undefined;
    const observe: ConsiderDeps['fleet']['observe'] = async (resources) => {
      operationId = (await consider(left(4))).operationId;
      return world.fleet.observe(resources);
    };
    expect(await consider({ ...left(4), fleet: { observe } })).toMatchObject({ outcome: 'kept' });
    expect((await world.job()).lastDecision).toMatchObject({ kind: 'rescale', operationId });
  });
});

describe('a job that hardly works', () => {
  test('gets a smaller parallelism first, and hosts without occupied slots go', async () => {
    await givenJob(4);
    expect(await hosts()).toBe(2);
    const operation = await carriedOut(HARDLY_ANYTHING);
    expect(operation).toMatchObject({ status: 'SUCCEEDED', reason: 'Job delays was scaled in from 4 to 1 slots.' });
    const names = operation.phases.map(({ name }) => name);
    expect(names.indexOf('Change parallelism')).toBeLessThan(names.indexOf('Give back idle hosts'));
    expect([await hosts(), await inFlink()]).toEqual([1, 1]);
    expect(await violations(world)).toEqual([]);
  });
});

describe('a job that becomes smaller, where Flink leaves its tasks on several hosts', () => {
  beforeEach(async () => {
    await givenJob(6, { ...SCALING, minParallelism: 2 });
    world.flink.spread = 'even';
  });
  const namesOf = ({ phases }: Operation): string[] => phases.map(({ name }) => name);
  const marked = async (): Promise<number> =>
    (await world.fleet.observe((await world.cluster()).resources)).hosts.filter(({ marks, state }) => marks && state !== 'leaving').length;

  test('is seen to run smaller, then its tasks are moved together after a checkpoint, and only then hosts go', async () => {
    expect(await hosts()).toBe(3);
    const operation = await carriedOut(HARDLY_ANYTHING);
    expect(operation).toMatchObject({ status: 'SUCCEEDED', reason: 'Job delays was scaled in from 6 to 2 slots.' });
    const steps = [
      'Change parallelism',
      'Look at the job',
      'Look for a checkpoint',
      'Choose hosts to empty',
      'Take a last checkpoint',
      'Empty hosts',
      'Look at the emptied hosts',
      'Give back idle hosts',
    ];
    expect(namesOf(operation).filter((name) => steps.includes(name))).toEqual(steps);
    expect([await hosts(), await inFlink(), await marked()]).toEqual([1, 2, 0]);
    expect(await violations(world)).toEqual([]);
  });

  test('moves no task where that frees no whole host', async () => {
    const { resources } = await world.cluster();
    world.flink.spread = 'first';
    const operation = await carriedOut(HARDLY_ANYTHING);
    expect(operation).toMatchObject({ status: 'SUCCEEDED' });
    expect(namesOf(operation)).toContain('Choose hosts to empty');
    expect(namesOf(operation)).not.toContain('Empty hosts');
    expect((await world.fleet.observe(resources)).wanted.taskmanager).toBe(1);
  });

  test('keeps its hosts, smaller as it is, when they cannot be emptied: none with an occupied slot is taken', async () => {
    world.nodesSeeTags = false;
    const operation = await carriedOut(HARDLY_ANYTHING);
    expect(operation).toMatchObject({ status: 'SUCCEEDED', reason: expect.stringContaining('Hosts could not be emptied') });
    expect(namesOf(operation)).toContain('Take hosts back');
    expect([await inFlink(), await marked()]).toEqual([2, 0]);
    expect((await world.flink.job((await world.job()).flinkJobId))?.state).toBe('RUNNING');
  });

  test('leaves no host marked or paid for in vain after whichever task its workflow is stopped', async () => {
    const wrong: string[] = [];
    for (let tasks = 0, stopped = true; stopped; tasks++) {
      world = enter(new World());
      await givenJob(6, { ...SCALING, minParallelism: 2 });
      world.flink.spread = 'even';
      await world.observe(HARDLY_ANYTHING);
      const operation = await decided();
      const execution = await run(operation, tasks);
      stopped = execution.cause?.includes('the execution was stopped') ?? false;
      await recover(world, operation.operationId);
      if ((await marked()) > 0) wrong.push(`after ${tasks} tasks: a host is marked`);
      const { parallelism } = (await world.job()).spec;
      if ((await hosts()) !== parallelism / 2) wrong.push(`after ${tasks} tasks: ${await hosts()} hosts for ${parallelism} slots`);
      wrong.push(...(await violations(world)).map((problem) => `after ${tasks} tasks: ${problem}`));
    }
    expect(wrong).toEqual([]);
  });
});

describe('an alarm', () => {
  test('of a job that is gone, or of a cluster that is, changes nothing', async () => {
    await givenJob();
    expect(await world.consider('alarm lag', 'gone')).toMatchObject({
      outcome: 'ignored',
      reason: 'There is no job gone on cluster flights',
    });
    await run(await world.acceptChange({ kind: 'stop-job', mode: 'cancel', drain: false }));
    expect(await world.consider()).toMatchObject({ outcome: 'ignored', reason: 'Job delays does not run: it is CANCELED' });
  });

  test('that comes twice, or with another at once, makes one operation', async () => {
    await givenJob();
    await world.observe(TOO_MUCH);
    const all = await Promise.all([world.consider('alarm lag'), world.consider('alarm busy'), world.consider('alarm lag')]);
    const ids = all.flatMap(({ operationId }) => operationId ?? []);
    expect(new Set(ids).size).toBe(1);
    expect(world.workflows.started.filter(({ kind }) => kind === 'scale-job')).toHaveLength(1);
  });

  test('that comes late, when the job has been rescaled, changes nothing: what was observed is from before', async () => {
    await givenJob();
    await carriedOut(TOO_MUCH);
    expect(await world.consider()).toMatchObject({ outcome: 'kept', reason: expect.stringContaining('before the last rescale') });
    expect(world.workflows.started.filter(({ kind }) => kind === 'scale-job')).toHaveLength(1);
  });

  test('that comes hours late finds no fresh observation, and nothing is decided', async () => {
    await givenJob();
    await world.observe(TOO_MUCH);
    await world.pause(7_200);
    expect(await world.consider()).toMatchObject({ outcome: 'kept', reason: 'Nothing is decided: the observation is 7200 s old.' });
    expect((await world.job()).lastDecision).toMatchObject({ kind: 'hold', trigger: 'alarm lag' });
  });

  test('of a job that was started again since it was observed waits for the next pass', async () => {
    await givenJob();
    await world.observe(TOO_MUCH);
    await run(await world.acceptChange({ kind: 'upgrade-job', spec: { ...world.jarSpec(2, 'new'), scaling: SCALING } }));
    expect(await world.consider()).toMatchObject({ outcome: 'ignored' });
  });

  test('of a job that shall not scale by itself changes nothing', async () => {
    await givenJob(2, { ...SCALING, enabled: false });
    await world.observe(TOO_MUCH);
    expect(await world.consider()).toMatchObject({ outcome: 'ignored', reason: 'Job delays does not scale by itself' });
  });

  test.each([
    ['take-savepoint', { kind: 'take-savepoint' }],
    ['rescale-job', { kind: 'rescale-job', parallelism: 3 }],
    ['stop-job', { kind: 'stop-job', mode: 'savepoint', drain: false }],
  ] as const)('waits while %s changes the job, and is asked again', async (_, request) => {
    await givenJob();
    await world.observe(TOO_MUCH);
    const other = await world.acceptChange(request);
    expect(await world.consider()).toMatchObject({ outcome: 'held', reason: expect.stringContaining(other.operationId) });
    expect(world.workflows.started.some(({ kind }) => kind === 'scale-job')).toBe(false);
  });

  test('waits while the job is being upgraded, and scales the new version by its own observation', async () => {
    await givenJob();
    await world.observe(TOO_MUCH);
    const upgrade = await world.acceptChange({ kind: 'upgrade-job', spec: { ...world.jarSpec(2, 'new'), scaling: SCALING } });
    expect(await world.consider()).toMatchObject({ outcome: 'held' });
    await run(upgrade);
    await world.pause(60);
    expect(await carriedOut(TOO_MUCH)).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('a job that shall grow while another one of its cluster is being submitted', () => {
  test.each([
    ['the submission first', ['submit', 'scale']],
    ['the decision first', ['scale', 'submit']],
    ['both at once', null],
  ] as const)('gets its slots, and so does the other, without taking them from each other: %s', async (_, order) => {
    await givenJob();
    const submit = await world.acceptSubmission(world.jarSpec(3, 'other', 'other'));
    await world.observe(TOO_MUCH);
    const operations = { submit, scale: await decided() };
    if (order === null) await Promise.all(Object.values(operations).map((one) => run(one)));
    else for (const one of order) await run(operations[one]);
    for (const { operationId } of Object.values(operations))
      expect(await world.store.operation(operationId)).toMatchObject({ status: 'SUCCEEDED' });
    const other = await world.flink.job((await world.job('other')).flinkJobId);
    expect([await inFlink(), other?.parallelism, await hosts()]).toEqual([4, 3, 4]);
    expect(await violations(world)).toEqual([]);
  });

  test('waits while it is being submitted itself', async () => {
    await givenJob();
    await world.observe(TOO_MUCH);
    await run(await world.acceptChange({ kind: 'stop-job', mode: 'cancel', drain: false }));
    await world.acceptSubmission({ ...world.jarSpec(2), scaling: SCALING });
    expect(await world.consider()).toMatchObject({ outcome: 'held' });
    expect(world.workflows.started.some(({ kind }) => kind === 'scale-job')).toBe(false);
  });
});

describe('a decision that waits', () => {
  test('is not carried out when the newest observation does not ask for it any more', async () => {
    await givenJob();
    await world.observe(TOO_MUCH);
    const operation = await decided();
    await world.pause(10);
    await world.observe({ read: 1_000, busy: 0.6 });
    const ended = await carryOut(operation);
    expect(ended).toMatchObject({
      status: 'SUCCEEDED',
      reason: expect.stringMatching(/was not scaled\. The newest observation does not ask/),
    });
    expect([await hosts(), await inFlink(), (await world.job()).spec.parallelism]).toEqual([1, 2, 2]);
  });

  test('is carried out when the newest observation says nothing, because the job restarts', async () => {
    await givenJob();
    await world.observe(TOO_MUCH);
    const operation = await decided();
    await world.pause(10);
    await world.observe({ ...TOO_MUCH, job: { incomplete: true, state: 'RESTARTING' } });
    expect(await carryOut(operation)).toMatchObject({ status: 'SUCCEEDED', reason: 'Job delays was scaled out from 2 to 4 slots.' });
  });

  test('is given up when the job is to be canceled meanwhile', async () => {
    await givenJob();
    await world.observe(TOO_MUCH);
    const operation = await decided();
    await world.acceptChange({ kind: 'stop-job', mode: 'cancel', drain: false });
    expect(await carryOut(operation)).toMatchObject({ status: 'CANCELED' });
    expect((await world.job()).spec.parallelism).toBe(2);
  });
});

describe('hosts that do not come', () => {
  test("at all: the job stays as it is, the wish is withdrawn, and the reason is EC2's", async () => {
    await givenJob();
    world.fleet.zonesWithoutCapacity.add('us-east-1a');
    const operation = await carriedOut(TOO_MUCH);
    expect(operation).toMatchObject({ status: 'FAILED', error: { name: 'InsufficientCapacity' } });
    expect([await hosts(), await inFlink(), (await world.job()).spec]).toEqual([
      1,
      2,
      expect.not.objectContaining({ scaled: expect.anything() }),
    ]);
    expect(await world.observations.history('flights', 'delays')).toEqual([]);
    expect(await violations(world)).toEqual([]);
  });

  test('at all, again and again: each attempt waits twice as long as the one before, which is said, until hosts come', async () => {
    await givenJob();
    world.fleet.zonesWithoutCapacity.add('us-east-1a');
    let last = await carriedOut(TOO_MUCH);
    const minutes: number[] = [];
    for (const capacity of [false, false, false, false, false, false, true]) {
      if (capacity) world.fleet.zonesWithoutCapacity.clear();
      const asked = await askedAgain(TOO_MUCH);
      minutes.push((Date.parse(asked.requestedAt) - Date.parse(last.endedAt ?? '')) / 60_000);
      last = await carryOut(asked);
    }
    expect(minutes).toEqual([1, 2, 4, 8, 16, 30, 30]);
    expect(last).toMatchObject({ status: 'SUCCEEDED', reason: 'Job delays was scaled out from 2 to 4 slots.' });
    expect(await violations(world)).toEqual([]);
  });

  test('at all: more of them are asked for at once when the job needs far more', async () => {
    await givenJob();
    world.fleet.zonesWithoutCapacity.add('us-east-1a');
    await carriedOut(TOO_MUCH);
    await world.observe(TOO_MUCH);
    expect((await world.consider()).outcome).toBe('kept');
    world.fleet.zonesWithoutCapacity.clear();
    expect(await carriedOut(FAR_TOO_MUCH)).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('at all, and one slot is free: the job gets that, and the next attempt waits as after any that brought none', async () => {
    await givenJob(1);
    world.fleet.zonesWithoutCapacity.add('us-east-1a');
    const operation = await carriedOut(FAR_TOO_MUCH);
    expect(operation).toMatchObject({
      status: 'SUCCEEDED',
      reason: expect.stringContaining('was scaled out from 1 to 2 slots'),
      result: { slots: 2 },
    });
    expect(await violations(world)).toEqual([]);
    await world.pause(50);
    await world.observe(TOO_MUCH);
    expect(await world.consider()).toMatchObject({
      outcome: 'kept',
      reason: expect.stringMatching(/the last attempt brought none \(.*sufficient capacity/),
    });
    await world.pause(15);
    await world.observe(TOO_MUCH);
    expect((await world.consider()).outcome).toBe('started');
  });

  test.each([
    ['', []],
    [', also where the table answered nothing before Flink was asked', [new AwsUnavailable('down')]],
  ])('in part: the job gets what came, and it is said%s', async (_, failures) => {
    await givenJob();
    world.fleet.mostHosts = 2;
    for (const failure of failures) world.observations.failNext('appendRescale', failure);
    const operation = await carriedOut(FAR_TOO_MUCH);
    expect(operation).toMatchObject({
      status: 'SUCCEEDED',
      reason: 'Job delays was scaled out from 2 to 4 slots; 6 were decided. Not all hosts came in time: the job got what there was.',
    });
    expect([await hosts(), await inFlink(), (await world.job()).spec.scaled?.slots]).toEqual([2, 4, 4]);
    expect(await violations(world)).toEqual([]);
  });

  test('no host is paid for and unused for longer than ten minutes meanwhile', async () => {
    await givenJob();
    world.fleet.mostHosts = 2;
    await world.observe(FAR_TOO_MUCH);
    const operation = await decided();
    const before = world.now;
    await run(operation);
    expect(world.now - before).toBeLessThan(600_000);
  });
});

describe('a rescale that fails', () => {
  test('because the job fails at its new parallelism: it gets its former parallelism, the hosts go, and it is not tried again soon', async () => {
    await givenJob();
    await world.observe(TOO_MUCH);
    const operation = await decided();
    world.flink.rescaled = 'fails';
    const ended = await carryOut(operation);
    expect(ended).toMatchObject({ status: 'FAILED', error: { name: 'JobFailed' } });
    expect(ended.reason).toMatch(/The job has its former parallelism again\.$/);
    expect([await hosts(), await inFlink(), (await world.job()).spec]).toEqual([
      1,
      2,
      expect.objectContaining({ parallelism: 2, scaled: { vertices: { [VERTEX]: 2 }, slots: 2 } }),
    ]);
    expect((await world.observations.history('flights', 'delays')).map(({ kind }) => kind)).toEqual(['rescale', 'roll-back']);
    await world.pause(60);
    await world.observe(TOO_MUCH);
    expect(await world.consider()).toMatchObject({ outcome: 'kept', reason: expect.stringContaining('was rolled back') });
    expect(await violations(world)).toEqual([]);
  });

  test.each(['overview', 'setVertexParallelism', 'job', 'checkpoints', 'listTaskManagers'] as const)(
    'because %s is refused for good: nothing stays behind',
    async (call) => {
      await givenJob();
      await world.observe(TOO_MUCH);
      const operation = await decided();
      world.flink.failNext(call, { times: 1, error: new JobRejected('refused') });
      await run(operation);
      await recover(world, operation.operationId);
      const spec = (await world.job()).spec;
      expect(await inFlink()).toBe(spec.parallelism);
      expect(await violations(world)).toEqual([]);
    },
  );

  test('because its workflow is stopped after any task: fleet, job and table agree afterwards', async () => {
    const wrong: string[] = [];
    for (let tasks = 0, stopped = true; stopped; tasks++) {
      world = enter(new World());
      await givenJob();
      await world.observe(TOO_MUCH);
      const operation = await decided();
      const execution = await run(operation, tasks);
      stopped = execution.cause?.includes('the execution was stopped') ?? false;
      await recover(world, operation.operationId);
      const [wanted, running, { parallelism }] = [await hosts(), await inFlink(), (await world.job()).spec];
      if (running !== parallelism) wrong.push(`after ${tasks} tasks: Flink runs ${running}, ${parallelism} are stored`);
      if (wanted !== Math.max(1, Math.ceil(parallelism / 2))) wrong.push(`after ${tasks} tasks: ${wanted} hosts for ${parallelism} slots`);
      wrong.push(...(await violations(world)).map((problem) => `after ${tasks} tasks: ${problem}`));
    }
    expect(wrong).toEqual([]);
  });
});

describe('hosts that nobody wants', () => {
  const settle = () => {
    const { clock, fleet, observations, store, workflows } = world;
    return settleFleets({ clock, fleet, observations, store, workflows, stage: STAGE });
  };
  const leaveOver = async (): Promise<void> => {
    const { resources, zone } = await world.cluster();
    await world.fleet.setHosts(resources, zone, 3);
    await world.pause(60);
    await world.pause(60);
  };

  test('are given back, while the job runs on as it was', async () => {
    await givenJob();
    await leaveOver();
    const [settled] = await settle();
    expect(settled?.reason).toMatch(/^3 hosts are wanted and no operation is under way/);
    expect(await carryOut((await world.store.operation(settled?.operationId ?? '')) as Operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect([await hosts(), await inFlink()]).toEqual([1, 2]);
    expect(await violations(world)).toEqual([]);
  });

  test('are given back also while an operation is under way that moves no task', async () => {
    await givenJob();
    await leaveOver();
    const { operationId } = await world.acceptChange({ kind: 'take-savepoint' });
    const [settled] = await settle();
    expect(settled?.reason).toContain(`3 hosts are wanted and ${operationId} needs no more; 1 job need 2 slots`);
    expect(await carryOut((await world.store.operation(settled?.operationId ?? '')) as Operation)).toMatchObject({ status: 'SUCCEEDED' });
    expect([await hosts(), await inFlink()]).toEqual([1, 2]);
  });

  test('are given back as ever while a drill is held on a copy, which has hosts of its own', async () => {
    await givenJob();
    await leaveOver();
    await world.acceptCopyDrill({ jobs: { delays: { arguments: [] } } });
    const [settled] = await settle();
    expect(settled?.reason).toMatch(/^3 hosts are wanted and no operation is under way/);
  });

  test('are counted as needed while an operation waits for them', async () => {
    await givenJob();
    await leaveOver();
    await world.acceptChange({ kind: 'rescale-job', parallelism: 6 });
    expect(await settle()).toEqual([]);
    await world.acceptTermination();
    expect(await settle()).toEqual([]);
  });

  test('are left alone while an operation puts tasks onto hosts, also by one that had begun before', async () => {
    await givenJob();
    await leaveOver();
    const [begun] = await settle();
    await run(await world.acceptSubmission(world.jarSpec(1, 'other', 'arrivals')), 5);
    expect((await world.job('arrivals')).status).toBe('SUBMITTING');
    expect(await settle()).toEqual([]);
    const { operationId } = await carryOut((await world.store.operation(begun?.operationId ?? '')) as Operation);
    expect((await world.store.operation(operationId))?.phases.at(-2)).toMatchObject({
      name: 'Give back idle hosts',
      reason: expect.stringContaining('puts tasks onto hosts now'),
    });
    expect(await hosts()).toBe(3);
  });

  test('are not those that a smaller job has left and may have to come back to', async () => {
    await givenJob(6);
    await world.observe(HARDLY_ANYTHING);
    const operation = await decided();
    // Its parallelism is changed, and it is looked for its first checkpoint.
    await run(operation, 6);
    expect((await world.store.operation(operation.operationId))?.phases.at(-1)?.name).toBe('Look for a checkpoint');
    expect([await inFlink(), (await world.job()).spec.scaled?.slots]).toEqual([1, 1]);
    await world.pause(60);
    expect([await settle(), await hosts()]).toEqual([[], 3]);
  });

  test('are not those that a job needs which is to grow between the look at them and their end', async () => {
    await givenJob();
    await leaveOver();
    const [settled] = await settle();
    const surplus = (await world.store.operation(settled?.operationId ?? '')) as Operation;
    await world.observe(TOO_MUCH);
    let growth: Promise<unknown> | undefined;
    const observe: World['fleet']['observe'] = async (resources) => {
      const seen = await world.fleet.observe(resources);
      // What is needed is read already, and no host is ended yet.
      growth ??= world.consider();
      await growth;
      return seen;
    };
    let looks = 0;
    world.faults = ({ port, method }) => (port === 'fleet' && method === 'observe' && ++looks === 1 ? { by: { observe } } : undefined);
    expect(await carryOut(surplus)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await growth).toMatchObject({ outcome: 'started' });
    expect(await hosts()).toBe(2);
  });

  describe('or that are kept for a parallelism which Flink was not brought back to', () => {
    beforeEach(async () => {
      await givenJob();
      await carriedOut(TOO_MUCH);
      const { flinkJobId } = await world.job();
      await world.flink.setVertexParallelism(flinkJobId, { [VERTEX]: 2 });
      await world.flink.job(flinkJobId);
      await world.pause(60);
    });

    test('are used again: what is stored is made true in Flink, once it is observed', async () => {
      expect(await settle()).toEqual([]);
      await world.observe(TOO_MUCH);
      const [settled] = await settle();
      expect(settled?.reason).toBe('Source -> Sink of job delays runs with 2, 4 are stored');
      await carryOut((await world.store.operation(settled?.operationId ?? '')) as Operation);
      expect([await hosts(), await inFlink()]).toEqual([2, 4]);
      await world.observe(TOO_MUCH);
      expect(await settle()).toEqual([]);
      expect(await violations(world)).toEqual([]);
    });

    test('are waited for where they are missing: Flink goes on with the slots that there are', async () => {
      const gone = world.fleet.instances().find(({ role }) => role === 'taskmanager');
      world.fleet.loseHost(gone?.instanceId ?? '');
      await world.observe(TOO_MUCH);
      expect(await settle()).toEqual([]);
    });
  });

  const finish = async (operationId: string | undefined): Promise<void> => {
    const operation = (await world.store.operation(operationId ?? '')) as Operation;
    const end = { status: 'SUCCEEDED', endedAt: world.clock().toISOString(), reason: 'done' } as const;
    await world.store.endOperation(operation.operationId, end, {
      cluster: 'flights',
      ...(operation.job === undefined ? {} : { job: operation.job }),
    });
  };

  test('are asked for every five minutes, not every minute, and tasks are moved for them once an hour', async () => {
    await givenJob();
    await leaveOver();
    // Nothing is given back: as where every host is occupied and cannot be emptied.
    const asked: (string | undefined)[] = [];
    for (let minute = 0; minute < 60; minute++) {
      const [settled] = await settle();
      const operationId = settled?.operationId;
      if (operationId !== undefined) await finish(operationId);
      asked.push(operationId && (await world.store.operation(operationId))?.kind);
      world.now += 60_000;
    }
    expect(asked.filter((kind) => kind === 'scale-job').length).toBeLessThanOrEqual(2);
    expect(asked.filter((kind) => kind === 'replace-host').length).toBeGreaterThan(8);
    expect(asked.filter(Boolean).length).toBeLessThanOrEqual(15);
    // From any minute on, the next try is no more than a few away.
    expect(asked.map((_, minute) => asked.slice(minute, minute + 6).some(Boolean)).slice(0, 54)).not.toContain(false);
  });

  const unused = async (): Promise<number> => {
    const before = world.now;
    while (world.now - before < 3_600_000) {
      for (const { operationId = '' } of await settle()) await carryOut((await world.store.operation(operationId)) as Operation);
      if ((await hosts()) === 1) return (world.now - before) / 1_000;
      await world.pause(60);
    }
    return Number.POSITIVE_INFINITY;
  };

  test('are given back within ten minutes when the last job has ended by itself', async () => {
    await givenJob(6);
    const { flinkJobId } = await world.job();
    await world.flink.cancel(flinkJobId);
    while ((await world.flink.job(flinkJobId))?.state === 'CANCELLING');
    await world.store.recordJobSeen('flights', 'delays', 1, { status: 'FINISHED', statusReason: 'seen' });
    expect(await hosts()).toBe(3);
    expect(await unused()).toBeLessThan(600);
    expect(await violations(world)).toEqual([]);
  });

  test('are given back within ten minutes in a cluster that never had a job', async () => {
    await run(await world.acceptLaunch());
    await leaveOver();
    expect(await unused()).toBeLessThan(600);
    expect(await violations(world)).toEqual([]);
  });

  test('are given back within ten minutes after a try that found every host occupied', async () => {
    await givenJob();
    await leaveOver();
    await finish((await settle())[0]?.operationId);
    expect(await unused()).toBeLessThan(600);
    expect([await hosts(), await inFlink()]).toEqual([1, 2]);
  });

  test('stay as long as a task runs on them that cannot be moved', async () => {
    await givenJob();
    await leaveOver();
    await finish((await settle())[0]?.operationId);
    world.flink.spread = 'even';
    world.now += 300_000;
    const [settled] = await settle();
    const operation = await carryOut((await world.store.operation(settled?.operationId ?? '')) as Operation);
    expect(operation).toMatchObject({ kind: 'replace-host', status: 'SUCCEEDED' });
    expect(operation.reason).toMatch(/^Hosts that no job of cluster flights needs were given back/);
    expect([await hosts(), (await world.flink.job((await world.job()).flinkJobId))?.state]).toEqual([2, 'RUNNING']);
  });

  test('are none where the fleet is as large as the jobs need', async () => {
    await givenJob();
    expect(await settle()).toEqual([]);
  });
});

describe('what scaling made of a job', () => {
  test('stays when the job is upgraded: the new version gets the parallelism of each vertex', async () => {
    await givenJob();
    await carriedOut(TOO_MUCH);
    const scaled = { vertices: { [VERTEX]: 3, ['f'.repeat(32)]: 4 }, slots: 4 };
    await run(await world.acceptChange({ kind: 'upgrade-job', spec: { ...world.jarSpec(4, 'new'), scaling: SCALING, scaled } }));
    expect([await inFlink(), (await world.job()).spec.scaled]).toEqual([3, scaled]);
    expect(await violations(world)).toEqual([]);
  });

  test('gives way to a parallelism that a person asks for, and comes back when that fails', async () => {
    await givenJob();
    await carriedOut(TOO_MUCH);
    const former = (await world.job()).spec.scaled;
    if (!former) throw new Error('it was not scaled');
    await run(await world.acceptChange({ kind: 'rescale-job', parallelism: 3, former }));
    expect((await world.job()).spec).toMatchObject({ parallelism: 3 });
    expect((await world.job()).spec).not.toHaveProperty('scaled');
  });
});
