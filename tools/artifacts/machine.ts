import { spawn } from 'node:child_process';

/** Something that the machine lacks; the message says what and how to get it. */
export class MissingTool extends Error {
  override readonly name = 'MissingTool';
}

/** A command that ended with an error; the message carries the end of what it printed. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a command to its end and returns what it printed (both streams). @throws CommandFailed when it does not end with 0. */
export const run = (command: string, args: readonly string[], options: RunOptions = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => reject(new CommandFailed(`${command} could not be started: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else
        reject(new CommandFailed(`${command} ${args.slice(0, 4).join(' ')} ended with ${signal ?? code}:\n${output.trim().slice(-2_000)}`));
    });
  });

const answers = async (command: string, args: readonly string[]): Promise<string | undefined> => run(command, args).catch(() => undefined);

/** Returns a Python ≥ 3.10 that can make virtual environments (what MiniStack and moto need). @throws MissingTool */
export const findPython = async (): Promise<string> => {
  const seen: string[] = [];
  for (const candidate of ['python3.11', 'python3.12', 'python3.13', 'python3.10', 'python3']) {
    const version = await answers(candidate, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
    if (version === undefined) continue;
    const [major = 0, minor = 0] = version.trim().split('.').map(Number);
    if (major === 3 && minor >= 10) {
      if ((await answers(candidate, ['-c', 'import venv, ensurepip'])) !== undefined) return candidate;
      seen.push(`${candidate} lacks the venv module`);
    } else seen.push(`${candidate} is ${version.trim()}`);
  }
  throw new MissingTool(
    `Python 3.10 or newer with the venv module is needed (${seen.join(', ') || 'no python3 found'}). Debian or Ubuntu: apt-get install python3 python3-venv; Amazon Linux: dnf install python3.11`,
  );
};

/** @throws MissingTool unless `java` is version 17 or newer (Flink 2 supports 17 and 21) */
export const requireJava = async (): Promise<void> => {
  const version = await answers('java', ['-version']);
  const major = Number(/version "(\d+)/.exec(version ?? '')?.[1]);
  if (major >= 17) return;
  throw new MissingTool(
    `Java 17 or newer is needed (${version === undefined ? 'no java found' : `java is version ${major}`}). Debian or Ubuntu: apt-get install openjdk-17-jdk-headless; Amazon Linux: dnf install java-17-amazon-corretto-headless`,
  );
};

/** @throws MissingTool unless Maven is there: it fetches the jars that are not on PyPI */
export const requireMaven = async (): Promise<void> => {
  if ((await answers('mvn', ['--version'])) !== undefined) return;
  throw new MissingTool('Maven (mvn) is needed. Debian or Ubuntu: apt-get install maven; Amazon Linux: dnf install maven');
};

/** Copies what a pom depends on into a directory. */
export const copyMavenDependencies = async (
  pom: string,
  directory: string,
  properties: Readonly<Record<string, string>>,
): Promise<void> => {
  await requireMaven();
  const settings = Object.entries(properties).map(([key, value]) => `-D${key}=${value}`);
  await run('mvn', ['-q', '-B', '-f', pom, ...settings, `-DoutputDirectory=${directory}`, 'dependency:copy-dependencies']);
};
