import { Readable } from 'node:stream';
import { ArtifactMissing } from '../../lambdas/contracts/errors';
import type { ArtifactsPort, StoredObject as Listed } from '../../lambdas/gateways/aws/artifacts.port';
import { type Faults, withFaults } from './faults';

interface StoredObject {
  readonly size: number;
  readonly content: () => Iterable<Buffer>;
  readonly modifiedAt: Date;
}

class InMemoryArtifacts implements ArtifactsPort {
  private readonly objects = new Map<string, StoredObject>();

  constructor(private readonly now: () => Date) {}

  /** Puts an object as some other program would. `content` may be a size in bytes: that many zeros, never whole in memory. */
  async put(uri: string, content: string | Buffer | number, at: Date = this.now()): Promise<void> {
    // S3 tells whole seconds.
    const modifiedAt = new Date(Math.floor(at.getTime() / 1_000) * 1_000);
    if (typeof content === 'number') {
      this.objects.set(uri, { size: content, content: () => zeros(content), modifiedAt });
      return;
    }
    const body = Buffer.from(content as string);
    this.objects.set(uri, { size: body.byteLength, content: () => [body], modifiedAt });
  }

  remove(uri: string): void {
    this.objects.delete(uri);
  }

  /** Every URI there is, sorted. */
  uris(): readonly string[] {
    return [...this.objects.keys()].sort();
  }

  async size(uri: string): Promise<number | undefined> {
    return this.objects.get(uri)?.size;
  }

  async modifiedAt(uri: string): Promise<string | undefined> {
    return this.objects.get(uri)?.modifiedAt.toISOString();
  }

  async open(uri: string): Promise<Readable> {
    const found = this.objects.get(uri);
    if (!found) throw new ArtifactMissing(`${uri} does not exist or may not be read`);
    return Readable.from(found.content());
  }

  async putText(bucket: string, key: string, text: string): Promise<string> {
    const uri = `s3://${bucket}/${key}`;
    this.put(uri, text);
    return uri;
  }

  async copy(from: string, to: string): Promise<boolean> {
    const found = this.objects.get(from);
    if (found) this.objects.set(to, { ...found, modifiedAt: new Date(Math.floor(this.now().getTime() / 1_000) * 1_000) });
    return found !== undefined;
  }

  async getText(uri: string): Promise<string | undefined> {
    const found = this.objects.get(uri);
    return found && Buffer.concat([...found.content()]).toString('utf8');
  }

  async read(uri: string, firstBytes?: number): Promise<Buffer | undefined> {
    const found = this.objects.get(uri);
    return found && Buffer.concat([...found.content()]).subarray(0, firstBytes);
  }

  async list(bucket: string, parent: string): Promise<readonly Listed[]> {
    const below = directory(bucket, parent);
    return this.uris().flatMap((uri) => {
      const found = this.objects.get(uri);
      if (!found || !uri.startsWith(below)) return [];
      return { key: uri.slice(`s3://${bucket}/`.length), sizeBytes: found.size, modifiedAt: found.modifiedAt.toISOString() };
    });
  }

  async directories(bucket: string, parent: string): Promise<readonly string[]> {
    const below = directory(bucket, parent);
    const names = this.uris().flatMap((uri) => (uri.startsWith(below) ? (/^([^/]*)\//.exec(uri.slice(below.length))?.[1] ?? []) : []));
    return [...new Set(names)];
  }

  async deleteObjects(bucket: string, keys: readonly string[]): Promise<void> {
    for (const key of keys) this.objects.delete(`s3://${bucket}/${key}`);
  }

  async deletePrefix(bucket: string, prefix: string): Promise<void> {
    const below = directory(bucket, prefix);
    for (const uri of this.uris()) if (uri.startsWith(below)) this.objects.delete(uri);
  }
}

const directory = (bucket: string, prefix: string): string => {
  if (!/[^/]/.test(prefix)) throw new Error('An empty prefix means the whole bucket, which is never meant');
  return `s3://${bucket}/${prefix.endsWith('/') ? prefix : `${prefix}/`}`;
};

function* zeros(size: number): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024);
  for (let left = size; left > 0; left -= chunk.byteLength) yield left < chunk.byteLength ? chunk.subarray(0, left) : chunk;
}

export type FakeArtifacts = InMemoryArtifacts & Faults<ArtifactsPort>;
export const createFakeArtifacts = (now: () => Date = () => new Date()): FakeArtifacts =>
  withFaults(new InMemoryArtifacts(now)) as FakeArtifacts;
