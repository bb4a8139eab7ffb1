import { join } from 'node:path';
import { type App, Aws, Tags, Validations } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks } from 'cdk-nag';
import { namesOf } from './config/names';
import type { StageConfig } from './config/schema';
import { AlarmsStack } from './stacks/alarms-stack';
import { ApiStack } from './stacks/api-stack';
import { ControlPlaneStack } from './stacks/control-plane-stack';
import { NetworkStack } from './stacks/network-stack';
import { NodesStack } from './stacks/nodes-stack';
import { StorageStack } from './stacks/storage-stack';

export interface SluiceAppProps {
  readonly config: StageConfig;
  readonly codeOf: (name: string) => Code;
  /** Root of the project, where `node/` and `state-machines/` are. */
  readonly root: string;
}

/** Adds the stacks of one stage to an app. Stages stand side by side: every name carries the stage's. */
export const addSluiceStage = (app: App, { config, codeOf, root }: SluiceAppProps) => {
  const names = namesOf(config, config.account ?? Aws.ACCOUNT_ID, Aws.PARTITION);
  const common = {
    env: { ...(config.account ? { account: config.account } : {}), region: config.region },
    config,
    names,
    terminationProtection: config.removal === 'retain',
    // CloudFormation takes 1 MB of template, and a quarter of the largest one is spaces.
    suppressTemplateIndentation: true,
  };
  const network = new NetworkStack(app, `${names.prefix}-network`, { ...common, description: 'Sluice: VPC without a way to the internet' });
  const storage = new StorageStack(app, `${names.prefix}-storage`, { ...common, description: 'Sluice: key, buckets, table' });
  const nodes = new NodesStack(app, `${names.prefix}-nodes`, {
    ...common,
    description: 'Sluice: what every Flink node has in common',
    key: storage.key,
    nodeFolder: join(root, 'node'),
  });
  const surroundings = { network, storage, nodes, codeOf };
  const controlPlane = new ControlPlaneStack(app, `${names.prefix}-control-plane`, {
    ...common,
    ...surroundings,
    description: 'Sluice: workflows, their functions, events',
    definitionsFolder: join(root, 'state-machines'),
  });
  const api = new ApiStack(app, `${names.prefix}-api`, { ...common, ...surroundings, description: 'Sluice: API' });
  // Whoever is let in finds the workflows that a request starts.
  api.addStackDependency(controlPlane);
  const alarms = new AlarmsStack(app, `${names.prefix}-alarms`, {
    ...common,
    description: 'Sluice: alarms on the control plane itself',
    key: storage.key,
    apiId: api.apiId,
  });
  // What rings without data has run before it is watched.
  alarms.addStackDependency(controlPlane);
  for (const stack of [network, storage, nodes, controlPlane, api, alarms]) Tags.of(stack).add('sluice:stage', config.name);
  return { network, storage, nodes, controlPlane, api, alarms };
};

/** AWS's own list of good practice; a finding without a written reason stops the synth. */
export const addChecks = (app: App): void => Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
