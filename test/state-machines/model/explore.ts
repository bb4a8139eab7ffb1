import { later } from '../../../lambdas/domain/clock';
import { isStranded } from '../../../lambdas/domain/decide-retry';
import { describeJob } from '../../../lambdas/usecases/api/describe-job';
import { acceptInterruption } from '../../../lambdas/usecases/clusters/accept-interruption';
import { acceptTermination } from '../../../lambdas/usecases/clusters/accept-termination';
import { acceptFailover } from '../../../lambdas/usecases/failover/accept-failover';
import { considerFault } from '../../../lambdas/usecases/failover/consider-failover';
import { acceptCancellation } from '../../../lambdas/usecases/jobs/accept-cancellation';
import { acceptRescale } from '../../../lambdas/usecases/jobs/accept-rescale';
import { acceptSavepoint } from '../../../lambdas/usecases/jobs/accept-savepoint';
import { acceptStop } from '../../../lambdas/usecases/jobs/accept-stop';
import { acceptSubmission } from '../../../lambdas/usecases/jobs/accept-submission';
import { acceptUpgrade } from '../../../lambdas/usecases/jobs/accept-upgrade';
import type { ChangeRequest } from '../../../lambdas/usecases/operations/accept';
import { considerScaling } from '../../../lambdas/usecases/scaling/consider-scaling';
import { composition, enter, event, run } from '../support/functions';
import { SCRIPT, SIZE, STAGE } from '../support/world';
import { Chance } from './chance';
import type { Weather } from './scheduler';
import { Simulation } from './simulation';

const SECOND = 1_000;
const AT = { cluster: 'flights', job: 'delays' };
/** A program with this argument fails once it was accepted. */
const BROKEN = '--broken';

/** What the functions are given: each port waits for its turn. */
const DEPS = {
  clock: composition.clock,
  stage: STAGE,
  store: composition.store(),
  workflows: composition.workflows(),
  artifacts: composition.artifacts(),
  fleet: composition.fleet(),
  flink: composition.flink(),
  observations: composition.observations(),
  kafkaMetrics: composition.kafkaMetrics(),
};

type Deed = (world: Simulation, change: ChangeRequest) => Promise<unknown>;
/** The jar of the world's `jarSpec`, as a caller names it. */
const jarOf = (world: Simulation, content: string, args: string[]) => {
  const { program } = world.jarSpec(2, content);
  if (program.kind !== 'jar') throw new Error('it is a jar');
  return { uri: program.uri, sha256: program.sha256, arguments: args };
};
/** A script that nobody has to upload: a start of it that comes late needs nothing that a clean-up takes away. */
const programOf = (world: Simulation, content: string, args: string[] = []) =>
  world.inSql && args.length === 0 ? { sql: { script: `${SCRIPT}\n-- ${content}` } } : { jar: jarOf(world, content, args) };
const specOf = (world: Simulation, name: string) => ({
  name,
  ...programOf(world, name),
  parallelism: 2,
  flinkConfiguration: {},
  restore: { from: 'latest' as const, allowNonRestoredState: false },
});
const PERSON = { kind: 'person' as const, evidence: 'somebody wants it' };
const upgradeTo =
  (args: string[]): Deed =>
  (world, change) =>
    acceptUpgrade(DEPS, change, AT, { ...programOf(world, 'new', args), allowNonRestoredState: false });

