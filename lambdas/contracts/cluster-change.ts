import * as z from 'zod';

/** When a changed setting counts. */
const takesEffect = z.enum(['now', 'next-hosts', 'next-move', 'next-epoch']);
export type TakesEffect = z.infer<typeof takesEffect>;

export const WHEN: Readonly<Record<TakesEffect, string>> = {
  now: 'at once',
  'next-hosts': 'when hosts are wanted or given back next',
  'next-move': 'with the next move of the cluster',
  'next-epoch': 'for hosts that are made for a move from now on, not for those that run or stand by already',
};

/**
 * Settings that are read where they are used, each time, so that a change of what is stored is all that it takes. What hosts are made of is in launch templates
 * and Auto Scaling groups, which are made once an epoch: these change with the next.
 */
export const CHANGEABLE = {
  'placement.failover.automatic': 'now',
  'placement.failover.zones': 'next-move',
  'placement.failover.objectiveSeconds': 'next-move',
  'placement.failover.capacity': 'now',
  'placement.failover.volumeSnapshots': 'next-move',
  'placement.failBack': 'now',
  drill: 'now',
  observation: 'now',
  'overrides.taskManagers.max': 'next-hosts',
  'overrides.jobManager.instanceTypes': 'next-epoch',
  'purchase.spotPercent': 'next-epoch',
  'purchase.instanceTypes': 'next-epoch',
} as const satisfies Readonly<Record<string, TakesEffect>>;
export type ChangeableSetting = keyof typeof CHANGEABLE;

export const clusterSettingChange = z.object({
  field: z.enum(Object.keys(CHANGEABLE) as [ChangeableSetting, ...ChangeableSetting[]]).describe('As in `placement.failover.zones`'),
  from: z.unknown().optional().describe('Absent: not set, the default counted'),
  to: z.unknown().optional().describe('Absent: not set, the default counts'),
  takesEffect: takesEffect.describe(
    `When it counts. ${Object.entries(WHEN)
      .map(([key, when]) => `${key}: ${when}`)
      .join('; ')}`,
  ),
});
export type ClusterSettingChange = z.infer<typeof clusterSettingChange>;
