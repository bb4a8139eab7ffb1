import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { ArtifactMissing, AwsUnavailable } from '../../contracts/errors';
import { timeFor } from '../time-left';
import type { ArtifactsPort, StoredObject } from './artifacts.port';
import { hasCode } from './aws-errors';

/** S3 answers 404 for what is not there, and 403 for what may not be read or (without ListBucket) is not there either. HEAD has no body, so its codes are bare numbers. */
const isUnreadable = (error: unknown): boolean =>
  hasCode(error, 'NotFound', 'NoSuchKey', 'NoSuchBucket', 'Forbidden', 'AccessDenied', '403', '404') ||
  [403, 404].includes((error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0);

interface S3Location {
  readonly Bucket: string;
  readonly Key: string;
}
const locationOf = (uri: string): S3Location => {
  const match = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri);
  if (!match) throw new ArtifactMissing(`${uri} is not an S3 location (s3://bucket/key)`);
  return { Bucket: match[1] as string, Key: match[2] as string };
};

/** What one DeleteObjects takes. */
const DELETED_AT_ONCE = 1_000;

export const createArtifacts = ({ client }: { readonly client: S3Client }): ArtifactsPort => {
  const open = async (uri: string, firstBytes?: number): Promise<Readable | undefined> => {
    const range = firstBytes === undefined ? {} : { Range: `bytes=0-${firstBytes - 1}` };
    try {
      const { Body } = await client.send(new GetObjectCommand({ ...locationOf(uri), ...range }));
      return Body && Readable.from(unbroken(Body as Readable, uri), { objectMode: false });
    } catch (error) {
      // 416: the object is empty, so it has no first byte.
      if (hasCode(error, 'InvalidRange')) return Readable.from([]);
      if (error instanceof ArtifactMissing || isUnreadable(error)) return undefined;
      throw error;
    }
  };

  const headOf = async (uri: string): Promise<HeadObjectCommandOutput | undefined> => {
    try {
      return await client.send(new HeadObjectCommand(locationOf(uri)));
    } catch (error) {
      if (error instanceof ArtifactMissing || isUnreadable(error)) return undefined;
      throw error;
    }
  };

  const deleteObjects = async (bucket: string, keys: readonly string[]): Promise<void> => {
    for (let from = 0; from < keys.length; from += DELETED_AT_ONCE) {
      const Objects = keys.slice(from, from + DELETED_AT_ONCE).map((Key) => ({ Key }));
      const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }));
      const [first] = Errors;
      if (first)
        throw new AwsUnavailable(
          `${Errors.length} objects such as s3://${bucket}/${first.Key} were not deleted: ${first.Code}: ${first.Message}`,
        );
    }
  };

  return {
    async size(uri) {
      const head = await headOf(uri);
      return head && (head.ContentLength ?? 0);
    },

    async modifiedAt(uri) {
      return (await headOf(uri))?.LastModified?.toISOString();
    },

    async open(uri) {
      const body = await open(uri);
      if (!body) throw new ArtifactMissing(`${uri} does not exist or may not be read`);
      return body;
    },

    async putText(bucket, key, content) {
      await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(content, 'utf8'), ContentType: 'text/plain; charset=utf-8' }),
      );
      return `s3://${bucket}/${key}`;
    },

    async put(uri, content) {
      await client.send(new PutObjectCommand({ ...locationOf(uri), Body: content }));
    },

    async copy(from, to) {
      const { Bucket, Key } = locationOf(from);
      const CopySource = `${Bucket}/${Key.split('/').map(encodeURIComponent).join('/')}`;
      try {
        await client.send(new CopyObjectCommand({ ...locationOf(to), CopySource }));
        return true;
      } catch (error) {
        // The control plane may list the bucket, so what is not there is not forbidden.
        if (hasCode(error, 'NoSuchKey', 'NotFound')) return false;
        throw error;
      }
    },

    async getText(uri) {
      const body = await open(uri);
      if (!body) return undefined;
      return text(body);
    },

    async read(uri, firstBytes) {
      const body = await open(uri, firstBytes);
      return body && buffer(body);
    },

    async list(bucket, directory) {
      const found: StoredObject[] = [];
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: asDirectory(directory) }))
        for (const { Key, Size, LastModified } of Contents)
          if (Key !== undefined && LastModified) found.push({ key: Key, sizeBytes: Size ?? 0, modifiedAt: LastModified.toISOString() });
      return found;
    },

    async directories(bucket, directory) {
      const Prefix = asDirectory(directory);
      const found: string[] = [];
      for await (const { CommonPrefixes = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix, Delimiter: '/' }))
        for (const one of CommonPrefixes) if (one.Prefix !== undefined) found.push(one.Prefix.slice(Prefix.length, -1));
      return found;
    },

    deleteObjects,

    async deletePrefix(bucket, prefix) {
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: asDirectory(prefix) }))
        await deleteObjects(
          bucket,
          Contents.flatMap(({ Key }) => Key ?? []),
        );
    },
  };
};

/** The SDK retries until the first byte; a body that breaks off or stands still behind it, or comes too late, is for the workflow to try again. */
async function* unbroken(body: Readable, uri: string): AsyncGenerator<Uint8Array> {
  const ms = timeFor(Number.POSITIVE_INFINITY);
  const giveUp = (): void => void body.destroy(new Error('the time of the function is over'));
  const late = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(giveUp, ms);
  try {
    yield* body as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new AwsUnavailable(`${uri} broke off while it was read: ${(error as Error).message}`, { cause: error });
  } finally {
    clearTimeout(late);
  }
}

/** S3 knows no directories: without the slash, `jobs/a` would also mean `jobs/ab`. */
const asDirectory = (prefix: string): string => {
  if (!/[^/]/.test(prefix)) throw new Error('An empty prefix means the whole bucket, which is never meant');
  return prefix.endsWith('/') ? prefix : `${prefix}/`;
};
