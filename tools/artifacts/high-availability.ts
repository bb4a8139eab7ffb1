import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './machine';

const module_ = join(__dirname, 'ha');

/** What the jar is made from: part of the name under which an image with it is cached. */
export const highAvailabilitySources = async (): Promise<string> => {
  const files = (await readdir(join(module_, 'src'), { recursive: true })).filter((file) => file.endsWith('.java')).sort();
  const hash = createHash('sha256').update(await readFile(join(module_, 'pom.xml')));
  for (const file of files) hash.update(file).update(await readFile(join(module_, 'src', file)));
  return hash.digest('hex').slice(0, 12);
};

/** Builds the module for a Flink version (its code is the same for all; the classes of Flink that it extends are not). @returns the jar @throws CommandFailed */
export const buildHighAvailability = async (flinkVersion: string, output: string): Promise<string> => {
  await run('mvn', ['-q', '-B', 'package', `-Dflink.version=${flinkVersion}`, `-Doutput.directory=${output}`], { cwd: module_ });
  return join(output, 'sluice-ha.jar');
};
