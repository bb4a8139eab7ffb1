import { OWN_ARTIFACTS, type Stage } from '../contracts/stage';
import { clusterPrefix } from './state-paths';

type Buckets = Pick<Stage, 'artifactBucket' | 'stateBucket'>;

/*
 * The control plane reads with its own rights, which are more than its callers': a caller who may use one cluster must not have it read, run or
 * restore what belongs to another (https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html).
 */

/** @returns why a cluster's job may not be run from this jar; undefined when it may */
export const jarPlaceProblem = (uri: string, cluster: string, { artifactBucket, stateBucket }: Buckets): string | undefined => {
  if (!isPlain(uri)) return NOT_PLAIN;
  if (isBelow(uri, stateBucket, `${clusterPrefix(cluster)}/`)) return undefined;
  if (isBelow(uri, artifactBucket, '') && !isBelow(uri, artifactBucket, OWN_ARTIFACTS)) return undefined;
  return `must be in s3://${artifactBucket}/ (not below ${OWN_ARTIFACTS}) or below s3://${stateBucket}/${clusterPrefix(cluster)}/`;
};

/** @returns why a cluster's job may not be restored from there; undefined when it may */
export const savepointPlaceProblem = (uri: string, cluster: string, { stateBucket }: Buckets): string | undefined => {
  if (!isPlain(uri)) return NOT_PLAIN;
  if (isBelow(uri, stateBucket, `${clusterPrefix(cluster)}/`)) return undefined;
  return `must be below s3://${stateBucket}/${clusterPrefix(cluster)}/: nodes of a cluster can read no other state`;
};

const NOT_PLAIN = 'must not have empty parts, "." or ".." in its key';

/** S3 takes a key as it is, and Flink resolves the dots in it: both must mean the same object. */
const isPlain = (uri: string): boolean =>
  uri
    .replace(/^s3:\/\//, '')
    .replace(/\/$/, '')
    .split('/')
    .every((part) => !['', '.', '..'].includes(part));

const isBelow = (uri: string, bucket: string, prefix: string): boolean => uri.startsWith(`s3://${bucket}/${prefix}`);
