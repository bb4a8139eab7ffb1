import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Directory that every clone on this machine shares: large downloads and what is built from them. */
export const cacheDirectory = (environment: NodeJS.ProcessEnv = process.env): string =>
  join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice');

/** A build that nobody published after this long was left by a crash. */
const abandonedAfterMs = 6 * 3_600_000;

/**
 * Returns the cached directory called `key`, building it when it is not there.
 *
 * The build works in a directory of its own and is published by one `symlink` call, so a half-made result is never seen and two
 * builds at once do not disturb each other: the first to finish wins. (A link, not a rename, because a Python environment
 * writes its own path into its scripts.)
 *
 * @param key names the content completely: versions and a hash of what it is made from
 * @param build fills the empty directory that it is given
 */
export const cached = async (key: string, build: (directory: string) => Promise<void>, directory = cacheDirectory()): Promise<string> => {
  const published = join(directory, key);
  if (existsSync(published)) return published;
  await mkdir(directory, { recursive: true });
  await rm(published, { force: true }); // A link whose target somebody deleted.
  await removeAbandoned(directory);
  const name = `${key}.${randomBytes(4).toString('hex')}.d`;
  const own = join(directory, name);
  await mkdir(own);
  try {
    await build(own);
    await symlink(name, published);
    return published;
  } catch (error) {
    await rm(own, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && existsSync(published)) return published;
    throw error;
  }
};

const removeAbandoned = async (directory: string): Promise<void> => {
  const { readlink } = await import('node:fs/promises');
  const names = await readdir(directory);
  const targets = new Set(
    await Promise.all(names.filter((name) => !name.endsWith('.d')).map((name) => readlink(join(directory, name)).catch(() => ''))),
  );
  for (const name of names.filter((candidate) => candidate.endsWith('.d') && !targets.has(candidate))) {
    const { mtimeMs } = await stat(join(directory, name)).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > abandonedAfterMs) await rm(join(directory, name), { recursive: true, force: true });
  }
};
