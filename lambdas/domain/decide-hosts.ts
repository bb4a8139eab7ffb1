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
  /** `replacedIds`: others come in their place. */
  | { readonly kind: 'terminate'; readonly instanceIds: readonly string[]; readonly replacedIds: readonly string[] };

export interface CapacityDecision {
  readonly action: CapacityAction;
  readonly reason: string;
}

/** Hosts that an operation may end: TaskManager hosts that are not on their way out already. */
type Host = FleetSeen['hosts'][number];
const staying = (seen: FleetSeen): readonly Host[] => seen.hosts.filter((host) => host.role === 'taskmanager' && host.state !== 'leaving');
/** A marked host gives no slots that can be counted on: it is being emptied, or EC2 will take it. */
const isMarked = (host: Host): boolean => host.marks !== undefined;
const addressesOf = (host: Host): readonly string[] => [
  ...new Set([host.address, ...(host.addresses ?? [])].filter((address) => address !== undefined)),
];
const oldestFirst = (a: Host, b: Host): number => (a.launchedAt ?? '').localeCompare(b.launchedAt ?? '');

/** More hosts, when more are needed than wanted now. Those in whose place others must come are wanted besides. */
export const decideGrowth = (seen: FleetSeen, needed: HostsNeeded & { readonly most: number }): CapacityDecision => {
  const marked = staying(seen).filter(isMarked).length;
  const hosts = Math.min(needed.hosts + marked, needed.most);
  const why = marked === 0 ? needed.reason : `${needed.reason}; ${marked} besides while as many are on their way out`;
  if (seen.wanted.taskmanager >= hosts)
    return { action: { kind: 'none' }, reason: `${why}; ${seen.wanted.taskmanager} are wanted already` };
  return { action: { kind: 'set', hosts }, reason: `${why}; ${seen.wanted.taskmanager} were wanted` };
};

/**
 * Fewer hosts: wishes that EC2 has not granted first, then idle hosts: those that are on their way out, then those of the zone with the most hosts, the
 * oldest of them first; never one with an occupied slot, or of which EC2 tells nothing, nor one that is up and needed in place of one that still boots. A host on
 * its way out that is one of those needed is replaced; while its tasks are on it, one is wanted besides.
 * @param busyAddresses addresses of TaskManagers with an occupied slot
 */
export const decideShrink = (seen: FleetSeen, needed: HostsNeeded, busyAddresses: readonly string[]): CapacityDecision => {
  const busy = new Set(busyAddresses);
  const hosts = staying(seen);
  const isBusy = (host: Host): boolean => addressesOf(host).some((address) => busy.has(address));
  const kept = needed.hosts + hosts.filter((host) => host.marks?.leaving !== undefined && isBusy(host)).length;
  const surplus = Math.max(0, seen.wanted.taskmanager - kept);
  const idle = evenly(
    hosts,
    hosts.filter((host) => !host.untold && !isBusy(host)),
  );
  // Not while hosts are still to come: one of them is its replacement.
  const replaced = seen.wanted.taskmanager > hosts.length ? [] : idle.slice(surplus).filter(isMarked);
  if (surplus === 0 && replaced.length === 0) return { action: { kind: 'none' }, reason: `${needed.reason}; none too many` };
  if (seen.wanted.taskmanager > hosts.length && surplus > 0) {
    const wanted = Math.max(kept, hosts.length);
    return {
      action: { kind: 'set', hosts: wanted },
      reason: `${needed.reason}; ${seen.wanted.taskmanager} were wanted, ${hosts.length} are there`,
    };
  }
  const instanceIds = endable(idle, surplus, hosts.filter(isUp).length - needed.hosts).map((host) => host.instanceId);
  const replacedIds = replaced.map((host) => host.instanceId);
  if (instanceIds.length + replacedIds.length === 0)
    return { action: { kind: 'none' }, reason: `${needed.reason}; every host has an occupied slot` };
  return {
    action: { kind: 'terminate', instanceIds, replacedIds },
    reason: [
      needed.reason,
      ...(instanceIds.length > 0 ? [`${instanceIds.join(', ')} had no occupied slot`] : []),
      ...(replacedIds.length > 0 ? [`${replacedIds.join(', ')} had no occupied slot and others come in their place`] : []),
    ].join('; '),
  };
};

