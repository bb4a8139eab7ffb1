import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { OperationView } from '../../../lambdas/contracts/api';
import { copyNameOf } from '../../../lambdas/domain/drill-copy';
import { isJobOver } from '../../../lambdas/domain/job-lifecycle';
import { ROOT } from '../../../tools/bundle';
import { mavenJar } from '../../../tools/maven-jar';
import { control } from '../../client/control';
import type { JobInput } from '../../client/sluice-client';
import { uploadJar } from '../../client/upload-jar';
import { type Before, type Context, type Rule, rulesSeen, sweepNow, WAYS, type Way, WORKFLOWS, type Workflow } from './every-state-ways';
import { leftovers, ownedLeft, unrest, unsettled, withoutReserve } from './leftovers';
import type { Play, Scenario } from './scenario';
import { numbersFrom, settled } from './soak';

export interface EveryStateOptions {
  /** Chooses the order, and the moment in each state. */
  readonly seed: number;
  /** No further state is begun after this time. @default - all of them */
  readonly minutes?: number;
  /** Patterns of `kind/state` with `*`; only these. @default all */
  readonly states?: readonly string[];
}

const RATE = 40;
const PARALLELISM = 2;
/** By then every operation has ended and nothing is held, seconds: the sweeper looks each minute where the event of an execution's end is lost. */
const SETTLED_SECONDS = 240;
/** By then hosts stand by again, seconds: what was begun is taken away, a minute passes, and others boot. */
const RESERVE_SECONDS = 300;
/** Between two looks of the sweeper while hosts are to stand by, seconds. */
const SWEPT_SECONDS = 8;
/** By then a workflow is in the state, seconds: a job may take a minute to start in between. */
const REACHED_SECONDS = 180;
/** A state that depends on the moment (a wait that is not needed if what is awaited is there already) is tried so often. */
const TRIES = 3;
/** Longest that orders come, seconds. */
const LONGEST = 4 * 3_600;

const MAY_END_THE_JOB: ReadonlySet<Workflow> = new Set(['stop-job', 'submit-job']);

interface Definition {
  readonly States: Readonly<Record<string, { readonly Type: string; readonly ItemProcessor?: Definition | undefined }>>;
}
const definition: z.ZodType<Definition> = z.lazy(() =>
  z.object({ States: z.record(z.string(), z.object({ Type: z.string(), ItemProcessor: definition.optional() })) }),
);

/** Task and Wait states of a workflow, those within its Maps too: in a Choice or a Pass no time passes. */
export const statesOf = (kind: Workflow): readonly string[] => {
  const file = join(__dirname, '../../../state-machines', kind, 'definition.asl.json');
  return statesIn(definition.parse(JSON.parse(readFileSync(file, 'utf8'))));
};
const statesIn = ({ States }: Definition): readonly string[] =>
  Object.entries(States).flatMap(([name, { Type, ItemProcessor }]) =>
    ItemProcessor ? statesIn(ItemProcessor) : Type === 'Task' || Type === 'Wait' ? [name] : [],
  );

export interface Target {
  readonly way: Way;
  readonly state: string;
}

/** Every state with the way that leads to it. */
export const targets = (): readonly Target[] =>
  WORKFLOWS.flatMap((kind) => {
    const ways = WAYS.filter((way) => way.kind === kind);
    const special = new Set(ways.flatMap(({ states = [] }) => states));
    return ways.flatMap((way) => (way.states ?? statesOf(kind).filter((state) => !special.has(state))).map((state) => ({ way, state })));
  });

const matches = (patterns: readonly string[], { way, state }: Target): boolean =>
  patterns.some((pattern) =>
    new RegExp(`^${pattern.replace(/[.+?^$()|[\]\\{}]/g, '\\$&').replaceAll('*', '.*')}$`).test(`${way.kind}/${state}`),
  );

/** The targets in the order of a seed: ways by chance, the states of each together, because they begin in the same way. */
export const dealtBy = (seed: number, all: readonly Target[]): readonly Target[] => {
  const random = numbersFrom(seed);
  const order = new Map(WAYS.map((way) => [way, random()]));
  const keyed = all.map((target) => ({ target, way: order.get(target.way) ?? 0, state: random() }));
  return keyed.sort((a, b) => a.way - b.way || a.state - b.state).map(({ target }) => target);
};

interface Interruption {
  readonly kind: Workflow;
  readonly state: string;
  /** Milliseconds after the entry; 0: before the state does anything. */
  readonly afterMs: number;
  readonly reached: boolean;
  readonly operationId?: string;
  /** How the operation ended, as a caller is told. */
  readonly ended?: string;
  /** What the control plane did about it by itself. */
  readonly followedBy: readonly string[];
  readonly secondsToRest: number;
  readonly problems: readonly string[];
}

