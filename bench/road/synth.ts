import { join } from 'node:path';
import { runToEnd } from '../../local/twin/component';
import type { TwinSettings } from '../../local/twin/settings';
import { awsEnvironment } from '../../local/twin/settings';

/** The stage whose templates are priced: as it would stand on AWS. */
const STAGE = 'dev';

/** `cdk synth` of a stage for AWS, bundles at hand. @returns s */
export const synthSeconds = async (settings: TwinSettings, assembly: string): Promise<number> => {
  const started = performance.now();
  await runToEnd(settings, {
    name: 'bench-synth',
    command: [
      join(settings.root, 'node_modules/.bin/cdk'),
      'synth',
      '--quiet',
      '--no-notices',
      '-c',
      `stage=${STAGE}`,
      '--output',
      assembly,
    ],
    environment: { ...awsEnvironment(settings), CDK_DISABLE_CLI_TELEMETRY: 'true', CI: '1', NODE_NO_WARNINGS: '1' },
    seconds: 120,
  });
  return (performance.now() - started) / 1_000;
};
