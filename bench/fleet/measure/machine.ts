import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of all that a process has started, itself included. */
export const descendantsOf = (root: number): readonly number[] => {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const line = readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended while the list was read.
    }
  }
  const found = [root];
  for (let next = 0; next < found.length; next += 1) for (const [pid, parent] of parents) if (parent === found[next]) found.push(pid);
  return found;
};

/** Processor seconds of the whole machine since its start, in all and unused. */
export const machineSeconds = (): { readonly total: number; readonly idle: number } => {
  const ticks = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').trim().split(/\s+/).slice(1, 9).map(Number);
  return { total: ticks.reduce((sum, tick) => sum + tick, 0) / 100, idle: ((ticks[3] ?? 0) + (ticks[4] ?? 0)) / 100 };
};
