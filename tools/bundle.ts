import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

export interface BundleEntry {
  readonly name: string;
  /** Entry file, from the root of the project. */
  readonly entry: string;
}

export const ROOT = join(__dirname, '..');
const BUNDLES = join(ROOT, 'dist', 'lambdas');

/**
 * Bundles all functions in one esbuild run into `<out>/<name>/index.js` and leaves esbuild's metafile in `<out>/meta.json` (bench).
 * @returns the folder of a function by its name
 * @throws when an entry file is missing, naming it
 */
export const bundleFunctions = (entries: readonly BundleEntry[], out = BUNDLES): ((name: string) => string) => {
  const missing = entries.filter(({ entry }) => !existsSync(join(ROOT, entry)));
  if (missing.length > 0)
    throw new Error(`Functions of lib/config/functions.ts without their entry file: ${missing.map(({ entry }) => entry).join(', ')}.`);
  mkdirSync(out, { recursive: true });
  const result = buildSync({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(entries.map(({ name, entry }) => [`${name}/index`, entry])),
    outdir: out,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // ES modules of the SDK first: only those can be shaken.
    mainFields: ['module', 'main'],
    minify: true,
    // State machines retry and catch by error name, which is the class's name.
    keepNames: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'error',
  });
  writeFileSync(join(out, 'meta.json'), JSON.stringify(result.metafile));
  return (name) => join(out, name);
};
