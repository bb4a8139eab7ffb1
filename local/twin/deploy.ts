import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { runToEnd } from './component';
import { awsEndpoint, awsEnvironment, type TwinSettings } from './settings';

const cdk = (settings: TwinSettings): string => join(settings.root, 'node_modules/.bin/cdk');

const cdkEnvironment = (settings: TwinSettings): Record<string, string> => ({
  ...awsEnvironment(settings),
  CDK_DISABLE_CLI_TELEMETRY: 'true',
  CDK_HOME: join(settings.stateDir, 'cdk-home'),
  CI: '1', // progress as lines, also those that go to a log
  NODE_NO_WARNINGS: '1',
});

/** Everything that a synthesised template can depend on, besides the environment that `synthesise` sets. */
const INPUTS = ['bin', 'lib', 'lambdas', 'state-machines', 'node', 'tools', 'cdk.json', 'package-lock.json', 'tsconfig.json'];

const filesBelow = (path: string): string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => name !== '__pycache__')
        .sort()
        .flatMap((name) => filesBelow(join(path, name)))
    : [path];

/** Folder of the cloud assembly of just these sources and this endpoint: the same inputs need not be synthesised twice. */
const assemblyFolder = (settings: TwinSettings): string => {
  const hash = createHash('sha256').update(JSON.stringify([settings.stage, settings.port, process.version]));
  for (const file of INPUTS.flatMap((input) => filesBelow(join(settings.root, input)))) hash.update(file).update(readFileSync(file));
  return join(settings.cacheDir, 'assemblies', hash.digest('hex').slice(0, 16));
};

/** How many assemblies are kept; each has some 30 MB. */
const KEPT = 3;

/**
 * `cdk synth`: the unmodified app, with the stage's configuration as the only difference to AWS. Needs nothing that runs.
 * @returns folder of the cloud assembly
 */
export const synthesise = async (settings: TwinSettings): Promise<string> => {
  const folder = assemblyFolder(settings);
  if (!existsSync(join(folder, 'manifest.json'))) {
    const work = join(settings.stateDir, 'cdk.out');
    await runToEnd(settings, {
      name: 'cdk-synth',
      command: [cdk(settings), 'synth', '--quiet', '--no-notices', '-c', `stage=${settings.stage}`, '--output', work],
      environment: cdkEnvironment(settings),
      seconds: 400,
    });
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    // Copied under another name first: a start that is ended meanwhile leaves no half of it.
    cpSync(work, `${folder}.${process.pid}`, { recursive: true });
    renameSync(`${folder}.${process.pid}`, folder);
  }
  utimesSync(folder, new Date(), new Date());
  const parent = dirname(folder);
  const byAge = readdirSync(parent)
    .map((name) => join(parent, name))
    .sort((left, right) => statSync(right).mtimeMs - statSync(left).mtimeMs);
  for (const old of byAge.slice(KEPT)) rmSync(old, { recursive: true, force: true });
  return folder;
};

/** `cdk bootstrap`: the emulator keeps nothing between runs, so each begins without the bootstrap stack. */
export const bootstrap = (settings: TwinSettings): Promise<void> =>
  runToEnd(settings, {
    name: 'cdk-bootstrap',
    command: [cdk(settings), 'bootstrap', '--no-notices', `aws://${settings.account}/${settings.region}`],
    environment: cdkEnvironment(settings),
    directory: settings.stateDir, // beside cdk.json it would synthesise the app first
    seconds: 120,
  });

const outputs = z.record(z.string(), z.record(z.string(), z.string()));

export interface Deployed {
  readonly apiUrl: string;
  readonly artifactBucket: string;
  readonly stateBucket: string;
}

/** `cdk deploy --all` of what was synthesised. */
export const deploy = async (settings: TwinSettings, assembly: string): Promise<Deployed> => {
  const file = join(settings.stateDir, 'outputs.json');
  mkdirSync(settings.stateDir, { recursive: true });
  await runToEnd(settings, {
    name: 'cdk-deploy',
    command: [
      cdk(settings),
      'deploy',
      '--all',
      '--no-notices',
      '--app',
      assembly,
      '--require-approval',
      'never',
      '--concurrency',
      '4',
      // Change sets cost a round of polling each and nobody reviews them here.
      '--method',
      'direct',
      '--outputs-file',
      file,
    ],
    // The archives of the functions are kept with the assembly that they belong to.
    environment: { ...cdkEnvironment(settings), CDK_HOME: join(assembly, '.cdk-home') },
    seconds: 300,
  });
  const all = Object.assign({}, ...Object.values(outputs.parse(JSON.parse(readFileSync(file, 'utf8'))))) as Record<string, string>;
  const output = (name: string): string => {
    const value = all[name];
    if (value === undefined) throw new Error(`the stacks have no output ${name}; they have ${Object.keys(all).join(', ')}`);
    return value.replace(/\/$/, '');
  };
  const apiId = /([a-z0-9]+)\.execute-api\./.exec(output('ApiUrl'))?.[1];
  if (apiId === undefined) throw new Error(`output ApiUrl is not the address of an HTTP API: ${output('ApiUrl')}`);
  return {
    // The emulator's form of https://<id>.execute-api.<region>.amazonaws.com that needs no name resolution.
    apiUrl: `${awsEndpoint(settings)}/_aws/execute-api/${apiId}`,
    artifactBucket: output('ArtifactBucket'),
    stateBucket: output('StateBucket'),
  };
};
