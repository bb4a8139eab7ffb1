import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

export interface BundleEntry {
  readonly name: string;
  /** Entry file, from the root of the project. */
  readonly entry: string;
}

export const ROOT = join(__dirname, '..');
const BUNDLES = join(ROOT, 'dist', 'lambdas');

/**
 * The SDK writes its clients' schemas as `{ [_xN]: … }` with `const _xN = "xmlName"` beside them. A computed key may have a side effect, so
 * no bundler drops an unused schema, and a client of EC2 weighs 570 KB. With the keys written out, what is not used is dropped: 50 KB.
 */
const plainSchemaKeys: Plugin = {
  name: 'plain-schema-keys',
  setup: ({ onLoad }) =>
    onLoad({ filter: /@aws-sdk[\\/].*schemas_0\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const texts = new Map([...source.matchAll(/^const (_\w+) = ("[^"\\]*");$/gm)].map(([, name, text]) => [name, text]));
      return {
        contents: source.replace(/\[(_\w+)\]:/g, (found, name: string) => (texts.has(name) ? `${texts.get(name)}:` : found)),
        loader: 'js',
      };
    }),
};

/**
 * Bundles all functions in one esbuild run, when something changed, into `<out>/<name>/index.js` and leaves esbuild's metafile in `<out>/meta.json` (bench).
 * @returns the folder of a function by its name
 * @throws when an entry file is missing, naming it
 */
export const bundleFunctions = async (entries: readonly BundleEntry[], out = BUNDLES): Promise<(name: string) => string> => {
  const missing = entries.filter(({ entry }) => !existsSync(join(ROOT, entry)));
  if (missing.length > 0)
    throw new Error(`Functions of lib/config/functions.ts without their entry file: ${missing.map(({ entry }) => entry).join(', ')}.`);
  const folderOf = (name: string): string => join(out, name);
  const stamp = join(out, 'inputs.sha256');
  const inputs = hashInputs(entries);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) return folderOf;
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const result = await build({
    plugins: [plainSchemaKeys, credentialsFromEnvironment],
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
  writeFileSync(stamp, inputs);
  return folderOf;
};

/**
 * A function has its role's credentials in its environment, always. The SDK's search for others (profiles, single sign-on, instance metadata,
 * web identity) is a seventh of a bundle, and nothing that a function should ever do.
 */
const credentialsFromEnvironment: Plugin = {
  name: 'credentials-from-environment',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ path }) => ({ path, namespace: 'environment' }));
    onLoad({ filter: /.*/, namespace: 'environment' }, () => ({
      contents: "export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';",
      resolveDir: ROOT,
    }));
  },
};

/** Everything a bundle is made from. Bundling takes seconds and `cdk` runs the app more than once, so an unchanged bundle is kept. */
const hashInputs = (entries: readonly BundleEntry[]): string => {
  const hash = createHash('sha256').update(JSON.stringify(entries));
  const sources = readdirSync(join(ROOT, 'lambdas'), { recursive: true, encoding: 'utf8' }).map((path) => join('lambdas', path));
  for (const path of ['package-lock.json', join('tools', 'bundle.ts'), ...sources.sort()])
    if (statSync(join(ROOT, path)).isFile()) hash.update(`${path}\n`).update(readFileSync(join(ROOT, path)));
  return hash.digest('hex');
};
