import type { ClusterSpec } from '../contracts/cluster';
import { CHANGEABLE, type ChangeableSetting, type ClusterSettingChange, WHEN } from '../contracts/cluster-change';
import { shorten } from './describe-failure';

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7396: a null removes, an object is merged, anything else replaces. */
export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch))
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  return Object.fromEntries(merged);
};

const valueAt = (spec: ClusterSpec, path: string): unknown =>
  path.split('.').reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), spec);

/** With keys in order, so that what is stored and what is parsed can be compared. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  ) ?? 'the default';

/** What is another in a spec than it was, setting by setting. */
export const changesBetween = (before: ClusterSpec, after: ClusterSpec): readonly ClusterSettingChange[] =>
  (Object.keys(CHANGEABLE) as ChangeableSetting[]).flatMap((field) => {
    const [from, to] = [valueAt(before, field), valueAt(after, field)];
    if (textOf(from) === textOf(to)) return [];
    return [{ field, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }), takesEffect: CHANGEABLE[field] }];
  });

/** @returns a sentence that says what was changed from what to what, and when each counts */
export const describeChanges = (changes: readonly ClusterSettingChange[]): string =>
  changes.length === 0
    ? 'All settings were as asked already.'
    : shorten(
        `${changes.map(({ field, from, to, takesEffect }) => `${field} from ${textOf(from)} to ${textOf(to)}, ${WHEN[takesEffect]}`).join('; ')}.`,
      );