/** What people and alarms ask for, at any time. */
const DEEDS: Readonly<Record<string, Deed>> = {
  'fail over': (_, change) => acceptFailover(DEPS, change, 'flights', { trigger: PERSON }),
  'fail over, planned': (_, change) => acceptFailover(DEPS, change, 'flights', { mode: 'planned', trigger: PERSON }),
  'fail over, lost': (_, change) => acceptFailover(DEPS, change, 'flights', { mode: 'lost', trigger: PERSON }),
  'fail back': (_, change) => acceptFailover(DEPS, change, 'flights', { zone: 'us-east-1a', trigger: PERSON }),
  'stop with a savepoint': (_, change) => acceptStop(DEPS, change, AT, false),
  cancel: (_, change) => acceptCancellation(DEPS, change, AT),
  'cancel another': (_, change) => acceptCancellation(DEPS, change, { cluster: 'flights', job: 'other' }),
  'take a savepoint': (_, change) => acceptSavepoint(DEPS, change, AT),
  'rescale out': (_, change) => acceptRescale(DEPS, change, AT, 4),
  'rescale in': (_, change) => acceptRescale(DEPS, change, AT, 1),
  upgrade: upgradeTo([]),
  'upgrade to what fails': upgradeTo([BROKEN]),
  'submit it again': (world, change) => acceptSubmission(DEPS, change, 'flights', specOf(world, 'delays')),
  'submit another': (world, change) => acceptSubmission(DEPS, change, 'flights', specOf(world, 'other')),
  'terminate, with savepoints': (_, change) => acceptTermination(DEPS, change, 'flights', 'savepoint'),
  'terminate at once': (_, change) => acceptTermination(DEPS, change, 'flights', 'cancel'),
  'look at the job': () => describeJob(DEPS, 'flights', 'delays'),
  'an alarm rings': () => considerScaling(DEPS, AT, 'alarm lag'),
  'EC2 takes a host': (world) => {
    const instanceId = world.fleet.instances().find(({ role }) => role === 'taskmanager')?.instanceId ?? 'i-0';
    return acceptInterruption(DEPS, { instanceId, notice: 'rebalance', noticedAt: world.clock().toISOString() });
  },
};
const MOVES = ['fail over', 'fail over, planned', 'fail over, lost'];
const FINAL = ['terminate, with savepoints', 'terminate at once'];
const OTHERS = Object.keys(DEEDS).filter((name) => !FINAL.includes(name));

export interface Run {
  readonly seed: number;
  readonly broken: readonly string[];
  readonly history: readonly string[];
  /** What was done and went wrong, in order; those that were left out are among them. */
  readonly disturbances: readonly string[];
  readonly steps: number;
}

/** Changes what a call of a port does, for all calls of a run. */
export type Mutant = (world: Simulation) => void;

/** More steps than any run takes that comes to an end. */
const MOST_STEPS = 15_000;

/** One run: a cluster with a job, what people and chance do to it, then time without trouble in which all must come to an end. */
export const runSeed = async (seed: number, without: ReadonlySet<number> = new Set(), mutant: Mutant = () => undefined): Promise<Run> => {
  const plan = new Chance(seed * 7 + 5);
  const weather: Weather = { faults: plan.of([0, 0.002, 0.01, 0.03]), slow: plan.of([0.02, 0.1, 0.3]), sticky: plan.of([0, 0.5, 0.9]) };
  const world = new Simulation(seed, weather, without);
  enter(world);
  world.flink.behaviour = ({ arguments: given = [] }) =>
    given.includes(BROKEN) ? { does: 'fail', reason: 'it is broken' } : { does: 'run' };
  world.savepointsFail = plan.of([0, 0.1, 0.4]);
  const story = plan.is(0.4) ? plan.of(Object.keys(STORIES)) : undefined;
  // Hosts that boot outlast most of what a fence has to wait for.
  const warm = plan.is(story === undefined ? 0.4 : 0.7);
  const standby = plan.is(0.3);
  const spread = standby && plan.is(0.5);
  await run(
    await world.acceptLaunch({
      capacity: warm ? 'warm' : 'cold',
      ...(standby ? { spec: { highAvailability: { standbyJobManager: true } } } : {}),
      ...(spread ? { zones: STAGE.zones.map(({ name }) => name) } : {}),
    }),
  );
  world.inSql = plan.is(story === LATE ? 0.8 : 0.3);
  const parallelism = plan.of([2, 4]);
  const spec = world.inSql ? world.sqlSpec(parallelism) : world.jarSpec(parallelism);
  await run(await world.acceptSubmission({ ...spec, ...(plan.is(0.3) ? { scaling: { enabled: true, priority: 0 } } : {}) }));
  await world.observe({ read: 1_000, busy: 1, waiting: 100_000, growth: 200 });
  if (warm && plan.is(0.8)) await standBy(world);
  // A JobManager's host that is new is never taken for hung.
  world.now += 60 * SECOND;
  mutant(world);
  world.begin();
  planDeeds(world, plan, story !== undefined);
  planTrouble(world, plan, standby, story !== undefined);
  lackTypes(world, new Chance(seed * 7 + 6), story !== undefined);
  if (story !== undefined) {
    world.scheduler.note(`the story: ${story}`);
    STORIES[story]?.(world, plan);
  }
  planSilence(world, plan, story !== undefined);
  planNotices(world, new Chance(seed * 7 + 8), story !== undefined);
  planImpatience(world, new Chance(seed * 7 + 9));
  const end = world.now + 120 * SECOND;
  const broken = await act(world, end);
  const { scheduler } = world;
  return { seed, broken, history: scheduler.history, disturbances: scheduler.disturbances, steps: scheduler.steps };
};