/** Interrupts workflows one after the other, and keeps account. */
class Interrupter {
  constructor(
    private readonly play: Play,
    private readonly cluster: Scenario['cluster'],
    private readonly job: JobInput,
    private readonly neighbour: JobInput,
    private readonly random: () => number,
  ) {}

  private async done(operation: OperationView): Promise<void> {
    await this.play.client.succeeded(operation, 240, () => this.play.signal.throwIfAborted());
  }

  /** What is under way has ended, and the job does not scale by itself any more. */
  private async calm(): Promise<void> {
    const { client, cluster, job, until } = this.play;
    await until('what is under way to end', SETTLED_SECONDS, async () => (await unsettled(this.play)).length === 0);
    const seen = await client.cluster(cluster).catch(() => undefined);
    if (seen?.status !== 'RUNNING' || !(await client.job(cluster, job)).spec.scaling?.enabled) return;
    await until('the job not to scale by itself', SETTLED_SECONDS, async () => {
      const path = `/clusters/${cluster}/jobs/${job}/scaling`;
      const { status, body } = await client.call<OperationView>('PUT', path, { body: { enabled: false } });
      // Refused while a decision is carried out.
      if (status !== 202) return false;
      await this.done(body);
      return true;
    });
  }

  /** What the operation was begun for is as the way wants it. */
  private async prepare(before: Before): Promise<void> {
    const { cluster = 'running', job = 'running', parallelism = PARALLELISM, neighbour = false, reserve = false } = before;
    const { client, cluster: name } = this.play;
    await this.calm();
    const seen = await client.cluster(name);
    if (cluster === 'gone') {
      if (seen.status !== 'TERMINATED') await this.done(await client.terminateCluster(name, 'savepoint'));
      return;
    }
    const runs = seen.status === 'RUNNING';
    if (!runs || (seen.spec.placement.failover.capacity === 'warm') !== reserve) {
      if (seen.status !== 'TERMINATED') await this.done(await client.terminateCluster(name, runs ? 'savepoint' : 'cancel'));
      await this.done(await client.launchCluster(reserve ? WARM : this.cluster));
    }
    const beside = await client.job(name, this.neighbour.name).catch(() => undefined);
    const isBeside = beside !== undefined && !isJobOver(beside.status);
    if (isBeside && !neighbour) await this.done(await client.changeJob(name, this.neighbour.name, 'cancel'));
    if (!isBeside && neighbour) {
      await this.prepare({});
      await this.done(await client.submitJob(name, this.neighbour));
    }
    await this.prepareJob(job, parallelism);
    const lacks = await this.reserved();
    if (lacks.length > 0) throw new Error(lacks.join('; '));
  }

  private async prepareJob(job: Before['job'], parallelism: number): Promise<void> {
    const { client, cluster: name } = this.play;
    const now = await client.job(name, this.play.job);
    const over = isJobOver(now.status);
    if (job === 'stopped') {
      if (!over) await this.done(await client.changeJob(name, this.play.job, 'stop'));
      return;
    }
    if (over) {
      await this.done(await client.submitJob(name, { ...this.job, parallelism }));
      return;
    }
    if (now.spec.parallelism !== parallelism || now.spec.scaled)
      await this.done(await client.changeJob(name, this.play.job, 'rescale', { parallelism }));
  }

  /** Hosts stand by where they are to. The sweeper looks more often than each minute; what it does then is its own. @returns why they do not */
  private reserved(): Promise<string[]> {
    let swept = 0;
    return settled(RESERVE_SECONDS, async () => {
      const lacks = withoutReserve(await this.play.client.cluster(this.play.cluster));
      if (lacks.length > 0 && performance.now() - swept > SWEPT_SECONDS * 1_000) {
        swept = performance.now();
        await sweepNow(this.play);
      }
      return lacks;
    });
  }

  /** The TaskManagers stand still, or go on. */
  private async signal(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const { machines, cluster } = this.play;
    for (const host of await machines.of(cluster, 'taskmanager')) await machines.signal(host, signal).catch(() => undefined);
  }

