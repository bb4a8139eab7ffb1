import * as z from 'zod';

/**
 * A cluster's or job's name. It becomes part of group names, S3 keys, IAM role names and URLs, so it is
 * restricted to what all of them accept: 2–40 characters of lower-case letters, digits and hyphens.
 */
export const resourceName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,38}[a-z0-9]$/,
    'must be 2 to 40 characters: lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen',
  );

/** What a person reads, perhaps in a terminal: one line, without characters that control it, turn the direction of text or are not seen. */
export const plainText = z
  .string()
  .regex(
    /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]*$/u,
    'must be one line without control characters',
  );

/** A value of a setting: it may have several lines. Flink reads no YAML with any other control character in it. */
export const settingValue = z
  .string()
  .max(4_000)
  .regex(/^(?:[^\p{Cc}\p{Cs}\ufffe\uffff]|[\t\n\r])*$/u, 'must not have control characters other than tabs and line breaks');

export const zoneName = z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be the name of an Availability Zone');

/** DynamoDB keeps no number that is much smaller, and nobody means one. */
export const LEAST_NUMBER = 1e-6;
export const notTiny = (value: number): boolean => value === 0 || Math.abs(value) >= LEAST_NUMBER;
export const TINY = `must be 0, or ${LEAST_NUMBER} at least`;

/** Id of an operation; also the name of its Step Functions execution (80 characters at most there). */
export const operationId = z.string().regex(/^op-[a-z0-9]{26}$/);

/** Flink's JobID: 32 hexadecimal digits. */
export const flinkJobId = z.string().regex(/^[0-9a-f]{32}$/);

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 lower-case hexadecimal digits');

export const s3Uri = z
  .string()
  .max(1_200)
  .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/[^\s\p{Cc}\p{Cf}\p{Cs}]+$/u, 'must look like s3://bucket/key');

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 08:30, UTC');

/** From `from` (included) to `until` (excluded), UTC, over midnight when `until` is the earlier one. */
export const timeWindow = z.strictObject({
  from: timeOfDay.describe('Time of day at which it begins, UTC, such as 07:30'),
  until: timeOfDay.describe('Time of day at which it is over, UTC; on the next day where it is earlier than `from`'),
  days: z.array(z.int().min(0).max(6)).max(7).optional().describe('Days on which it begins, 0 is Sunday. Absent: every day'),
});
export type TimeWindow = z.infer<typeof timeWindow>;

/** Of an EC2 instance. */
export const instanceId = z.string().regex(/^i-[0-9a-z]{1,40}$/);

/** An instant as ISO 8601 in UTC, milliseconds included. */
export const instant = z.iso.datetime();