/** What the sweeper does in the first minute. */
const standBy = async (world: Simulation): Promise<void> => {
  for (const { operationId = '' } of await world.considerReserves()) {
    const operation = await world.store.operation(operationId);
    if (operation) await run(operation);
  }
};

const act = async (world: Simulation, end: number): Promise<readonly string[]> => {
  const { scheduler } = world;
  const during = await world.until(() => scheduler.now >= end, MOST_STEPS);
  if (during.length > 0) return during;
  scheduler.calm = true;
  scheduler.note('from here on nothing goes wrong any more');
  world.heal();
  let quiet = scheduler.now;
  const after = await world.until(async () => {
    // Hosts that no job wants are asked back every five minutes, as long as a job that could not be canceled occupies them.
    const open = await world.store.openOperations();
    const underWay = [...open, ...world.underWay];
    if (underWay.some(({ kind }) => kind !== 'replace-host') || isStranded(await world.cluster())) quiet = scheduler.now;
    // Long enough for what is tried every ten minutes.
    return underWay.length === 0 && scheduler.now >= quiet + 12 * 60 * SECOND;
  }, MOST_STEPS);
  if (after.length > 0) return after;
  // Whoever looks at a job has its end recorded.
  for (const { name } of (await world.store.jobs('flights', { limit: 100 })).items) await describeJob(DEPS, 'flights', name);
  return world.atTheEnd();
};

/** Somebody asks for a deed, by an id that says which of the run's it is. */
const planDeed = (world: Simulation, plan: Chance, name: string, at: number, index: number): void => {
  const times = plan.is(0.1) ? 2 : 1;
  const id = `op-${String(index).padStart(20, 'z')}${'abcdef'[plan.between(0, 5)]}00000`;
  const change: ChangeRequest = { requestedBy: 'arn:aws:iam::000000000000:user/anna', operationId: id, requestHash: name };
  world.scheduler.at(at, `anna: ${name}`, () => {
    if (!world.scheduler.disturb(`anna: ${name}${times > 1 ? ', twice' : ''}`)) return;
    for (let time = 0; time < times; time++) void world.asks(`«${name}»`, async () => DEEDS[name]?.(world, change));
  });
};

/** @param story has deeds of its own, and most others, like most troubles, would keep it from taking place */
const planDeeds = (world: Simulation, plan: Chance, story: boolean): void => {
  const names = story
    ? Array.from({ length: plan.between(0, 1) }, () => plan.of(OTHERS))
    : [plan.of(MOVES), ...Array.from({ length: plan.between(1, 3) }, () => plan.of(OTHERS)), ...(plan.is(0.15) ? [plan.of(FINAL)] : [])];
  // Often at about the same moment.
  const spread = plan.of([2, 20, 60]);
  names.forEach((name, index) => {
    planDeed(world, plan, name, world.now + plan.between(0, spread * SECOND), index);
  });
};

