/** `npm run check`: every static check, each with its time; all of them run, so that one run shows everything that is wrong. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '..');

/** Longest first. */
const CHECKS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '--noEmit'],
  ['synth with cdk-nag', 'tsx', 'tools/check-synth.ts'],
  ['architecture', 'depcruise', 'bin', 'lib', 'lambdas', 'local', 'tools', 'bench', '--config', '.dependency-cruiser.cjs'],
  ['dead code', 'knip', '--no-progress', '--no-config-hints'],
  ['lint and format', 'biome', 'ci', '--error-on-warnings', '--colors=off', '.'],
  ['state machines', 'tsx', 'tools/check-definitions.ts'],
];

const run = ([name, command, ...args]: (typeof CHECKS)[number]): Promise<boolean> =>
  new Promise((resolve) => {
    const start = Date.now();
    const output: Buffer[] = [];
    const child = spawn(join(root, 'node_modules', '.bin', command), args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => output.push(data));
    const end = (ok: boolean, problem = ''): void => {
      console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - start) / 1_000).toFixed(1)} s)`);
      if (!ok) console.log(`${Buffer.concat(output)}${problem}`);
      resolve(ok);
    };
    child.on('error', (error) => end(false, error.message));
    child.on('close', (code) => end(code === 0));
  });

const main = async (): Promise<void> => {
  const waiting = [...CHECKS];
  let failed = 0;
  const worker = async (): Promise<void> => {
    for (let check = waiting.shift(); check; check = waiting.shift()) if (!(await run(check))) failed += 1;
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
  process.exitCode = failed > 0 ? 1 : 0;
};

void main();
