import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { ArtifactMissing, AwsUnavailable } from '../../contracts/errors';
import type { ArtifactsPort } from './artifacts.port';
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

interface Checkpoint {
  readonly location: string;
  readonly number: number;
  readonly takenAt: string;
}

export const createArtifacts = ({ client }: { readonly client: S3Client }): ArtifactsPort => {
  const open = async (uri: string): Promise<Readable | undefined> => {
    try {
      const { Body } = await client.send(new GetObjectCommand(locationOf(uri)));
      return Body && Readable.from(unbroken(Body as Readable, uri), { objectMode: false });
    } catch (error) {
      if (isUnreadable(error)) return undefined;
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

  const modifiedAt = async (uri: string): Promise<string | undefined> => (await headOf(uri))?.LastModified?.toISOString();

  /** Only the names on one level: a job's `shared/` may hold thousands of files. */
  const directoriesIn = async (bucket: string, prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { CommonPrefixes = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix, Delimiter: '/' }))
      for (const { Prefix } of CommonPrefixes) if (Prefix !== undefined) found.push(Prefix);
    return found;
  };

  /** The highest number that is complete; numbers of one start rise with time, those of two starts cannot be compared. */
  const newestOf = async (bucket: string, start: string): Promise<Checkpoint | undefined> => {
    const checkpoints = (await directoriesIn(bucket, `${start}chk-`))
      .flatMap((prefix) => {
        const number = /\/chk-(\d+)\/$/.exec(prefix)?.[1];
        return number === undefined ? [] : [{ location: `s3://${bucket}/${prefix.slice(0, -1)}`, number: Number(number) }];
      })
      .sort((a, b) => b.number - a.number);
    for (const checkpoint of checkpoints) {
      const takenAt = await modifiedAt(`${checkpoint.location}/_metadata`);
      if (takenAt !== undefined) return { ...checkpoint, takenAt };
    }
    return undefined;
  };

  return {
    async size(uri) {
      const head = await headOf(uri);
      return head && (head.ContentLength ?? 0);
    },

    modifiedAt,

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

    async getText(uri) {
      const body = await open(uri);
      if (!body) return undefined;
      return text(body);
    },

    async latestCheckpoint(bucket, directory) {
      const starts = await directoriesIn(bucket, asDirectory(directory));
      const found = await Promise.all(starts.map((start) => newestOf(bucket, start)));
      const newest = found.flatMap((one) => one ?? []).sort((a, b) => b.takenAt.localeCompare(a.takenAt) || b.number - a.number)[0];
      return newest && { location: newest.location, takenAt: newest.takenAt };
    },

    async deletePrefix(bucket, prefix) {
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: asDirectory(prefix) })) {
        const keys = Contents.flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }]));
        if (keys.length === 0) continue;
        const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys, Quiet: true } }));
        const [first] = Errors;
        if (first)
          throw new AwsUnavailable(
            `${Errors.length} objects below s3://${bucket}/${prefix} were not deleted: ${first.Code}: ${first.Message}`,
          );
      }
    },
  };
};

/** The SDK retries until the first byte; a body that breaks off or stands still behind it is for the workflow to try again. */
async function* unbroken(body: Readable, uri: string): AsyncGenerator<Uint8Array> {
  try {
    yield* body as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new AwsUnavailable(`${uri} broke off while it was read: ${(error as Error).message}`, { cause: error });
  }
}

/** S3 knows no directories: without the slash, `jobs/a` would also mean `jobs/ab`. */
const asDirectory = (prefix: string): string => {
  if (!/[^/]/.test(prefix)) throw new Error('An empty prefix means the whole bucket, which is never meant');
  return prefix.endsWith('/') ? prefix : `${prefix}/`;
};
