import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const MODULE = resolve(__dirname, '../../../examples/counter-jar');

/** The example jar, built by Maven when its sources are newer. @returns its path */
export function counterJar(): string {
  const jar = join(MODULE, 'target', 'counter.jar');
  const sources = [
    join(MODULE, 'pom.xml'),
    ...readdirSync(join(MODULE, 'src'), { recursive: true }).map((file) => join(MODULE, 'src', String(file))),
  ];
  const built = existsSync(jar) ? statSync(jar).mtimeMs : 0;
  if (sources.some((file) => statSync(file).isFile() && statSync(file).mtimeMs > built))
    execFileSync('mvn', ['-q', '-B', 'package'], { cwd: MODULE, stdio: ['ignore', 'inherit', 'inherit'] });
  return jar;
}