const LATE = 'a start comes late, and who asked for it is stopped or not wanted any more';
/** Where the deeds of a story begin to be counted. */
const OF_STORY = 50;
/** Courses of events that a protection is there for, and that chance alone would seldom bring about. Everything else happens beside them. */
const STORIES: Readonly<Record<string, (world: Simulation, plan: Chance) => void>> = {
  'what works on in a lost zone completes a checkpoint while its jobs move': (world, plan) => {
    const at = world.now + plan.between(0, 20 * SECOND);
    world.scheduler.at(at, 'an island', () => world.loseZoneFor(plan.between(30, 200), 'island'));
    planDeed(world, plan, plan.of(['fail over', 'fail over, lost']), at + plan.between(0, 8 * SECOND), OF_STORY);
  },
  'what works on in a lost zone completes the savepoint that its job is to stop with': (world, plan) => {
    world.savepointsTake = { from: 8, to: 40 };
    planDeed(world, plan, plan.of(['stop with a savepoint', 'upgrade']), world.now + plan.between(0, 10 * SECOND), OF_STORY);
    const [lost, moved] = [plan.between(0, 2 * SECOND), plan.between(0, 2 * SECOND)];
    const move = plan.of(['fail over', 'fail over, lost']);
    world.whenCalled('flink.stopWithSavepoint', () => {
      const { now } = world.scheduler;
      world.scheduler.at(now + lost, 'an island', () => world.loseZoneFor(plan.between(30, 200), 'island'));
      planDeed(world, plan, move, now + lost + moved, OF_STORY + 1);
    });
  },
  'a JobManager goes back behind what it has written, and its zone is lost before it has written more': (world, plan) => {
    const behind = plan.of(['savepoint', 'checkpoint'] as const);
    const [lost, moved] = [plan.between(0, 2 * SECOND), plan.between(0, 2 * SECOND)];
    const move = plan.of(['fail over', 'fail over, lost']);
    world.savepointsTake = { from: 2, to: 6 };
    if (behind === 'savepoint') planDeed(world, plan, 'take a savepoint', world.now + plan.between(0, 10 * SECOND), OF_STORY);
    const then = (): void => {
      const { now } = world.scheduler;
      world.scheduler.at(now + lost, 'darkness', () => world.loseZoneFor(plan.between(30, 200), 'dark'));
      planDeed(world, plan, move, now + lost + moved, OF_STORY + 1);
    };
    world.goesBack = { behind, then };
  },
  'a JobManager dies behind the savepoint that its job is to stop with, and its zone is lost before it has written more, or is not': (
    world,
    plan,
  ) => {
    planDeed(world, plan, plan.of(['stop with a savepoint', 'upgrade']), world.now + plan.between(0, 10 * SECOND), OF_STORY);
    const [lost, moved] = [plan.between(0, 10 * SECOND), plan.between(0, 2 * SECOND)];
    const move = plan.of(['fail over', 'fail over, lost', 'cancel', 'take a savepoint']);
    world.savepointsTake = { from: 2, to: 6 };
    const then = (): void => {
      const { now } = world.scheduler;
      if (MOVES.includes(move)) world.scheduler.at(now + lost, 'darkness', () => world.loseZoneFor(plan.between(30, 200), 'dark'));
      planDeed(world, plan, move, now + lost + moved, OF_STORY + 1);
    };
    world.goesBack = { behind: 'stop', then };
  },
  'a move that breaks something off finds no hosts, and the cluster is given back': (world, plan) => {
    for (const zone of ['us-east-1b', 'us-east-1c']) world.fleet.zonesWithoutCapacity.add(zone);
    const first = plan.of(['upgrade', 'upgrade', 'upgrade to what fails', 'submit another', 'rescale out']);
    planDeed(world, plan, first, world.now + plan.between(0, 5 * SECOND), OF_STORY);
    world.savepointsTake = { from: 2, to: 6 };
    const at = plan.between(0, 40 * SECOND);
    planDeed(world, plan, 'fail over, planned', world.now + at, OF_STORY + 1);
  },
  [LATE]: (world, plan) => {
    const at = world.now + plan.between(0, 10 * SECOND);
    const first = plan.of(['submit another', 'upgrade', 'upgrade']);
    planDeed(world, plan, first, at, OF_STORY);
    const then = first === 'upgrade' ? plan.of(['stop', 'cancel']) : plan.of(['stop', 'cancel another']);
    const after = plan.between(500, 10 * SECOND);
    world.delayNextStart(() => {
      if (then === 'stop') world.scheduler.at(world.scheduler.now + after, 'something happens', () => world.stopOne());
      else planDeed(world, plan, then, world.scheduler.now + after, OF_STORY + 1);
      if (first === 'submit another')
        planDeed(world, plan, first, world.scheduler.now + after + plan.between(1, 20) * SECOND, OF_STORY + 2);
    });
  },
};

