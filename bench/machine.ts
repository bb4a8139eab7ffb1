import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';

/** Time of all processors since the start, ticks: in all, and what a virtual machine wanted and the host gave to others (proc(5): `steal`). */
interface Ticks {
  readonly all: number;
  readonly stolen: number;
}

export const parseTicks = (stat: string): Ticks | undefined => {
  const line = /^cpu +([\d ]+)$/m.exec(stat)?.[1];
  // user nice system idle iowait irq softirq steal; what follows is counted in user and nice already.
  const ticks = line?.trim().split(' ').slice(0, 8).map(Number) ?? [];
  return ticks.length === 8 ? { all: ticks.reduce((sum, one) => sum + one, 0), stolen: ticks[7] ?? 0 } : undefined;
};

const ticksNow = (): Ticks | undefined => {
  try {
    return parseTicks(readFileSync('/proc/stat', 'utf8'));
  } catch {
    return undefined; // Not Linux: nobody knows.
  }
};

/** How busy a machine was while something was measured on it. */
export interface Busyness {
  /** Highest of the load averages seen: processes that wanted a core. Over the number of cores, times say as much about the machine as about Flink. */
  readonly load: number;
  /** Share of the processors, percent, that the host of this virtual machine gave to others: it is in no load average. 0 where the system does not tell. */
  readonly stolenPercent: number;
}

/** Watches the machine from the first look on: what starts and warms up is not what is measured. To be looked at after each measurement. */
export class MachineWatch {
  private begun?: { readonly ticks: Ticks | undefined };
  private highest = 0;

  constructor(
    private readonly ticks = ticksNow,
    private readonly load = () => loadavg()[0] ?? 0,
  ) {}

  look(): void {
    if (this.begun) this.highest = Math.max(this.highest, this.load());
    else this.begun = { ticks: this.ticks() };
  }

  get seen(): Busyness {
    const [from, to] = [this.begun?.ticks, this.ticks()];
    const all = from && to ? to.all - from.all : 0;
    const stolen = from && to ? to.stolen - from.stolen : 0;
    return { load: Math.round(this.highest), stolenPercent: all > 0 ? Math.round((100 * stolen) / all) : 0 };
  }
}

export const describeBusyness = ({ load, stolenPercent }: Busyness): string =>
  `load up to ${load}${stolenPercent === 0 ? '' : `, ${stolenPercent} % of the processors taken by other machines`}`;
