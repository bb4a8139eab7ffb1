import { type ChildProcess, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { whoHolds } from '../../../local/twin/lock';
import { readSettings } from '../../../local/twin/settings';

const root = resolve(__dirname, '../../..');

const shared = globalThis as { sluiceTwin?: { child?: ChildProcess } };
shared.sluiceTwin ??= {};
/** The twin's process, for the teardown; without `child` when a twin of this clone was running already and is used as it is. */
export const twinProcess = shared.sluiceTwin;

/** One twin for the whole project. It runs in the foreground below this process, so that it ends with it, however that ends. */
export default async (): Promise<void> => {
  const { stateDir } = readSettings();
  const isUp = async (): Promise<boolean> => {
    const holder = await whoHolds();
    return holder?.ready === true && holder.stateDir === stateDir;
  };
  if (await isUp()) return;
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'local/twin/cli.ts'), 'up'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  twinProcess.child = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  // The first start on a machine downloads Flink.
  const deadline = Date.now() + 600_000;
  while (!(await isUp())) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the twin did not start:\n${output}`);
    await sleep(200);
  }
};
