import * as z from 'zod';
import { instanceId, instant } from './names';

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html; of stop and hibernate the host is gone just as well. */
const interruption = z
  .object({
    source: z.literal('aws.ec2'),
    'detail-type': z.literal('EC2 Spot Instance Interruption Warning'),
    time: instant.or(z.iso.datetime()),
    detail: z.object({ 'instance-id': instanceId }),
  })
  .transform(({ time, detail }) => ({ notice: 'interruption' as const, time, evidence: undefined, instanceIds: [detail['instance-id']] }));

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html */
const rebalance = z
  .object({
    source: z.literal('aws.ec2'),
    'detail-type': z.literal('EC2 Instance Rebalance Recommendation'),
    time: z.iso.datetime(),
    detail: z.object({ 'instance-id': instanceId }),
  })
  .transform(({ time, detail }) => ({ notice: 'rebalance' as const, time, evidence: undefined, instanceIds: [detail['instance-id']] }));

/**
 * https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html; entities that are no instances are left out. EC2 also plans that an
 * instance stops (`AWS_EC2_INSTANCE_STOP_SCHEDULED`): its group then ends it, so it is no less gone.
 */
const retirement = z
  .object({
    source: z.literal('aws.health'),
    'detail-type': z.literal('AWS Health Event'),
    time: z.iso.datetime(),
    detail: z.object({
      service: z.literal('EC2'),
      eventTypeCode: z.string().regex(/^AWS_EC2_.*INSTANCE_(RETIREMENT|STOP_SCHEDULED|TERMINATION_SCHEDULED)/),
      /** As in `Wed, 6 Jan 2027 09:00:00 GMT`. */
      startTime: z.string().max(60).optional(),
      affectedEntities: z.array(z.object({ entityValue: z.string(), status: z.string().optional() })),
    }),
  })
  .transform(({ time, detail }) => ({
    notice: 'retirement' as const,
    time,
    evidence: [`AWS Health says ${detail.eventTypeCode}`, ...(detail.startTime === undefined ? [] : [`from ${detail.startTime} on`])].join(
      ' ',
    ),
    instanceIds: detail.affectedEntities
      // Health tells of what is over too.
      .filter(({ status }) => status !== 'RESOLVED' && status !== 'UNIMPAIRED')
      .flatMap(({ entityValue }) => instanceId.safeParse(entityValue).data ?? []),
  }));

/** What EC2 says of hosts that it takes, or may take. */
export const hostNotice = z.union([interruption, rebalance, retirement]);
