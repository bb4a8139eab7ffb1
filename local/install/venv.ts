import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../../tools/artifacts/cache';
import { findPython, run } from '../../tools/artifacts/machine';

const requirements = join(__dirname, '..', 'requirements.txt');

/** Builds (or finds) the Python environment of the emulator, the fleet agent and the `aws` command. @throws MissingTool, CommandFailed */
export const pythonEnvironment = async (log: (line: string) => void = () => {}): Promise<string> => {
  const python = await findPython();
  const version = (await run(python, ['-c', 'import sys; print(sys.version, sys.prefix)'])).trim();
  const recipe = createHash('sha256')
    .update(await readFile(requirements))
    .update(version)
    .digest('hex')
    .slice(0, 12);
  return cached(`venv-${recipe}`, async (directory) => {
    log('Python: installing the emulator and the AWS CLI from PyPI');
    await run(python, ['-m', 'venv', directory]);
    await run(join(directory, 'bin', 'python'), ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '-r', requirements]);
  });
};
