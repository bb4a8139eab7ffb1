import { readFileSync } from 'node:fs';
import { startTimeOf } from './processes';

const statusField = (pid: number, name: string): string =>
  new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';

/** The parent, and above it whatever npm put in between (its shell, itself): when one of them goes, whoever asked for us is gone. */
const ancestors = (): { pid: number; startTime: string }[] => {
  const chain: { pid: number; startTime: string }[] = [];
  let pid = process.ppid;
  while (pid > 1) {
    const startTime = startTimeOf(pid);
    if (startTime === undefined) break;
    chain.push({ pid, startTime });
    if (!/^(sh|dash|bash|npm.*)$/.test(statusField(pid, 'Name')) || process.env.npm_lifecycle_event === undefined || chain.length === 3)
      break;
    if (statusField(pid, 'Name').startsWith('npm')) break;
    pid = Number(statusField(pid, 'PPid'));
  }
  return chain;
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