  /** @returns whether the workflow was stopped in the state, and what was asked for */
  private async strike(
    { way, state }: Target,
    afterMs: number,
  ): Promise<{ readonly reached: boolean; readonly operation: OperationView | undefined }> {
    const { play } = this;
    const name = randomUUID();
    const { zone } = way.before?.cluster === 'gone' ? { zone: '' } : await play.client.cluster(play.cluster);
    const machine = `*-${way.kind}`;
    const entry = { service: 'states', action: 'EnterState', machine, count: 1 };
    const rules: readonly Rule[] = [
      // First, so that its count is the first of the two.
      { ...entry, state, stop: true, delayMs: afterMs },
      ...(way.stillFrom === undefined ? [] : [{ ...entry, state: way.stillFrom, delayMs: 1_000 }]),
      ...(way.rules?.(zone) ?? []),
    ];
    await control(
      play.twin.awsEndpoint,
      'POST',
      'faults',
      rules.map((rule) => ({ ...rule, name })),
    );
    const context: Context = { zone, job: this.job, launch: () => play.client.launchCluster(this.cluster) };
    let still = false;
    try {
      const operation = await way.begin(play, context);
      const end = operation ? `, or the end of ${operation.operationId}` : '';
      const reached = await play.until(`the state ${state}${end}`, REACHED_SECONDS, async () => {
        const own = rulesSeen.parse(await control(play.twin.awsEndpoint, 'GET', 'faults')).filter((rule) => rule.name === name);
        if (own.some(({ stop, hits }) => stop && hits > 0)) return { yes: true };
        if (way.stillFrom !== undefined && !still && (own[1]?.hits ?? 0) > 0) {
          still = true;
          await this.signal('SIGSTOP');
        }
        const now = operation && (await play.client.operation(play.cluster, operation.operationId));
        return now?.endedAt === undefined ? undefined : { yes: false };
      });
      return { reached: reached.yes, operation };
    } finally {
      await control(play.twin.awsEndpoint, 'DELETE', `faults/${name}`);
      if (still) await this.signal('SIGCONT');
      await way.mend?.(play, context);
    }
  }

  /** What is not as it should be once the control plane has done what it does by itself. */
  private async wrong({ kind }: Way): Promise<string[]> {
    const { play } = this;
    const { client, cluster, job } = play;
    const open = await settled(SETTLED_SECONDS, () => unsettled(play));
    if (open.length > 0) return open;
    await this.calm();
    const ofCopy = kind === 'drill-on-copy' ? await settled(90, () => ownedLeft({ ...play, cluster: copyNameOf(cluster) })) : [];
    if (ofCopy.length > 0) return ofCopy.map((one) => `of the copy: ${one}`);
    const { status: found } = await client.cluster(cluster);
    // Whoever was told that a termination failed asks for it once more.
    if (kind === 'terminate-cluster' && found === 'FAILED') await this.done(await client.terminateCluster(cluster, 'savepoint'));
    const { status, statusReason } = await client.cluster(cluster);
    if (status === 'TERMINATED') return settled(60, () => leftovers(play));
    if (status !== 'RUNNING') return [`the cluster is ${status}: ${statusReason}`];
    const lacks = await this.reserved();
    if (lacks.length > 0) return lacks;
    return settled(90, async () => {
      const now = await client.job(cluster, job);
      // A stop may have been done, a submission come to nothing; whatever else is interrupted leaves the job running.
      const mayBeOver = now.desired === 'STOPPED' || (MAY_END_THE_JOB.has(kind) && isJobOver(now.status));
      return (await unrest(play)).filter((complaint) => !(mayBeOver && complaint.startsWith('the job is ')));
    });
  }

  /** The job runs, whatever became of it. */
  runAgain(): Promise<void> {
    return this.prepare({});
  }

  async interrupt(target: Target): Promise<Interruption> {
    const { play } = this;
    const { way, state } = target;
    const afterMs = this.random() < 0.5 ? 0 : 10 + Math.floor(this.random() * 60);
    const common = { kind: way.kind, state, afterMs, followedBy: [], secondsToRest: 0 };
    for (let tries = 1; ; tries += 1) {
      try {
        await this.prepare(way.before ?? {});
        const startedAt = Date.now();
        const { reached, operation } = await this.strike(target, afterMs);
        const begun = play.seconds();
        await way.follows?.(play, startedAt);
        const problems = await this.wrong(way);
        if (!reached && problems.length === 0 && tries < TRIES) continue;
        const now = operation && (await play.client.operation(play.cluster, operation.operationId));
        const { body } = await play.client.call<{ items: readonly OperationView[] }>(
          'GET',
          `/clusters/${play.cluster}/operations?limit=20`,
        );
        const own = body.items.filter(
          ({ operationId, requestedBy, requestedAt }) =>
            requestedBy === 'sluice' &&
            operationId !== operation?.operationId &&
            (operation ? requestedAt >= operation.requestedAt : Date.parse(requestedAt) >= startedAt),
        );
        return {
          ...common,
          reached,
          ...(now && { operationId: now.operationId, ended: `${now.status}: ${now.reason}` }),
          followedBy: own.map(({ kind, status, reason }) => `${kind} ${status}: ${reason}`),
          secondsToRest: Math.round((play.seconds() - begun) * 10) / 10,
          problems: [...(reached ? [] : [`it was not entered in ${tries} tries`]), ...problems],
        };
      } catch (error) {
        play.signal.throwIfAborted();
        return { ...common, reached: false, problems: [(error as Error).message, ...(await unsettled(play).catch(() => []))] };
      }
    }
  }
}

