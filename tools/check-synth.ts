/**
 * Synthesises every stage with cdk-nag; a finding without a reason fails, and so does a stack that comes near CloudFormation's limits. Needs no
 * credentials.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { context } from '../cdk.json';
import { FUNCTIONS } from '../lib/config/functions';
import { loadStageConfig, STAGE_NAMES } from '../lib/config/load';
import { addChecks, addSluiceStage } from '../lib/sluice-app';
import { bundleFunctions, ROOT } from './bundle';

/** CloudFormation takes 500 resources and 1 MB of template a stack; beyond these it is time to divide one. */
const BUDGET = { resources: 420, bytes: 800_000 };

const checkBudget = ({ stackName, templateFullPath }: { stackName: string; templateFullPath: string }): void => {
  const text = readFileSync(templateFullPath, 'utf8');
  const resources = Object.keys((JSON.parse(text) as { Resources: object }).Resources).length;
  if (resources <= BUDGET.resources && Buffer.byteLength(text) <= BUDGET.bytes) return;
  throw new Error(
    `Stack ${stackName} has ${resources} resources in ${Buffer.byteLength(text)} bytes, more than ${BUDGET.resources} in ${BUDGET.bytes}: move some to another stack before CloudFormation refuses it.`,
  );
};

const synthesise = async (folder: string): Promise<void> => {
  const entries = Object.entries(FUNCTIONS).map(([name, { entry }]) => ({ name, entry }));
  const folderOf = await bundleFunctions(entries);
  for (const stage of STAGE_NAMES) {
    const app = new App({ outdir: join(folder, stage), context });
    addSluiceStage(app, { config: loadStageConfig(stage, {}), root: ROOT, codeOf: (name) => Code.fromAsset(folderOf(name)) });
    addChecks(app);
    for (const stack of app.synth().stacks) checkBudget(stack);
  }
};

const folder = mkdtempSync(join(tmpdir(), 'sluice-synth-'));
void synthesise(folder).finally(() => rmSync(folder, { recursive: true, force: true }));
