import { readFileSync } from 'node:fs';

/** That the processes have used since they started: fields 14 and 15 of their lines, in the clock ticks that Linux counts by, 100 a second. */
export const cpuSeconds = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / 100;
  }, 0);

/** Processor seconds of the whole machine since its start, in all and unused. */
export const machineSeconds = (): { readonly total: number; readonly idle: number } => {
  const ticks = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').trim().split(/\s+/).slice(1, 9).map(Number);
  return { total: ticks.reduce((sum, tick) => sum + tick, 0) / 100, idle: ((ticks[3] ?? 0) + (ticks[4] ?? 0)) / 100 };
};
