import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const MODULE = join(__dirname, 'job');

/** The job that keeps count, built by Maven when its sources are newer. @returns its path */
export const recoveryJar = (): string => {
  const jar = join(MODULE, 'target', 'recovery.jar');
  const files = readdirSync(join(MODULE, 'src'), { recursive: true }).map((file) => join(MODULE, 'src', String(file)));
  const built = existsSync(jar) ? statSync(jar).mtimeMs : 0;
  if ([join(MODULE, 'pom.xml'), ...files].some((file) => statSync(file).isFile() && statSync(file).mtimeMs > built))
    execFileSync('mvn', ['-q', '-B', 'package'], { cwd: MODULE, stdio: ['ignore', 'inherit', 'inherit'] });
  return jar;
};
