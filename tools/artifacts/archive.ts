import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { CommandFailed, run } from './machine';

export interface Archive {
  readonly file: string;
  /** Of the whole archive, hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Packs a directory's content (without the directory itself) as .tar.gz. Level 1, because jars are compressed already: the level
 * changes the time by ten and the size by a percent.
 */
export const pack = async (directory: string, file: string): Promise<Archive> => {
  const tar = spawn('tar', ['-cf', '-', '-C', directory, '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(tar, 'close');
  const hash = createHash('sha256');
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(tar.stdout, createGzip({ level: 1 }), measure, createWriteStream(file));
  const [code] = await ended;
  if (code !== 0) throw new CommandFailed(`tar of ${directory} ended with ${code}`);
  return { file, sha256: hash.digest('hex'), bytes };
};

/** A Java runtime as a node unpacks it: `bin/java` at the top, without the vendor's folder. */
export interface JavaRuntime {
  readonly directory: string;
  /** As `uname -m` says it on a node. */
  readonly architecture: 'x86_64' | 'aarch64';
  readonly version: string;
}

/**
 * Unpacks a vendor's JDK or JRE archive (Corretto, Temurin: .tar.gz with one folder in it) into `work`.
 * @throws Error saying what is wrong with the file
 */
export const unpackJava = async (file: string, work: string): Promise<JavaRuntime> => {
  const directory = join(work, 'java');
  await mkdir(directory, { recursive: true });
  await run('tar', ['-xzf', file, '-C', directory]);
  const [only, ...others] = await readdir(directory);
  if (only !== undefined && others.length === 0 && only !== 'bin') {
    await rename(join(directory, only), join(work, 'java-inner'));
    await rm(directory, { recursive: true });
    await rename(join(work, 'java-inner'), directory);
  }
  const release = await readFile(join(directory, 'release'), 'utf8').catch(() => {
    throw new Error(`${file} does not look like a Java runtime for Linux: it has no file named release`);
  });
  const value = (key: string): string => new RegExp(`^${key}="?([^"\n]*)`, 'm').exec(release)?.[1] ?? '';
  const architecture = { x86_64: 'x86_64', amd64: 'x86_64', aarch64: 'aarch64', arm64: 'aarch64' }[value('OS_ARCH')];
  if (value('OS_NAME') !== 'Linux' || architecture === undefined)
    throw new Error(`${file} is Java for ${value('OS_NAME')} on ${value('OS_ARCH')}; nodes need Linux on x86_64 or aarch64`);
  if (value('LIBC') === 'musl') throw new Error(`${file} is Java for Alpine Linux (musl); nodes have glibc`);
  const version = value('JAVA_VERSION');
  const major = Number.parseInt(version, 10);
  // From 24 on there is no security manager, without which a program's System.exit ends the process: https://openjdk.org/jeps/486
  if (!(major >= 17 && major < 24)) throw new Error(`${file} is Java ${version}; Flink needs 17 to 23`);
  return { directory, architecture: architecture as JavaRuntime['architecture'], version };
};
