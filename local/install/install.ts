import { lstat, mkdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { defaultFlinkVersion, flinkImage } from '../../tools/artifacts/flink-image';
import { requireJava } from '../../tools/artifacts/machine';
import { kafkaImage } from './kafka';
import { pythonEnvironment } from './venv';

/** Where the twin finds what it needs: links below `local/.cache` to directories that all clones on the machine share. */
export const paths = (root = join(__dirname, '..', '.cache')) => ({
  venv: join(root, 'venv'),
  python: join(root, 'venv', 'bin', 'python'),
  aws: join(root, 'venv', 'bin', 'aws'),
  flink: (version: string = defaultFlinkVersion) => join(root, `flink-${version}`),
  kafka: join(root, 'kafka'),
});

export interface InstallOptions {
  /** @default ['2.3.0'] */
  readonly flinkVersions?: readonly string[];
  /** Receives one line per thing that takes time. */
  readonly log?: (line: string) => void;
}

export interface Installed {
  readonly component: string;
  readonly path: string;
  readonly seconds: number;
}

/**
 * Installs everything the twin needs; what is there already costs a few milliseconds.
 * @throws MissingTool saying what the machine lacks and how to get it; CommandFailed with the end of pip's or Maven's output
 */
export const install = async ({
  flinkVersions = [defaultFlinkVersion],
  log = () => {},
}: InstallOptions = {}): Promise<readonly Installed[]> => {
  await requireJava();
  const target = paths();
  const component = async (name: string, path: string, make: () => Promise<string>): Promise<Installed> => {
    const start = performance.now();
    await link(await make(), path);
    const seconds = Math.round((performance.now() - start) / 100) / 10;
    if (seconds >= 1) log(`${name}: ready after ${seconds} s`);
    return { component: name, path, seconds };
  };
  return Promise.all([
    component('Python', target.venv, () => pythonEnvironment(log)),
    component('Kafka', target.kafka, () => kafkaImage(log)),
    ...flinkVersions.map((version) => component(`Flink ${version}`, target.flink(version), () => flinkImage(version, log))),
  ]);
};

/** Points `path` at `target`, replacing an older link in one step. */
const link = async (target: string, path: string): Promise<void> => {
  if ((await readlink(path).catch(() => undefined)) === target) return;
  await mkdir(dirname(path), { recursive: true });
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory()) await rm(path, { recursive: true });
  const next = `${path}.${process.pid}`;
  await symlink(target, next);
  await rename(next, path);
};
