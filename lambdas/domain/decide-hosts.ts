import type { FleetSeen } from '../gateways/aws/fleet.port';

/** Hosts that the cluster's jobs and spare slots need (`domain/capacity`). */
export interface HostsNeeded {
  readonly hosts: number;
  readonly reason: string;
}

export type CapacityAction =
  | { readonly kind: 'none' }
  /** Lets the group want this many. Only ever used where no host would be ended by it: which one the group picks is not ours to say. */
  | { readonly kind: 'set'; readonly hosts: number }
  | { readonly kind: 'terminate'; readonly instanceIds: readonly string[] };

export interface CapacityDecision {
  readonly action: CapacityAction;
  readonly reason: string;
}

/** More hosts, when more are needed than wanted now. */
export const decideGrowth = (seen: FleetSeen, needed: HostsNeeded): CapacityDecision => {
  if (seen.wanted.taskmanager >= needed.hosts)
    return { action: { kind: 'none' }, reason: `${needed.reason}; ${seen.wanted.taskmanager} are wanted already` };
  return { action: { kind: 'set', hosts: needed.hosts }, reason: `${needed.reason}; ${seen.wanted.taskmanager} were wanted` };
};

/**
 * Fewer hosts: wishes that EC2 has not granted first, then idle hosts, oldest first, never one with an occupied slot.
 * @param busyAddresses addresses of TaskManagers with an occupied slot
 */
export const decideShrink = (seen: FleetSeen, needed: HostsNeeded, busyAddresses: readonly string[]): CapacityDecision => {
  const busy = new Set(busyAddresses);
  const staying = seen.hosts.filter((host) => host.role === 'taskmanager' && host.state !== 'leaving');
  if (seen.wanted.taskmanager <= needed.hosts) return { action: { kind: 'none' }, reason: `${needed.reason}; none too many` };
  if (seen.wanted.taskmanager > staying.length) {
    const hosts = Math.max(needed.hosts, staying.length);
    return {
      action: { kind: 'set', hosts },
      reason: `${needed.reason}; ${seen.wanted.taskmanager} were wanted, ${staying.length} are there`,
    };
  }
  const idle = staying
    .filter((host) => ![host.address, ...(host.addresses ?? [])].some((address) => address !== undefined && busy.has(address)))
    .sort((a, b) => (a.launchedAt ?? '').localeCompare(b.launchedAt ?? ''));
  const instanceIds = idle.slice(0, seen.wanted.taskmanager - needed.hosts).map((host) => host.instanceId);
  if (instanceIds.length === 0) return { action: { kind: 'none' }, reason: `${needed.reason}; every host has an occupied slot` };
  return { action: { kind: 'terminate', instanceIds }, reason: `${needed.reason}; ${instanceIds.join(', ')} had no occupied slot` };
};
