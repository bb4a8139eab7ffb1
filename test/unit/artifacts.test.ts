import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack, unpackJava } from '../../tools/artifacts/archive';
import { cached } from '../../tools/artifacts/cache';

let work: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'sluice-test-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

describe('The cache that clones share', () => {
  it('builds a thing once', async () => {
    const build = jest.fn(async (directory: string) => writeFileSync(join(directory, 'a'), '1'));
    const first = await cached('thing-1', build, work);
    expect(await cached('thing-1', build, work)).toBe(first);
    expect(build).toHaveBeenCalledTimes(1);
    expect(readFileSync(join(first, 'a'), 'utf8')).toBe('1');
  });

  it('gives two builds at once the same whole result', async () => {
    const build = (text: string) => async (directory: string) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      writeFileSync(join(directory, 'a'), text);
    };
    const [one, two] = await Promise.all([cached('thing', build('one'), work), cached('thing', build('two'), work)]);
    expect(one).toBe(two);
    expect(['one', 'two']).toContain(readFileSync(join(one, 'a'), 'utf8'));
    expect(readdirSync(work)).toHaveLength(2); // The link and what it points to: the slower build is gone.
  });

  it('keeps nothing of a build that failed', async () => {
    await expect(cached('thing', () => Promise.reject(new Error('no network')), work)).rejects.toThrow('no network');
    expect(readdirSync(work)).toEqual([]);
  });

  it('builds again what somebody deleted behind its link', async () => {
    const build = async (directory: string) => writeFileSync(join(directory, 'a'), '');
    const path = await cached('thing', build, work);
    for (const name of readdirSync(work)) if (name.endsWith('.d')) rmSync(join(work, name), { recursive: true });
    expect(existsSync(path)).toBe(false);
    expect(existsSync(join(await cached('thing', build, work), 'a'))).toBe(true);
  });
});

describe('The archives in the artifact bucket', () => {
  const jdk = (release: string): string => {
    const top = join(work, 'vendor', 'jdk-17');
    mkdirSync(join(top, 'bin'), { recursive: true });
    writeFileSync(join(top, 'bin', 'java'), '');
    writeFileSync(join(top, 'release'), release);
    execFileSync('tar', ['-czf', join(work, 'jdk.tar.gz'), '-C', join(work, 'vendor'), 'jdk-17']);
    return join(work, 'jdk.tar.gz');
  };

  it("state the SHA-256 of what is uploaded, with the directory's content at the top", async () => {
    mkdirSync(join(work, 'image', 'lib'), { recursive: true });
    writeFileSync(join(work, 'image', 'lib', 'a.jar'), 'x');
    const { file, sha256, bytes } = await pack(join(work, 'image'), join(work, 'flink.tar.gz'));
    expect(sha256).toBe(createHash('sha256').update(readFileSync(file)).digest('hex'));
    expect(bytes).toBe(readFileSync(file).length);
    expect(execFileSync('tar', ['-tzf', file], { encoding: 'utf8' })).toContain('./lib/a.jar');
  });

  it("hold Java without the vendor's folder, for the architecture that it is for", async () => {
    const java = await unpackJava(jdk('JAVA_VERSION="17.0.15"\nOS_ARCH="aarch64"\nOS_NAME="Linux"\n'), work);
    expect(java).toMatchObject({ architecture: 'aarch64', version: '17.0.15' });
    expect(existsSync(join(java.directory, 'bin', 'java'))).toBe(true);
  });

  it.each([
    ['for another system', 'JAVA_VERSION="17.0.15"\nOS_ARCH="x86_64"\nOS_NAME="Darwin"\n', /Java for Darwin on x86_64; nodes need Linux/],
    ['too old', 'JAVA_VERSION="11.0.2"\nOS_ARCH="x86_64"\nOS_NAME="Linux"\n', /Java 11.0.2; Flink needs 17 to 23/],
    ['too new for a security manager', 'JAVA_VERSION="25.0.1"\nOS_ARCH="x86_64"\nOS_NAME="Linux"\n', /Java 25.0.1; Flink needs 17 to 23/],
    ['made for musl', 'JAVA_VERSION="17.0.15"\nOS_ARCH="x86_64"\nOS_NAME="Linux"\nLIBC="musl"\n', /nodes have glibc/],
  ])('refuse a Java that is %s', async (_, release, message) => {
    await expect(unpackJava(jdk(release), work)).rejects.toThrow(message);
  });
});