const line = ({ kind, state, afterMs, followedBy, secondsToRest, problems, reached }: Interruption): string =>
  `${problems.length === 0 ? '✓' : '✗'} ${kind} / ${state}: ${reached ? `stopped ${afterMs === 0 ? 'on entry' : `after ${afterMs} ms`}, at rest after ${secondsToRest} s${followedBy.length > 0 ? ` by ${followedBy.length} of the control plane's own` : ''}` : 'not stopped'}${problems.map((problem) => `\n      ${problem}`).join('')}`;

const CLUSTER: Scenario['cluster'] = {
  name: 'orders',
  size: 'dev',
  spareSlots: 0,
  overrides: { taskManagers: { min: 1, max: 3 } },
  placement: { failover: { volumeSnapshots: {} } },
};

/** Two of each host: only the ways of what stands by begin with it. */
const WARM: Scenario['cluster'] = { ...CLUSTER, placement: { failover: { volumeSnapshots: {}, capacity: 'warm' } } };

/** Each state of each workflow is interrupted once while orders come; the control plane has to bring cluster, job and AWS to a consistent end by itself. */
export const everyState = ({ seed, minutes, states = ['*'] }: EveryStateOptions): Scenario => {
  const chosen = dealtBy(
    seed,
    targets().filter((target) => matches(states, target)),
  );
  if (chosen.length === 0)
    throw new Error(`--states knows patterns of KIND/STATE, such as stop-job/*; nothing is like ${states.join(',')}`);
  const problems: string[] = [];
  return {
    title: `${chosen.length} states of workflows, each interrupted once${minutes === undefined ? '' : `, as many as begin within ${minutes} minutes`}; seed ${seed}.`,
    cluster: CLUSTER,
    millis: 5,
    job: {
      parallelism: PARALLELISM,
      flinkConfiguration: { 'execution.checkpointing.interval': '1 s', 'execution.checkpointing.min-pause': '200 ms' },
    },
    profile: [
      { second: 0, recordsPerSecond: RATE },
      { second: LONGEST, recordsPerSecond: RATE },
    ],
    act: async (play) => {
      const { say, seconds, until, figures, client, cluster, job } = play;
      await until('a first result', 120, async () => figures().committed > RATE);
      const { spec } = await client.job(cluster, job);
      if (spec.program.kind !== 'jar') throw new Error('the orders job is a jar');
      const { kind: _, ...jar } = spec.program;
      const { uri, sha256 } = await uploadJar(play.twin, mavenJar(join(ROOT, 'examples/counter-jar'), 'counter'));
      const neighbour: JobInput = { name: 'neighbour', jar: { uri, sha256, arguments: ['--rate', '10'] }, parallelism: PARALLELISM };
      const again: JobInput = { name: job, jar, parallelism: PARALLELISM, flinkConfiguration: spec.flinkConfiguration };
      const interrupter = new Interrupter(play, CLUSTER, again, neighbour, numbersFrom(seed + 1));
      const interruptions: Interruption[] = [];
      for (const target of chosen) {
        if (minutes !== undefined && seconds() > minutes * 60) break;
        say(`✂ ${target.way.kind} / ${target.state} (${target.way.title})`);
        const done = await interrupter.interrupt(target);
        interruptions.push(done);
        say(line(done));
        problems.push(...done.problems.map((problem) => `${done.kind} / ${done.state}: ${problem}`));
      }
      say(`${interruptions.filter(({ reached }) => reached).length} of ${chosen.length} states were interrupted.`);
      // Whoever was last may have left the job stopped; its orders are to be numbered.
      await interrupter.runAgain();
      play.endOrders();
      return { interrupted: interruptions.filter(({ reached }) => reached).length, of: chosen.length, interruptions };
    },
    afterwards: async (play) => {
      const { client, cluster, say } = play;
      const stirring = await settled(SETTLED_SECONDS, () => unrest(play));
      const ended = await client.ended(await client.terminateCluster(cluster, 'cancel'), SETTLED_SECONDS);
      if (ended.status !== 'SUCCEEDED') problems.push(`the termination is ${ended.status}: ${ended.reason}`);
      const left = await settled(60, () => leftovers(play));
      say(left.length === 0 ? 'The cluster is terminated, and nothing of it is left.' : `✗ ${left.join('; ')}`);
      return { problems: [...problems, ...stirring, ...left], measured: {} };
    },
  };
};
