import { readFileSync } from 'node:fs';
import { startTimeOf } from './processes';

const statusField = (pid: number, name: string): string =>
  new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';

interface Ancestor {
  readonly pid: number;
  readonly startTime: string;
  readonly name: string;
}

/** The parent, and above it whatever npm put in between (its shell, itself): when one of them goes, whoever asked for us is gone. */
const ancestors = (): Ancestor[] => {
  const chain: Ancestor[] = [];
  for (let pid = process.ppid; pid > 1 && chain.length < 5; pid = Number(statusField(pid, 'PPid'))) {
    const startTime = startTimeOf(pid);
    if (startTime === undefined) break;
    chain.push({ pid, startTime, name: statusField(pid, 'Name') });
  }
  const npm = process.env.npm_lifecycle_event === undefined ? -1 : chain.findIndex((one) => one.name.startsWith('npm'));
  return chain.slice(0, Math.max(1, npm + 1));
};

/**
 * Calls `end` once, on Ctrl-C, SIGTERM, SIGHUP, or when the parent is no longer there (killed with SIGKILL, which npm cannot pass on).
 * A second Ctrl-C does not cut the ending short: it is what leaves no process behind.
 */
export const onEnd = (end: (why: string) => void, { watchParents = true } = {}): void => {
  let called = false;
  const once = (why: string): void => {
    if (called) return;
    called = true;
    end(why);
  };
  process
    .on('SIGINT', () => once('Ctrl-C'))
    .on('SIGTERM', () => once('SIGTERM'))
    .on('SIGHUP', () => once('SIGHUP'));
  if (!watchParents) return;
  const watched = ancestors();
  setInterval(() => {
    if (watched.some((one) => startTimeOf(one.pid) !== one.startTime)) once('the process that started this one is gone');
  }, 500).unref();
};
