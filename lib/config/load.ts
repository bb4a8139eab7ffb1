import type { z } from 'zod';
import { type StageConfig, type StageConfigInput, stageConfig } from './schema';
import { dev } from './stages/dev';
import { local } from './stages/local';
import { prod } from './stages/prod';

type Environment = Readonly<Record<string, string | undefined>>;

/** Add a stage: write its file beside these and name it here. */
const STAGES: Readonly<Record<string, (environment: Environment) => StageConfigInput>> = { local, dev, prod };

export const STAGE_NAMES = Object.keys(STAGES);

/** The stage's configuration is wrong; the message is for the person who deploys. */
export class StageConfigError extends Error {}

const fieldPath = (path: readonly PropertyKey[]): string =>
  path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`)).join('');

const sentence = (issue: z.core.$ZodIssue): string => `${fieldPath(issue.path) || 'the whole object'}: ${issue.message}`;

/** @throws StageConfigError naming each wrong field */
export const parseStageConfig = (name: string, input: unknown): StageConfig => {
  const result = stageConfig.safeParse(input);
  if (result.success) return result.data;
  throw new StageConfigError(`The configuration of stage "${name}" is wrong. ${result.error.issues.map(sentence).join('; ')}.`);
};

/** @throws StageConfigError for a stage that does not exist or is wrong */
export const loadStageConfig = (name: string, environment: Environment): StageConfig => {
  const stage = Object.hasOwn(STAGES, name) ? STAGES[name] : undefined;
  if (!stage)
    throw new StageConfigError(
      `There is no stage "${name}"; lib/config/stages has ${STAGE_NAMES.join(', ')}. Choose one with -c stage=NAME.`,
    );
  return parseStageConfig(name, stage(environment));
};