const planTrouble = (world: Simulation, plan: Chance, standby: boolean, story: boolean): void => {
  const { scheduler } = world;
  const some = (probability: number, go: () => void): void => {
    if (plan.is(story ? probability / 4 : probability)) scheduler.at(world.now + plan.between(0, 70 * SECOND), 'something happens', go);
  };
  const seconds = plan.between(3, 200);
  const how = plan.of(['dark', 'island'] as const);
  const told = plan.between(0, 2);
  some(0.5, () => {
    const zone = `use1-az${'abc'.indexOf(world.zoneNow.slice(-1)) + 1}`;
    world.loseZoneFor(seconds, how);
    const shift = {
      source: 'aws.arc-zonal-shift',
      'detail-type': 'Autoshift In Progress',
      time: new Date(world.now).toISOString(),
      detail: { metadata: { awayFrom: zone } },
    };
    for (let time = 0; time < told; time++)
      scheduler.at(
        scheduler.now + world.chance.between(1, 30) * SECOND,
        `AWS says that ${zone} is impaired`,
        () => void world.asks('zone event', () => event('handle-zone-event', shift)),
      );
  });
  some(0.3, () => world.stopOne());
  some(0.2, () => world.stopOne());
  some(0.2, () => world.stopOne());
  some(0.2, () => world.loseHost('jobmanager'));
  some(0.3, () => world.loseHost('taskmanager'));
  if (plan.is(0.2) && scheduler.disturb('IAM takes no change')) world.fleet.iamTakesNothing = true;
  if (standby) for (let times = plan.between(0, 2); times > 0; times--) some(0.7, () => world.changeLeader());
  const dry = plan.of(['us-east-1a', 'us-east-1b', 'us-east-1c']);
  if (plan.is(story ? 0.1 : 0.3) && scheduler.disturb(`EC2 has nothing in ${dry}`)) world.fleet.zonesWithoutCapacity.add(dry);
  const dryToo = plan.of(['us-east-1b', 'us-east-1c']);
  if (plan.is(story ? 0 : 0.15) && scheduler.disturb(`EC2 has nothing in ${dryToo} either`)) world.fleet.zonesWithoutCapacity.add(dryToo);
};

/** EC2 lacks types of JobManager hosts in some zones, perhaps all of them in one. */
const lackTypes = ({ fleet, scheduler }: Simulation, plan: Chance, story: boolean): void => {
  for (const type of [SIZE.jobManager.instanceType, ...(SIZE.jobManager.alternatives ?? [])]) {
    const zone = plan.of(['us-east-1a', 'us-east-1b', 'us-east-1c']);
    const lacks = plan.is(story ? 0.1 : 0.25) && scheduler.disturb(`EC2 has no ${type} for a JobManager in ${zone}`);
    if (lacks) fleet.typesWithoutCapacity.add(`${zone} ${type}`);
  }
};

