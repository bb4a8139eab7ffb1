import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FUNCTIONS } from '../../lib/config/functions';
import { bundleFunctions, ROOT } from '../../tools/bundle';
import { median, rounded } from '../statistics';

const NODE = join(ROOT, 'node_modules/.bin/node');
const SCRIPT = `
const started = performance.now();
require(process.argv[1]);
process.stdout.write(String(performance.now() - started));
process.exit(0);`;

export interface BundleFigures {
  readonly functionName: string;
  readonly bytes: number;
  /** Median time to load the bundle in a fresh process, ms. */
  readonly initMs: number;
  /** The same with the start of Node itself, ms. */
  readonly processMs: number;
}

/** Bundles all functions into an empty folder. */
export const bundleAnew = async (out: string): Promise<{ readonly seconds: number; readonly folderOf: (name: string) => string }> => {
  const started = performance.now();
  const folderOf = await bundleFunctions(
    Object.entries(FUNCTIONS).map(([name, { entry }]) => ({ name, entry })),
    out,
  );
  return { seconds: (performance.now() - started) / 1_000, folderOf };
};

/** Loads each bundle in fresh processes, one after the other, with the environment that the deployed function has. */
export const bundleFigures = async (
  folderOf: (name: string) => string,
  environment: Readonly<Record<string, string>>,
  runs: number,
  signal: AbortSignal,
): Promise<BundleFigures[]> => {
  const figures: BundleFigures[] = [];
  for (const functionName of Object.keys(FUNCTIONS)) {
    const file = join(folderOf(functionName), 'index.js');
    const inits: number[] = [];
    const processes: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const started = performance.now();
      const { stdout } = await promisify(execFile)(NODE, ['-e', SCRIPT, file], {
        env: { ...environment, PATH: process.env.PATH, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
        signal,
      });
      processes.push(performance.now() - started);
      inits.push(Number(stdout));
    }
    figures.push({
      functionName,
      bytes: statSync(file).size,
      initMs: rounded(median(inits)),
      processMs: rounded(median(processes)),
    });
  }
  return figures;
};
