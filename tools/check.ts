/** `npm run check`: every static check, each with its time; all of them run, so that one run shows everything that is wrong. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '..');

const CHECKS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '--noEmit'],
  ['lint and format', 'biome', 'ci', '--error-on-warnings', '.'],
  ['architecture', 'depcruise', 'bin', 'lib', 'lambdas', 'local', 'tools', 'bench', '--config', '.dependency-cruiser.cjs'],
  ['dead code', 'knip', '--no-progress'],
  ['state machines', 'tsx', 'tools/check-definitions.ts'],
  ['synth with cdk-nag', 'tsx', 'tools/check-synth.ts'],
];

const failed = CHECKS.filter(([name, command, ...args]) => {
  const start = Date.now();
  const result = spawnSync(join(root, 'node_modules', '.bin', command), args, { cwd: root, encoding: 'utf8' });
  const ok = result.status === 0;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - start) / 1_000).toFixed(1)} s)`);
  if (!ok) console.log(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`);
  return !ok;
});
process.exitCode = failed.length > 0 ? 1 : 0;
