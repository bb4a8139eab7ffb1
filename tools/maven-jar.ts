import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A module's jar, built by Maven when its sources are newer.
 * @param module folder with `pom.xml` and `src`
 * @param name `finalName` of the module
 * @returns its path
 */
export const mavenJar = (module: string, name: string): string => {
  const jar = join(module, 'target', `${name}.jar`);
  const sources = readdirSync(join(module, 'src'), { recursive: true }).map((file) => join(module, 'src', String(file)));
  const built = existsSync(jar) ? statSync(jar).mtimeMs : 0;
  if ([join(module, 'pom.xml'), ...sources].some((file) => statSync(file).isFile() && statSync(file).mtimeMs > built))
    execFileSync('mvn', ['-q', '-B', 'package'], { cwd: module, stdio: ['ignore', 'ignore', 'inherit'] });
  return jar;
};
