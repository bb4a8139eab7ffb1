// Runs before anything is installed: plain Node, no dependency. Says what a machine lacks and how to get it; installs the packages of this project.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** First version number a command prints (some print it to stderr), or undefined when the command is not there. */
const versionOf = (command, args) => {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  if (result.error || result.status !== 0) return undefined;
  return /(\d+)\.(\d+)(?:\.(\d+))?/.exec(`${result.stdout}\n${result.stderr}`) ?? undefined;
};
const atLeast = (version, major, minor = 0) => Number(version[1]) > major || (Number(version[1]) === major && Number(version[2]) >= minor);

const TOOLS = [
  {
    name: 'Node.js 20 or newer',
    command: process.execPath,
    args: ['--version'],
    major: 20,
    how: 'https://nodejs.org, or your package manager',
  },
  {
    name: 'Java 17 or newer',
    command: 'java',
    args: ['-version'],
    major: 17,
    how: 'apt install openjdk-17-jre-headless, or https://adoptium.net',
  },
  {
    name: 'Python 3.11 or newer',
    command: 'python3',
    args: ['--version'],
    major: 3,
    minor: 11,
    how: 'apt install python3 python3-venv, or https://www.python.org',
  },
  {
    name: 'Maven 3.6 or newer',
    command: 'mvn',
    args: ['--version'],
    major: 3,
    minor: 6,
    how: 'apt install maven, or https://maven.apache.org',
  },
];

const missing = TOOLS.flatMap(({ name, command, args, major, minor, how }) => {
  const version = versionOf(command, args);
  if (version && atLeast(version, major, minor)) return [];
  return [`  ${name}: ${version ? `${version[0]} is too old` : 'not found'}. Get it: ${how}`];
});
if (missing.length > 0) {
  console.error(`Sluice needs tools that this machine does not have:\n${missing.join('\n')}`);
  process.exit(1);
}

// The lock file as it was installed; a pull that changes it installs again.
const stamp = join(root, 'node_modules', '.sluice-installed');
const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
const hidden = join(root, 'node_modules', '.package-lock.json');
const installedByHand = existsSync(hidden) && statSync(hidden).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
const current = installedByHand || (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock);
if (!current) {
  console.error('Installing packages (npm ci), once …');
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) process.exit(result.status ?? 1);
  writeFileSync(stamp, lock);
}