/** EC2 retires the host of a JobManager; AWS shifts traffic away from a zone, whether or not anything is wrong there, and perhaps ends that. */
const planNotices = (world: Simulation, plan: Chance, story: boolean): void => {
  const { scheduler } = world;
  const often = story ? 0.05 : 0.2;
  const at = (seconds: number, go: () => void): void => scheduler.at(world.now + seconds * SECOND, 'something happens', go);
  if (plan.is(often))
    at(plan.between(0, 100), () => {
      const host = world.fleet.instances().find(({ role }) => role === 'jobmanager');
      if (!host || !scheduler.disturb(`EC2 retires a JobManager's host of ${host.owner.slice(-2)}`)) return;
      const notice = { instanceId: host.instanceId, notice: 'retirement' as const, noticedAt: world.clock().toISOString() };
      void world.asks('a notice', () => acceptInterruption(DEPS, notice));
    });
  if (!plan.is(often)) return;
  const zoneId = plan.of(['use1-az1', 'use1-az2', 'use1-az3']);
  const begins = plan.between(0, 70);
  const says = (type: string) => () => {
    if (!scheduler.disturb(`AWS says of ${zoneId}: ${type}`)) return;
    const time = new Date(scheduler.now).toISOString();
    const detail = { metadata: { awayFrom: zoneId } };
    void world.asks('zone event', () => event('handle-zone-event', { source: 'aws.arc-zonal-shift', 'detail-type': type, time, detail }));
  };
  at(begins, says('Autoshift In Progress'));
  if (plan.is(0.5)) at(begins + plan.between(1, 60), says('Autoshift Completed'));
};

/** Somebody on call loses patience with a move, perhaps twice, and has another go on in its place. */
const planImpatience = (world: Simulation, plan: Chance): void => {
  if (!plan.is(0.3)) return;
  for (let times = plan.between(1, 2); times > 0; times--) {
    const change = {
      requestedBy: 'arn:aws:iam::000000000000:user/otto',
      operationId: `op-${'instead'.padStart(25, 'y')}${times}`,
      requestHash: '',
    };
    const zone = plan.is(0.4) ? undefined : plan.of(['us-east-1a', 'us-east-1b', 'us-east-1c']);
    world.scheduler.at(world.now + plan.between(1, 60) * SECOND, 'otto: fail over instead', () => {
      if (!world.scheduler.disturb('otto: fail over instead')) return;
      void world.asks('«fail over instead»', async () => {
        const { status, lease } = await world.cluster();
        if (status === 'FAILING_OVER')
          await acceptFailover(DEPS, change, 'flights', { zone, insteadOf: lease?.operationId, trigger: PERSON });
      });
    });
  }
};

/** Passes of observation take a JobManager for hung, rightly or not, when its host has been there for a while. */
const planSilence = (world: Simulation, plan: Chance, story: boolean): void => {
  if (!plan.is(story ? 0.1 : 0.3)) return;
  world.scheduler.at(world.now + plan.between(60, 110) * SECOND, 'something happens', () => {
    if (world.scheduler.disturb('the JobManager is taken for hung')) void world.asks('a pass', () => considerSilence(world));
  });
};

const considerSilence = async (world: Simulation): Promise<unknown> => {
  const { epoch } = await world.cluster();
  const at = world.clock().toISOString();
  const since = later(at, -60);
  await DEPS.store.recordFault('flights', epoch, { kind: 'jobmanager-unreachable', epoch, since, silentSince: since, seenAt: at });
  return considerFault(DEPS, 'flights');
};

/** The same run with less and less of what was done to it, as long as it breaks. At most so many tries. */
export const shrink = async (first: Run, mutant?: Mutant, tries = 60): Promise<Run> => {
  let smallest = first;
  const without = new Set<number>();
  for (let number = 0; number < smallest.disturbances.length && tries > 0; number++, tries--) {
    const shorter = await runSeed(first.seed, new Set([...without, number]), mutant);
    if (shorter.broken.length === 0) continue;
    without.add(number);
    smallest = shorter;
  }
  return smallest;
};

export const describeRun = ({ seed, broken, history }: Run): string =>
  [`SEED=${seed} breaks:`, ...broken.map((one) => `  ${one}`), 'by this schedule:', ...history.slice(-400)].join('\n');
