import { Chance } from './chance';

/** What becomes of a call of a port. */
export type Fate =
  | 'goes well'
  /** It has no effect. */
  | 'fails'
  /** It has its effect, and the caller is told that it failed. */
  | 'loses its answer'
  /** A client that lost the first answer sends it once more by itself: the effect is asked for twice, the second answer counts. */
  | 'is sent twice'
  /** The caller is told that it failed; up to a minute later it has its effect. */
  | 'comes late'
  | 'dies before'
  | 'dies after';

/** Something that runs by itself: a function's invocation. */
export interface Activity {
  readonly name: string;
  readonly operationId?: string;
  dead: boolean;
}

interface Waiting {
  readonly label: string;
  readonly since: number;
  readonly activity?: Activity;
  /** Whether it may be disturbed, and how. */
  readonly fates: readonly Fate[];
  readonly go: (fate: Fate) => void | Promise<void>;
}
interface Timer {
  readonly label: string;
  readonly at: number;
  readonly go: () => void | Promise<void>;
  readonly daemon: boolean;
}

/** How much goes wrong in a run. */
export interface Weather {
  /** Of a call of a port. */
  readonly faults: number;
  /** That the clock goes on although something could happen now. */
  readonly slow: number;
  /** That what went on last goes on next. */
  readonly sticky: number;
}

/** A call is under way for so long at most, ms. */
const LATENCY = 2_500;

/**
 * One thing at a time: whatever wants to go on waits here, and chance says which does, when the clock goes on, and what goes wrong. The same seed gives the
 * same run.
 */
export class Scheduler {
  now: number;
  steps = 0;
  /** Nothing is disturbed any more. */
  calm = false;
  readonly history: string[] = [];
  /** What went wrong, or was done to the world, by its number. */
  readonly disturbances: string[] = [];
  private waiting: Waiting[] = [];
  private timers: Timer[] = [];
  private readonly order: Chance;
  private readonly trouble: Chance;
  private last: Activity | undefined;

  constructor(
    seed: number,
    start: number,
    private readonly weather: Weather,
    /** Disturbances, by their numbers, that do not happen in this run. */
    private readonly without: ReadonlySet<number> = new Set(),
  ) {
    this.now = start;
    this.order = new Chance(seed * 2);
    this.trouble = new Chance(seed * 2 + 1);
    this.start = start;
  }
  private readonly start: number;

  note(line: string): void {
    this.history.push(`${((this.now - this.start) / 1_000).toFixed(1).padStart(7)} s  ${line}`);
  }

  /** Whether a disturbance that chance wants takes place. */
  disturb(what: string): boolean {
    const number = this.disturbances.push(what) - 1;
    if (this.without.has(number)) return false;
    this.note(`#${number} ${what}`);
    return true;
  }

  /** Waits for its turn. */
  turn(label: string, activity: Activity | undefined, fates: readonly Fate[]): Promise<Fate> {
    return new Promise((resolve) => {
      this.waiting.push({ label, since: this.now, ...(activity ? { activity } : {}), fates, go: resolve });
    });
  }

  at(at: number, label: string, go: () => void | Promise<void>, daemon = false): void {
    this.timers.push({ at, label, go, daemon });
  }

  sleep(milliseconds: number, label: string): Promise<void> {
    return new Promise((resolve) => this.at(this.now + milliseconds, label, resolve));
  }

  /** What a function that dies has under way is lost, or is on its way all the same. */
  drop(activity: Activity): void {
    activity.dead = true;
    this.waiting = this.waiting.filter((one) => one.activity !== activity || this.order.is(0.5));
  }

  /** One thing happens. */
  async step(): Promise<void> {
    this.steps += 1;
    const due = this.timers.filter(({ at }) => at <= this.now);
    const overdue = this.waiting.filter(({ since }) => this.now - since >= LATENCY);
    const ready: readonly (Waiting | Timer)[] = overdue.length > 0 ? overdue : [...this.waiting, ...due];
    if (overdue.length === 0 && (ready.length === 0 || this.order.is(this.weather.slow))) {
      if (this.timeGoesOn()) return;
    }
    if (ready.length === 0) throw new Error('nothing can happen any more');
    const same = ready.filter((one) => 'since' in one && one.activity !== undefined && one.activity === this.last);
    const next = this.order.of(same.length > 0 && this.order.is(this.weather.sticky) ? same : ready);
    if ('since' in next) {
      this.waiting = this.waiting.filter((one) => one !== next);
      this.last = next.activity;
      const fate = this.fateOf(next);
      if (fate === 'goes well') this.note(`${next.activity?.name ?? ''} ${next.label}`);
      await next.go(fate);
    } else {
      this.timers = this.timers.filter((one) => one !== next);
      if (!next.daemon) this.note(next.label);
      await next.go();
    }
  }

  private fateOf({ activity, fates, label }: Waiting): Fate {
    if (
      this.calm ||
      activity?.dead ||
      fates.length === 0 ||
      !this.trouble.is(this.weather.faults * (fates.includes('comes late') ? 10 : 1))
    )
      return 'goes well';
    const fate = this.trouble.of(fates);
    return this.disturb(`${activity?.name ?? ''} ${label} ${fate}`) ? fate : 'goes well';
  }

  private timeGoesOn(): boolean {
    const later = this.timers.filter(({ at }) => at > this.now).map(({ at }) => at);
    const limit = Math.min(...this.waiting.map(({ since }) => since + LATENCY));
    const next = Math.min(...later, limit);
    if (!Number.isFinite(next) || next <= this.now) return false;
    this.now = next;
    return true;
  }
}
