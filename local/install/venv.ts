import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory, cached } from '../../tools/artifacts/cache';
import { findPython, run } from '../../tools/artifacts/machine';

const requirements = join(__dirname, '..', 'requirements.txt');

/** Builds (or finds) the Python environment of the emulator, the fleet agent and the `aws` command. @throws MissingTool, CommandFailed */
export const pythonEnvironment = async (log: (line: string) => void = () => {}): Promise<string> => {
  const recipe = createHash('sha256')
    .update(await readFile(requirements))
    .update(process.arch)
    .digest('hex')
    .slice(0, 12);
  const key = `venv-${recipe}`;
  // An environment refers to the Python it was made with: when that is gone, so is its use.
  if (!existsSync(join(cacheDirectory(), key, 'bin', 'python'))) await rm(join(cacheDirectory(), key), { force: true });
  return cached(key, async (directory) => {
    log('Python: installing the emulator and the AWS CLI from PyPI');
    await run(await findPython(), ['-m', 'venv', directory]);
    await run(join(directory, 'bin', 'python'), ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '-r', requirements]);
  });
};
