import type { Stage } from '../../../contracts/stage';
import type { FleetSpec } from '../fleet.port';
import type { Owner, Role } from './context';

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** Tags by which a cluster's things are found again, and by which the control plane's own permissions are limited. */
const ownerTags = (stage: Stage, { cluster, epoch }: Owner): Record<string, string> => ({
  'sluice:stage': stage.name,
  'sluice:cluster': cluster,
  'sluice:epoch': String(epoch),
});

const toList = (tags: Readonly<Record<string, string>>): Tag[] => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** The user's cost allocation tags, ours, and a name. Ours win. */
export const tagsOf = (stage: Stage, spec: FleetSpec, name: string): Tag[] =>
  toList({ ...spec.tags, ...ownerTags(stage, spec), Name: name });

/** Private addresses that a host is to have, where it needs more than one (`host-addresses.ts`). */
export const ADDRESSES_TAG = 'sluice:addresses';

/** What a node reads of itself through instance metadata (node/README.md), beside the tags of everything else. */
export const hostTags = (stage: Stage, spec: FleetSpec, role: Role, name: string): Tag[] => [
  ...tagsOf(stage, spec, name),
  { Key: 'sluice:role', Value: role },
  { Key: 'sluice:config', Value: `s3://${stage.stateBucket}/${spec.configurationPrefix}` },
  ...(role === 'taskmanager' && spec.size.taskManagersPerHost > 1
    ? [{ Key: ADDRESSES_TAG, Value: String(spec.size.taskManagersPerHost) }]
    : []),
];

/** Filters of EC2's Describe calls that find what belongs to one epoch of a cluster. */
export const ownerFilters = (stage: Stage, owner: Owner): { Name: string; Values: string[] }[] =>
  Object.entries(ownerTags(stage, owner)).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));
