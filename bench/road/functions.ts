import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { median, rounded } from '../statistics';

export interface FunctionFigures {
  readonly name: string;
  readonly bundleKB: number;
  /** Milliseconds from before the bundle is loaded until its handler is there, in a process of its own; median. */
  readonly coldInitMs: number;
}

/** What Lambda's init phase does, without Lambda: load the module, find the handler. Prints milliseconds. */
const PROBE = `const { performance } = require('node:perf_hooks'); const t = performance.now(); const m = require(process.argv[1]);
if (typeof m.handler !== 'function') throw new Error('no handler'); process.stdout.write(String(performance.now() - t));`;

/** Size and cold start of every bundle. `environmentOf` gives what the deployed function has. */
export const measureFunctions = async (
  folder: string,
  environmentOf: (name: string) => Promise<Readonly<Record<string, string>>>,
  runs: number,
): Promise<FunctionFigures[]> => {
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).isDirectory());
  const figures: FunctionFigures[] = [];
  for (const name of names) {
    const file = join(folder, name, 'index.js');
    const env = { ...(await environmentOf(name)), PATH: process.env.PATH, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
    const times = Array.from({ length: runs }, () => Number(execFileSync(process.execPath, ['-e', PROBE, file], { env, encoding: 'utf8' })));
    figures.push({ name, bundleKB: rounded(statSync(file).size / 1_000, 1), coldInitMs: rounded(median(times), 1) });
  }
  return figures;
};
