import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(__dirname, '..', '..');
const python = join(root, 'local/.cache/venv/bin/python');

/** Runs one Python test module; its own output is the failure's message. */
const runs = async (directory: string, top: string, module: string): Promise<void> => {
  if (!existsSync(python)) throw new Error('The Python environment is missing: run `npx tsx local/install/cli.ts`.');
  await promisify(execFile)(python, ['-m', 'unittest', `${top}.${module}`], { cwd: join(root, directory), timeout: 110_000 }).catch(
    (error: { stderr?: string; message: string }) => {
      throw new Error(error.stderr || error.message);
    },
  );
};

describe('What runs on a node', () => {
  it.each([
    ['is fetched from S3, and a host that cannot be set up ends itself', 'test_user_data'],
    ['knows its role and configuration from instance metadata and S3', 'test_identity'],
    ['signs its requests to S3 as AWS asks', 'test_s3'],
    ['takes Flink and Java from its image, or checked from the artifact bucket', 'test_image'],
    ['starts Flink with its own addresses, directories and memory', 'test_flink'],
    ['keeps its processes alive and lets none outlive it', 'test_supervisor'],
  ])('%s', async (_, module) => runs('node', 'tests', module), 120_000);
});

describe('The fleet agent', () => {
  it.each([
    ['gives each emulated instance its own metadata', 'test_metadata'],
    ['turns emulated instances into process groups and tells their ends', 'test_agent'],
  ])('%s', async (_, module) => runs('local', 'fleet.tests', module), 120_000);
});
