import * as z from 'zod';
import { clusterSpec } from './cluster';

/** When a changed setting counts. */
const takesEffect = z.enum(['now', 'next-hosts', 'next-move', 'next-epoch']);
type TakesEffect = z.infer<typeof takesEffect>;

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

const SET_AT_LAUNCH = 'is set when the cluster is launched; for another, terminate the cluster and launch it anew';

const effectOf = (path: string): TakesEffect | undefined =>
  Object.entries(CHANGEABLE).find(([setting]) => path === setting || path.startsWith(`${setting}.`))?.[1];

/** A field without what becomes of it when it is not given: that is the stored spec's. */
const bare = (field: unknown): z.ZodType =>
  field instanceof z.ZodDefault || field instanceof z.ZodPrefault || field instanceof z.ZodOptional
    ? bare(field.unwrap())
    : (field as z.ZodType);

const partsOf = (field: z.ZodType, path: string): readonly (readonly [name: string, path: string, field: z.ZodType])[] =>
  field instanceof z.ZodObject
    ? Object.entries(field.shape as Record<string, z.ZodType>).map(([name, part]) => [name, path === '' ? name : `${path}.${name}`, part])
    : [];

/** How much of a field can be changed: only what can be as a whole can be put back to its default. */
const changeableOf = (field: z.ZodType, path: string): 'all' | 'some' | 'none' => {
  if (effectOf(path) !== undefined) return 'all';
  const parts = partsOf(bare(field), path).map(([, inside, part]) => changeableOf(part, inside));
  if (parts.length > 0 && parts.every((part) => part === 'all')) return 'all';
  return parts.every((part) => part === 'none') ? 'none' : 'some';
};

const patchOf = (schema: z.ZodType, path = ''): z.ZodType => {
  const parts = partsOf(schema, path);
  if (parts.length === 0) return schema;
  return z.strictObject(
    Object.fromEntries(
      parts.map(([name, inside, part]) => {
        const changeable = changeableOf(part, inside);
        if (changeable === 'none') return [name, z.never({ error: SET_AT_LAUNCH }).optional().describe(`It ${SET_AT_LAUNCH}`)];
        const patch = patchOf(bare(part), inside);
        const effect = effectOf(inside);
        const description = `${part.description}${effect === undefined ? '' : `. A change counts ${WHEN[effect]}`}`;
        return [name, (changeable === 'all' ? patch.nullable() : patch).optional().describe(description)];
      }),
    ),
  );
};

/** A JSON merge patch of a cluster's spec (RFC 7396), as far as that can be changed. Its rules between fields are held against the whole spec that it makes. */
export const changeClusterBody = patchOf(clusterSpec) as z.ZodType<Readonly<Record<string, unknown>>>;
