import * as z from 'zod';
import { clusterSpec } from './cluster';
import { CHANGEABLE, type TakesEffect, WHEN } from './cluster-change';

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