/** Whether its slots may be counted on. */
const isUp = (host: Host): boolean => (host.state === 'running' || host.untold === true) && !isMarked(host);

/** As many of these as go, in their order. @param spare hosts that are up beyond those needed */
const endable = (idle: readonly Host[], most: number, spare: number): readonly Host[] => {
  let left = spare;
  return idle.filter((host) => !isUp(host) || left-- > 0).slice(0, most);
};

/** The order in which idle hosts go, so that those that stay are as even over their zones as can be. */
const evenly = (all: readonly Host[], idle: readonly Host[]): readonly Host[] => {
  const inZone = new Map<string, number>();
  for (const { zone } of all) inZone.set(zone, (inZone.get(zone) ?? 0) + 1);
  const left = [...idle];
  const order: Host[] = [];
  while (left.length > 0) {
    const crowd = ({ zone }: Host): number => inZone.get(zone) ?? 0;
    left.sort((a, b) => Number(isMarked(b)) - Number(isMarked(a)) || crowd(b) - crowd(a) || oldestFirst(a, b));
    const next = left.shift() as Host;
    inZone.set(next.zone, crowd(next) - 1);
    order.push(next);
  }
  return order;
};

/** One TaskManager as Flink sees it. */
export interface Worker {
  readonly address: string;
  readonly slots: number;
  readonly free: number;
}
export interface HostToDrain {
  readonly instanceId: string;
  readonly addresses: readonly string[];
}
export interface DrainDecision {
  readonly hosts: readonly HostToDrain[];
  readonly reason: string;
}

/**
 * Hosts to empty so that they can be given back, because Flink's scheduler leaves a smaller job where its state is (docs/adr/0013): those with
 * the fewest occupied slots, the oldest of them first. Only as many as are too many once every idle host is gone, and only while the slots that are
 * free on the hosts that stay take all that is on them and leave the spare ones. The idle hosts that go are emptied with them: a task that moves must
 * not move there. Hosts that somebody began to empty are emptied to the end.
 */
export const decideDrain = (
  seen: FleetSeen,
  needed: HostsNeeded & { readonly spareSlots: number },
  workers: readonly Worker[],
): DrainDecision => {
  const begun = staying(seen).filter((host) => host.marks?.drain !== undefined);
  const byAddress = new Map(workers.map((worker) => [worker.address, worker]));
  const hosts = staying(seen)
    .filter((host) => host.state === 'running' && !isMarked(host))
    .map((host) => {
      const here = addressesOf(host).flatMap((address) => byAddress.get(address) ?? []);
      const free = here.reduce((sum, worker) => sum + worker.free, 0);
      return { host, free, occupied: here.reduce((sum, worker) => sum + worker.slots, 0) - free };
    });
  const idle = hosts.filter(({ occupied }) => occupied === 0);
  const busy = hosts.filter(({ occupied }) => occupied > 0).sort((a, b) => a.occupied - b.occupied || oldestFirst(a.host, b.host));
  const tooMany = hosts.length - needed.hosts - idle.length;
  for (let count = Math.min(tooMany, busy.length - 1); count > 0; count--) {
    const emptied = busy.slice(0, count);
    const moved = emptied.reduce((sum, { occupied }) => sum + occupied, 0);
    const room = busy.slice(count).reduce((sum, { free }) => sum + free, 0);
    if (moved + needed.spareSlots > room) continue;
    const ids = emptied.map(({ host }) => host.instanceId).join(', ');
    return {
      hosts: [...begun, ...[...emptied, ...idle].map(({ host }) => host)].map(toDrain),
      reason: `${needed.reason}; ${ids} can be emptied: ${moved} occupied slots have room among ${room} free ones on the hosts that stay`,
    };
  }
  const because = tooMany <= 0 ? 'idle hosts are all that is too many' : 'the free slots of the others do not take what is on any of them';
  if (begun.length > 0)
    return {
      hosts: begun.map(toDrain),
      reason: `${needed.reason}; ${begun.map((host) => host.instanceId).join(', ')} are being emptied already`,
    };
  return { hosts: [], reason: `${needed.reason}; no host is to be emptied: ${because}` };
};

const toDrain = (host: Host): HostToDrain => ({ instanceId: host.instanceId, addresses: addressesOf(host) });
