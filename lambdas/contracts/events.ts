import * as z from 'zod';
import { instanceId, instant } from './names';

/** CloudWatch writes the offset without a colon: 2019-10-02T17:04:40.989+0000. */
const cloudWatchInstant = z
  .string()
  .max(40)
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})$/)
  .transform((text, context) => {
    const at = new Date(text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
    if (!Number.isNaN(at.getTime())) return at.toISOString();
    context.addIssue({ code: 'custom', message: 'is no instant' });
    return z.NEVER;
  });

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html */
export const alarmChangedEvent = z.object({
  source: z.literal('aws.cloudwatch'),
  'detail-type': z.literal('CloudWatch Alarm State Change'),
  detail: z.object({
    alarmName: z.string().max(255),
    state: z.object({
      value: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']),
      reason: z.string().default(''),
      timestamp: cloudWatchInstant,
    }),
  }),
});
export type AlarmChanged = z.infer<typeof alarmChangedEvent>['detail'];

/** https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-arc-zonal-shift.html: begun, and over. A practice run is nothing that AWS has against a zone. */
export const SHIFT_BEGUN = ['Autoshift In Progress', 'FIS Experiment Autoshift In Progress'] as const;
export const SHIFT_OVER = ['Autoshift Completed', 'FIS Experiment Autoshift Completed', 'FIS Experiment Autoshift Canceled'] as const;

/** https://docs.aws.amazon.com/r53recovery/latest/dg/eventbridge-zonal-autoshift.html; `awayFrom` is the id of a zone, such as use1-az2. */
export const zoneShiftEvent = z
  .object({
    source: z.literal('aws.arc-zonal-shift'),
    'detail-type': z.enum([...SHIFT_BEGUN, ...SHIFT_OVER]),
    time: z.iso.datetime(),
    detail: z.object({ metadata: z.object({ awayFrom: z.string().max(40) }) }),
  })
  .transform(({ 'detail-type': says, time, detail }) => ({
    zoneId: detail.metadata.awayFrom,
    says,
    saidAt: new Date(time).toISOString(),
    over: (SHIFT_OVER as readonly string[]).includes(says),
  }));
export type ZoneShift = z.infer<typeof zoneShiftEvent>;

/** What AWS said last of its traffic and a zone of the stage, as stored. */
export const shiftedZone = z.object({
  zone: z.string(),
  says: z.string(),
  /** Time of the event. */
  saidAt: instant,
  /** When it came to be known here. */
  heardAt: instant,
  /** Traffic goes there again. */
  over: z.boolean(),
});
export type ShiftedZone = z.infer<typeof shiftedZone>;

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html */
export const instanceStateEvent = z.object({
  source: z.literal('aws.ec2'),
  'detail-type': z.literal('EC2 Instance State-change Notification'),
  detail: z.object({ 'instance-id': instanceId, state: z.enum(['pending', 'running']) }),
});

/** The same of one that has ended, or stopped, which its group takes for an end. While it still shuts down its network interface is in use, and another host could not have it. */
export const HOST_ENDS = ['stopped', 'terminated'] as const;
export const instanceEndEvent = instanceStateEvent.extend({
  detail: z.object({ 'instance-id': instanceId, state: z.enum(HOST_ENDS) }),
});

/** https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html */
export const launchFailedEvent = z.object({
  source: z.literal('aws.autoscaling'),
  'detail-type': z.literal('EC2 Instance Launch Unsuccessful'),
  detail: z.object({ AutoScalingGroupName: z.string().max(255), StatusMessage: z.string().optional(), Cause: z.string().optional() }),
});
export type LaunchFailed = z.infer<typeof launchFailedEvent>['detail'];
