import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { AwsUnavailable } from '../../contracts/errors';
import { timeFor } from '../time-left';
import { translated } from './aws-errors';

/** First try and two more. Where they would take longer than the function has, the call is given up before (`givenUpInTime`). */
const MAX_ATTEMPTS = 3;
/** A connection inside a region is made in milliseconds; seconds mean that the way is blocked. */
const CONNECTION_TIMEOUT_MS = 2_000;
/** Control APIs (EC2, Auto Scaling, IAM) answer within one or two seconds, now and then in five. */
const REQUEST_TIMEOUT_MS = 10_000;
/** CloudWatch takes three changes of alarms a second of an account; six tries wait some eight seconds together. */
const ALARM_ATTEMPTS = 6;
/** DynamoDB answers in milliseconds: a fresh try helps more than patience. */
const TABLE_REQUEST_TIMEOUT_MS = 3_000;

/** A body that stands still for this long is given up. Whoever reads it may be slow too: a JobManager that takes a large jar, for instance. */
const IDLE_TIMEOUT_MS = 20_000;

const settings = (requestTimeout = REQUEST_TIMEOUT_MS) => ({
  maxAttempts: MAX_ATTEMPTS,
  // Without throwOnRequestTimeout the SDK only writes a warning when the time is over.
  requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, requestTimeout, throwOnRequestTimeout: true, socketTimeout: IDLE_TIMEOUT_MS },
});

/** The part of every SDK client's middleware stack that is used here; their own types differ by service. */
interface WithMiddleware {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: never) => Promise<never>,
        context: { readonly clientName?: string; readonly commandName?: string },
      ) => (args: never) => Promise<never>,
      options: { readonly step: 'initialize'; readonly priority: 'high'; readonly name: string },
    ): void;
  };
}

interface Sends {
  send(command: object, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>;
}

/** A call whose answer the function would not live to see is aborted, with its further tries, and fails as any other that AWS does not answer. */
const givenUpInTime = <C>(client: C): C => {
  const sends = client as Sends;
  const send = sends.send.bind(client);
  sends.send = async (command, options = {}) => {
    const ms = timeFor(Number.POSITIVE_INFINITY);
    if (ms === Number.POSITIVE_INFINITY) return send(command, options);
    const what = command.constructor.name;
    if (ms === 0) throw new AwsUnavailable(`${what}: not asked, the time of the function is over`);
    const over = new AbortController();
    const { abortSignal } = options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new AwsUnavailable(`${what}: no answer in the time of the function`));
        over.abort();
      }, ms);
    });
    try {
      return await Promise.race([
        send(command, { ...options, abortSignal: abortSignal ? AbortSignal.any([abortSignal, over.signal]) : over.signal }),
        late,
      ]);
    } finally {
      clearTimeout(timer);
    }
  };
  return client;
};

const translating = <C>(client: C): C => {
  (client as WithMiddleware).middlewareStack.add(
    (next, context) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        throw translated(error, context.commandName ?? 'AWS');
      }
    },
    { step: 'initialize', priority: 'high', name: 'translateErrors' },
  );
  return client;
};

const ready = <C>(client: C): C => givenUpInTime(translating(client));

/*
 * One factory a service: a function's bundle then holds only the SDKs it uses. Region, credentials and endpoint are the SDK's own business
 * (environment of the function). Call them at module level, so that warm invocations reuse connections.
 */
export const autoScalingClient = (): AutoScalingClient => ready(new AutoScalingClient(settings()));
export const cloudWatchClient = (): CloudWatchClient => ready(new CloudWatchClient(settings()));
/** For changes of alarms: where many jobs start at once, calls go at the rate that CloudWatch takes. */
export const alarmsClient = (): CloudWatchClient =>
  ready(new CloudWatchClient({ ...settings(), retryMode: 'adaptive', maxAttempts: ALARM_ATTEMPTS }));
export const ec2Client = (): EC2Client => ready(new EC2Client(settings()));
export const iamClient = (): IAMClient => ready(new IAMClient(settings()));
export const s3Client = (): S3Client => ready(new S3Client(settings()));
export const sfnClient = (): SFNClient => ready(new SFNClient(settings()));
export const tableClient = (): DynamoDBDocumentClient =>
  givenUpInTime(
    DynamoDBDocumentClient.from(translating(new DynamoDBClient(settings(TABLE_REQUEST_TIMEOUT_MS))), {
      marshallOptions: { removeUndefinedValues: true },
    }),
  );
