import { setTimeout as sleep } from 'node:timers/promises';
import { median, percentile, rounded } from '../../../bench/statistics';
import { leftovers, operationsOf, unrest } from './leftovers';
import type { Play, Scenario } from './scenario';
import { FAULTS, ZONE_SILENT_SECONDS } from './soak-faults';

export interface SoakOptions {
  readonly minutes: number;
  /** The same seed gives the same faults at the same distances. */
  readonly seed: number;
  /** Names of the faults that may strike. @default - all that a run of this length has time for */
  readonly faults?: readonly string[];
  /** Whether what a failover needs is there already, in the next zone. @default cold */
  readonly capacity?: 'cold' | 'warm';
}

const RATE = 60;
/** Between two faults, seconds. */
const [SOONEST, LATEST] = [30, 90] as const;
/** After the last fault the job is left alone for so long before the orders end. */
const QUIET = 60;
/** What was begun has ended, and what is not needed is gone, so long after the last order. */
const SETTLED_SECONDS = 300;
/** How long a fault is answerable for silences, unless the next one strikes earlier or its own has not ended. */
const WATCHED_SECONDS = 60;

/** What the placement of a cluster gives a failover by default. */
const OBJECTIVE_SECONDS = 120;
const SILENT = 'zone-lost-in-silence';

/** What a fault did to whoever waits for results. */
interface Account {
  readonly fault: string;
  readonly at: number;
  readonly detail: string;
  /** From the blow to the first result of an order that was sent after it; null when none came while the orders lasted. */
  readonly secondsToNewResults: number | null;
  /** Longest time without a new result, from the blow on. */
  readonly longestSilenceSeconds: number;
}

/** A small generator of numbers from 0 to 1 (xorshift32); only so that a run can be repeated. */
export const numbersFrom = (seed: number): (() => number) => {
  let state = Math.imul(seed, 2_654_435_761) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
};

/** Names in an order by chance, each once before any comes again. */
export function* dealt(names: readonly string[], random: () => number): Generator<string, never> {
  for (;;) {
    const deck = [...names];
    while (deck.length > 0) yield deck.splice(Math.floor(random() * deck.length), 1)[0] as string;
  }
}

/** Keeps account of the flow of results, fault by fault. */
export class Flow {
  readonly accounts: Account[] = [];
  private open: { -readonly [Key in keyof Account]: Account[Key] }[] = [];
  private readonly sentAt = new Map<object, number>();
  private last = { committed: 0, at: 0 };

  constructor(private readonly play: Pick<Play, 'seconds' | 'figures' | 'say'>) {}

  begin(fault: string): { detail: string } {
    const at = this.play.seconds();
    this.close(at);
    const account = { fault, at: rounded(at), detail: '', secondsToNewResults: null, longestSilenceSeconds: 0 };
    this.sentAt.set(account, this.play.figures().sent);
    this.open.push(account);
    this.accounts.push(account);
    return account;
  }

  look(): void {
    const { committed } = this.play.figures();
    const now = this.play.seconds();
    for (const account of this.open) {
      const silence = now - Math.max(account.at, this.last.at);
      account.longestSilenceSeconds = Math.max(account.longestSilenceSeconds, rounded(silence, 2));
      if (account.secondsToNewResults === null && committed > (this.sentAt.get(account) ?? 0)) {
        account.secondsToNewResults = rounded(now - account.at, 2);
        this.play.say(`  ${account.fault}: results of new orders after ${account.secondsToNewResults.toFixed(1)} s`);
      }
    }
    if (committed > this.last.committed) this.last = { committed, at: now };
    this.close(now - WATCHED_SECONDS);
  }

  /** Those that struck before, and whose results flow again, answer for nothing any more. */
  private close(before: number): void {
    this.open = this.open.filter(({ at, secondsToNewResults }) => at > before || secondsToNewResults === null);
  }
}

/** By kind of fault: how often, and how long without results. */
export const byKind = (accounts: readonly Account[]) =>
  [...new Set(accounts.map(({ fault }) => fault))].map((fault) => {
    const own = accounts.filter((account) => account.fault === fault);
    const toResults = own.flatMap(({ secondsToNewResults }) => secondsToNewResults ?? []);
    const silences = own.map(({ longestSilenceSeconds }) => longestSilenceSeconds);
    return {
      fault,
      times: own.length,
      ...(toResults.length > 0
        ? { toNewResultsP50: rounded(median(toResults)), toNewResultsP95: rounded(percentile(toResults, 0.95)) }
        : {}),
      silenceP50: rounded(median(silences)),
      silenceP95: rounded(percentile(silences, 0.95)),
    };
  });

const all = (minutes: number): readonly string[] =>
  Object.entries(FAULTS).flatMap(([name, fault]) => (minutes >= (fault.minutes ?? 0) ? [name] : []));

/** Outages beyond what a failover has time for; a zone that is lost in silence has more, and so has what strikes meanwhile. */
const tooLong = (accounts: readonly Account[]): string[] =>
  accounts.some(({ fault }) => fault === SILENT)
    ? []
    : accounts
        .filter(({ longestSilenceSeconds }) => longestSilenceSeconds > OBJECTIVE_SECONDS)
        .map(({ fault, at, longestSilenceSeconds }) => `${fault} at ${at} s: ${longestSilenceSeconds} s without a result`);

