import { App } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { FUNCTIONS } from '../lib/config/functions';
import { loadStageConfig, StageConfigError } from '../lib/config/load';
import { addChecks, addSluiceStage } from '../lib/sluice-app';
import { bundleFunctions, ROOT } from '../tools/bundle';

const main = async (): Promise<void> => {
  const app = new App();
  const config = loadStageConfig(String(app.node.tryGetContext('stage') ?? 'dev'), process.env);
  const folderOf = await bundleFunctions(Object.entries(FUNCTIONS).map(([name, { entry }]) => ({ name, entry })));
  addSluiceStage(app, { config, root: ROOT, codeOf: (name) => Code.fromAsset(folderOf(name)) });
  addChecks(app);
  app.synth();
};

main().catch((error: unknown) => {
  if (!(error instanceof StageConfigError)) throw error;
  // The person who deploys needs the sentence, not our stack trace.
  console.error(error.message);
  process.exitCode = 1;
});
