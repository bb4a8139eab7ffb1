import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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

const assembly = (settings: TwinSettings): string => join(settings.stateDir, 'cdk.out');

/** `cdk synth`: the unmodified app, with the stage's configuration as the only difference to AWS. Needs nothing that runs. */
export const synthesise = async (settings: TwinSettings): Promise<void> => {
  rmSync(assembly(settings), { recursive: true, force: true });
  await runToEnd(settings, {
    name: 'cdk-synth',
    command: [cdk(settings), 'synth', '--quiet', '--no-notices', '-c', `stage=${settings.stage}`, '--output', assembly(settings)],
    environment: cdkEnvironment(settings),
    seconds: 180,
  });
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
export const deploy = async (settings: TwinSettings): Promise<Deployed> => {
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
      assembly(settings),
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
    environment: cdkEnvironment(settings),
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
