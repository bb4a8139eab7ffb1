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

/** Id of an operation; also the name of its Step Functions execution (80 characters at most there). */
export const operationId = z.string().regex(/^op-[a-z0-9]{26}$/);

/** Flink's JobID: 32 hexadecimal digits. */
export const flinkJobId = z.string().regex(/^[0-9a-f]{32}$/);

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 lower-case hexadecimal digits');

export const s3Uri = z
  .string()
  .max(1_200)
  .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/[^\s]+$/, 'must look like s3://bucket/key');

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 08:30, UTC');

/** From `from` (included) to `until` (excluded), UTC, over midnight when `until` is the earlier one. */
export const timeWindow = z.strictObject({
  from: timeOfDay.describe('Time of day at which it begins, UTC, such as 07:30'),
  until: timeOfDay.describe('Time of day at which it is over, UTC; on the next day where it is earlier than `from`'),
  days: z.array(z.int().min(0).max(6)).optional().describe('Days on which it begins, 0 is Sunday. Absent: every day'),
});
export type TimeWindow = z.infer<typeof timeWindow>;

/** An instant as ISO 8601 in UTC, milliseconds included. */
export const instant = z.iso.datetime();
