import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { context } from '../../../cdk.json';
import { loadStageConfig } from '../../../lib/config/load';
import type { StageConfig } from '../../../lib/config/schema';
import { addSluiceStage } from '../../../lib/sluice-app';

export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: templates are untyped JSON
  readonly Properties: any;
  readonly DeletionPolicy?: string;
}

export interface SynthesisedStage {
  readonly network: Template;
  readonly storage: Template;
  readonly nodes: Template;
  readonly controlPlane: Template;
  readonly api: Template;
  readonly alarms: Template;
  readonly all: readonly Template[];
  /** Names of stacks. */
  readonly deployedBeforeAlarms: readonly string[];
  /** Every resource of the stage. */
  readonly resources: readonly Resource[];
  readonly ofType: (type: string) => readonly Resource[];
}

const root = join(__dirname, '..', '..', '..');
const outdir = mkdtempSync(join(tmpdir(), 'sluice-infra-'));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

/** Stages of one app, without the functions' code: what they are, not what they do, is asserted here. */
export const synthesise = (...configs: readonly StageConfig[]): SynthesisedStage[] => {
  const app = new App({
    outdir: mkdtempSync(join(outdir, 'app-')),
    context,
  });
  const code = () => Code.fromInline('exports.handler = async () => ({});');
  const stages = configs.map((config) => addSluiceStage(app, { config, root, codeOf: code }));
  return stages.map(({ network, storage, nodes, controlPlane, api, alarms }) => {
    const of = (stack: Stack) => Template.fromStack(stack);
    const templates = {
      network: of(network),
      storage: of(storage),
      nodes: of(nodes),
      controlPlane: of(controlPlane),
      api: of(api),
      alarms: of(alarms),
    };
    const all = Object.values(templates);
    const resources = all.flatMap((template) => Object.values(template.toJSON().Resources as Record<string, Resource>));
    const deployedBeforeAlarms = alarms.dependencies.map(({ stackName }) => stackName);
    return {
      ...templates,
      all,
      deployedBeforeAlarms,
      resources,
      ofType: (type: string) => resources.filter((resource) => resource.Type === type),
    };
  });
};

const stages = new Map<string, SynthesisedStage>();

/** A stage of the project as it would be deployed to account 111122223333, synthesised once a file. */
export const stageOf = (name: string): SynthesisedStage => {
  const found = stages.get(name) ?? (synthesise(configOf(name))[0] as SynthesisedStage);
  stages.set(name, found);
  return found;
};

export const configOf = (name: string): StageConfig =>
  loadStageConfig(name, { CDK_DEFAULT_ACCOUNT: '111122223333', CDK_DEFAULT_REGION: 'eu-west-1' });

/** An array also where IAM allows a single value. */
export const listOf = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);