/** Waits for complaints to cease. @returns what is still complained of when the time is up */
export const settled = async (seconds: number, complaints: () => Promise<string[]>): Promise<string[]> => {
  const deadline = performance.now() + seconds * 1_000;
  for (;;) {
    const found = await complaints().catch((error: Error) => [error.message]);
    if (found.length === 0 || performance.now() > deadline) return found;
    await sleep(2_000);
  }
};

/** Orders come all the time, a fault strikes every half to one and a half minutes, and in the end every order has to be numbered once and nothing be left. */
export const soak = ({ minutes, seed, faults = all(minutes), capacity = 'cold' }: SoakOptions): Scenario => {
  const unknown = faults.find((name) => !Object.hasOwn(FAULTS, name));
  if (unknown !== undefined) throw new Error(`--faults knows ${Object.keys(FAULTS).join(', ')}; not ${unknown}`);
  const end = minutes * 60 + QUIET;
  const missed: string[] = [];
  return {
    title: `${minutes} minutes of orders with a fault every ${SOONEST} to ${LATEST} s, seed ${seed}, ${capacity} capacity.`,
    cluster: {
      name: 'orders',
      size: 'dev',
      spareSlots: 4,
      overrides: { taskManagers: { min: 2, max: 3 } },
      placement: { failover: { capacity } },
    },
    millis: 5,
    job: {
      parallelism: 2,
      flinkConfiguration: { 'execution.checkpointing.interval': '2 s', 'execution.checkpointing.min-pause': '500 ms' },
      scaling: { maxParallelism: 4, serviceLevels: { maxLagSeconds: 20 } },
    },
    profile: [
      { second: 0, recordsPerSecond: RATE },
      { second: end, recordsPerSecond: RATE },
    ],
    // The last fault may be the one that lasts longest.
    answerSeconds: ZONE_SILENT_SECONDS + OBJECTIVE_SECONDS,
    act: async (play) => {
      const { say, seconds, until, figures, signal } = play;
      const random = numbersFrom(seed);
      const flow = new Flow(play);
      await until('a first result', 120, async () => figures().committed > 5 * RATE);
      const looking = new AbortController();
      const looks = (async () => {
        for (; !looking.signal.aborted && !signal.aborted; await sleep(50)) flow.look();
      })();
      try {
        // For comparison: nothing happens, and a result still waits for its checkpoint.
        for (let sample = 0; sample < 3; sample += 1) {
          flow.begin('nothing');
          await sleep(5_000, undefined, { signal });
        }
        const next = dealt(faults, random);
        let mended: Promise<string | undefined> = Promise.resolve(undefined);
        const mend = async (): Promise<void> => {
          missed.push(...[(await mended) ?? []].flat());
          mended = Promise.resolve(undefined);
        };
        for (;;) {
          const pause = SOONEST + random() * (LATEST - SOONEST);
          if (seconds() + pause > minutes * 60) break;
          await sleep(pause * 1_000, undefined, { signal });
          const name = next.next().value;
          if (name.includes('zone')) await mend();
          say(`✂ ${FAULTS[name]?.title}`);
          const account = flow.begin(name);
          const struck = await FAULTS[name]?.strike(play, random);
          account.detail = struck?.detail ?? '';
          if (struck?.mended) mended = struck.mended;
          say(`  ${name}: ${account.detail}`);
        }
        await until('the last order', QUIET + minutes * 60, async () => seconds() > end - 1);
        await mend();
      } finally {
        looking.abort();
        await looks;
      }
      missed.push(...tooLong(flow.accounts));
      const kinds = byKind(flow.accounts);
      for (const { fault, times, toNewResultsP50, toNewResultsP95, silenceP50, silenceP95 } of kinds)
        say(
          `${fault.padEnd(22)} ${times} times; new results after ${toNewResultsP50 ?? 'never'} s (p50), ${toNewResultsP95 ?? 'never'} s (p95); longest silence ${silenceP50} s, ${silenceP95} s`,
        );
      return { faults: flow.accounts, kinds };
    },
    afterwards: async (play) => {
      const { client, cluster, say } = play;
      const stirring = await settled(SETTLED_SECONDS, () => unrest(play));
      const problems = [...missed, ...stirring];
      say(stirring.length === 0 ? 'Everything is at rest: nothing is under way, and nobody holds anything.' : `✗ ${stirring.join('; ')}`);
      const operations = await operationsOf(play);
      const ended = await client.ended(await client.terminateCluster(cluster, 'cancel'), SETTLED_SECONDS);
      if (ended.status !== 'SUCCEEDED') problems.push(`the termination is ${ended.status}: ${ended.reason}`);
      const left = await settled(60, () => leftovers(play));
      say(left.length === 0 ? 'The cluster is terminated, and nothing of it is left.' : `✗ ${left.join('; ')}`);
      const failed = operations.filter(({ status }) => status === 'FAILED');
      return {
        problems: [...problems, ...left],
        measured: {
          operations: operations.length,
          operationsFailed: failed.map(({ kind, operationId, reason }) => `${kind} ${operationId}: ${reason}`),
        },
      };
    },
  };
};
