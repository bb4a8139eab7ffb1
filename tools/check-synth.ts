/** Synthesises every stage with cdk-nag; a finding without a reason fails. Needs no credentials. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { context } from '../cdk.json';
import { FUNCTIONS } from '../lib/config/functions';
import { loadStageConfig, STAGE_NAMES } from '../lib/config/load';
import { addChecks, addSluiceStage } from '../lib/sluice-app';
import { bundleFunctions, ROOT } from './bundle';

const synthesise = async (folder: string): Promise<void> => {
  const entries = Object.entries(FUNCTIONS).map(([name, { entry }]) => ({ name, entry }));
  const folderOf = await bundleFunctions(entries);
  for (const stage of STAGE_NAMES) {
    const app = new App({ outdir: join(folder, stage), context });
    addSluiceStage(app, { config: loadStageConfig(stage, {}), root: ROOT, codeOf: (name) => Code.fromAsset(folderOf(name)) });
    addChecks(app);
    app.synth();
  }
};

const folder = mkdtempSync(join(tmpdir(), 'sluice-synth-'));
void synthesise(folder).finally(() => rmSync(folder, { recursive: true, force: true }));
