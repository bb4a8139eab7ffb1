import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { TwinSettings } from './settings';

/** What a client needs to use a running twin: `local/.state/twin.json`. It is there exactly while the twin can be used. */
export const twinFile = z.object({
  /** Base address of the control plane's API, without a slash at the end. Calls are signed (service execute-api). */
  apiUrl: z.string(),
  /** AWS_ENDPOINT_URL of every AWS client; any credentials. */
  awsEndpoint: z.string(),
  region: z.string(),
  stage: z.string(),
  kafkaBootstrap: z.string(),
  artifactBucket: z.string(),
  stateBucket: z.string(),
  account: z.string(),
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
});
export type TwinFile = z.infer<typeof twinFile>;

const pathOf = (settings: TwinSettings): string => join(settings.stateDir, 'twin.json');

export const writeTwinFile = (settings: TwinSettings, content: TwinFile): void => {
  const next = `${pathOf(settings)}.next`;
  writeFileSync(next, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(next, pathOf(settings)); // a reader sees all of it or nothing
};

export const removeTwinFile = (settings: TwinSettings): void => rmSync(pathOf(settings), { force: true });

/** @throws when no twin can be used now, saying how to start one */
export const readTwinFile = (settings: TwinSettings): TwinFile => {
  try {
    return twinFile.parse(JSON.parse(readFileSync(pathOf(settings), 'utf8')));
  } catch (error) {
    throw new Error(`no twin to use (${pathOf(settings)}); start one with "npm run twin -- up --detach"`, { cause: error });
  }
};
