import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Every process of a twin carries this variable, `<pid>:<start time>:<state folder>` of the launcher that started it. It is how
 * leftovers of a launcher that is gone are told from everything else on the machine, whatever became of their parents.
 */
export const MARK = 'SLUICE_TWIN';

export interface Owner {
  readonly pid: number;
  /** Start time in clock ticks since boot (`/proc/<pid>/stat`, field 22): with the pid it names a process for good. */
  readonly startTime: string;
  readonly stateDir: string;
}

export interface MarkedProcess {
  readonly pid: number;
  readonly command: string;
  readonly owner: Owner;
}

/** Start time of a living process; undefined when there is none of that id, or only its zombie. */
export const startTimeOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
};

export const isAlive = (owner: { readonly pid: number; readonly startTime: string }): boolean => startTimeOf(owner.pid) === owner.startTime;

export const markOf = (stateDir: string, pid = process.pid): string => `${pid}:${startTimeOf(pid)}:${stateDir}`;

const parseMark = (mark: string): Owner | undefined => {
  const match = /^(\d+):(\d+):(.*)$/s.exec(mark);
  return match === null ? undefined : { pid: Number(match[1]), startTime: match[2] as string, stateDir: match[3] as string };
};

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // ended meanwhile, or another user's
  }
};

/** All processes of twins on this machine that this user may see; the caller itself is never among them. */
export const markedProcesses = (): MarkedProcess[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((entry) => {
      const environment = read(`/proc/${entry}/environ`);
      if (!environment.includes(MARK)) return [];
      const mark = environment.split('\0').find((line) => line.startsWith(`${MARK}=`));
      const owner = mark && parseMark(mark.slice(MARK.length + 1));
      if (!owner || startTimeOf(Number(entry)) === undefined) return [];
      return [{ pid: Number(entry), command: read(`/proc/${entry}/cmdline`).replaceAll('\0', ' ').trim(), owner }];
    });

/** Living processes whose command line has a text in it; the caller itself is never among them. A twin's hosts give theirs nothing of our environment, so no mark. */
export const processesNaming = (text: string): readonly { readonly pid: number; readonly command: string }[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((entry) => {
      const command = read(`/proc/${entry}/cmdline`).replaceAll('\0', ' ').trim();
      return command.includes(text) ? [{ pid: Number(entry), command }] : [];
    });

const signal = (pids: readonly number[], name: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // ended meanwhile
    }
  }
};

/**
 * Ends the processes that `select` picks, SIGTERM first, SIGKILL after `graceSeconds`, and waits until none is left.
 * @returns what had to be ended.
 * @throws when some process survives SIGKILL for ten seconds.
 */
export const endMarked = async (select: (one: MarkedProcess) => boolean, graceSeconds = 8): Promise<MarkedProcess[]> => {
  const found = markedProcesses().filter(select);
  if (found.length === 0) return [];
  const started = Date.now();
  signal(
    found.map((one) => one.pid),
    'SIGTERM',
  );
  for (;;) {
    await sleep(100);
    const left = markedProcesses().filter(select);
    if (left.length === 0) return found;
    const seconds = (Date.now() - started) / 1000;
    if (seconds > graceSeconds + 10)
      throw new Error(`these processes cannot be ended: ${left.map((one) => `${one.pid} (${one.command.slice(0, 80)})`).join(', ')}`);
    if (seconds > graceSeconds)
      signal(
        left.map((one) => one.pid),
        'SIGKILL',
      );
  }
};

/** Ends what launchers left behind that are no longer there. A living launcher's processes are never touched. */
export const endOrphans = (): Promise<MarkedProcess[]> => endMarked((one) => !isAlive(one.owner), 3);
