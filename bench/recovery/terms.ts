import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';

interface Term {
  readonly term: number;
  readonly address: string;
}

/** Who leads, as the JobManagers have it from each other (`tools/artifacts/ha`, Terms.java). Undefined while there is nobody. */
export const newestTerm = async (s3: S3Client, bucket: string, recovery: string): Promise<Term | undefined> => {
  const prefix = `${recovery}/leaders/`;
  const { CommonPrefixes = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, Delimiter: '/' }));
  const newest = CommonPrefixes.map(({ Prefix = '' }) => Prefix.slice(prefix.length, -1))
    .sort()
    .at(-1);
  if (newest === undefined) return undefined;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `${prefix}${newest}/leader` }));
  const [address = ''] = ((await Body?.transformToString()) ?? '').split('\n');
  return { term: Number(newest), address };
};
