import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache';
import { buildHighAvailability, highAvailabilitySources } from './high-availability';
import { copyMavenDependencies, findPython, MissingTool, run } from './machine';

/** Newest connector built for a Flink version: connectors are released apart from Flink, against a minor version. */
export const kafkaConnectorVersions: Readonly<Record<string, string>> = { '2.3.0': '5.0.0-2.2', '2.2.0': '5.0.0-2.2' };

/** A stage's default; the stage configuration may name others. */
export const defaultFlinkVersion = '2.3.0';

const pom = join(__dirname, 'flink.pom.xml');

/** Not taken over: the Scala API, Python and reporters that no configuration of ours names. Jobs that want Scala bring it in their jar. */
const leftOut = /^(flink-scala_|flink-python-)/;
/** Raise it when `arrange` changes: images are cached by what they are made from. */
const layout = 1;

const plugins = ['metrics-prometheus', 'metrics-jmx'];

/**
 * Builds (or finds in the machine's cache) the Flink image of a version: `bin/ lib/ opt/ plugins/` as a node has them.
 *
 * Source: PyPI's `apache-flink-libraries`, which holds Apache's binary distribution, and Maven Central for the S3 file system,
 * the SQL gateway (the SQL runner lives in it) and the Kafka connector. What recovers a JobManager is built here (`ha/`).
 *
 * @returns path of the image
 * @throws MissingTool, CommandFailed
 */
export const flinkImage = async (version: string, log: (line: string) => void = () => {}): Promise<string> => {
  const connector = kafkaConnectorVersions[version];
  if (connector === undefined)
    throw new MissingTool(
      `No Kafka connector is known for Flink ${version}; known: ${Object.keys(kafkaConnectorVersions).join(', ')} (tools/artifacts/flink-image.ts)`,
    );
  const recipe = createHash('sha256')
    .update(await readFile(pom))
    .update(JSON.stringify([layout, connector, leftOut.source, plugins]))
    .digest('hex')
    .slice(0, 12);
  const distribution = await cached(`flink-${version}-${recipe}`, async (directory) => {
    const work = join(directory, '.work');
    await mkdir(work);
    log(`Flink ${version}: fetching the distribution from PyPI (about 330 MB)`);
    const python = await findPython();
    await Promise.all([
      fetchDistribution(python, version, work),
      copyMavenDependencies(pom, join(work, 'extras'), { 'flink.version': version, 'kafka.connector.version': connector }),
    ]);
    await arrange(work, directory, version, connector);
    await rm(work, { recursive: true });
  });
  return cached(`flink-${version}-${recipe}-${await highAvailabilitySources()}`, async (directory) => {
    // Hard links: half a gigabyte is there once, however often the module beside it changes.
    await run('cp', ['-rlL', `${distribution}/.`, directory]);
    const work = join(directory, '.work');
    await cp(await buildHighAvailability(version, work), join(directory, 'lib', 'sluice-ha.jar'));
    await rm(work, { recursive: true });
  });
};

const fetchDistribution = async (python: string, version: string, work: string): Promise<void> => {
  const wheels = join(work, 'wheels');
  await run(python, [
    '-m',
    'pip',
    'download',
    '-q',
    '--disable-pip-version-check',
    '--no-deps',
    '-d',
    wheels,
    `apache-flink-libraries==${version}`,
  ]);
  const [file] = await readdir(wheels);
  if (file === undefined) throw new Error(`pip downloaded nothing for apache-flink-libraries ${version}`);
  const archive = join(wheels, file);
  // Older versions are on PyPI as a source archive only; it holds the same tree.
  if (file.endsWith('.whl')) await run(python, ['-m', 'zipfile', '-e', archive, join(work, 'tree')]);
  else {
    await mkdir(join(work, 'tree'));
    await run('tar', ['-xzf', archive, '-C', join(work, 'tree'), '--strip-components=1']);
  }
  await rm(archive);
};

const arrange = async (work: string, image: string, version: string, connector: string): Promise<void> => {
  const trees = ['pyflink', 'deps'].map((name) => join(work, 'tree', name));
  const tree = trees.find((candidate) => existsSync(join(candidate, 'lib')));
  if (tree === undefined) throw new Error(`apache-flink-libraries ${version} has another layout than expected: no lib directory`);
  for (const folder of ['lib', 'opt', 'plugins', 'bin', 'licenses']) await mkdir(join(image, folder), { recursive: true });
  for (const folder of ['lib', 'opt'])
    for (const jar of await readdir(join(tree, folder)))
      if (jar.endsWith('.jar') && !leftOut.test(jar)) await rename(join(tree, folder, jar), join(image, folder, jar));
  for (const plugin of plugins) await rename(join(tree, 'plugins', plugin), join(image, 'plugins', plugin));
  await rename(join(tree, 'bin', 'bash-java-utils.jar'), join(image, 'bin', 'bash-java-utils.jar'));
  if (existsSync(join(tree, 'licenses'))) await cp(join(tree, 'licenses'), join(image, 'licenses'), { recursive: true });
  for (const notice of ['LICENSE', 'NOTICE']) {
    const found = [join(tree, notice), join(work, 'tree', `apache_flink_libraries-${version}.dist-info`, 'licenses', notice)].find((path) =>
      existsSync(path),
    );
    if (found !== undefined) await cp(found, join(image, notice));
  }
  const extras = join(work, 'extras');
  await mkdir(join(image, 'plugins', 's3-fs-native'));
  await rename(
    join(extras, `flink-s3-fs-native-${version}.jar`),
    join(image, 'plugins', 's3-fs-native', `flink-s3-fs-native-${version}.jar`),
  );
  await rename(join(extras, `flink-sql-gateway-${version}.jar`), join(image, 'opt', `flink-sql-gateway-${version}.jar`));
  await rename(
    join(extras, `flink-sql-connector-kafka-${connector}.jar`),
    join(image, 'lib', `flink-sql-connector-kafka-${connector}.jar`),
  );
};
