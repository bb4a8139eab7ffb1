import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../../tools/artifacts/cache';
import { copyMavenDependencies } from '../../tools/artifacts/machine';

export const kafkaVersion = '4.1.1';

const pom = join(__dirname, 'kafka.pom.xml');

/** Builds (or finds) the directory whose `lib/` holds a Kafka broker and all that it needs. @throws MissingTool, CommandFailed */
export const kafkaImage = async (log: (line: string) => void = () => {}): Promise<string> => {
  const recipe = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 12);
  return cached(`kafka-${kafkaVersion}-${recipe}`, async (directory) => {
    log(`Kafka ${kafkaVersion}: fetching the broker from Maven Central (about 60 MB)`);
    await copyMavenDependencies(pom, join(directory, 'lib'), { 'kafka.version': kafkaVersion });
  });
};
