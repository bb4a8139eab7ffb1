import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Component } from '../../../local/twin/component';
import { endMarked, isAlive, MARK, markedProcesses, processesNaming, startTimeOf } from '../../../local/twin/processes';
import { readSettings } from '../../../local/twin/settings';

const GUARD = resolve(__dirname, '../../../local/twin/guard.py');

/** A command that starts a grandchild in a session of its own which ignores SIGTERM, prints both pids, and sleeps. */
const STUBBORN = ['sh', '-c', `setsid sh -c 'trap "" TERM; sleep 300 & wait; sleep 300' & echo $$ $!; exec sleep 300`];

let folder: string;
const started: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-processes-'));
});
afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  await endMarked((one) => one.owner.stateDir === folder, 0);
  rmSync(folder, { recursive: true, force: true });
});

const ends = async (pids: readonly number[], seconds: number): Promise<boolean> => {
  const deadline = Date.now() + seconds * 1_000;
  while (pids.some((pid) => startTimeOf(pid) !== undefined)) {
    if (Date.now() > deadline) return false;
    await sleep(25);
  }
  return true;
};

const firstNumbers = async (child: ChildProcess): Promise<number[]> => {
  const [chunk] = await once(child.stdout as NodeJS.ReadableStream, 'data');
  return String(chunk).trim().split(/\s+/).map(Number);
};

const guarded = async (): Promise<{ guard: ChildProcess; pids: number[] }> => {
  const guard = spawn('python3', ['-IS', GUARD, '0.3', ...STUBBORN], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(guard);
  return { guard, pids: await firstNumbers(guard) };
};

describe('a guarded process', () => {
  test('ends with everything below it when its owner closes the pipe, even what ignores SIGTERM and left the session', async () => {
    const { guard, pids } = await guarded();
    guard.stdin?.end();
    expect(await ends(pids, 8)).toBe(true);
  }, 15_000);

  test('ends with everything below it when its owner is killed with SIGKILL', async () => {
    const script = `const { spawn } = require('node:child_process'); spawn('python3', ['-IS', ${JSON.stringify(GUARD)}, '0.3', ...${JSON.stringify(STUBBORN)}], { stdio: ['pipe', 'inherit', 'inherit'] }); setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(owner);
    const pids = await firstNumbers(owner);
    owner.kill('SIGKILL');
    expect(await ends(pids, 8)).toBe(true);
  }, 15_000);

  test('passes on the exit status of the command', async () => {
    const child = spawn('python3', ['-IS', GUARD, '1', 'sh', '-c', 'exit 7'], { stdio: ['pipe', 'ignore', 'inherit'] });
    expect(await once(child, 'exit')).toEqual([7, null]);
  });

  test('is ended by stop(), which returns when nothing is left', async () => {
    const settings = { ...readSettings(), stateDir: folder, logDir: folder };
    const component = new Component(settings, { name: 'stubborn', command: STUBBORN, graceSeconds: 0.3 });
    await component.waitUntil('printing its pids', 5, async () => /\d+ \d+/.test(readFileSync(component.logPath, 'utf8')));
    const pids = readFileSync(component.logPath, 'utf8').trim().split(/\s+/).map(Number);
    await component.stop();
    expect(pids.map(startTimeOf)).toEqual([undefined, undefined]);
    expect(component.hasFailed).toBe(false);
  }, 15_000);
});

describe('leftovers', () => {
  const marked = (mark: string): ChildProcess => {
    const child = spawn('sleep', ['300'], { env: { ...process.env, [MARK]: mark }, stdio: 'ignore' });
    started.push(child);
    return child;
  };

  test('of a launcher that is gone are told from those of one that lives, by pid and start time', async () => {
    const own = startTimeOf(process.pid);
    const ofLiving = marked(`${process.pid}:${own}:${folder}`);
    const ofGone = marked(`${process.pid}:${Number(own) - 1}:${folder}`); // same pid, but another process had it
    await sleep(50);
    const mine = markedProcesses().filter((one) => one.owner.stateDir === folder);
    expect(mine.filter((one) => isAlive(one.owner)).map((one) => one.pid)).toEqual([ofLiving.pid]);
    expect(mine.filter((one) => !isAlive(one.owner)).map((one) => one.pid)).toEqual([ofGone.pid]);
  });

  test('are ended, and nothing else is', async () => {
    const keep = marked(`${process.pid}:${startTimeOf(process.pid)}:${folder}-other`);
    const end = marked(`${process.pid}:${startTimeOf(process.pid)}:${folder}`);
    await sleep(50);
    const ended = await endMarked((one) => one.owner.stateDir === folder, 2);
    expect(ended.map((one) => one.pid)).toEqual([end.pid]);
    expect(startTimeOf(keep.pid as number)).toBeDefined();
    expect(startTimeOf(end.pid as number)).toBeUndefined();
  });
});

test('a process without a mark is found by what its command line names, while it lives', async () => {
  const named = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)', join(folder, 'other')], { env: {}, stdio: 'ignore' });
  started.push(named);
  await sleep(200);
  expect(processesNaming(join(folder, 'other')).map(({ pid }) => pid)).toEqual([named.pid]);
  named.kill('SIGKILL');
  await once(named, 'exit');
  expect(processesNaming(join(folder, 'other'))).toEqual([]);
});
