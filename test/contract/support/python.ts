import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(__dirname, '../../..');
const PYTHON = join(ROOT, 'local/.cache/venv/bin/python');

/** Runs one Python test module below `directory`; its own output is the failure's message. */
export const runsPython = async (directory: string, top: string, module: string, environment: NodeJS.ProcessEnv = {}): Promise<void> => {
  if (!existsSync(PYTHON)) throw new Error('The Python environment is missing: run `npx tsx local/install/cli.ts`.');
  const options = { cwd: join(ROOT, directory), timeout: 110_000, env: { ...process.env, ...environment } };
  await promisify(execFile)(PYTHON, ['-m', 'unittest', `${top}.${module}`], options).catch(
    (error: { stderr?: string; message: string }) => {
      throw new Error(error.stderr || error.message);
    },
  );
};
